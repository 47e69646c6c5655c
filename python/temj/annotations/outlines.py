"""Shapes of all kinds as plain polygons, boxes and boxes with an angle, for formats that know nothing else."""

from __future__ import annotations

import math

import numpy as np

from temj.annotations.atlas import traced
from temj.data import CLOSE, LINE_TO, MOVE, RoiType, Shape, Shapes
from temj.geometry.curves import Rings, rings
from temj.geometry.vertices import ellipse_vertices, rotated_rect_vertices

FLATNESS = 0.01
"""Greatest distance in pixels of a curve from the lines that replace it."""
_POLYGONS = (RoiType.POLYGON, RoiType.FREEROI, RoiType.TRACED)
_SNAP = 1e-9


def polygons(shapes: Shapes) -> Rings:
    """The outlines of area shapes as closed polygons in continuous pixel coordinates, ascending by owner.

    Corners are exact for polygons, rectangles and paths of lines. An ellipse gives the 72 corners that ImageJ
    draws, a curve lines within 0.01 px; ovals and rounded rectangles give the outline of the pixels that ImageJ
    counts for them, or, where they lie between pixels, the corners of the box around them. Points and lines have none.
    """
    kind, counts = shapes.roi_type, np.diff(shapes.offsets)
    square = (kind == RoiType.RECT) & ~(np.nan_to_num(shapes.params[:, 4]) >= 1)
    parts = []
    index = np.flatnonzero(np.isin(kind, _POLYGONS))
    parts.append((shapes.points[np.repeat(np.isin(kind, _POLYGONS), counts)], counts[index], index))
    for chosen, make in (
        (square, rect_corners), (kind == RoiType.ELLIPSE, ellipse_vertices),
        (kind == RoiType.ROTATED_RECT, rotated_rect_vertices),
    ):  # fmt: skip
        index = np.flatnonzero(chosen)
        points = make(shapes.params[index])
        parts.append((points.reshape(-1, 2), np.full(len(index), points.shape[1]), index))
    parts.append(_paths(shapes, np.flatnonzero(kind == RoiType.COMPOSITE)))
    curved = np.flatnonzero((kind == RoiType.OVAL) | ((kind == RoiType.RECT) & ~square))
    if len(curved):
        pixels, made_of = traced(shapes.take(curved))
        points, sizes, owner = _simple(pixels)
        parts.append((points, sizes, curved[made_of][owner]))
        bare = np.delete(curved, made_of)
        parts.append((rect_corners(shapes.params[bare]).reshape(-1, 2), np.full(len(bare), 4), bare))
    return _merged([part for part in parts if len(part[1])])


def _simple(pixels: Shapes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, sizes and owners of the rings of traced shapes."""
    found = polygons(pixels)
    return found.points, np.diff(found.offsets), found.owner


def _paths(shapes: Shapes, index: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    part = shapes.take(index)
    owner = np.repeat(np.arange(len(index)), np.diff(part.offsets))
    found = rings(part.points, part.codes, owner, FLATNESS)
    return found.points, np.diff(found.offsets), index[found.owner]


def _merged(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Rings:
    """Rings of several kinds, sorted by owner."""
    if not parts:
        return Rings(np.empty((0, 2)), np.zeros(1, np.int64), np.zeros(0, np.int64))
    points, sizes, owner = (np.concatenate([part[k] for part in parts]) for k in range(3))
    order = np.argsort(owner, kind="stable")
    start = np.cumsum(sizes) - sizes
    offsets = np.concatenate([[0], np.cumsum(sizes[order])])
    rows = np.repeat(start[order] - offsets[:-1], sizes[order]) + np.arange(offsets[-1])
    return Rings(points[rows], offsets, owner[order])


def rect_corners(params: np.ndarray) -> np.ndarray:
    """The corners of rectangles given as x, y, width, height: (n, 4 or more) → (n, 4, 2), clockwise on the screen."""
    x, y, width, height = params.T[:4]
    return np.stack(
        [np.stack([x, x + width, x + width, x], 1), np.stack([y, y, y + height, y + height], 1)], axis=2
    ).reshape(-1, 4, 2)


def extents(shapes: Shapes) -> np.ndarray:
    """Least and greatest x and y of each outline: (n, 4) float64 left, top, right, bottom.

    Of points and lines those of the pixels that they lie on (continuous coordinates); NaN for a shape of no points.
    """
    box = np.full((len(shapes), 4), np.nan)
    kind = shapes.roi_type
    given = np.isin(kind, (RoiType.RECT, RoiType.OVAL))
    box[given, :2], box[given, 2:] = shapes.params[given, :2], shapes.params[given, :2] + shapes.params[given, 2:4]
    found = polygons(shapes.take(np.flatnonzero(~given & (kind <= RoiType.COMPOSITE))))
    owner = np.flatnonzero(~given & (kind <= RoiType.COMPOSITE))[np.repeat(found.owner, np.diff(found.offsets))]
    _reach(box, found.points, owner)
    thin = kind > RoiType.COMPOSITE
    points = np.repeat(thin, np.diff(shapes.offsets))
    owner = np.repeat(np.arange(len(shapes)), np.diff(shapes.offsets))[points]
    _reach(box, shapes.points[points], owner)
    box[thin, 2:] += 1
    return box


def _reach(box: np.ndarray, points: np.ndarray, owner: np.ndarray) -> None:
    """Put the least and greatest coordinates of points by owner (ascending) into ``box``."""
    if len(owner):
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        box[owner[first], :2] = np.minimum.reduceat(points, first)
        box[owner[first], 2:] = np.maximum.reduceat(points, first)


def axes(shape: Shape) -> tuple[float, float, float, float, float]:
    """Centre x and y, length of the axis that ImageJ keeps, length across it, its angle (degrees, [0, 360)).

    For ELLIPSE, ROTATED_RECT, OVAL and RECT; the angle is counter-clockwise as seen on the screen.
    """
    if shape.roi_type in (RoiType.RECT, RoiType.OVAL):
        x, y, width, height = shape.params[:4]
        return x + width / 2, y + height / 2, width, height, 0.0
    x1, y1, x2, y2, across = shape.params
    length = math.hypot(x2 - x1, y2 - y1)
    if shape.roi_type == RoiType.ELLIPSE:
        across *= length
    return (x1 + x2) / 2, (y1 + y2) / 2, length, across, math.degrees(math.atan2(y1 - y2, x2 - x1)) % 360


def from_axes(roi_type: RoiType, x: float, y: float, length: float, across: float, angle: float) -> Shape:
    """The inverse of :func:`axes` for ELLIPSE and ROTATED_RECT; an ellipse's longer axis becomes the one that is kept.

    Coordinates within 1e-9 px of a 32-bit float become that float, so that what came from ImageJ comes back exactly.
    """
    if roi_type == RoiType.ELLIPSE and across > length:
        length, across, angle = across, length, angle + 90
    turn = math.radians(angle)
    dx, dy = length / 2 * math.cos(turn), -length / 2 * math.sin(turn)
    last = across / length if roi_type == RoiType.ELLIPSE else across
    return Shape(roi_type, params=tuple(snapped(np.array([x - dx, y - dy, x + dx, y + dy, last])).tolist()))


def snapped(values: np.ndarray) -> np.ndarray:
    """The values, those within 1e-9 of a 32-bit float replaced by it."""
    near = values.astype(np.float32).astype(float)
    return np.where(np.abs(values - near) <= _SNAP, near, values)


def rect(x: float, y: float, width: float, height: float) -> Shape:
    """A rectangle; with ImageJ's integer arithmetic where all its edges are whole."""
    whole = all(float(value).is_integer() for value in (x, y, width, height))
    return Shape(RoiType.RECT, params=(x, y, width, height, 0.0), subpixel=not whole)


def polygon(points: np.ndarray) -> Shape:
    """A polygon; with ImageJ's integer arithmetic where all its corners are whole."""
    return Shape(RoiType.POLYGON, points, subpixel=not bool((points == np.trunc(points)).all()))


def composite(parts: list[np.ndarray]) -> Shape:
    """Several closed polygons as one shape, filled even-odd."""
    points = [np.concatenate([part, part[:1]]) for part in parts]
    codes = [np.array([MOVE, *[LINE_TO] * (len(part) - 1), CLOSE], np.uint8) for part in parts]
    return Shape(RoiType.COMPOSITE, np.concatenate(points), codes=np.concatenate(codes))
