"""What the levels of features show in rotated boxes, turned so that each box lies flat."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional

from temj.cores.detection.rotated.matching import places_in
from temj.cores.detection.settings import DetectionSettings

SIDE = 7
"""Cells along each side of a box."""
_SAMPLES = 2
"""Places that each cell is the mean of, in each direction."""
_CELLS = 14
"""Features that a box at its level is wide at least, as :mod:`temj.cores.detection.heads` has it."""


class RotatedPool(nn.Module):
    """Rotated RoI align (Ma et al. 2018): bilinear samples on a grid in each box; 0 outside the features.

    A box is looked at on the level where the square root of its area is 14 to 28 features, or on the nearest there is.
    """

    def __init__(self, settings: DetectionSettings):
        super().__init__()
        self._strides = settings.strides

    def forward(self, features: Mapping[str, torch.Tensor], boxes: Sequence[torch.Tensor]) -> torch.Tensor:
        """Levels (n, c, h, w) float32 and for each image boxes (k, 5) → (all boxes, c, 7, 7); rows run across."""
        levels = list(features.values())
        image = torch.cat([torch.full((len(own),), number) for number, own in enumerate(boxes)]).to(levels[0].device)
        every = torch.cat(list(boxes))
        level = self._level(every)
        x, y = places_in(every, SIDE * _SAMPLES, SIDE * _SAMPLES)
        stride, width, height, first = (
            torch.tensor(column, device=every.device)[level][:, None]
            for column in zip(*self._tables(levels), strict=True)
        )
        first = first + image[:, None] * width * height
        index, weight = _corners((x - 0.5) / stride, (y - 0.5) / stride, width, height)
        index += first[..., None]
        # all levels of all images as one table of features, of which each cell is a weighted sum
        table = torch.cat([each.permute(0, 2, 3, 1).reshape(-1, each.shape[1]) for each in levels])
        shape = len(every), SIDE, _SAMPLES, SIDE, _SAMPLES, 4
        index, weight = (
            each.reshape(shape).transpose(2, 3).reshape(-1, 4 * _SAMPLES**2) for each in (index, weight / _SAMPLES**2)
        )
        cells = functional.embedding_bag(index, table, mode="sum", per_sample_weights=weight)
        return cells.reshape(len(every), SIDE, SIDE, table.shape[1]).permute(0, 3, 1, 2)

    def _level(self, boxes: torch.Tensor) -> torch.Tensor:
        size = (boxes[:, 2] * boxes[:, 3]).clamp(min=1).sqrt()
        level = torch.floor(torch.log2(size / (_CELLS * self._strides[0])) + 1e-6)
        return level.clamp(0, len(self._strides) - 1).long()

    def _tables(self, levels: Sequence[torch.Tensor]) -> list[tuple[int, int, int, int]]:
        """Stride, width, height and the place of the first feature in the table of all, of each level."""
        first, rows = 0, []
        for stride, level in zip(self._strides, levels, strict=True):
            rows.append((stride, level.shape[3], level.shape[2], first))
            first += level.shape[0] * math.prod(level.shape[2:])
        return rows


def _corners(
    x: torch.Tensor, y: torch.Tensor, width: torch.Tensor, height: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The four features around places (n, s), and how much each counts: (n, s, 4) int64 and float; 0 outside."""
    x, y = (place.clamp(-2, 1 << 24) for place in (x, y))
    left, top = x.floor(), y.floor()
    right_share, low_share = x - left, y - top
    index, weight = [], []
    for down, row_share in ((0, 1 - low_share), (1, low_share)):
        for aside, column_share in ((0, 1 - right_share), (1, right_share)):
            column, row = left.long() + aside, top.long() + down
            inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
            index.append(torch.where(inside, row * width + column, 0))
            weight.append(torch.where(inside, row_share * column_share, 0.0))
    return torch.stack(index, -1), torch.stack(weight, -1)
