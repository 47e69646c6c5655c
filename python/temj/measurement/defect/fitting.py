"""Ellipses through edge points: many at once, robust against points that belong to something else.

Gauss-Newton on the distance of each point to the ellipse along its normal (to first order: Sampson, IEEE Trans.
Pattern Anal. 1982), with Tukey's biweight of the residuals. Unlike the algebraic fit that it starts from it is not
drawn to smaller ellipses by noise.
"""

from __future__ import annotations

import math

import numpy as np

from temj.measurement.defect.ellipses import ordered

_TUKEY = 4.685
_LEAST_SCALE = 0.15
"""Pixels: residuals below it are no reason to distrust a point."""
_LARGEST_STEP = 0.3
_SMALLEST_AXIS = 0.4


def fit_points(
    points: np.ndarray, weights: np.ndarray, start: np.ndarray, iterations: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """Fit an ellipse to each set of points.

    Args:
        points: (n, m, 2) float64, x and y; NaN where there is none.
        weights: (n, m) float64, 0 for a point that does not count.
        start: (n, 5) ellipses to start from (:mod:`temj.measurement.defect.ellipses`).
        iterations: of Gauss-Newton.

    Returns:
        (n, 5) float64, the ellipses; and (n, m) float64, the weight that each point had in the end.
    """
    there = np.isfinite(points).all(axis=2) & (weights > 0)
    points = np.where(there[..., None], points, start[:, None, :2])
    base = np.where(there, weights, 0.0)
    ellipse, used = start.astype(float).copy(), base
    for _ in range(iterations):
        residual, jacobian = _linearised(points, ellipse)
        scale = 1.4826 * _median(np.abs(residual), there)
        ratio = residual / (_TUKEY * np.maximum(scale, _LEAST_SCALE)[:, None])
        used = base * np.where(np.abs(ratio) < 1, (1 - np.minimum(ratio**2, 1)) ** 2, 0.0)
        ellipse = _stepped(ellipse, residual, jacobian, used)
    return ordered(ellipse), used


def _linearised(points: np.ndarray, ellipse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed distances (n, m), positive outside, and how the ellipse's rim there moves with its numbers (n, m, 5)."""
    x, y, a, b, turn = (column[:, None] for column in ellipse.T)
    c, s = np.cos(turn), np.sin(turn)
    dx, dy = points[..., 0] - x, points[..., 1] - y
    u, v = dx * c + dy * s, dy * c - dx * s
    q = np.maximum(np.hypot(u / a, v / b), 1e-9)
    gu, gv = u / (a * a * q), v / (b * b * q)
    size = np.maximum(np.hypot(gu, gv), 1e-9)
    nu, nv = gu / size, gv / size
    cos, sin = u / (a * q), v / (b * q)
    parts = (nu * c - nv * s, nu * s + nv * c, nu * cos, nv * sin, nv * a * cos - nu * b * sin)
    return (q - 1) / size, np.stack(parts, axis=2)


def _stepped(ellipse: np.ndarray, residual: np.ndarray, jacobian: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """One step; where nothing decides about a number (the turn of a circle) it stays."""
    weighted = (jacobian * weights[..., None]).transpose(0, 2, 1)
    normal = weighted @ jacobian
    right = (weighted @ residual[..., None])[..., 0]
    size = np.maximum(ellipse[:, 2], 1.0)
    ridge = 1e-3 * weights.sum(axis=1) + 1e-9
    # the turn counts in radians: its ridge is weighed by the axis, so that it is the same for small and large
    damping = ridge[:, None] * np.stack([np.full_like(size, 1e-3)] * 4 + [size**2], axis=1)
    step = np.linalg.solve(normal + damping[:, :, None] * np.eye(5), right[..., None])[..., 0]
    limit = _LARGEST_STEP * ellipse[:, 2:3]
    step[:, :4] = np.clip(step[:, :4], -limit, limit)
    step[:, 4] = np.clip(step[:, 4], -math.pi / 8, math.pi / 8)
    moved = ellipse + step
    moved[:, 2:4] = np.maximum(moved[:, 2:4], _SMALLEST_AXIS)
    return moved


def _median(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(n,) median of the values that are there; 0 where none is."""
    ranked = np.sort(np.where(there, values, np.inf), axis=1)
    middle = np.maximum(there.sum(axis=1) - 1, 0) // 2
    found = ranked[np.arange(len(values)), middle]
    return np.where(np.isfinite(found), found, 0.0)
