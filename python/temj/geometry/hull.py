"""Convex hulls of many point sets at once, and diameters measured on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SPARSEST = 4


@dataclass(frozen=True, eq=False)
class Hulls:
    """Convex polygons, without collinear vertices.

    Attributes:
        points: (total, 2) float64; of each hull from the topmost, then leftmost vertex, counter-clockwise as seen
            on the screen (ImageJ's order).
        offsets: (n + 1,) int64, the vertices of hull i are ``points[offsets[i]:offsets[i + 1]]``.
    """

    points: np.ndarray
    offsets: np.ndarray

    @property
    def owner(self) -> np.ndarray:
        """(total,) int64, the hull of each vertex."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def convex_hulls(points: np.ndarray, owner: np.ndarray, count: int) -> Hulls:
    """The convex hulls of the points of each owner 0..count - 1.

    Args:
        points: (k, 2) float, whose differences are exact in double (32-bit floats or integers).
        owner: (k,) int, ascending.
        count: number of owners; one without points gets an empty hull.
    """
    x, y, owner = _sides(points, owner, count)
    left, right = (_chain(sign * side, y, owner) for sign, side in ((1, x[0]), (-1, x[1])))
    owner_left, owner_right = owner[left], owner[right]
    # the right side goes up; what it shares with the left one at the top and at the bottom is not repeated
    shared = np.full(len(right), False)
    for end in _ends(owner_left, count):
        vertex = left[end[owner_right]] if len(left) else right
        shared |= (x[1][right] == x[0][vertex]) & (y[right] == y[vertex])
    right, owner_right = right[~shared], owner_right[~shared]
    down, up = np.bincount(owner_left, minlength=count), np.bincount(owner_right, minlength=count)
    offsets = np.concatenate([[0], np.cumsum(down + up)])
    points = np.empty((offsets[-1], 2))
    place = np.arange(len(left)) + np.repeat(offsets[:-1] - (np.cumsum(down) - down), down)
    points[place, 0], points[place, 1] = x[0][left], y[left]
    place = np.repeat(offsets[1:] - 1 + (np.cumsum(up) - up), up) - np.arange(len(right))
    points[place, 0], points[place, 1] = x[1][right], y[right]
    return Hulls(points, offsets)


def _sides(points: np.ndarray, owner: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least and greatest x (2, m), y (m,) and owner (m,) of each y that an owner has, sorted by owner and y."""
    x, y = (points[:, axis].astype(float) for axis in (0, 1))
    place, rows = _places(y, owner, count)
    if place is None:
        order = np.lexsort((y, owner))
        x, y, owner = x[order], y[order], owner[order]
        first = np.flatnonzero(np.concatenate([[True], (np.diff(y) != 0) | (np.diff(owner) != 0)])[: len(y)])
        if not len(first):
            return np.empty((2, 0)), y, owner
        return np.stack([np.minimum.reduceat(x, first), np.maximum.reduceat(x, first)]), y[first], owner[first]
    least, greatest = np.full(rows, np.inf), np.full(rows, -np.inf)
    np.minimum.at(least, place, x)
    np.maximum.at(greatest, place, x)
    height, of_row = np.empty(rows), np.empty(rows, np.int64)
    height[place], of_row[place] = y, owner
    used = np.isfinite(least)
    return np.stack([least[used], greatest[used]]), height[used], of_row[used]


def _places(y: np.ndarray, owner: np.ndarray, count: int) -> tuple[np.ndarray | None, int]:
    """For integer y: a number for each owner and y, in this order, and how many; None where that would be too many."""
    if not len(y) or not (y == np.trunc(y)).all():
        return None, 0
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    low, high = np.minimum.reduceat(y, first), np.maximum.reduceat(y, first)
    rows = high - low + 1
    if rows.sum() > _SPARSEST * len(y):
        return None, 0
    shift = np.zeros(count)
    shift[owner[first]] = np.cumsum(rows) - rows - low
    return (y + shift[owner]).astype(np.int64), int(rows.sum())


def _chain(x: np.ndarray, y: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Indices of the vertices of the left side of each hull; x is the least one of each y, which ascends.

    A point that is not left of the line through its two neighbours is no vertex of the hull, whatever else is
    left out; so all such points can be dropped at once, until none is left.
    """
    kept = np.arange(len(x))
    while len(kept) > 2:
        dx, dy = np.diff(x), np.diff(y)
        # the cross product with the neighbours, from the differences to the point itself
        flat = (dx[:-1] * dy[1:] >= dy[:-1] * dx[1:]) & (owner[:-2] == owner[2:])
        if not flat.any():
            break
        corner = np.concatenate([[True], ~flat, [True]])
        kept, x, y, owner = kept[corner], x[corner], y[corner], owner[corner]
    return kept


def _ends(owner: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last index of each owner's part (of no meaning where it has none)."""
    bounds = np.searchsorted(owner, np.arange(count + 1))
    limit = max(len(owner) - 1, 0)
    return np.minimum(bounds[:-1], limit), np.clip(bounds[1:] - 1, 0, limit)


def rounded_areas(hulls: Hulls) -> np.ndarray:
    """(n,) float64, areas of the hulls with their vertices rounded to integers, in pixels.

    ImageJ's Solidity divides by it (``FloatPolygon``, ``Analyzer``: an integer shoelace sum of 32 bits).
    """
    x, y = np.floor(hulls.points + 0.5).astype(np.int64).T
    before = np.arange(-1, len(x) - 1)
    filled = np.diff(hulls.offsets) > 0
    before[hulls.offsets[:-1][filled]] = hulls.offsets[1:][filled] - 1
    total = np.concatenate([[0], np.cumsum((x + x[before]) * (y - y[before]))])
    sums = total[hulls.offsets[1:]] - total[hulls.offsets[:-1]]
    return np.abs(sums.astype(np.int32) / 2.0)
