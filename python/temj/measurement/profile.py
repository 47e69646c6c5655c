"""Grey values along lines one pixel wide (``ij.gui.ProfilePlot`` of ImageJ 1.54p)."""

from __future__ import annotations

import math

import numpy as np

from temj.data import RoiType

_STEP = 0.01
_ALMOST_ONE = 0.995


def profile(pixels: np.ndarray, kind: RoiType, points: np.ndarray) -> np.ndarray:
    """Bilinear samples about one pixel apart along a line.

    Args:
        pixels: (height, width).
        kind: LINE (samples at equal distances from end to end), POLYLINE or FREELINE.
        points: (n, 2) float64, the pixels' centres being at integers.

    Returns:
        (samples,) float32.
    """
    places = _along_line(points) if kind == RoiType.LINE else _along_polyline(points)
    return _sampled(pixels, places).astype(np.float32)


def _along_line(points: np.ndarray) -> np.ndarray:
    """Places (samples, 2) by adding up steps, as ImageJ does."""
    (x1, y1), (x2, y2) = points[:2]
    dx, dy = x2 - x1, y2 - y1
    count = math.floor(math.sqrt(dx * dx + dy * dy) + 0.5)
    steps = np.array([dx / count, dy / count]) if count else np.zeros(2)
    return np.cumsum(np.concatenate([points[:1], np.tile(steps, (count, 1))]), axis=0)


def _along_polyline(points: np.ndarray) -> np.ndarray:
    """Places (samples, 2): walking in steps of 0.01, one wherever 0.995 lie behind the last, first (0, 0)."""
    places, last_x, last_y = [], 0.0, 0.0
    for (x, y), (end_x, end_y) in zip(points[:-1].tolist(), points[1:].tolist(), strict=True):
        dx, dy = end_x - x, end_y - y
        distance = math.sqrt(dx * dx + dy * dy)
        step_x, step_y = (dx * _STEP / distance, dy * _STEP / distance) if distance else (math.nan, math.nan)
        for _ in range(max(int(distance / _STEP) + (len(points) == 2), 1)):
            if math.sqrt((x - last_x) * (x - last_x) + (y - last_y) * (y - last_y)) >= _ALMOST_ONE:
                places.append((x, y))
                last_x, last_y = x, y
            x, y = x + step_x, y + step_y
    return np.array(places).reshape(-1, 2)


def _sampled(pixels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Bilinear values (samples,) float64; 0 outside, and the edge's value within a pixel of it."""
    height, width = pixels.shape
    x, y = places.T
    outside = (x < -1) | (x >= width) | (y < -1) | (y >= height)
    x, y = np.where(outside, 0.0, x), np.where(outside, 0.0, y)
    column, row = np.trunc(x).astype(int), np.trunc(y).astype(int)
    across, down = np.maximum(x - column, 0.0), np.maximum(y - row, 0.0)

    def value(i: np.ndarray, j: np.ndarray) -> np.ndarray:
        return pixels[np.clip(j, 0, height - 1), np.clip(i, 0, width - 1)].astype(float)

    with np.errstate(invalid="ignore"):
        lower = value(column, row + 1) + across * (value(column + 1, row + 1) - value(column, row + 1))
        upper = value(column, row) + across * (value(column + 1, row) - value(column, row))
        return np.where(outside, 0.0, upper + down * (lower - upper))
