"""Convex hulls of shapes: of their whole outlines, also where they lie outside the image."""

from __future__ import annotations

import numpy as np

from temj.data import CUBIC, QUADRATIC, RoiType
from temj.geometry.curves import flatten, oval_path, rounded_path
from temj.geometry.hull import Hulls, convex_hulls
from temj.geometry.raster import VERTEX_TYPES, rounded
from temj.geometry.vertices import Outlines

HULL_FLATNESS = 0.1
_OVAL_MARGIN = 0.0004


def shape_hulls(outline: Outlines) -> Hulls:
    """The convex hull of each area shape in image coordinates (``getFloatConvexHull``); none for points and lines."""
    parts = [_vertices(outline), _rectangles(outline), _ovals(outline)]
    parts += [_rounded(outline, number) for number in np.flatnonzero(rounded(outline))]
    parts = [part for part in parts if len(part[0])]
    if len(parts) == 1:
        return convex_hulls(*parts[0], len(outline))
    points = np.concatenate([np.empty((0, 2), np.float32), *(part[0] for part in parts)])
    owner = np.concatenate([np.empty(0, np.int64), *(part[1] for part in parts)])
    order = np.argsort(owner, kind="stable")
    return convex_hulls(points[order], owner[order], len(outline))


def _vertices(outline: Outlines) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of polygons of all kinds and of composite shapes."""
    used = outline.vertices_of(outline.of_type(*VERTEX_TYPES, RoiType.COMPOSITE))
    codes, owner = outline.codes[used], outline.owner[used]
    if not np.isin(codes, (QUADRATIC, CUBIC)).any():
        return outline.absolute()[used], owner
    flat, origin = flatten(outline.relative[used], codes, HULL_FLATNESS)
    owner = owner[origin]
    return flat.astype(np.float32) + outline.base.astype(np.float32)[owner], owner


def _rectangles(outline: Outlines) -> tuple[np.ndarray, np.ndarray]:
    """Corners of plain rectangles: of the sub-pixel rectangle where there is one."""
    index = np.flatnonzero(outline.of_type(RoiType.RECT) & ~rounded(outline))
    exact = np.where(outline.shapes.subpixel[index, None], outline.params[index, :4], outline.box[index])
    x, y, width, height = exact.T
    corners = np.stack([np.stack([x, x + width, x + width, x], 1), np.stack([y, y, y + height, y + height], 1)], 2)
    return corners.reshape(-1, 2).astype(np.float32), np.repeat(index, 4)


def _ovals(outline: Outlines) -> tuple[np.ndarray, np.ndarray]:
    """Ovals are made a little larger first (``OvalRoi.getPolygon``)."""
    index = np.flatnonzero(outline.of_type(RoiType.OVAL))
    start, size = outline.box[index, :2] - _OVAL_MARGIN, outline.box[index, 2:] + 2 * _OVAL_MARGIN
    unit, codes = oval_path()
    path = start[:, None] + unit * size[:, None]
    corner = np.floor(start)
    relative = (path - corner[:, None]).astype(np.float32).reshape(-1, 2)
    flat, origin = flatten(relative, np.tile(codes, len(index)), HULL_FLATNESS)
    which = origin // len(codes)
    return flat.astype(np.float32) + corner[which].astype(np.float32), index[which]


def _rounded(outline: Outlines, number: int) -> tuple[np.ndarray, np.ndarray]:
    x, y, width, height = outline.box[number].astype(float)
    path, codes = rounded_path(0.0, 0.0, width, height, int(outline.params[number, 4]))
    flat, _ = flatten(path, codes, HULL_FLATNESS)
    return flat.astype(np.float32) + np.array([x, y], np.float32), np.full(len(flat), number)
