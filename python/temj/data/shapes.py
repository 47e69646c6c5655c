"""Outlines of objects: one for each, all of them as arrays.

Coordinates are continuous pixel coordinates: x to the right, y down, pixel (0, 0) covers [0, 1) in both.
Angles are degrees, counter-clockwise as seen on the screen from +x, in [0, 180)::

        90
         |   45
         |  /
    180 -+-- 0   x ->
         |
         y
         v

A shape keeps ImageJ's own kind of selection (:class:`RoiType`) and whether its coordinates are sub-pixel,
because ImageJ rasterises and measures each kind differently. Nothing converts a kind in passing.

What the numbers of a shape are, by its type:

============  ===========================================================================================
RECT          params: x, y, width, height, arc (diameter of rounded corners, 0 for none); no points
OVAL          params: x, y, width, height; no points
ELLIPSE       params: x1, y1, x2, y2 (ends of the major axis), ratio minor/major; no points
ROTATED_RECT  params: x1, y1, x2, y2 (ends of the centre line), width across it; no points
POLYGON,      points: the vertices in order, not repeated at the end (as ImageJ keeps them)
FREEROI,
TRACED
COMPOSITE     points and codes: a path of MOVE, LINE_TO, QUADRATIC (2 points), CUBIC (3 points), CLOSE
              (one point, ignored); even-odd filling
LINE          points: two ends.  POLYLINE, FREELINE, ANGLE: points.  POINT: one or more points
============  ===========================================================================================

``subpixel`` false: integer corners (RECT, OVAL: integer box; polygons: integer vertices), and ImageJ's
integer arithmetic; true: float32 coordinates and ImageJ's float arithmetic. ELLIPSE, ROTATED_RECT and
COMPOSITE are always sub-pixel. Points of POINT, LINE and the other line kinds stand as ImageJ stores them
(pixel *centres* at integers, 0.5 less than continuous coordinates).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class RoiType(IntEnum):
    """ImageJ's kinds of selection (numbers are ours)."""

    RECT = 1
    OVAL = 2
    ELLIPSE = 3
    ROTATED_RECT = 4
    POLYGON = 5
    FREEROI = 6
    TRACED = 7
    COMPOSITE = 8
    POINT = 9
    LINE = 10
    POLYLINE = 11
    FREELINE = 12
    ANGLE = 13

    @property
    def is_area(self) -> bool:
        """Whether it encloses pixels."""
        return self <= RoiType.COMPOSITE


MOVE, LINE_TO, QUADRATIC, CUBIC, CLOSE = range(5)
"""Codes of a path's points: a curve's code stands at each of its 2 or 3 points; CLOSE has one (unused) point."""

ALWAYS_SUBPIXEL = (RoiType.ELLIPSE, RoiType.ROTATED_RECT, RoiType.COMPOSITE)
_NO_POINTS = np.empty((0, 2))
_NO_PARAMS = (np.nan,) * 5


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array).view()
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Shape:
    """The outline of one object (the module's docstring says what its numbers mean)."""

    roi_type: RoiType
    points: np.ndarray = None
    params: tuple[float, ...] = _NO_PARAMS
    subpixel: bool = True
    codes: np.ndarray | None = None

    def __post_init__(self) -> None:
        points = np.asarray(_NO_POINTS if self.points is None else self.points, float).reshape(-1, 2)
        codes = np.zeros(len(points), np.uint8) if self.codes is None else np.asarray(self.codes, np.uint8)
        params = (tuple(float(value) for value in self.params) + _NO_PARAMS)[:5]
        if self.roi_type == RoiType.RECT and len(self.params) == 4:
            params = (*params[:4], 0.0)
        object.__setattr__(self, "roi_type", RoiType(self.roi_type))
        object.__setattr__(self, "points", _frozen(points))
        object.__setattr__(self, "codes", _frozen(codes))
        object.__setattr__(self, "params", params)
        if self.roi_type in ALWAYS_SUBPIXEL:
            object.__setattr__(self, "subpixel", True)


@dataclass(frozen=True, eq=False)
class Shapes:
    """Many outlines as arrays. Immutable; empty is a normal value.

    Attributes:
        roi_type: (n,) uint8, values of :class:`RoiType`.
        subpixel: (n,) bool.
        params: (n, 5) float64, NaN where the type has none.
        points: (total, 2) float64, the points of all shapes one after the other.
        codes: (total,) uint8, path codes (0 for shapes that are not COMPOSITE).
        offsets: (n + 1,) int64; the points of shape i are ``points[offsets[i]:offsets[i + 1]]``.
    """

    roi_type: np.ndarray
    subpixel: np.ndarray
    params: np.ndarray
    points: np.ndarray
    codes: np.ndarray
    offsets: np.ndarray

    def __post_init__(self) -> None:
        names = ("roi_type", "subpixel", "params", "points", "codes", "offsets")
        dtypes = dict(zip(names, (np.uint8, bool, float, float, np.uint8, np.int64), strict=True))
        for name, dtype in dtypes.items():
            object.__setattr__(self, name, _frozen(np.asarray(getattr(self, name), dtype)))
        count, total = len(self.roi_type), len(self.points)
        wrong = self.offsets.shape != (count + 1,) or self.params.shape != (count, 5) or self.codes.shape != (total,)
        if wrong or self.offsets[0] != 0 or self.offsets[-1] != total:
            raise ValueError(
                f"Shapes: {count} types, params {self.params.shape}, {total} points, offsets {self.offsets} do not fit"
            )

    @classmethod
    def of(cls, shapes: Iterable[Shape]) -> Shapes:
        """Put single shapes together."""
        shapes = list(shapes)
        counts = [len(shape.points) for shape in shapes]
        return cls(
            roi_type=np.array([shape.roi_type for shape in shapes], np.uint8),
            subpixel=np.array([shape.subpixel for shape in shapes], bool),
            params=np.array([shape.params for shape in shapes], float).reshape(-1, 5),
            points=np.concatenate([_NO_POINTS, *(shape.points for shape in shapes)]),
            codes=np.concatenate([np.empty(0, np.uint8), *(shape.codes for shape in shapes)]),
            offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        )

    @classmethod
    def concatenate(cls, parts: Iterable[Shapes]) -> Shapes:
        """All shapes of several sets, in order."""
        parts = [cls.of([]), *parts]
        starts = np.cumsum([0] + [len(part.points) for part in parts[:-1]])
        return cls(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("roi_type", "subpixel", "params", "points", "codes")
            ),
            offsets=np.concatenate(
                [[0], *(part.offsets[1:] + start for part, start in zip(parts, starts, strict=True))]
            ),
        )

    def __len__(self) -> int:
        return len(self.roi_type)

    def __getitem__(self, index: int) -> Shape:
        index = range(len(self))[index]
        part = slice(self.offsets[index], self.offsets[index + 1])
        return Shape(
            RoiType(self.roi_type[index]),
            self.points[part],
            tuple(self.params[index]),
            bool(self.subpixel[index]),
            self.codes[part],
        )

    def __iter__(self) -> Iterator[Shape]:
        return (self[index] for index in range(len(self)))

    def take(self, index: np.ndarray) -> Shapes:
        """The shapes at the given indices (int array) or where a bool array is true, in that order."""
        index = np.arange(len(self))[np.asarray(index)]
        counts = np.diff(self.offsets)[index]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        rows = np.repeat(self.offsets[:-1][index], counts) + within
        return Shapes(
            self.roi_type[index], self.subpixel[index], self.params[index], self.points[rows], self.codes[rows], offsets
        )
