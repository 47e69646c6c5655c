"""Shapes as polygons to draw."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from temj.data import RoiType, Shapes
from temj.geometry import outlines
from temj.geometry.curves import Rings, flatten, rings, rounded_path
from temj.geometry.vertices import POLYGONS, Outlines

_FLATNESS = 0.1
_CIRCLE = np.radians(np.arange(0, 360, 5))
_CROSS = 1.5


@dataclass(frozen=True, eq=False)
class Path:
    """One line to draw: (k, 2) float64 in continuous pixel coordinates, whether it is closed, and whose it is."""

    points: np.ndarray
    closed: bool
    owner: int


def paths(shapes: Shapes) -> list[Path]:
    """The outlines of all shapes: one for each hole or piece, a cross for each point; curves become short lines."""
    outline = outlines(shapes)
    return [*_polygons(outline), *_composites(outline), *_boxes(outline), *_lines(outline)]


def extremes(found: list[Path], count: int) -> np.ndarray:
    """(count, 4, 2) float64: the leftmost, topmost, rightmost and lowest point of each shape; NaN where it has none."""
    ends = np.full((count, 4, 2), np.nan)
    for path in found:
        own = ends[path.owner]
        points = np.concatenate([own[~np.isnan(own[:, 0])], path.points])
        ends[path.owner] = points[[*points.argmin(axis=0), *points.argmax(axis=0)]]
    return ends


def _split(points: np.ndarray, offsets: np.ndarray, owners: np.ndarray, closed: bool) -> list[Path]:
    parts = (points[start:stop] for start, stop in pairwise(offsets))
    return [Path(part, closed, int(owner)) for part, owner in zip(parts, owners, strict=True) if len(part)]


def _polygons(outline: Outlines) -> list[Path]:
    kinds = (*POLYGONS, RoiType.ELLIPSE, RoiType.ROTATED_RECT)
    found = _split(outline.absolute().astype(float), outline.offsets, np.arange(len(outline)), True)
    wanted = outline.of_type(*kinds)
    return [path for path in found if wanted[path.owner]]


def _composites(outline: Outlines) -> list[Path]:
    index = np.flatnonzero(outline.of_type(RoiType.COMPOSITE))
    if not len(index):
        return []
    owner = outline.owner
    used = np.isin(owner, index)
    found: Rings = rings(outline.absolute()[used].astype(float), outline.codes[used], owner[used], _FLATNESS)
    return _split(found.points, found.offsets, found.owner, True)


def _boxes(outline: Outlines) -> list[Path]:
    """Rectangles, plain and rounded, and ovals: of the sub-pixel box where there is one."""
    found = []
    for index in np.flatnonzero(outline.of_type(RoiType.RECT, RoiType.OVAL)).tolist():
        exact = outline.shapes.subpixel[index]
        x, y, width, height = (outline.params[index, :4] if exact else outline.box[index]).tolist()
        arc = outline.params[index, 4]
        if outline.shapes.roi_type[index] == RoiType.OVAL:
            points = np.column_stack([x + width / 2 * (1 + np.cos(_CIRCLE)), y + height / 2 * (1 + np.sin(_CIRCLE))])
        elif arc >= 1:
            points = flatten(*rounded_path(x, y, width, height, arc), _FLATNESS)[0][:-1]
        else:
            points = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
        found.append(Path(points, True, index))
    return found


def _lines(outline: Outlines) -> list[Path]:
    """Lines and points: theirs count from the middle of the pixel."""
    kind, shapes = outline.shapes.roi_type, outline.shapes
    found = []
    for index in np.flatnonzero(kind > RoiType.COMPOSITE).tolist():
        points = shapes.points[shapes.offsets[index] : shapes.offsets[index + 1]] + 0.5
        if kind[index] != RoiType.POINT:
            found.append(Path(points, False, index))
            continue
        for reach in ((_CROSS, 0.0), (0.0, _CROSS)):
            found += [Path(np.array([point - reach, point + reach]), False, index) for point in points]
    return found
