"""IoU and non-maximum suppression of rotated boxes in torch, on any device.

Boxes are (n, 5) cx, cy, length, width, angle (degrees, counter-clockwise on the screen); any finite angle, any sides
>= 0. The formulas are those of :mod:`temj.geometry.rotated` (a test holds both equal), in the type of the boxes, but
in 32 bits at least: 64-bit ones are exact to about 1e-12 in IoU, 32-bit ones to about 1e-5 where a box is 50 times as
long as wide and 1e-4 at 1,000 times (their angle is not known better). Boxes without area have IoU 0 with everything.
Nothing is differentiable, and autocast changes nothing.
"""

from __future__ import annotations

import torch

from temj.errors import BadValue
from temj.geometry.rotated import LARGEST, refused
from temj.geometry.suppression import greedy

_ROUNDING = {torch.float32: 1e-6, torch.float64: 1e-12}
_STEEPEST = 1e-18
_BLOCK = 1 << 13
"""Pairs that are computed together, so that they stay in the processor's cache."""
_TABLE = 1 << 19
"""Pairs whose upright boxes are compared together."""
_LARGER = 64
"""So many times as much at once where it is not the CPU that computes."""
_HEAD = 256


@torch.no_grad()
def rotated_iou_pairs(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Intersection over union of each box with its partner: (p, 5), (p, 5) → (p,) float32 or float64.

    Raises:
        BadValue: wrong shapes; a number that is not finite or beyond 2^30; a side below 0.
    """
    one, other = _both(first, second)
    if one.shape != other.shape:
        raise BadValue("boxes", expected="as many boxes in both sets", found=f"{len(first)} and {len(second)}")
    every = torch.arange(one.shape[1], device=one.device)
    return _iou_at(one, other, every, every)


@torch.no_grad()
def rotated_iou_matrix(first: torch.Tensor, second: torch.Tensor, least: float = 0.0) -> torch.Tensor:
    """IoU of all pairs: (n, 5), (m, 5) → (n, m) float32 or float64.

    Args:
        first, second: the boxes, on one device.
        least: the least IoU that matters; 0 stands for what is below, mostly without computing it.

    Raises:
        BadValue: see :func:`rotated_iou_pairs`.
    """
    one, other = _both(first, second)
    i, j, iou = _pairs(one, other, least)
    matrix = one.new_zeros(one.shape[1], other.shape[1])
    matrix[i, j] = iou
    return matrix


@torch.no_grad()
def rotated_nms(
    boxes: torch.Tensor, scores: torch.Tensor, iou: float, groups: torch.Tensor | None = None
) -> torch.Tensor:
    """Greedy non-maximum suppression: from the best box on, each one drops those with which its IoU is above ``iou``.

    Args:
        boxes: (n, 5).
        scores: (n,) finite; of equal ones the first wins.
        iou: 0 … 1.
        groups: (n,) int, such as classes: boxes of different groups leave each other alone. None: all are one.

    Returns:
        (k,) int64 on the boxes' device, indices of the boxes that are kept, the best one first.

    Raises:
        BadValue: see :func:`rotated_iou_pairs`; scores that are not finite or too few.
    """
    columns = _prepared(boxes)
    if scores.shape != boxes.shape[:1] or not torch.isfinite(scores).all():
        raise BadValue("scores", expected=f"{len(boxes)} finite scores", found=f"{tuple(scores.shape)} scores, or NaN")
    if not 0 <= iou <= 1:
        raise BadValue("iou", expected="a number from 0 to 1", found=iou)
    groups = torch.zeros_like(scores, dtype=torch.int64) if groups is None else groups
    if groups.shape != scores.shape:
        raise BadValue("groups", expected=f"{len(boxes)} numbers", found=f"shape {tuple(groups.shape)}")
    order = torch.argsort(scores, descending=True, stable=True)
    kept = [order[:0]]
    head = _HEAD
    while len(order):  # what the best ones drop need not be compared with each other
        best, order, head = order[:head], order[head:], 2 * head
        i, j = _above(columns, best, best, iou, groups)
        better = i < j
        best = best[_kept(len(best), i[better], j[better]).to(best.device)]
        _, dropped = _above(columns, best, order, iou, groups)
        left = torch.ones_like(order, dtype=torch.bool)
        left[dropped] = False
        order = order[left]
        kept.append(best)
    return torch.cat(kept)


def _above(
    columns: torch.Tensor, first: torch.Tensor, second: torch.Tensor, iou: float, groups: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of one group with an IoU above ``iou``: places in ``first``, ascending, and in ``second``."""
    i, j, value = _pairs(columns[:, first], columns[:, second], iou, (groups[first], groups[second]))
    return i[value > iou], j[value > iou]


def _kept(count: int, better: torch.Tensor, worse: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(greedy(count, better.cpu().numpy(), worse.cpu().numpy()))


def _pairs(
    first: torch.Tensor, second: torch.Tensor, least: float, groups: tuple[torch.Tensor, torch.Tensor] | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pairs of boxes (6, n), (6, m) of the same group with IoU > 0 and >= ``least``: (i, j, IoU), ascending."""
    one, other = _areas(first), _areas(second)
    reach, other_reach = _reach(first), _reach(second)
    rows = max(_TABLE * _larger(first) // max(second.shape[1], 1), 1)
    parts = [(one.new_zeros(0, dtype=torch.int64), one.new_zeros(0, dtype=torch.int64), one.new_zeros(0))]
    for start in range(0, first.shape[1] if second.shape[1] else 0, rows):
        part = slice(start, start + rows)
        near = _apart(first[0, part], second[0]) < reach[0, part, None] + other_reach[0]
        near &= _apart(first[1, part], second[1]) < reach[1, part, None] + other_reach[1]
        i, j = torch.nonzero(near, as_tuple=True)
        i = i + start
        # no IoU is above the ratio of the areas
        kept = torch.minimum(one[i], other[j]) >= least * torch.maximum(one[i], other[j])
        kept = kept if groups is None else kept & (groups[0][i] == groups[1][j])
        i, j = i[kept], j[kept]
        iou = _iou_at(first, second, i, j)
        found = (iou > 0) & (iou >= least)
        parts.append((i[found], j[found], iou[found]))
    i, j, iou = (torch.cat([part[number] for part in parts]) for number in range(3))
    return i, j, iou


def _larger(boxes: torch.Tensor) -> int:
    return 1 if boxes.device.type == "cpu" else _LARGER


def _apart(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return (first[:, None] - second).abs_()


def _both(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    dtype = torch.promote_types(first.dtype, second.dtype)
    return _prepared(first.to(dtype)), _prepared(second.to(dtype))


def _prepared(boxes: torch.Tensor) -> torch.Tensor:
    """(6, n): centre x and y, half length, half width, cosine and sine of the angle."""
    if boxes.ndim != 2 or boxes.shape[1] != 5:
        raise BadValue(
            "boxes", expected="a tensor (n, 5): cx, cy, length, width, angle", found=f"shape {tuple(boxes.shape)}"
        )
    boxes = boxes.detach().to(torch.promote_types(boxes.dtype, torch.float32))
    fits = (boxes.abs() <= LARGEST).all(dim=1) & (boxes[:, 2:4] >= 0).all(dim=1)
    if not fits.all():
        wrong = torch.nonzero(~fits)[:, 0]
        raise refused(int(wrong[0]), boxes[wrong[0]].tolist(), len(wrong))
    x, y, length, width, angle = boxes.T
    turn = torch.deg2rad(angle)
    return torch.stack([x, y, length / 2, width / 2, torch.cos(turn), torch.sin(turn)])


def _areas(boxes: torch.Tensor) -> torch.Tensor:
    return 4 * boxes[2] * boxes[3]


def _reach(boxes: torch.Tensor) -> torch.Tensor:
    """(2, n): half width and half height of the upright boxes around them."""
    length, width, cos, sin = boxes[2], boxes[3], boxes[4].abs(), boxes[5].abs()
    return torch.stack([length * cos + width * sin, length * sin + width * cos])


def _iou_at(first: torch.Tensor, second: torch.Tensor, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
    """IoU of boxes ``first[:, i]`` with boxes ``second[:, j]``, (p,)."""
    iou = first.new_empty(len(i))
    block = _BLOCK * _larger(first)
    for start in range(0, len(i), block):
        part = slice(start, start + block)
        iou[part] = _iou(first[:, i[part]], second[:, j[part]])
    return iou


def _iou(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """IoU of boxes (6, p) with boxes (6, p)."""
    one, other = _areas(first), _areas(second)
    both = torch.minimum(_common(first, second).clamp(min=0), torch.minimum(one, other))
    total = one + other - both
    iou = both / torch.where(total > 0, total, 1)
    return torch.where((iou < _ROUNDING[iou.dtype]) | (torch.minimum(one, other) == 0), 0.0, iou)


def _common(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Area of the intersection of boxes (6, p) with boxes (6, p): :func:`temj.geometry.rotated_overlap._common`."""
    x, y, half_length, half_width, cos, sin = second
    a, b, cos_first, sin_first = first[2:]
    dx, dy = x - first[0], y - first[1]
    u, v = dx * cos_first - dy * sin_first, dx * sin_first + dy * cos_first
    cos, sin = cos * cos_first + sin * sin_first, sin * cos_first - cos * sin_first
    along_u, along_v, across_u, across_v = half_length * cos, -half_length * sin, half_width * sin, half_width * cos
    u = torch.stack([u - along_u + across_u, u - along_u - across_u, u + along_u - across_u, u + along_u + across_u])
    v = torch.stack([v - along_v + across_v, v - along_v - across_v, v + along_v - across_v, v + along_v + across_v])
    slope = torch.stack([_ratio(cos, sin), _ratio(-sin, cos)] * 2)
    start = torch.clamp(u, -a, a)
    stop = start.roll(-1, dims=0)
    begin, end = v + (start - u) * slope, v + (stop - u) * slope
    low, high = torch.clamp(begin, -b, b), torch.clamp(end, -b, b)
    inside = (high - low) / torch.where(end == begin, 1, end - begin)
    mean = (low + high + inside * (begin + end - low - high)) / 2
    return ((start - stop) * mean).sum(dim=0)


def _ratio(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return torch.where(other.abs() > _STEEPEST, one / torch.where(other.abs() > _STEEPEST, other, 1), 0.0)
