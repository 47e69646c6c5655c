"""Rectangles of black or white with something written in them."""

from __future__ import annotations

import itertools

import numpy as np

from temj.opencv import opencv

PURE = (6, 25, 50)
"""The ground of a box is so near to black or white (of 255): pure, or as JPEG and enlarging leave it."""
LEAST, HIGHEST, WIDEST = 0.0015, 0.3, 0.97
"""Area of a box, height and width as shares of the image's."""
FILLED = 0.35
"""Least share of its bounding box that its ground fills; the rest is what is written."""
SQUARE = 0.965
"""Least share of its own bounding box that it fills: corners are not round."""
WRITTEN = (0.015, 0.6)
"""Share of the box that is not its ground: what is written."""


def boxes(grey: np.ndarray) -> tuple[tuple[int, int, int, int], ...]:
    """(top, bottom, left, right) of the boxes in an 8-bit image (h, w)."""
    cv2 = opencv()
    height, width = grey.shape
    found = {}
    for pure, (shown, ink) in itertools.product(PURE, ((grey, grey <= 140), (255 - grey, grey >= 115))):
        ground = shown >= 255 - pure
        if np.count_nonzero(ground) < FILLED * LEAST * grey.size:
            continue  # too few for any box
        _count, labels, stats, _centres = cv2.connectedComponentsWithStats(ground.astype(np.uint8), connectivity=4)
        x, y, w, h, area = stats.T
        fits = (w * h >= LEAST * grey.size) & (h <= HIGHEST * height) & (w <= WIDEST * width) & (area >= FILLED * w * h)
        fits &= (h >= 0.02 * height) & (h >= 8) & (w >= 8)
        fits[0] = False
        for number in np.flatnonzero(fits):
            top, bottom, left, right = (
                int(y[number]),
                int(y[number] + h[number]),
                int(x[number]),
                int(x[number] + w[number]),
            )
            own = (labels[top:bottom, left:right] == number).astype(np.uint8)
            if _is_box(own, ink[top:bottom, left:right]):
                found[top, bottom, left, right] = True
    return tuple(found)


def _is_box(own: np.ndarray, ink: np.ndarray) -> bool:
    """Whether a region (in its bounding box) is a rectangle around ink."""
    cv2 = opencv()
    side = max(3, len(own) // 3)
    # writing that touches the rim makes notches in it
    padded = cv2.copyMakeBorder(own, side, side, side, side, cv2.BORDER_CONSTANT)
    own = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))[side:-side, side:-side]
    contours, _tree = cv2.findContours(np.ascontiguousarray(own), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(own), contours, -1, 1, cv2.FILLED)
    missing = filled.size - np.count_nonzero(filled)
    if missing > max((1 - SQUARE) * filled.size, min(sum(filled.shape), 0.08 * filled.size)):  # or a soft rim
        return False
    written = (filled > 0) & ink
    share = np.count_nonzero(written) / filled.size
    return WRITTEN[0] <= share <= WRITTEN[1]
