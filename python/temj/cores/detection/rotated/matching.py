"""Which anchors have found which objects, by rotated IoU, without looking at the many pairs that are far apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from temj.cores.detection.rotated.anchors import Grid
from temj.cores.detection.rotated.iou import rotated_iou_pairs

SURE, NOTHING, LEAST = 0.5, 0.3, 0.2
"""An anchor whose IoU with an object is at least / below the first two has / has not found it; between them it counts
for nothing, unless no anchor lies better on the object. Objects that no anchor overlaps by the third are left alone.
Lower than for upright boxes: anchors with 30 degrees from one to the next miss a rod three times as long as wide by up
to 15 degrees, which alone brings the IoU down to 0.6."""
IGNORED = 0.5
"""A box of which more than this share is unknown is no example of background."""
_BLOCK = 1 << 13
_LARGER = 64
"""So many times as many pairs at once where it is not the CPU that computes."""
_SAMPLES = 6


@dataclass(frozen=True, eq=False)
class Matches:
    """What anchors learn.

    Attributes:
        label: (a,) float32: 1 with an object, 0 background, -1 counts for nothing.
        owner: (a,) int64, the object that each overlaps most; 0 where there is none.
    """

    label: torch.Tensor
    owner: torch.Tensor


@torch.no_grad()
def matches(objects: torch.Tensor, grids: Sequence[Grid]) -> Matches:
    """Match all anchors of all levels with objects (m, 5); of equal IoUs the first object wins."""
    count = sum(len(grid) for grid in grids)
    label = objects.new_zeros(count)
    owner = torch.zeros(count, dtype=torch.int64, device=objects.device)
    if not len(objects):
        return Matches(label, owner)
    parts, first = [], 0
    for grid in grids:
        number, anchor, iou = overlaps_of(objects, grid, LEAST)
        parts.append((number, anchor + first, iou))
        first += len(grid)
    number, anchor, iou = (torch.cat(column) for column in zip(*parts, strict=True))
    best = objects.new_zeros(count).scatter_reduce_(0, anchor, iou, "amax")
    of_object = objects.new_zeros(len(objects)).scatter_reduce_(0, number, iou, "amax")
    label[best >= NOTHING] = -1
    label[best >= SURE] = 1
    label[anchor[iou == of_object[number]]] = 1
    mine = iou == best[anchor]
    owner.scatter_reduce_(0, anchor[mine], number[mine], "amin", include_self=False)
    return Matches(label, owner)


@torch.no_grad()
def overlaps_of(objects: torch.Tensor, grid: Grid, least: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """All pairs of an object (m, 5) and an anchor with an IoU of at least ``least``: (object, anchor, IoU)."""
    shapes = grid.shapes
    reach = (objects[:, 2:4].square().sum(1).sqrt() + shapes[:, :2].square().sum(1).sqrt().max()) / 2
    x, y = (torch.arange(n, device=objects.device) * grid.stride + 0.5 for n in (grid.width, grid.height))
    dx, dy = x - objects[:, :1], y - objects[:, 1:2]
    near = dx.square()[:, None] + dy.square()[:, :, None] < reach.square()[:, None, None]
    number, row, column = torch.nonzero(near, as_tuple=True)
    dx, dy, place = dx[number, column], dy[number, row], row * grid.width + column
    possible = _Possible.of(objects, shapes, least)
    block = _BLOCK * (1 if objects.device.type == "cpu" else _LARGER)
    found = [possible(number[part], dx[part], dy[part]) for part in _parts(len(number), block)]
    pair = torch.cat([pair + start for (pair, _), start in zip(found, range(0, len(number), block), strict=True)])
    shape = torch.cat([shape for _, shape in found])
    number, anchor = number[pair], place[pair] * len(shapes) + shape
    iou = rotated_iou_pairs(objects[number], grid.boxes(anchor))
    kept = iou >= least
    return number[kept], anchor[kept], iou[kept]


def _parts(count: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, max(count, 1), size)]


@dataclass(frozen=True, eq=False)
class _Possible:
    """Which anchors can have an IoU of ``least`` with an object at most so far away.

    The area that two boxes have in common is at most that of the upright boxes around them, in the axes of either.

    Attributes:
        sides: (m, 2) half length and half width of the objects; ``own`` (k, 2) of the anchors.
        axes: (m, 2) cosine and sine of the objects' angles; ``own_axes`` (k, 2) of the anchors'.
        extent, own_extent: (m, k, 2) half of what an anchor takes in the axes of an object, and the reverse.
        area: (m, k), the least area in common; infinite where the areas are too different.
    """

    sides: torch.Tensor
    own: torch.Tensor
    axes: torch.Tensor
    own_axes: torch.Tensor
    extent: torch.Tensor
    own_extent: torch.Tensor
    area: torch.Tensor

    @classmethod
    def of(cls, objects: torch.Tensor, shapes: torch.Tensor, least: float) -> _Possible:
        sides, own = objects[:, 2:4] / 2, shapes[:, :2] / 2
        turn, own_turn = torch.deg2rad(objects[:, 4]), torch.deg2rad(shapes[:, 2])
        cos = torch.cos(turn[:, None] - own_turn).abs()
        sin = torch.sin(turn[:, None] - own_turn).abs()
        extent = torch.stack([own[:, 0] * cos + own[:, 1] * sin, own[:, 0] * sin + own[:, 1] * cos], 2)
        long, wide = sides[:, :1], sides[:, 1:]
        own_extent = torch.stack([long * cos + wide * sin, long * sin + wide * cos], 2)
        one, other = 4 * sides.prod(1)[:, None], 4 * own.prod(1)
        area = least / (1 + least) * (one + other) * (1 - 1e-4)
        area = torch.where(torch.minimum(one, other) < area, torch.inf, area)
        axes, own_axes = (torch.stack([torch.cos(each), torch.sin(each)], 1) for each in (turn, own_turn))
        return cls(sides, own, axes, own_axes, extent, own_extent, area)

    def __call__(self, number: torch.Tensor, dx: torch.Tensor, dy: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Objects (p,) and the way from them to a place (p,) → which pairs and which of the shapes there."""
        cos, sin = self.axes[number].T
        along, across = (dx * cos - dy * sin).abs()[:, None], (dx * sin + dy * cos).abs()[:, None]
        extent, sides = self.extent[number], self.sides[number][:, None]
        common = _common(sides[..., 0], extent[..., 0], along) * _common(sides[..., 1], extent[..., 1], across)
        pair, shape = torch.nonzero(common >= self.area[number], as_tuple=True)
        # the same in the axes of the anchors, of what is left
        owner, dx, dy = number[pair], dx[pair], dy[pair]
        cos, sin = self.own_axes[shape].T
        extent, sides = self.own_extent[owner, shape], self.own[shape]
        common = _common(sides[:, 0], extent[:, 0], (dx * cos - dy * sin).abs())
        common *= _common(sides[:, 1], extent[:, 1], (dx * sin + dy * cos).abs())
        kept = common >= self.area[owner, shape]
        return pair[kept], shape[kept]


def _common(one: torch.Tensor, other: torch.Tensor, apart: torch.Tensor) -> torch.Tensor:
    """Length that two intervals of these half lengths, whose middles are so far apart, have in common."""
    return torch.minimum(one + other - apart, 2 * torch.minimum(one, other)).clamp_(min=0)


def unknown(boxes: torch.Tensor, target: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(n,) bool: which rotated boxes (n, 5) lie mostly where nobody knows what there is.

    Args:
        boxes: in pixels.
        target: with ``unknown``, (h + 1, w + 1): how many unknown pixels lie above and to the left of each corner.
    """
    sums = target["unknown"]
    if not sums[-1, -1] or not len(boxes):
        return torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    plane = (sums[1:, 1:] - sums[:-1, 1:] - sums[1:, :-1] + sums[:-1, :-1]) > 0
    x, y = (place.floor().long() for place in places_in(boxes, _SAMPLES, _SAMPLES))
    inside = (x >= 0) & (y >= 0) & (x < plane.shape[1]) & (y < plane.shape[0])
    there = plane[y.clamp(0, plane.shape[0] - 1), x.clamp(0, plane.shape[1] - 1)] & inside
    return there.sum(1) > IGNORED * inside.sum(1).clamp(min=1)


def places_in(boxes: torch.Tensor, along: int, across: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x and y of places evenly spread in rotated boxes (n, 5): (n, across * along) each, rows along the length."""
    turn = torch.deg2rad(boxes[:, 4, None])
    cos, sin = torch.cos(turn), torch.sin(turn)
    steps = ((torch.arange(n, device=boxes.device) + 0.5) / n - 0.5 for n in (along, across))
    forward, aside = (step.to(boxes.dtype) for step in steps)
    u = boxes[:, 2, None] * forward.repeat(across)
    v = boxes[:, 3, None] * aside.repeat_interleave(along)
    return boxes[:, 0, None] + u * cos + v * sin, boxes[:, 1, None] - u * sin + v * cos
