"""Blank borders: strips of one value along the frame, as drift correction, rotation and cropping leave them."""

from __future__ import annotations

import numpy as np

from temj.area.scene import Scene
from temj.opencv import opencv

SHARP = 0.5
"""Least share of the line next to a strip that has other values: a dark background fades out instead of ending."""
WIDEST = 0.45
"""Largest thickness of a strip as a share of the image's side."""
CORNER = 0.02
"""Least length of a blank corner's sides as shares of the image's."""


def find(scene: Scene) -> np.ndarray:
    """(h, w) bool: whole rows and columns of one value (or NaN) at the frame, and blank corners of a rotated image.

    Strips are peeled off one after the other, so that the two sides of a shifted image are found, whatever their fill.
    """
    pixels = scene.pixels
    top, bottom, left, right = 0, pixels.shape[0], 0, pixels.shape[1]
    limits = [int(WIDEST * side) for side in pixels.shape]
    while min(bottom - top, right - left) > 1:
        part = pixels[top:bottom, left:right]
        over, under = _strip(part, limits[0]), _strip(part[::-1], limits[0])
        before, after = _strip(part.T, limits[1]), _strip(part.T[::-1], limits[1])
        if not over + under + before + after or over + under >= bottom - top or before + after >= right - left:
            break
        top, bottom, left, right = top + over, bottom - under, left + before, right - after
    mask = np.ones(pixels.shape, bool)
    mask[top:bottom, left:right] = False
    if mask.all() or np.count_nonzero(mask) > 0.9 * mask.size:
        return np.zeros(pixels.shape, bool)
    mask[top:bottom, left:right] |= _corners(pixels[top:bottom, left:right])
    return mask


def _strip(pixels: np.ndarray, limit: int) -> int:
    """Rows of one value at the top, if they end sharply; 0 where there are none."""
    value = pixels[0, 0]
    rows = 0
    while rows < len(pixels) and _equal(pixels[rows], value).all():
        rows += 1
    if not 0 < rows < len(pixels) or rows > limit:
        return 0
    return rows if 1 - _equal(pixels[rows], value).mean() >= SHARP else 0


def _equal(values: np.ndarray, value: float) -> np.ndarray:
    return ~np.isfinite(values) if values.dtype.kind == "f" and not np.isfinite(value) else values == value


def _corners(pixels: np.ndarray) -> np.ndarray:
    """(h, w) bool: triangles of one value in the corners of a rotated image."""
    height, width = pixels.shape
    mask = np.zeros(pixels.shape, bool)
    for down, across in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        part = pixels[::down, ::across]
        if min(height, width) >= 8 and bool(_equal(part[:2, :2], part[0, 0]).all()):
            triangle = _triangle(part)
            if triangle is not None:
                mask[::down, ::across] |= triangle
    return mask


def _triangle(pixels: np.ndarray) -> np.ndarray | None:
    """The blank corner at the upper left: connected pixels of one value that fill a triangle to a pixel."""
    cv2 = opencv()
    height, width = pixels.shape
    same = np.ascontiguousarray(_equal(pixels, pixels[0, 0]).astype(np.uint8))
    down = int(np.flatnonzero(np.append(same[:, 0], 0) == 0)[0])
    across = int(np.flatnonzero(np.append(same[0], 0) == 0)[0])
    if down < max(3, CORNER * height) or across < max(3, CORNER * width) or down == height or across == width:
        return None
    cv2.floodFill(same, None, (0, 0), 2, flags=4)
    own = same == 2
    y, x = np.mgrid[:height, :width]
    place = (x + 0.5) / across + (y + 0.5) / down
    pixel = 1 / across + 1 / down
    if own[place > 1 + 2 * pixel].any() or not own[place < 1 - 2 * pixel].all():
        return None
    return own
