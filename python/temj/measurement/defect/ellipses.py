"""Ellipses as rows of numbers: (n, 5) float64 with centre x, y, semi-axes a >= b, and turn.

Coordinates are continuous pixel coordinates. ``turn`` is the direction of a in radians, from x towards y (y points
down: clockwise on the screen); it stays inside this package. Shapes have the ends of the major axis instead, and
tables degrees counter-clockwise. OpenCV's numbers enter only through :func:`from_cv2`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from temj.data import RoiType, Shapes

Fit = tuple[tuple[float, float], tuple[float, float], float]
"""What ``cv2.fitEllipse`` gives: centre, the two full axes, and the angle of the first in degrees, clockwise on the
screen."""


def from_cv2(fitted: Sequence[Fit]) -> np.ndarray:
    """(n, 5) from what ``cv2.fitEllipse`` gives for points whose pixels' centres are at integers."""
    x, y, first, second, angle = np.array([(*middle, *axes, angle) for middle, axes, angle in fitted]).reshape(-1, 5).T
    return ordered(np.stack([x + 0.5, y + 0.5, first / 2, second / 2, np.radians(angle)], axis=1))


def ordered(ellipses: np.ndarray) -> np.ndarray:
    """The same ellipses with a >= b and turn in [0, pi)."""
    x, y, a, b, turn = ellipses.T
    turn = np.where(a < b, turn + math.pi / 2, turn)
    return np.stack([x, y, np.maximum(a, b), np.minimum(a, b), np.mod(turn, math.pi)], axis=1)


def to_shapes(ellipses: np.ndarray) -> Shapes:
    """Shapes of type ELLIPSE."""
    x, y, a, b, turn = ellipses.T
    dx, dy = a * np.cos(turn), a * np.sin(turn)
    params = np.stack([x - dx, y - dy, x + dx, y + dy, b / np.where(a > 0, a, 1.0)], axis=1)
    count = len(ellipses)
    return Shapes(
        np.full(count, RoiType.ELLIPSE), np.full(count, True), params,
        np.empty((0, 2)), np.empty(0, np.uint8), np.zeros(count + 1, np.int64),
    )  # fmt: skip


def from_shapes(shapes: Shapes) -> np.ndarray:
    """The inverse of :func:`to_shapes`."""
    x1, y1, x2, y2, ratio = shapes.params.T
    a = np.hypot(x2 - x1, y2 - y1) / 2
    return ordered(np.stack([(x1 + x2) / 2, (y1 + y2) / 2, a, a * ratio, np.arctan2(y2 - y1, x2 - x1)], axis=1))


def scaled(ellipses: np.ndarray, x: float, y: float) -> np.ndarray:
    """The ellipses after x and y are multiplied by two factors (which may differ)."""
    if x == y == 1.0:
        return ellipses
    centre_x, centre_y, a, b, turn = ellipses.T
    cos, sin = np.cos(turn), np.sin(turn)
    xx, yy = (a * cos) ** 2 + (b * sin) ** 2, (a * sin) ** 2 + (b * cos) ** 2
    xy = (a * a - b * b) * sin * cos
    form = np.stack([np.stack([xx * x * x, xy * x * y], 1), np.stack([xy * x * y, yy * y * y], 1)], 1)
    values, vectors = np.linalg.eigh(form)
    major = vectors[:, :, 1]
    axes = np.sqrt(np.maximum(values, 0))
    return ordered(
        np.stack([centre_x * x, centre_y * y, axes[:, 1], axes[:, 0], np.arctan2(major[:, 1], major[:, 0])], axis=1)
    )


def half_extents(ellipses: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(n, 2) float64: half the extent of each ellipse along ``direction`` (n,) (radians like turn) and across it."""
    _x, _y, a, b, turn = ellipses.T
    cos, sin = np.cos(turn - direction), np.sin(turn - direction)
    return np.stack([np.hypot(a * cos, b * sin), np.hypot(a * sin, b * cos)], axis=1)


def rim(ellipses: np.ndarray, directions: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points on ellipses at equal steps of the parameter.

    Returns:
        points (n, directions, 2); unit normals outwards (n, directions, 2); and the length (n, directions) of each
        normal inwards until it meets the major axis, beyond which it belongs to the other side.
    """
    x, y, a, b, turn = (column[:, None] for column in ellipses.T)
    phi = np.arange(directions)[None] * (2 * math.pi / directions)
    cos, sin, c, s = np.cos(phi), np.sin(phi), np.cos(turn), np.sin(turn)
    along, across = a * cos, b * sin
    length = np.maximum(np.hypot(b * cos, a * sin), 1e-12)
    n_along, n_across = b * cos / length, a * sin / length
    points = np.stack([x + along * c - across * s, y + along * s + across * c], axis=2)
    normals = np.stack([n_along * c - n_across * s, n_along * s + n_across * c], axis=2)
    return points, normals, b / np.maximum(a, 1e-12) * length
