"""Feret's diameters: the greatest and the least distance of two parallel lines that touch an object."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from temj.data import RoiType
from temj.geometry.hull import Hulls
from temj.geometry.vertices import ELLIPSE_VERTICES, Outlines

_GROUP = 8


@dataclass(frozen=True, eq=False)
class Feret:
    """Diameters of n objects, (n,) float64 each (``Roi.getFeretValues``).

    Attributes:
        longest: greatest distance of two points, calibrated.
        angle: of the line between them, degrees in [0, 180], counter-clockwise as seen on the screen.
        shortest: least distance of two parallel lines that enclose it, calibrated.
        x: of the end with the smaller x, in pixels (for ovals calibrated, as ImageJ has it).
        y: of the same end.
    """

    longest: np.ndarray
    angle: np.ndarray
    shortest: np.ndarray
    x: np.ndarray
    y: np.ndarray


def feret(outline: Outlines, hulls: Hulls, size: tuple[float, float]) -> Feret:
    """Diameters of shapes with the given hulls, for pixels of the given width and height."""
    square, one, other = _farthest_pair(hulls, size)
    points = np.concatenate([hulls.points, [[np.nan, np.nan]]])
    swap = points[one, 0] > points[other, 0]
    one, other = np.where(swap, other, one), np.where(swap, one, other)
    x1, y1, x2, y2 = *points[one].T, *points[other].T
    angle = (180.0 / math.pi) * np.arctan2((y1 - y2) * size[1], (x2 - x1) * size[0])
    angle = np.where(angle < 0, angle + 180.0, angle)
    result = Feret(np.sqrt(square), angle, _least_width(hulls, size), x1, y1)
    _set_ellipses(result, outline, size)
    _set_ovals(result, outline, size)
    return result


def _set_ellipses(result: Feret, outline: Outlines, size: tuple[float, float]) -> None:
    """With square pixels ImageJ takes the diameters of ellipses from their axes, the angle from the hull."""
    index = np.flatnonzero(outline.of_type(RoiType.ELLIPSE))
    if size[0] != size[1] or not len(index):
        return
    first = outline.offsets[index]
    vertices = outline.absolute().astype(float)
    across = vertices[first] - vertices[first + ELLIPSE_VERTICES // 2]
    major = np.sqrt(across[:, 0] * across[:, 0] + across[:, 1] * across[:, 1])
    result.longest[index] = major * size[0]
    result.shortest[index] = major * np.clip(outline.params[index, 4], 0.0, 1.0) * size[0]


def _set_ovals(result: Feret, outline: Outlines, size: tuple[float, float]) -> None:
    index = np.flatnonzero(outline.of_type(RoiType.OVAL))
    x, y, width, height = outline.box[index].T
    tall = size[1] * height > size[0] * width
    one, other = width * size[0], height * size[1]
    result.longest[index], result.shortest[index] = np.where(tall, other, one), np.where(tall, one, other)
    result.angle[index] = np.where(tall, 90.0, 0.0)
    result.x[index] = (x + np.where(tall, 0.5 * width, 0)) * size[0]
    result.y[index] = (y + np.where(tall, height, 0.5 * height)) * size[1]


def _groups(hulls: Hulls) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    """Hulls of about the same size, so that they fit in rectangular arrays with little to spare.

    Yields:
        The hulls (g,), a matrix (2 * most, g) of their vertices, where those of each hull are repeated to fill its
        column, and ``most``, which none has more vertices than.
    """
    count = np.diff(hulls.offsets)
    size = -(-count // _GROUP)
    for group in np.unique(size[count > 0]):
        members = np.flatnonzero(size == group)
        most = int(count[members].max())
        place = np.arange(2 * most)[:, None] % count[members]
        yield members, hulls.offsets[members] + place, most


def _farthest_pair(hulls: Hulls, size: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Squared calibrated distance and vertices of the farthest pair (the first one) of each hull; -1 for none."""
    total = len(hulls.offsets) - 1
    result, one, other = np.full(total, np.nan), np.full(total, -1), np.full(total, -1)
    points = hulls.points.astype(np.float32)
    for members, vertex, most in _groups(hulls):
        # a repeated vertex makes pairs that come later than the same pair of first occurrences
        x, y = points[vertex[:most], 0], points[vertex[:most], 1]
        best, partner = np.zeros((most, len(members))), np.zeros((most, len(members)), np.int64)
        for step in range(1, most):
            dx = (x[:-step] - x[step:]).astype(float) * size[0]
            dy = (y[:-step] - y[step:]).astype(float) * size[1]
            square = dx * dx + dy * dy
            better = square > best[:-step]
            np.copyto(best[:-step], square, where=better)
            np.copyto(partner[:-step], step, where=better)
        first = best.argmax(axis=0)
        column = np.arange(len(members))
        result[members] = best[first, column]
        one[members], other[members] = vertex[first, column], vertex[first + partner[first, column], column]
    return result, one, other


def _least_width(hulls: Hulls, size: tuple[float, float]) -> np.ndarray:
    """Least over the edges of each hull of the greatest distance of a vertex from the edge; NaN for no hull."""
    result = np.full(len(hulls.offsets) - 1, np.nan)
    for members, vertex, most in _groups(hulls):
        x, y = hulls.points[vertex, 0], hulls.points[vertex, 1]
        end_x, end_y = x[1 : most + 1], y[1 : most + 1]
        nx, ny = (end_y - y[:most]) * size[1], (x[:most] - end_x) * size[0]
        length = np.sqrt(nx * nx + ny * ny)
        scale = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
        across_x, across_y = nx * (scale * size[0]), ny * (scale * size[1])
        widest = np.zeros_like(length)
        for step in range(1, most):
            far = slice(1 + step, most + 1 + step)
            distance = (x[far] - end_x) * across_x + (y[far] - end_y) * across_y
            np.maximum(widest, distance, out=widest)
        result[members] = widest.min(axis=0) + 0.0  # no negative zero
    return result
