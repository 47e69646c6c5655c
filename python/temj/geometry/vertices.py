"""Shapes as ImageJ holds them after reading: an integer box each, and float32 vertices relative to a base point.

ImageJ decides with the integer box which pixels a selection can have at all, and computes with vertices
relative to the box in 32-bit floats. Both are rebuilt here, so that a shape gives the same pixels and
numbers whether it came from a file or from memory. Rules: ``ij.io.RoiDecoder`` and the constructors of
``ij.gui`` of ImageJ 1.54p.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from temj.data import CLOSE, MOVE, RoiType, Shapes

POLYGONS = (RoiType.POLYGON, RoiType.FREEROI, RoiType.TRACED)
POLYLINES = (RoiType.POLYLINE, RoiType.FREELINE, RoiType.ANGLE)
BOXES = (RoiType.RECT, RoiType.OVAL)
ELLIPSE_VERTICES = 72
_SMALLEST = np.float32(1.4e-45)
_FARTHEST = 2.0**30


@dataclass(frozen=True, eq=False)
class Outlines:
    """Boxes and vertices of n shapes.

    Attributes:
        shapes: what they were made of.
        params: (n, 5) float64, the shapes' params rounded to 32-bit floats.
        box: (n, 4) int64, ImageJ's integer bounds x, y, width, height.
        base: (n, 2) float64, the point that ``relative`` is relative to.
        relative: (total, 2) float32, the vertices (72 of an ELLIPSE, 4 of a ROTATED_RECT) less the base. The
            point of a CLOSE is the first point of its subpath.
        codes: (total,) uint8, path codes as in Shapes.
        offsets: (n + 1,) int64, the vertices of shape i are ``relative[offsets[i]:offsets[i + 1]]``.
    """

    shapes: Shapes
    params: np.ndarray
    box: np.ndarray
    base: np.ndarray
    relative: np.ndarray
    codes: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def owner(self) -> np.ndarray:
        """(total,) int64, the shape of each vertex."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @property
    def shift(self) -> np.ndarray:
        """(n, 2) float64, from the corner of the box to the base; 0 but for sub-pixel polygons."""
        return self.base - self.box[:, :2]

    def absolute(self) -> np.ndarray:
        """(total, 2) float32, the vertices in image coordinates, added in 32-bit floats as ImageJ does."""
        return self.relative + np.repeat(self.base.astype(np.float32), np.diff(self.offsets), axis=0)

    def vertices_of(self, chosen: np.ndarray) -> np.ndarray | slice:
        """What selects the vertices of the shapes for which ``chosen`` (n,) bool is true."""
        counts = np.diff(self.offsets)
        return slice(None) if chosen[counts > 0].all() else np.repeat(chosen, counts)

    def of_type(self, *types: RoiType) -> np.ndarray:
        """(n,) bool, which shapes are of one of the types."""
        return np.isin(self.shapes.roi_type, types)


def outlines(shapes: Shapes) -> Outlines:
    """The boxes and vertices of all shapes.

    A shape with a coordinate that is not a number becomes a single point at (0, 0), which has no pixels.
    """
    params = np.clip(shapes.params, -_FARTHEST, _FARTHEST).astype(np.float32).astype(float)
    points, codes, offsets = _vertices(shapes, params)
    counts = np.diff(offsets)
    low, high = _extremes(points, offsets)
    floats = shapes.subpixel & np.isin(shapes.roi_type, POLYGONS + POLYLINES)
    base = np.where(floats[:, None], low, np.floor(low)).astype(float)
    box = _boxes(shapes, params, low, high)
    given = np.isin(shapes.roi_type, BOXES)
    base[given] = box[given, :2]
    relative = points - np.repeat(base.astype(np.float32), counts, axis=0)
    return Outlines(shapes, params, box, base, relative, codes, offsets)


def boxes(shapes: Shapes) -> np.ndarray:
    """ImageJ's integer bounds x, y, width, height of each shape: (n, 4) int64, not clipped to an image."""
    return outlines(shapes).box


def clip_boxes(box: np.ndarray, width: int, height: int) -> np.ndarray:
    """The parts of boxes (n, 4) inside an image; (0, 0, 0, 0) where nothing is left (``ImageProcessor.setRoi``)."""
    image = np.array([width, height])
    start, stop = np.maximum(box[:, :2], 0), np.minimum(box[:, :2] + box[:, 2:], image)
    clipped = np.concatenate([start, stop - start], axis=1)
    inside = ((box[:, :2] >= 0) & (box[:, :2] + box[:, 2:] <= image)).all(axis=1)
    clipped[~inside & (clipped[:, 2:] <= 0).any(axis=1)] = 0
    return clipped


def ellipse_vertices(params: np.ndarray) -> np.ndarray:
    """The 72 vertices of ellipses given as x1, y1, x2, y2, ratio: (n, 5) → (n, 72, 2) float64 (``EllipseRoi``)."""
    x1, y1, x2, y2, ratio = params.T[:, :, None]
    ratio = np.clip(ratio, 0.0, 1.0)
    dx, dy = x2 - x1, y2 - y1
    major = np.sqrt(dx * dx + dy * dy)
    turn = np.arctan2(dy, dx) * 180.0 / math.pi / 180.0 * math.pi
    angles = [(i * 360.0 / ELLIPSE_VERTICES) / 180.0 * math.pi for i in range(ELLIPSE_VERTICES)]
    x = np.array([math.cos(angle) for angle in angles]) * major / 2.0
    y = np.array([math.sin(angle) for angle in angles]) * (major * ratio) / 2.0
    phi, radius = np.arctan2(y, x) + turn, np.sqrt(x * x + y * y)
    return np.stack([(x1 + x2) / 2.0 + np.cos(phi) * radius, (y1 + y2) / 2.0 + np.sin(phi) * radius], axis=2)


def rotated_rect_vertices(params: np.ndarray) -> np.ndarray:
    """The corners of rectangles given as x1, y1, x2, y2, width: (n, 5) → (n, 4, 2) float64 (``RotatedRectRoi``).

    NaN where the two ends are one point.
    """
    x1, y1, x2, y2, width = params.T
    dx, dy = x2 - x1, y2 - y1
    with np.errstate(invalid="ignore", divide="ignore"):
        length = np.sqrt(dx * dx + dy * dy)
        sx, sy = 0.5 * width * dy / length, -0.5 * width * dx / length
    x = np.stack([x1 + sx, x2 + sx, x2 - sx, x1 - sx], axis=1)
    y = np.stack([y1 + sy, y2 + sy, y2 - sy, y1 - sy], axis=1)
    return np.stack([x, y], axis=2)


def _vertices(shapes: Shapes, params: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Absolute float32 vertices, codes and offsets, with the computed ones of ellipses and rotated rectangles."""
    counts = np.diff(shapes.offsets)
    points, codes = shapes.points, shapes.codes
    computed = {RoiType.ELLIPSE: ellipse_vertices, RoiType.ROTATED_RECT: rotated_rect_vertices}
    special = np.isin(shapes.roi_type, list(computed))
    if special.any():
        kept = np.repeat(~special, counts)
        made = {kind: make(params[shapes.roi_type == kind]) for kind, make in computed.items()}
        counts = counts.copy()
        for kind, vertices in made.items():
            counts[shapes.roi_type == kind] = vertices.shape[1]
        of_vertex = np.repeat(np.where(special, shapes.roi_type, 0), counts)
        merged, merged_codes = np.empty((len(of_vertex), 2)), np.zeros(len(of_vertex), np.uint8)
        merged[of_vertex == 0], merged_codes[of_vertex == 0] = points[kept], codes[kept]
        for kind, vertices in made.items():
            merged[of_vertex == kind] = vertices.reshape(-1, 2)
        points, codes = merged, merged_codes
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return _within_limits(_closed(points, codes), offsets).astype(np.float32), codes, offsets


def _closed(points: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The points, that of each CLOSE replaced by the first one of its subpath."""
    close = np.flatnonzero(codes == CLOSE)
    if not len(close):
        return points
    first = np.maximum.accumulate(np.where(codes == MOVE, np.arange(len(codes)), 0))
    points = points.copy()
    points[close] = points[first[close]]
    return points


def _within_limits(points: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The points, clipped to coordinates that integers can count; 0 for shapes that have a NaN."""
    if (np.abs(points) <= _FARTHEST).all():
        return points
    wrong = np.isnan(points).any(axis=1)
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return np.clip(np.where(np.isin(owner, owner[wrong])[:, None], 0.0, points), -_FARTHEST, _FARTHEST)


def _extremes(points: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest coordinates of each shape, (n, 2) float32; 0 for shapes without vertices."""
    low, high = np.zeros((2, len(offsets) - 1, 2), np.float32)
    filled = np.flatnonzero(np.diff(offsets))
    for axis in (0, 1) if len(filled) else ():
        value = np.ascontiguousarray(points[:, axis])
        low[filled, axis] = np.minimum.reduceat(value, offsets[filled])
        high[filled, axis] = np.maximum.reduceat(value, offsets[filled])
    return low, high


def _boxes(shapes: Shapes, params: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Integer boxes by the rule of each type; ``low``, ``high`` are float32."""
    kind = shapes.roi_type
    positive = np.maximum(high, _SMALLEST)  # ImageJ's search for the greatest coordinate starts there
    corner = np.floor(low.astype(float))
    top = np.where((kind == RoiType.COMPOSITE)[:, None], high, positive)
    stop = np.ceil(low.astype(float) + (top - low))
    rounded = np.isin(kind, (RoiType.ELLIPSE, RoiType.ROTATED_RECT))
    stop[rounded] = (corner + np.trunc((positive - corner.astype(np.float32)).astype(float) + 0.5))[rounded]
    whole = ~shapes.subpixel & np.isin(kind, POLYGONS)
    stop[whole] = high[whole]
    lines = kind > RoiType.COMPOSITE  # points and lines have their pixels' centres at integers
    corner[lines] = np.floor(low[lines] + 0.5)
    stop[lines] = np.floor(high[lines].astype(float) + 1.5)
    given = np.isin(kind, BOXES)
    corner[given] = np.trunc(np.nan_to_num(params[given, :2]))
    stop[given] = corner[given] + np.maximum(np.ceil(np.nan_to_num(params[given, 2:4])), 1.0)
    return np.concatenate([corner, stop - corner], axis=1).astype(np.int64)
