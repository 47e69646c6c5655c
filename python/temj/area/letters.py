"""Marks that were drawn: connected strokes of one grey value with sharp edges. Letters, digits and tick marks are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.area.medians import median
from temj.opencv import opencv

TALLEST, LOWEST = 0.14, 0.011
"""Height of a letter as a share of the image's height; at least 6 pixels."""
STROKE = 0.45
"""Largest thickness of its strokes as a share of its height: a disc has 1, a bold letter 0.3."""
SHADE = 16
"""Largest difference of grey (of 255) within the strokes."""
SOFT = 2.6
"""Largest width of the edge between a quarter and three quarters of the contrast, in pixels."""
CONTRAST = 60
"""Least step in grey (of 255) from strokes to ground."""
_LEVELS = (50, 120)


@dataclass(frozen=True)
class Mark:
    """One connected drawn thing in the pixels of :attr:`temj.area.scene.Scene.grey`.

    Attributes:
        x, y, width, height: its box.
        level: grey value of its strokes.
        bright: whether it is brighter than its ground.
        knotted: whether it is no single stroke: it has a hole, or fills less than two thirds of its convex hull.
    """

    x: int
    y: int
    width: int
    height: int
    level: float
    bright: bool
    knotted: bool

    @property
    def right(self) -> int:
        """First column after it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row after it."""
        return self.y + self.height


def marks(grey: np.ndarray) -> tuple[Mark, ...]:
    """All marks of an 8-bit image (h, w) that may be letters, each once."""
    cv2 = opencv()
    side = int(TALLEST * min(grey.shape)) | 1
    square = np.ones((max(7, side), max(7, side)), np.uint8)
    found: dict[tuple[int, ...], Mark] = {}
    for bright in (True, False):
        hat = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT if bright else cv2.MORPH_BLACKHAT, square)
        shown = grey if bright else 255 - grey
        for level in _LEVELS:
            _count, labels, stats, _centres = cv2.connectedComponentsWithStats(
                (hat >= level).astype(np.uint8), connectivity=8
            )
            for number in _letter_sized(stats, grey.shape):
                mark = _mark(shown, labels, int(number), stats[number], bright)
                if mark is not None:
                    found[(mark.x // 3, mark.y // 3, mark.width // 4, mark.height // 4, bright)] = mark
    return tuple(sorted(found.values(), key=lambda mark: (mark.y, mark.x)))


def _letter_sized(stats: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    _x, _y, width, height, area = stats.T
    fits = (height >= max(6, LOWEST * shape[0])) & (height <= TALLEST * shape[0])
    fits &= (width <= 1.6 * height) & (area >= 0.1 * width * height) & (width >= 2)
    return np.flatnonzero(fits & (np.arange(len(stats)) > 0))


def _mark(shown: np.ndarray, labels: np.ndarray, number: int, stat: np.ndarray, bright: bool) -> Mark | None:
    """The mark if a component is drawn; ``shown`` is the image in which it is brighter than its ground."""
    cv2 = opencv()
    x, y, w, h, _area = (int(value) for value in stat)
    rows, columns = slice(max(0, y - 4), y + h + 4), slice(max(0, x - 4), x + w + 4)
    own = (labels[rows, columns] == number).astype(np.uint8)
    values = shown[rows, columns]
    within = cv2.distanceTransform(cv2.copyMakeBorder(own, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 3)[1:-1, 1:-1]
    thickest = float(within.max())
    if 2 * thickest - 1 > STROKE * h:
        return None
    core = values[within >= max(0.9, 0.6 * thickest)]
    ring = cv2.dilate(own, np.ones((7, 7), np.uint8)) > cv2.dilate(own, np.ones((5, 5), np.uint8))
    if not ring.any():
        return None
    level, ground = median(core), median(values[ring])
    contrast = level - ground
    if contrast < CONTRAST or float(np.percentile(np.abs(core.astype(np.float32) - level), 80)) > SHADE:
        return None
    near = cv2.dilate(own, np.ones((5, 5), np.uint8)) > 0
    quarter, three = ((values >= ground + share * contrast) & near for share in (0.25, 0.75))
    contours, tree = cv2.findContours(three.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    length = sum(len(line) for line in contours)
    if not length or (np.count_nonzero(quarter) - np.count_nonzero(three)) / length > SOFT:
        return None
    outer = max(contours, key=len)
    hull = cv2.contourArea(cv2.convexHull(outer))
    knotted = bool((tree[0, :, 3] >= 0).any()) or (hull > 0 and np.count_nonzero(three) < 0.67 * hull)
    return Mark(x, y, w, h, level if bright else 255 - level, bright, knotted)
