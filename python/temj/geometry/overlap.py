"""How much objects of two sets have in common, for many objects at once; and who is whose partner.

What two objects have in common is a number in 0..1, called IoU here, whatever they are:

========================  =====================================================================================
selections with pixels    pixels in both / pixels in one of them (intersection over union), with ImageJ's pixels
points, and selections    1 - d / (2 reach), d being the distance of their centres: 0.5 for two points that are
that enclose no pixel     ``reach`` pixels apart
lines                     the length of both that is within ``reach`` of the other line / the length of both (the
                          "quality" of the buffer method: C. Heipke et al., IAPRS 32 (1997) 151), sampled at every
                          pixel of length
========================  =====================================================================================

Objects of different kinds have nothing in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np

from temj.data import RoiType, Shapes
from temj.geometry.order import centroids
from temj.geometry.raster import Runs, rasterise_outlines, union
from temj.geometry.vertices import outlines

REACH = 5.0
_WINDOW = 1 << 16
_BLOCK = 1 << 22
"""Pairs of runs that are looked at together."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of objects that have something in common, sorted by first, then second.

    Attributes:
        first, second: (p,) int64, indices into the two sets.
        iou: (p,) float64, > 0 and <= 1.
    """

    first: np.ndarray
    second: np.ndarray
    iou: np.ndarray

    def __len__(self) -> int:
        return len(self.iou)

    def where(self, kept: np.ndarray) -> Overlaps:
        """The pairs for which ``kept`` (p,) bool is true."""
        return Overlaps(self.first[kept], self.second[kept], self.iou[kept])


@dataclass(frozen=True, eq=False)
class Marks:
    """The objects of one set, ready to be compared.

    Attributes:
        runs: pixels of the selections that have any, inside the image where its size is known.
        area: (n,) int64, pixels of each object; 0 for points, lines and selections without a pixel.
        centre: (n, 2) float64, x and y.
        samples: (s, 2) float64, places along the lines; ``owner`` (s,) int64 says of which object.
        is_line: (n,) bool.
    """

    runs: Runs
    area: np.ndarray
    centre: np.ndarray
    samples: np.ndarray
    owner: np.ndarray
    is_line: np.ndarray

    @property
    def is_dot(self) -> np.ndarray:
        """(n,) bool: points, and selections that enclose no pixel."""
        return (self.area == 0) & ~self.is_line


def marks(shapes: Shapes, size: tuple[int, int] | None = None) -> Marks:
    """Pixels, centres and places along lines of all shapes.

    Args:
        shapes: any.
        size: (width, height) of the image, outside of which no pixel counts; None where it is not known.
    """
    runs = rasterise_outlines(outlines(shapes), (-_WINDOW, -_WINDOW, 2 * _WINDOW, 2 * _WINDOW))
    runs = runs if size is None else runs.clipped(*size)
    is_line = shapes.roi_type >= RoiType.LINE
    lines = [_along(shapes[index].points) for index in np.flatnonzero(is_line)]
    owner = np.repeat(np.flatnonzero(is_line), [len(line) for line in lines])
    samples = np.concatenate([np.empty((0, 2)), *lines])
    return Marks(runs, runs.counts(len(shapes)), _centres(shapes), samples, owner, is_line)


def _centres(shapes: Shapes) -> np.ndarray:
    """(n, 2): of the pixels; of points their mean in continuous coordinates."""
    centre = centroids(shapes)
    for index in np.flatnonzero(shapes.roi_type == RoiType.POINT):
        centre[index] = shapes[index].points.mean(axis=0) + 0.5
    return centre


def _along(points: np.ndarray) -> np.ndarray:
    """Places on a polyline at most one pixel apart, with both its ends, in continuous coordinates."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0.0, length[-1], int(np.ceil(length[-1])) + 1)
    return np.stack([np.interp(at, length, column) for column in points.T], axis=1) + 0.5


def overlaps(first: Marks, second: Marks, reach: float = REACH) -> Overlaps:
    """All pairs of objects that have something in common; time and memory grow with what overlaps, not with n².

    Args:
        first, second: of two sets in the same image.
        reach: in pixels, for points and lines.
    """
    parts = [_areas(first, second), _dots(first, second, reach), _lines(first, second, reach)]
    columns = [np.concatenate([part[number] for part in parts]) for number in range(3)]
    order = np.lexsort((columns[1], columns[0]))
    return Overlaps(columns[0][order].astype(np.int64), columns[1][order].astype(np.int64), columns[2][order])


Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def _areas(first: Marks, second: Marks) -> Columns:
    one, other, both = _common_pixels(first.runs, second.runs, len(second.area))
    return one, other, both / np.maximum(first.area[one] + second.area[other] - both, 1)


def _common_pixels(first: Runs, second: Runs, count: int) -> Columns:
    """(object of first, object of second, pixels in both) of all pairs that share a pixel."""
    if not len(first) or not len(second):
        return np.zeros((3, 0), np.int64)
    low = min(first.start.min(), second.start.min())
    span = int(max(first.stop.max(), second.stop.max()) - low) + 1
    begin = [runs.y * span + runs.start - low for runs in (first, second)]
    end = [start + runs.length for start, runs in zip(begin, (first, second), strict=True)]
    # two intervals overlap where one begins inside the other: each pair is found exactly once
    in_first = beginnings_in(begin[1], begin[0], end[0], "left")
    in_second = ((inside, outer) for outer, inside in beginnings_in(begin[0], begin[1], end[1], "right"))
    keys, pixels = [np.empty(0, np.int64)], [np.empty(0)]
    for one, other in chain(in_first, in_second):
        shared = np.minimum(end[0][one], end[1][other]) - np.maximum(begin[0][one], begin[1][other])
        key, total = _summed(first.object[one] * count + second.object[other], shared)
        keys.append(key)
        pixels.append(total)
    key, both = _summed(np.concatenate(keys), np.concatenate(pixels))
    return key // count, key % count, both.astype(np.int64)


def _summed(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different keys, ascending, and the sum of the values of each."""
    if len(keys) and keys.max() < len(keys):  # few and often: counting them is faster than sorting
        present = np.bincount(keys) > 0
        return np.flatnonzero(present), np.bincount(keys, values)[present]
    key, place = np.unique(keys, return_inverse=True)
    return key, np.bincount(place, values, len(key))


def beginnings_in(
    begin: np.ndarray, low: np.ndarray, high: np.ndarray, side: Literal["left", "right"]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(interval, beginning) of all ``begin`` in ``low <= begin < high`` ("left") or ``low < begin < high`` ("right").

    In blocks, so that memory stays bounded.
    """
    order = np.argsort(begin, kind="stable")
    sorted_begin = begin[order]
    first = np.searchsorted(sorted_begin, low, side)
    count = np.maximum(np.searchsorted(sorted_begin, high, "left") - first, 0)
    total = np.cumsum(count)
    blocks = np.searchsorted(total, np.arange(_BLOCK, total[-1] + _BLOCK, _BLOCK)) if total[-1] else []
    done = 0
    for last in np.minimum(np.asarray(blocks, np.int64) + 1, len(low)):
        part = slice(done, max(last, done))
        which = np.repeat(np.arange(part.start, part.stop), count[part])
        ends = np.cumsum(count[part])
        within = np.arange(len(which)) - np.repeat(ends - count[part], count[part])
        yield which, order[first[which] + within]
        done = part.stop


def _dots(first: Marks, second: Marks, reach: float) -> Columns:
    one, other = np.flatnonzero(first.is_dot), np.flatnonzero(second.is_dot)
    if not len(one) or not len(other):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    near = _near(first.centre[one], second.centre[other], 2 * reach)
    iou = 1 - near["v"] / (2 * reach)
    kept = iou > 0
    return one[near["i"][kept]], other[near["j"][kept]], iou[kept]


def _lines(first: Marks, second: Marks, reach: float) -> Columns:
    if not len(first.samples) or not len(second.samples):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    near = _near(first.samples, second.samples, reach)
    count = len(second.area)
    pairs = first.owner[near["i"]] * count + second.owner[near["j"]]
    key, place = np.unique(pairs, return_inverse=True)
    within = np.zeros(len(key))
    for sample in (near["i"], near["j"]):  # each place along a line counts once for each other line
        reached = np.unique(np.stack([place, sample]), axis=1)[0]
        within += np.bincount(reached, minlength=len(key))
    one, other = key // count, key % count
    lengths = np.bincount(first.owner, minlength=len(first.area))[one]
    lengths = lengths + np.bincount(second.owner, minlength=count)[other]
    return one, other, within / lengths


def _near(first: np.ndarray, second: np.ndarray, distance: float) -> np.ndarray:
    """Pairs of places at most ``distance`` apart: fields i, j, v (the distance)."""
    from scipy.spatial import cKDTree

    return cKDTree(first).sparse_distance_matrix(cKDTree(second), distance, output_type="ndarray")


def share_inside(objects: Marks, regions: Marks) -> np.ndarray:
    """(n,) float64, which share of each object lies in any of the regions: of its pixels, or places along it."""
    dots = np.flatnonzero(objects.is_dot)
    places = np.floor(np.concatenate([objects.samples, objects.centre[dots]])).astype(np.int64).reshape(-1, 2)
    owner = np.concatenate([objects.owner, dots])
    single = Runs(owner, places[:, 1], places[:, 0], places[:, 0] + 1)
    every = Runs(*(np.concatenate([getattr(objects.runs, n), getattr(single, n)]) for n in _RUNS))
    count = np.bincount(every.object, every.length, len(objects.area))
    region = regions.runs
    whole = union(Runs(np.zeros_like(region.object), region.y, region.start, region.stop))
    found, _, both = _common_pixels(every, whole, 1)
    return np.bincount(found, both, len(count)) / np.maximum(count, 1)


_RUNS = ("object", "y", "start", "stop")


def best_partners(found: Overlaps, bonus: np.ndarray | None = None) -> np.ndarray:
    """One to one: the pairs whose IoUs have the largest sum, no object being in two of them.

    Args:
        found: the pairs that are allowed.
        bonus: (p,) float >= 0, added to the IoU of a pair for this choice, such as something tiny for what is to
            decide between equal ones.

    Returns:
        (q,) int64, indices of the chosen pairs, ascending.
    """
    if not len(found):
        return np.empty(0, np.int64)
    first, second = (np.unique(side, return_inverse=True)[1] for side in (found.first, found.second))
    alone = (np.bincount(first)[first] == 1) & (np.bincount(second)[second] == 1)
    rest = np.flatnonzero(~alone)
    if not len(rest):
        return np.arange(len(found))
    worth = found.iou[rest] + (0 if bonus is None else bonus[rest])
    return np.sort(np.concatenate([np.flatnonzero(alone), rest[_assigned(first[rest], second[rest], worth)]]))


def _assigned(first: np.ndarray, second: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """The pairs of the heaviest matching of a sparse bipartite graph (LAPJVsp, without a dense matrix).

    Every row has a partner of its own besides, which is worth nothing, so that a full matching always exists.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    rows, one = np.unique(first, return_inverse=True)
    columns, other = np.unique(second, return_inverse=True)
    own = np.arange(len(rows))
    weights = np.concatenate([1 + worth, np.ones(len(rows))])
    where = np.concatenate([one, own]), np.concatenate([other, len(columns) + own])
    graph = csr_matrix((weights, where), shape=(len(rows), len(columns) + len(rows)))
    row, column = min_weight_full_bipartite_matching(graph, maximize=True)
    chosen = set(zip(row[column < len(columns)].tolist(), column[column < len(columns)].tolist(), strict=True))
    return np.flatnonzero([pair in chosen for pair in zip(one.tolist(), other.tolist(), strict=True)])
