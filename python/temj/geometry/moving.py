"""Outlines whose every vertex can be moved: for what turns, zooms or bends an image together with its objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from temj.data import RoiType, Shape, Shapes
from temj.geometry.vertices import ellipse_vertices, rotated_rect_vertices

_POLYGONS = (RoiType.POLYGON, RoiType.FREEROI, RoiType.TRACED)


def as_polygons(shapes: Shapes) -> Shapes:
    """The same areas with all of their vertices as points: POLYGON, or COMPOSITE where they were, always sub-pixel.

    Ovals and ellipses become polygons of 72 vertices. Shapes that enclose nothing (points, lines) stay as they are.
    """
    return Shapes.of(_as_polygon(shape) for shape in shapes)


def _as_polygon(shape: Shape) -> Shape:
    if shape.roi_type in _POLYGONS:
        return Shape(RoiType.POLYGON, shape.points)
    if shape.roi_type in (RoiType.RECT, RoiType.OVAL):
        x, y, width, height = shape.params[:4]
        if shape.roi_type == RoiType.RECT:
            return Shape(RoiType.POLYGON, [(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
        middle, flat = (x + width / 2, y + height / 2), width >= height
        longer, shorter = max(width, height), min(width, height)
        half = np.array([longer / 2, 0.0] if flat else [0.0, longer / 2])
        params = np.array([[*(middle - half), *(middle + half), shorter / longer if longer else 0.0]])
        return Shape(RoiType.POLYGON, ellipse_vertices(params)[0])
    if shape.roi_type == RoiType.ELLIPSE:
        return Shape(RoiType.POLYGON, ellipse_vertices(np.array([shape.params]))[0])
    if shape.roi_type == RoiType.ROTATED_RECT:
        return Shape(RoiType.POLYGON, rotated_rect_vertices(np.array([shape.params]))[0])
    return shape


def with_points(shapes: Shapes, points: np.ndarray) -> Shapes:
    """The same shapes with other vertices (total, 2), which were got by moving :attr:`Shapes.points`."""
    return replace(shapes, points=points)


def bounds(shapes: Shapes) -> np.ndarray:
    """The upright boxes x1, y1, x2, y2 around the points of each shape: (n, 4) float64, NaN where it has none."""
    found = np.full((len(shapes), 4), np.nan)
    counts = np.diff(shapes.offsets)
    filled = np.flatnonzero(counts)
    if len(filled):
        starts = shapes.offsets[:-1][filled]
        found[filled, :2] = np.minimum.reduceat(shapes.points, starts, axis=0)
        found[filled, 2:] = np.maximum.reduceat(shapes.points, starts, axis=0)
    return found
