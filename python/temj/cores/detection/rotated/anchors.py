"""Rotated boxes that are tried at every place: a grid of places with a few sizes, aspect ratios and angles each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from temj.cores.detection.settings import DetectionSettings

_SQUARE = 1 / 1.15
"""A box whose width / length is larger than this is the same, nearly, when turned by 90 degrees."""


def shapes_of(settings: DetectionSettings) -> list[list[tuple[float, float, float]]]:
    """For each level the anchors of a place: length, width (pixels) and angle (degrees, counter-clockwise).

    All sizes with all aspect ratios (width / length) and all angles; nearly square ones only up to 90 degrees.
    """
    turns = [180.0 * number / settings.angles for number in range(settings.angles)]
    return [
        [
            (size / math.sqrt(ratio), size * math.sqrt(ratio), turn)
            for size in sizes
            for ratio in (min(ratio, 1 / ratio) for ratio in settings.aspect_ratios)
            for turn in turns
            if ratio <= _SQUARE or turn < 90
        ]
        for sizes in settings.anchor_sizes
    ]


@dataclass(frozen=True, eq=False)
class Grid:
    """The anchors of one level; number ``(y * width + x) * k + shape``.

    Attributes:
        height, width: places.
        stride: pixels from place to place; the first one is in the middle of the first pixel, where the first value
            of the level looks at.
        shapes: (k, 3) float32 length, width, angle.
    """

    height: int
    width: int
    stride: int
    shapes: torch.Tensor

    def __len__(self) -> int:
        return self.height * self.width * len(self.shapes)

    def boxes(self, index: torch.Tensor) -> torch.Tensor:
        """The anchors of these numbers (n,) → (n, 5) cx, cy, length, width, angle."""
        place, shape = index // len(self.shapes), index % len(self.shapes)
        middle = torch.stack([place % self.width, place // self.width], 1) * self.stride + 0.5
        return torch.cat([middle, self.shapes[shape]], 1)


def boxes_of(grids: Sequence[Grid], index: torch.Tensor) -> torch.Tensor:
    """Anchors (n, 5) by their numbers, which run through all levels."""
    boxes = index.new_zeros((len(index), 5), dtype=torch.float32)
    first = 0
    for grid in grids:
        mine = (index >= first) & (index < first + len(grid))
        boxes[mine] = grid.boxes(index[mine] - first)
        first += len(grid)
    return boxes
