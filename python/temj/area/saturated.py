"""Saturated pixels: at the end of the detector's range, where the grey value says nothing any more.

A stretched 8-bit image has many of them in its bright grains, and those are specimen. So only what no specimen looks
like is left out unasked: thin straight streaks. Saturated regions are for ``area=all``.
"""

from __future__ import annotations

import numpy as np

from temj.area.scene import Scene
from temj.opencv import opencv

LONG, THIN = 0.5, 0.01
"""A streak is at least this share of the image's side long and at most this share thick."""
LARGE = 2e-3
"""Least area of a saturated region, as a share of the image."""


PILE = 3.0
"""At the detector's end so many times as many pixels pile up as at the usual grey value above the median: the last
step of a ramp, or of a few counts, has no more than the others."""


def ceiling(pixels: np.ndarray) -> float | None:
    """The value at which the detector ends: the largest one, where a pile of pixels has exactly it; else None."""
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    if not finite.size:
        return None
    top = finite.max()
    pile = np.count_nonzero(finite == top)
    if finite.min() == top or pile < max(16, 2e-4 * finite.size):
        return None
    return float(top) if pile >= PILE * _usual(finite, top) else None


def _usual(values: np.ndarray, top: np.generic) -> float:
    """How many pixels the upper half of the grey values below ``top`` have: the median over those that occur."""
    below = values[values < top]
    _greys, counts = np.unique(below[below >= np.median(below)], return_counts=True)
    return float(np.median(counts))


def streaks(scene: Scene) -> np.ndarray:
    """(h, w) bool: rows and columns (or half of them) that are saturated along thin straight lines."""
    pixels, top = scene.pixels, ceiling(scene.pixels)
    mask = np.zeros(pixels.shape, bool)
    if top is None or min(pixels.shape) < 16:
        return mask
    cv2 = opencv()
    full = (pixels == pixels.dtype.type(top)).astype(np.uint8)
    height, width = pixels.shape
    for line, limit in (((1, int(LONG * width)), THIN * height), ((int(LONG * height), 1), THIN * width)):
        along = cv2.morphologyEx(full, cv2.MORPH_OPEN, np.ones(line, np.uint8))
        if not along.any():
            continue
        _count, labels, stats, _centres = cv2.connectedComponentsWithStats(along, connectivity=4)
        thick = stats[:, cv2.CC_STAT_HEIGHT if line[0] == 1 else cv2.CC_STAT_WIDTH]
        kept = thick <= max(2.0, limit)
        kept[0] = False
        mask |= kept[labels]
    return mask


def regions(scene: Scene) -> np.ndarray:
    """(h, w) bool: connected saturated regions of at least :data:`LARGE` of the image."""
    pixels, top = scene.pixels, ceiling(scene.pixels)
    if top is None:
        return np.zeros(pixels.shape, bool)
    full = (pixels == pixels.dtype.type(top)).astype(np.uint8)
    _count, labels, stats, _centres = opencv().connectedComponentsWithStats(full, connectivity=8)
    kept = stats[:, 4] >= LARGE * pixels.size
    kept[0] = False
    return kept[labels]
