"""What rotated boxes have in common: the arithmetic behind :mod:`temj.geometry.rotated`, which checks what it is given.

Boxes are *prepared* here: (6, n) float64 with rows centre x and y, half length, half width, cosine and sine of the
angle.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from temj.geometry.overlap import Overlaps
from temj.geometry.upright import touching

_ROUNDING = 1e-12
"""An IoU below it is rounding, and counts as 0."""
_STEEPEST = 1e-18
"""A box turned by less than this (radians) against another is not turned."""
_BLOCK = 1 << 13
"""Pairs that are computed together, so that the columns stay in the processor's cache."""

Wanted = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Indices (p,), (p,) of pairs → (p,) bool, which of them are asked for."""


def pairs(first: np.ndarray, second: np.ndarray, least: float, wanted: Wanted | None = None) -> Overlaps:
    """Pairs of boxes (6, n), (6, m) that are wanted, with IoU > 0 and >= ``least``."""
    one, other = areas(first), areas(second)
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    for i, j in touching(bounds(first), bounds(second)):
        # no IoU is above the ratio of the areas
        kept = np.minimum(one[i], other[j]) >= least * np.maximum(one[i], other[j])
        kept = kept if wanted is None else kept & wanted(i, j)
        i, j = i[kept], j[kept]
        iou = iou_at(first, second, i, j)
        found = (iou > 0) & (iou >= least)
        parts.append((i[found], j[found], iou[found]))
    i, j, iou = (np.concatenate([part[number] for part in parts]) for number in range(3))
    order = np.lexsort((j, i))
    return Overlaps(i[order], j[order], iou[order])


def prepared(boxes: np.ndarray) -> np.ndarray:
    """(6, n): centre x and y, half length, half width, cosine and sine of the angle."""
    x, y, length, width, angle = boxes.T
    turn = np.deg2rad(angle)
    return np.stack([x, y, length / 2, width / 2, np.cos(turn), np.sin(turn)])


def areas(boxes: np.ndarray) -> np.ndarray:
    """(n,), in square pixels."""
    return 4 * boxes[2] * boxes[3]


def bounds(boxes: np.ndarray) -> np.ndarray:
    """(n, 4): x1, y1, x2, y2 of the upright boxes around them."""
    x, y, length, width, cos, sin = boxes[0], boxes[1], boxes[2], boxes[3], np.abs(boxes[4]), np.abs(boxes[5])
    wide, high = length * cos + width * sin, length * sin + width * cos
    return np.stack([x - wide, y - high, x + wide, y + high], axis=1)


def iou_at(first: np.ndarray, second: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """IoU of boxes ``first[:, i]`` with boxes ``second[:, j]``, (p,)."""
    iou = np.empty(len(i))
    for start in range(0, len(i), _BLOCK):
        part = slice(start, start + _BLOCK)
        iou[part] = _iou(first[:, i[part]], second[:, j[part]])
    return iou


def _iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """IoU of boxes (6, p) with boxes (6, p)."""
    one, other = areas(first), areas(second)
    both = np.clip(_common(first, second), 0, np.minimum(one, other))
    total = one + other - both
    iou = both / np.where(total > 0, total, 1)
    return np.where((iou < _ROUNDING) | (np.minimum(one, other) == 0), 0.0, iou)


def _common(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Area of the intersection of boxes (6, p) with boxes (6, p).

    In the coordinates u, v of the first box, which is |u| <= a, |v| <= b there, the area that a polygon has in common
    with it is the integral of clip(v, -b, b) du along the polygon's outline, where |u| <= a (Green's theorem on each
    line u = constant). So no corners of the intersection are looked for, and nothing can degenerate.
    """
    x, y, half_length, half_width, cos, sin = second
    a, b, cos_first, sin_first = first[2:]
    dx, dy = x - first[0], y - first[1]
    u, v = dx * cos_first - dy * sin_first, dx * sin_first + dy * cos_first
    cos, sin = cos * cos_first + sin * sin_first, sin * cos_first - cos * sin_first
    along_u, along_v, across_u, across_v = half_length * cos, -half_length * sin, half_width * sin, half_width * cos
    u = np.stack([u - along_u + across_u, u - along_u - across_u, u + along_u - across_u, u + along_u + across_u])
    v = np.stack([v - along_v + across_v, v - along_v - across_v, v + along_v - across_v, v + along_v + across_v])
    slope = np.stack([_ratio(cos, sin), _ratio(-sin, cos)] * 2)  # dv / du of the sides that begin at the corners
    start = np.clip(u, -a, a)
    stop = start[[1, 2, 3, 0]]
    begin, end = v + (start - u) * slope, v + (stop - u) * slope
    low, high = np.clip(begin, -b, b), np.clip(end, -b, b)
    inside = (high - low) / np.where(end == begin, 1, end - begin)  # the share of the way where v is not clipped
    mean = (low + high + inside * (begin + end - low - high)) / 2
    return ((start - stop) * mean).sum(axis=0)


def _ratio(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """one / other; 0 where the side stands upright, along which nothing is integrated."""
    return np.where(np.abs(other) > _STEEPEST, one / np.where(np.abs(other) > _STEEPEST, other, 1), 0.0)
