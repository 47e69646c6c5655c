"""Where the edges of polygons cross the rows of pixels (``ij.process.PolygonFiller``)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from temj.geometry.curves import Rings
from temj.geometry.sorting import sorted_keys

_NUDGE = 1e-8
_FARTHEST_STEP = 8192


def crossings(polygons: Rings, rows: np.ndarray, width: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns at which the outlines cross rows of pixels; between the 1st and 2nd, 3rd and 4th … it is inside.

    Args:
        polygons: vertices relative to the corner of their owner's box, in double.
        rows: (owners, 2) int, first row of interest and the one after the last, relative to the box.
        width: (owners,) int, width of the box; columns are clipped to 0..width.

    Returns:
        Owner, row, column (int64 each), sorted by owner, row, column; an even number for each row.
    """
    x, y = np.ascontiguousarray(polygons.points.T)
    following = np.arange(1, len(x) + 1)
    following[polygons.offsets[1:] - 1] = polygons.offsets[:-1]
    vertex_owner = np.repeat(polygons.owner, np.diff(polygons.offsets))
    if _along_pixels(x, y, following):
        return _sorted(*_upright(x, y, following, vertex_owner, rows))
    edges = _edges(x, y, following, vertex_owner)
    begin = np.maximum(edges.row1, 0)
    seen, end = np.maximum(begin, rows[edges.owner, 0]), np.minimum(edges.row2, rows[edges.owner, 1])
    used = end > seen
    if not used.all():
        edges, begin, seen, end = _Edges(*(part[used] for part in edges)), begin[used], seen[used], end[used]
    x1, y1, first, x2, y2, _, owner = edges
    slope = (x2 - x1) / (y2 - y1)
    at = x1 + (first - y1 + 0.5) * slope + _NUDGE
    at = np.where(first < 0, at + slope * (0 - first), at)
    edge, step, at = _walk(at, slope, seen - begin, end - begin)
    column = np.clip(np.trunc(at + 0.5), 0, width[owner[edge]]).astype(np.int64)
    return _sorted(owner[edge], begin[edge] + step, column)


class _Edges(NamedTuple):
    """Edges that cross a row: x, y and row of the upper and of the lower end, and the owner."""

    x1: np.ndarray
    y1: np.ndarray
    row1: np.ndarray
    x2: np.ndarray
    y2: np.ndarray
    row2: np.ndarray
    owner: np.ndarray


def _along_pixels(x: np.ndarray, y: np.ndarray, following: np.ndarray) -> bool:
    """Whether all vertices are integers and all edges axis-parallel, as outlines traced from label images are."""
    if not ((x == np.trunc(x)).all() and (y == np.trunc(y)).all()):
        return False
    return not ((x != x[following]) & (y != y[following])).any()


def _upright(
    x: np.ndarray, y: np.ndarray, following: np.ndarray, owner: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Owner, row and column of the crossings of outlines along pixel edges: all of the rows of each upright edge."""
    row = y.astype(np.int64)
    other = row[following]
    upright = np.flatnonzero(row != other)
    owner, row, other = owner[upright], row[upright], other[upright]
    first, last = np.maximum(np.minimum(row, other), rows[owner, 0]), np.minimum(np.maximum(row, other), rows[owner, 1])
    count = np.maximum(last - first, 0)
    ends = np.cumsum(count)
    within = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - count), count)
    return np.repeat(owner, count), within, np.repeat(x[upright].astype(np.int64), count)


def _edges(x: np.ndarray, y: np.ndarray, following: np.ndarray, owner: np.ndarray) -> _Edges:
    row = np.floor(y + 0.5).astype(np.int64)
    crossing = np.flatnonzero(row != row[following])
    other = following[crossing]
    downward = row[crossing] < row[other]
    upper, lower = np.where(downward, crossing, other), np.where(downward, other, crossing)
    return _Edges(x[upper], y[upper], row[upper], x[lower], y[lower], row[lower], owner[upper])


def _walk(at: np.ndarray, slope: np.ndarray, start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, ...]:
    """Edge, step and position for the steps start..stop of each edge.

    The position after k steps is a running sum, as in ImageJ, since one multiplication rounds otherwise.
    """
    upright = np.flatnonzero(slope == 0)
    count = (stop - start)[upright]
    edge = np.repeat(upright, count)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + start[edge]
    edges, steps, places = [edge], [step], [at[edge]]
    sloped = np.flatnonzero(slope != 0)
    # far above the rows of interest one multiplication is exact enough, and bounds the work
    done = np.where(start > _FARTHEST_STEP, start, 0)
    sloped = sloped[np.argsort((done - stop)[sloped], kind="stable")]
    now, rise, done = at[sloped] + done[sloped] * slope[sloped], slope[sloped], done[sloped]
    begin, shortness = start[sloped] - done, done - stop[sloped]
    for k in range(-int(shortness[0]) if len(shortness) else 0):
        count = np.searchsorted(shortness, -k, side="left")
        if k:
            now[:count] += rise[:count]
        wanted = np.flatnonzero(begin[:count] <= k)
        edges.append(sloped[wanted])
        steps.append(done[wanted] + k)
        places.append(now[wanted])
    return np.concatenate(edges), np.concatenate(steps), np.concatenate(places)


def _sorted(owner: np.ndarray, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The crossings sorted by owner, row, column: as one integer each where that fits, which is quick."""
    if not len(owner):
        return owner, row, column
    bits = [int(part.max()).bit_length() for part in (owner, row, column)]
    if sum(bits) > 63:
        order = np.lexsort((column, row, owner))
        return owner[order], row[order], column[order]
    key = sorted_keys((((owner << bits[1]) | row) << bits[2]) | column, sum(bits))
    rest = key >> bits[2]
    return rest >> bits[1], rest & ((1 << bits[1]) - 1), key & ((1 << bits[2]) - 1)
