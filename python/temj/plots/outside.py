"""What lies outside the analysed area: hatched, so that it can still be read."""

from __future__ import annotations

import numpy as np

from temj.opencv import opencv
from temj.plots.colours import Rgb

NEUTRAL: Rgb = (170, 170, 170)
"""Colour of what is left out: no class has a grey."""
_DIMMED = 0.7
_EVERY = 9
"""Pixels of the picture from one line of the hatching to the next, in x and in y."""
_STRENGTH = 0.55


def hatch(picture: np.ndarray, area: np.ndarray) -> None:
    """Dim and hatch what is not analysed, and outline it.

    Args:
        picture: (h', w', 3) uint8, changed in place.
        area: (h, w) bool, the analysed area of the micrograph that the picture shows.
    """
    cv2 = opencv()
    height, width = picture.shape[:2]
    outside = cv2.resize((~area).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    places = outside > 0
    y, x = np.nonzero(places)
    ground = picture[y, x].astype(np.float32) * _DIMMED
    line = ((x + y) % _EVERY == 0)[:, None] * np.float32(_STRENGTH)
    stroke = np.where(ground > np.mean(NEUTRAL) * _DIMMED, np.float32(0), np.float32(NEUTRAL[0]))
    picture[y, x] = np.rint(ground + line * (stroke - ground)).astype(np.uint8)
    contours, _tree = cv2.findContours(outside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.polylines(picture, contours, True, NEUTRAL, 1)


def legend(area: np.ndarray) -> tuple[str, Rgb]:
    """The line of the legend: ``left out: 5.9 %``."""
    share = 100.0 * np.count_nonzero(~area) / area.size
    return (f"left out: {share:.2g} %" if share >= 0.01 else "left out: below 0.01 %"), NEUTRAL
