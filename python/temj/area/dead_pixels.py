"""Dead and hot pixels, and dead lines: what no image of a specimen can have, since the optics blur it."""

from __future__ import annotations

import numpy as np

from temj.area.scene import Scene
from temj.opencv import opencv

SIGMAS = 12.0
"""Least distance of a dead pixel from the median of its neighbourhood, in standard deviations of the noise there."""
RANGE = 0.15
"""And at least this share of the range of grey values (1st to 99th percentile) of the image."""
LINE = 0.98
"""Share of a dead line that has one value: others cross it."""
FEW = 0.02
"""Share of all lines above which level lines are a clipped background."""
MOST = 1e-3
"""Share of all pixels above which they are no defects but the texture of the image."""


def find(scene: Scene) -> np.ndarray:
    """(h, w) bool: pixels that are NaN or infinite, lone outliers, and lines of one value across the whole image."""
    pixels = scene.pixels
    missing = np.zeros(pixels.shape, bool) if scene.finite is None else ~scene.finite
    if min(pixels.shape) < 5:
        return missing
    known = pixels
    if missing.any():
        if missing.all():
            return missing
        known = np.where(missing, np.median(pixels[~missing]), pixels).astype(pixels.dtype)
    lone = _outliers(known) & ~missing & ~scene.taken
    return missing | lone | _lines(pixels, scene.taken)


def _outliers(pixels: np.ndarray) -> np.ndarray:
    """(h, w) bool: spots of at most two pixels far from all that is around them."""
    cv2 = opencv()
    none = np.zeros(pixels.shape, bool)
    low, high = np.percentile(pixels[:: max(1, len(pixels) // 512), :: max(1, pixels.shape[1] // 512)], (1, 99))
    least = max(RANGE * (float(high) - float(low)), 0.0)
    if least <= 0:
        return none
    median = cv2.medianBlur(np.ascontiguousarray(pixels), 5)
    distance = cv2.absdiff(np.ascontiguousarray(pixels), median)
    every = distance[:: max(1, len(pixels) // 512), :: max(1, pixels.shape[1] // 512)]
    usual = float(np.percentile(every, 68))
    least = max(least, SIGMAS * usual)
    # of whole numbers: those above the next whole number below, which costs no conversion of the image
    far = distance > (least if distance.dtype.kind == "f" else distance.dtype.type(min(int(least), _most(distance))))
    if not far.any() or np.count_nonzero(far) > 0.2 * far.size:
        return none
    y, x = _small_spots(far)
    if not len(y):
        return none
    noise = _noise(pixels, median, y, x)
    lone = distance[y, x].astype(np.float64) > np.maximum(SIGMAS * noise, least)
    if np.count_nonzero(lone) > MOST * far.size:
        return none
    none[y[lone], x[lone]] = True
    return none


def _small_spots(far: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(y, x) of the pixels of spots of one or two 8-connected pixels: larger ones may be specimen.

    A lone pixel is the only one in its 3 x 3 neighbourhood; a pair has two in both neighbourhoods. That takes a fifth
    of the time of labelling all spots.
    """
    cv2 = opencv()
    mask, count = far.view(np.uint8), _sums_of_nine(far.view(np.uint8))
    alone, two = (count == 1) & far, (count == 2) & far
    if two.any():  # where both are two, both together have four in their neighbourhoods
        two &= _sums_of_nine(cv2.multiply(count, mask)) == 4
        alone |= two
    return np.divmod(np.flatnonzero(alone), far.shape[1])


def _sums_of_nine(values: np.ndarray) -> np.ndarray:
    """Of each pixel the sum over its 3 x 3 neighbourhood, 0 beyond the image; uint8 that do not overflow here."""
    cv2 = opencv()
    return cv2.boxFilter(values, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)


def _noise(pixels: np.ndarray, median: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Largest distance of the 24 neighbours from their median but for the two farthest, over 2: at least one sigma.

    The two farthest may be a second pixel of the same spot and one of another.
    """
    height, width = pixels.shape
    shifts = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if dy or dx]
    near = np.stack(
        [
            pixels[np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)].astype(np.float64) - median[y, x]
            for dy, dx in shifts
        ]
    )
    return np.sort(np.abs(near), axis=0)[-3] / 2


def _lines(pixels: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """(h, w) bool: single rows and columns of one value (to :data:`LINE` of them) between others that differ."""
    mask = np.zeros(pixels.shape, bool)
    for turned, own in ((pixels, mask), (pixels.T, mask.T)):
        level = _level(pixels, along=1 if turned is pixels else 0) >= LINE
        level &= ~(taken if turned is pixels else taken.T).all(axis=1)
        if not level.any() or np.mean(level) > FEW:
            continue
        for line in np.flatnonzero(level):
            beside = [other for other in (line - 1, line + 1) if 0 <= other < len(turned)]
            if all(np.mean(turned[other] != turned[line]) >= 0.5 and not level[other] for other in beside):
                own[line] = True
    return mask


def _level(pixels: np.ndarray, along: int) -> np.ndarray:
    """For each row (``along`` 1) or column (0) the share of its pixels that equal the one before."""
    equal = pixels[:, 1:] == pixels[:, :-1] if along else pixels[1:] == pixels[:-1]
    if not equal.size:
        return np.full(pixels.shape[1 - along], np.nan)
    total = opencv().reduce(equal.view(np.uint8), along, opencv().REDUCE_SUM, dtype=opencv().CV_32S)
    return total.ravel() / equal.shape[along]


def _most(values: np.ndarray) -> int:
    """The largest number that a type of whole numbers holds."""
    return int(np.iinfo(values.dtype).max)
