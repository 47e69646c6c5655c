"""Bezier curves of paths: flattened as java.awt.geom does, and their lengths as ImageJ adds them up.

A path here is an array of points (k, 2) with a code each, as in :class:`temj.data.Shapes`; the point of a
CLOSE must be the first one of its subpath.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from temj.data import CLOSE, CUBIC, LINE_TO, MOVE, QUADRATIC

_DEEPEST = 10
_KAPPA = 0.5522847498307933
_ACCURACY = 0.001
_CONTROLS = {QUADRATIC: 2, CUBIC: 3}


@dataclass(frozen=True, eq=False)
class Rings:
    """Closed polygons (a closing vertex is not repeated).

    Attributes:
        points: (total, 2) float64.
        offsets: (rings + 1,) int64; the vertices of ring i are ``points[offsets[i]:offsets[i + 1]]``.
        owner: (rings,) int64, the shape it belongs to; ascending.
    """

    points: np.ndarray
    offsets: np.ndarray
    owner: np.ndarray


def curve_ends(codes: np.ndarray, code: int) -> np.ndarray:
    """Indices of the last point of each QUADRATIC or CUBIC segment of a path."""
    index = np.flatnonzero(codes == code)
    if not len(index):
        return index
    first = np.diff(index, prepend=-2) > 1
    start = np.maximum.accumulate(np.where(first, index, 0))
    return index[(index - start + 1) % _CONTROLS[code] == 0]


def controls(points: np.ndarray, ends: np.ndarray, code: int) -> np.ndarray:
    """The 3 or 4 control points of curves that end at the given indices: (m, 3 or 4, 2) float64."""
    count = _CONTROLS[code]
    return points[ends[:, None] + np.arange(-count, 1)].astype(float)


def halves(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """De Casteljau's split at 1/2 of curves (m, 3 or 4, 2), in the order of operations of java.awt.geom."""
    p = np.moveaxis(curves, 1, 0)
    if len(p) == 3:
        left, right = (p[0] + p[1]) / 2.0, (p[2] + p[1]) / 2.0
        middle = (left + right) / 2.0
        return np.stack([p[0], left, middle], 1), np.stack([middle, right, p[2]], 1)
    left, centre, right = (p[0] + p[1]) / 2.0, (p[1] + p[2]) / 2.0, (p[3] + p[2]) / 2.0
    inner_left, inner_right = (left + centre) / 2.0, (right + centre) / 2.0
    middle = (inner_left + inner_right) / 2.0
    return np.stack([p[0], left, inner_left, middle], 1), np.stack([middle, inner_right, right, p[3]], 1)


def curve_lengths(curves: np.ndarray) -> np.ndarray:
    """Lengths of curves (m, 3 or 4, 2), by halving until polygon and chord differ by 0.002 (``ShapeRoi``)."""
    steps = np.diff(curves, axis=1)
    polygon = np.zeros(len(curves))
    for step in np.moveaxis(steps, 1, 0):
        polygon = polygon + np.sqrt(step[:, 0] * step[:, 0] + step[:, 1] * step[:, 1])
    across = curves[:, -1] - curves[:, 0]
    chord = np.sqrt(across[:, 0] * across[:, 0] + across[:, 1] * across[:, 1])
    lengths = 0.5 * polygon + 0.5 * chord if curves.shape[1] == 4 else (2.0 * polygon + chord) / 3.0
    bent = (polygon - chord) / 2.0 > _ACCURACY
    if bent.any():
        first, second = halves(curves[bent])
        lengths[bent] = curve_lengths(first) + curve_lengths(second)
    return lengths


def flatten(points: np.ndarray, codes: np.ndarray, flatness: float) -> tuple[np.ndarray, np.ndarray]:
    """A path with its curves replaced by lines (``FlatteningPathIterator``, at most 10 halvings).

    Returns:
        Points (k', 2) float64 and for each the index of the path's point (the end of the segment) it came from.
    """
    curved = (codes == QUADRATIC) | (codes == CUBIC)
    kept = np.flatnonzero(~curved)
    if len(kept) == len(codes):
        return points.astype(float), kept
    pieces, origins, places = [points[kept].astype(float)], [kept], [np.ones(len(kept))]
    for code in _CONTROLS:
        ends = curve_ends(codes, code)
        for curve_points, origin, place in _chords(controls(points, ends, code), ends, flatness):
            pieces.append(curve_points)
            origins.append(origin)
            places.append(place)
    origin = np.concatenate(origins)
    order = np.lexsort((np.concatenate(places), origin))
    return np.concatenate(pieces)[order], origin[order]


def _chords(
    curves: np.ndarray, ends: np.ndarray, flatness: float
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """By depth of halving: end points of the flat pieces, the ends they belong to, and the parameter there."""
    place = np.zeros(len(curves))
    for depth in range(_DEEPEST + 1):
        flat = np.full(len(curves), True) if depth == _DEEPEST else _bend(curves) < flatness * flatness
        step = 0.5**depth
        yield curves[flat, -1], ends[flat], place[flat] + step
        first, second = halves(curves[~flat])
        curves = np.concatenate([first, second])
        place = np.concatenate([place[~flat], place[~flat] + step / 2])
        ends = np.concatenate([ends[~flat]] * 2)


def _bend(curves: np.ndarray) -> np.ndarray:
    """Largest squared distance of the inner control points from the chord (``Line2D.ptSegDistSq``)."""
    x, y = (curves[:, -1] - curves[:, 0]).T
    square = x * x + y * y
    largest = np.zeros(len(curves))
    for inner in range(1, curves.shape[1] - 1):
        px, py = (curves[:, inner] - curves[:, 0]).T
        dot = px * x + py * y
        beyond = dot > 0.0
        px, py = np.where(beyond, x - px, px), np.where(beyond, y - py, py)
        dot = px * x + py * y
        with np.errstate(invalid="ignore", divide="ignore"):
            along = np.where(beyond & (dot > 0.0), dot * dot / square, 0.0)
        largest = np.maximum(largest, np.maximum(px * px + py * py - along, 0.0))
    return largest


def rings(points: np.ndarray, codes: np.ndarray, owner: np.ndarray, flatness: float) -> Rings:
    """The subpaths of paths as closed polygons, rounded to 32-bit floats (open ones are closed).

    Args:
        points: (k, 2); those of one shape together.
        codes: (k,).
        owner: (k,) int, the shape of each point, ascending.
        flatness: greatest distance of a curve from the lines that replace it.
    """
    flat, origin = flatten(points, codes, flatness)
    flat = flat.astype(np.float32).astype(float)
    code = codes[origin]
    shape = owner[origin]
    new = (code == MOVE) | (np.concatenate([[CLOSE], code])[:-1] == CLOSE) | (np.diff(shape, prepend=-1) != 0)
    ring = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    close = np.flatnonzero(code == CLOSE)
    last = close - 1  # a vertex before the CLOSE that repeats the ring's first one is left out
    repeated = last[(last >= first[ring[close]]) & (flat[last] == flat[first[ring[close]]]).all(axis=1)]
    kept = np.full(len(flat), True)
    kept[close] = False
    kept[repeated] = False
    counts = np.bincount(ring[kept], minlength=len(first))
    filled = counts > 0
    return Rings(flat[kept], np.concatenate([[0], np.cumsum(counts[filled])]), shape[first[filled]])


def oval_path() -> tuple[np.ndarray, np.ndarray]:
    """``java.awt.geom.Ellipse2D`` in the unit square as points and codes."""
    high, low = 0.5 + _KAPPA * 0.5, 0.5 - _KAPPA * 0.5
    points = [
        (1.0, 0.5),
        *((1.0, high), (high, 1.0), (0.5, 1.0)), *((low, 1.0), (0.0, high), (0.0, 0.5)),
        *((0.0, low), (low, 0.0), (0.5, 0.0)), *((high, 0.0), (1.0, low), (1.0, 0.5)),
        (1.0, 0.5),
    ]  # fmt: skip
    return np.array(points), np.array([MOVE, *[CUBIC] * 12, CLOSE], np.uint8)


def rounded_path(x: float, y: float, width: float, height: float, arc: float) -> tuple[np.ndarray, np.ndarray]:
    """``java.awt.geom.RoundRectangle2D`` with corners of the given diameter, as points and codes."""
    arc_width, arc_height = min(width, arc), min(height, arc)
    half = 1.0 - math.cos(math.pi / 4)
    tangent = math.tan(math.pi / 4)
    reach = (1.0 - 4.0 / 3.0 * half * tangent / (math.sqrt(1.0 + tangent * tangent) - 1 + half)) / 2.0
    # each: part of the width, of the arc's width, of the height, of the arc's height
    unit = [
        (0, 0, 0, 0.5), (0, 0, 1, -0.5),
        (0, 0, 1, -reach), (0, reach, 1, 0), (0, 0.5, 1, 0), (1, -0.5, 1, 0),
        (1, -reach, 1, 0), (1, 0, 1, -reach), (1, 0, 1, -0.5), (1, 0, 0, 0.5),
        (1, 0, 0, reach), (1, -reach, 0, 0), (1, -0.5, 0, 0), (0, 0.5, 0, 0),
        (0, reach, 0, 0), (0, 0, 0, reach), (0, 0, 0, 0.5), (0, 0, 0, 0.5),
    ]  # fmt: skip
    codes = [MOVE, *[LINE_TO, CUBIC, CUBIC, CUBIC] * 4, CLOSE]
    points = [(x + a * width + b * arc_width, y + c * height + d * arc_height) for a, b, c, d in unit]
    return np.array(points), np.array(codes, np.uint8)
