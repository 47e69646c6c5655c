"""Objects of a mask: connected pieces, and pieces that touch are parted at their necks.

The distance of each pixel to the background has a hill for every blob in a piece. The lowest point of the best way
from hill to hill is the half width of the neck that joins them: narrow against the smaller hill, it parts them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.errors import BadValue
from temj.opencv import opencv

_NEAR = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Steps (y, x) to half of the eight neighbours."""


@dataclass(frozen=True)
class _Rule:
    """When hills are parted (:func:`split_touching` says what the numbers mean)."""

    neck: float
    min_depth: float
    min_area: int

    def joins(self, saddle: np.ndarray | float, peak: np.ndarray | float) -> np.ndarray | bool:
        """Whether a neck of half width ``saddle`` leaves an object of half width ``peak`` in one with the other."""
        return (saddle > self.neck * peak) | (peak - saddle < self.min_depth)


def split_touching(
    mask: np.ndarray, *, neck: float = 0.85, min_depth: float = 1.0, min_area: int = 1, max_hole: int = 4
) -> np.ndarray:
    """Number the objects of a mask, parting those that touch.

    Args:
        mask: (h, w) bool, or any number type where non-zero is object. Pixels that touch at a corner are connected.
        neck: the largest ratio of a neck's width to the width of the smaller of the two blobs it joins at which
            they are parted: 0 parts nothing, 1 parts at every constriction deeper than ``min_depth``.
        min_depth: how many pixels the neck's half width must at least lie below that blob's half width.
        min_area: pieces with fewer pixels are dropped, and nothing smaller than this is cut off.
        max_hole: holes of up to this many pixels do not count as background in the distance, so that specks do not
            cut a blob; larger ones do, since objects packed closely leave such gaps.

    Returns:
        (h, w) int32 labels 1 .. n in raster order of their first pixels; 0 where the mask is 0 or too small.

    Raises:
        BadValue: the mask is not two-dimensional, or a parameter is out of range.
    """
    mask = np.asarray(mask)
    rule = _Rule(neck, min_depth, min_area)
    _check(mask, rule, max_hole)
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    cv2 = opencv()

    mask = np.ascontiguousarray(mask != 0)
    _, labels, stats, _ = cv2.connectedComponentsWithStatsWithAlgorithm(
        mask.view(np.uint8), 8, cv2.CV_32S, cv2.CCL_BBDT
    )
    width = _half_widths(labels, stats, max_hole)
    hills = (width == cv2.dilate(width, np.ones((3, 3), np.uint8))) & mask
    following = len(stats)
    for label in _with_far_hills(labels, width, hills, rule):
        box = _box(stats[label])
        parts = _parted(width[box], labels[box] == label, hills[box], rule)
        cut = parts > 1
        labels[box][cut] = parts[cut] + (following - 2)
        following += int(parts.max()) - 1
    return _numbered(labels, mask, min_area)


def _box(stats: np.ndarray) -> tuple[slice, slice]:
    """Where a piece lies, from its row of OpenCV's statistics (left, top, columns, rows, area)."""
    left, top, columns, rows = stats[:4].tolist()
    return slice(top, top + rows), slice(left, left + columns)


def _check(mask: np.ndarray, rule: _Rule, max_hole: int) -> None:
    if mask.ndim != 2:
        raise BadValue("mask", expected="a mask of height x width", found="x".join(map(str, mask.shape)))
    for name, value, allowed, fits in (
        ("neck", rule.neck, "a ratio from 0 to 1", 0 <= rule.neck <= 1),
        ("min_depth", rule.min_depth, "0 or more pixels", rule.min_depth >= 0),
        ("min_area", rule.min_area, "0 or more pixels", rule.min_area >= 0),
        ("max_hole", max_hole, "0 or more pixels", max_hole >= 0),
    ):
        if not fits:
            raise BadValue(name, expected=allowed, found=value)


def _half_widths(labels: np.ndarray, stats: np.ndarray, max_hole: int) -> np.ndarray:
    """(h, w) float32: how far the middle of each pixel lies inside its piece, 0 outside.

    What is beyond the image counts as inside. Piece by piece in its box: empty parts of an image cost nothing.
    """
    cv2 = opencv()

    width = np.zeros(labels.shape, np.float32)
    for label, row in enumerate(stats[1:], 1):
        inner_y, inner_x = _box(row)
        top, left = max(inner_y.start - 1, 0), max(inner_x.start - 1, 0)
        box = slice(top, inner_y.stop + 1), slice(left, inner_x.stop + 1)
        own = labels[box] == label
        solid = _without_small_holes(own.view(np.uint8), max_hole)
        distance = cv2.distanceTransform(solid, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        # a piece without any edge: OpenCV's answer is the largest number that there is
        distance = np.minimum(distance, np.float32(np.hypot(*solid.shape)))
        distance = np.sqrt(np.rint(distance * distance))  # exact: OpenCV's last bit depends on the memory's alignment
        np.subtract(distance, np.float32(0.5), out=width[box], where=own)
    return width


def _without_small_holes(piece: np.ndarray, max_hole: int) -> np.ndarray:
    """A connected piece (uint8) with its holes of at most ``max_hole`` pixels filled."""
    cv2 = opencv()

    contours, tree = cv2.findContours(piece, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if len(contours) == 1:
        return piece
    # OpenCV's outline of a hole runs through the n pixels around it: by Pick's theorem area - n/2 + 1 lie within.
    small = [
        index
        for index in np.flatnonzero(tree[0, :, 3] >= 0).tolist()
        if cv2.contourArea(contours[index]) - len(contours[index]) / 2 + 1 <= max_hole
    ]
    solid = piece.copy()
    for index in small:
        cv2.drawContours(solid, [contours[index]], 0, 1, cv2.FILLED)  # all of them each time would be slow
    return solid


def _with_far_hills(labels: np.ndarray, width: np.ndarray, hills: np.ndarray, rule: _Rule) -> np.ndarray:
    """The pieces that may have to be parted: those with a hill not surely joined to the highest one.

    Two hills are at least joined by the lens in which the largest discs around their tops overlap; where its
    half height alone is enough no watershed is needed.
    """
    at = np.flatnonzero(hills)  # several times quicker than np.nonzero on two axes
    y, x = np.divmod(at, hills.shape[1])
    piece, height = labels.ravel()[at], width.ravel()[at].astype(float)
    order = np.lexsort((-height, piece))
    y, x, piece, height = y[order], x[order], piece[order], height[order]
    first = np.flatnonzero(np.diff(piece, prepend=0))
    top = np.repeat(first, np.diff(first, append=len(piece)))
    apart2 = np.maximum((y - y[top]) ** 2 + (x - x[top]) ** 2, 1e-9).astype(float)
    foot2 = (apart2 + height**2 - height[top] ** 2) ** 2 / (4 * apart2)
    lens = np.sqrt(np.maximum(height**2 - foot2, 0))
    within = (apart2 <= (height[top] - height) ** 2) | (apart2 < 2.5)
    return np.unique(piece[~(within | rule.joins(lens, height))])


def _parted(width: np.ndarray, own: np.ndarray, hills: np.ndarray, rule: _Rule) -> np.ndarray:
    """Parts 1 .. k of one piece (0 outside of it), by watershed from every hill and joining over wide necks."""
    from scipy.ndimage import label
    from skimage.segmentation import watershed

    markers, count = label(hills & own, np.ones((3, 3)))
    basins = watershed(-width, markers, mask=own, connectivity=2)
    peaks = np.zeros(count + 1)
    np.maximum.at(peaks, markers[markers > 0], width[markers > 0])
    areas = np.bincount(basins.ravel(), minlength=count + 1)
    ways = _ways(basins, width)
    part, joints = _joined(ways, peaks, areas, rule)
    between = _hills_in_necks(ways, part, joints, peaks, rule)
    part[0] = -1
    number = np.unique(part, return_inverse=True)[1]
    if len(between):
        anew = watershed(-width, np.where(np.isin(markers, between), 0, markers), mask=own, connectivity=2)
        if np.bincount(number[anew].ravel())[1:].min() >= rule.min_area:  # a shared neck may be most of a small part
            basins = anew
    return number[basins]


def _ways(basins: np.ndarray, width: np.ndarray) -> list[tuple[float, int, int]]:
    """(height, basin, basin) of the highest way between each two neighbouring basins, highest first."""
    rows, columns = basins.shape
    first, second, heights = [], [], []
    for dy, dx in _NEAR:
        here = slice(0, rows - dy), slice(max(0, -dx), columns - max(0, dx))
        there = slice(dy, rows), slice(max(0, dx), columns + min(0, dx))
        a, b = basins[here], basins[there]
        at = np.nonzero((a != b) & (a > 0) & (b > 0))
        first.append(np.minimum(a[at], b[at]))
        second.append(np.maximum(a[at], b[at]))
        heights.append(np.minimum(width[here][at], width[there][at]))
    a, b, height = np.concatenate(first), np.concatenate(second), np.concatenate(heights)
    order = np.lexsort((b, a, -height))
    pairs = a[order].astype(np.int64) * (basins.max() + 1) + b[order]
    highest = order[np.sort(np.unique(pairs, return_index=True)[1])]
    return list(zip(height[highest].tolist(), a[highest].tolist(), b[highest].tolist(), strict=True))


def _joined(
    ways: list[tuple[float, int, int]], peaks: np.ndarray, areas: np.ndarray, rule: _Rule
) -> tuple[np.ndarray, list[int]]:
    """(k,) for each basin the one that stands for its part; and both ends of each way over which parts were joined."""
    part, joints = list(range(len(peaks))), []
    peaks, areas = peaks.tolist(), areas.tolist()

    def of(basin: int) -> int:
        while part[basin] != basin:
            part[basin] = part[part[basin]]  # halves the way for the next time
            basin = part[basin]
        return basin

    for saddle, first, second in ways:
        a, b = of(first), of(second)
        if a == b:
            continue
        if rule.joins(saddle, min(peaks[a], peaks[b])) or min(areas[a], areas[b]) < rule.min_area:
            peaks[a], areas[a] = max(peaks[a], peaks[b]), areas[a] + areas[b]
            part[b] = a
            joints += [first, second]
    return np.array([of(basin) for basin in range(len(part))]), joints


def _hills_in_necks(
    ways: list[tuple[float, int, int]], part: np.ndarray, joints: list[int], peaks: np.ndarray, rule: _Rule
) -> list[int]:
    """Low hills in the neck between two parts: their basins are shared out anew, or one part gets the whole neck.

    Only hills at the end of a chain of joined ones, so that no part falls into pieces.
    """
    links = np.bincount(joints, minlength=len(part))
    return [
        hill
        for saddle, *pair in ways
        for hill in pair
        if part[pair[0]] != part[pair[1]] and links[hill] == 1 and peaks[hill] - saddle < rule.min_depth
    ]


def _numbered(labels: np.ndarray, mask: np.ndarray, min_area: int) -> np.ndarray:
    """The labels 1 .. n in raster order of their first pixels, without those below ``min_area`` pixels."""
    inside = np.flatnonzero(mask)
    values = labels.ravel()[inside]
    areas = np.bincount(values)
    first = np.full(len(areas), labels.size)
    first[values[::-1]] = inside[::-1]  # the assignment that stays is the last one: the first pixel
    first[areas < max(min_area, 1)] = labels.size
    kept = np.argsort(first, kind="stable")[: np.count_nonzero(first < labels.size)]
    number = np.zeros(len(areas), np.int32)
    number[kept] = np.arange(1, len(kept) + 1)
    numbered = np.zeros(labels.shape, np.int32)
    numbered.ravel()[inside] = number[values]
    return numbered
