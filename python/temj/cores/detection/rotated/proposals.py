"""Where there may be something: a region proposal network on rotated anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.models.detection.image_list import ImageList

from temj.cores.detection.network import InFloat
from temj.cores.detection.proposals import IN_TRAINING, POSITIVE, SAME, TRAINED_ON
from temj.cores.detection.rotated.anchors import Grid, boxes_of, shapes_of
from temj.cores.detection.rotated.coder import decode, encode
from temj.cores.detection.rotated.iou import rotated_nms
from temj.cores.detection.rotated.matching import matches, unknown
from temj.cores.detection.settings import DetectionSettings
from temj.geometry.rotated import LARGEST

_CANDIDATES = 2
"""Times as many boxes of a level as there may be proposals in the end, before those that are one are joined."""
_BETA = 1 / 9
_SPREAD = 0.01
_THINNEST = 1e-2

Targets = Sequence[Mapping[str, torch.Tensor]]


class RotatedHead(nn.Module):
    """For each place and anchor how likely it has an object, and where that lies."""

    def __init__(self, width: int, anchors: int):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.objectness = nn.Conv2d(width, anchors, 1)
        self.deltas = nn.Conv2d(width, 5 * anchors, 1)
        for part in (self.conv, self.objectness, self.deltas):
            nn.init.normal_(part.weight, std=_SPREAD)
            nn.init.zeros_(part.bias)

    def forward(self, levels: Sequence[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Levels (n, c, h, w) → for each (n, anchors) and (n, anchors, 5), in the order of :class:`Grid`."""
        hidden = [torch.relu(self.conv(level)) for level in levels]
        # one after the other in memory, whatever format the features have
        scores = [self.objectness(each).permute(0, 2, 3, 1).flatten(1) for each in hidden]
        deltas = [self.deltas(each).permute(0, 2, 3, 1).reshape(len(each), -1, 5) for each in hidden]
        return scores, deltas


class RotatedProposals(nn.Module):
    """Called as torchvision's region proposal network."""

    times = 1.0
    """How many times more proposals than the settings say there may be, in a large image."""

    def __init__(self, settings: DetectionSettings):
        super().__init__()
        shapes = shapes_of(settings)
        self.head = InFloat(RotatedHead(settings.width, len(shapes[0])))
        for number, level in enumerate(shapes):
            self.register_buffer(f"shapes{number}", torch.tensor(level), persistent=False)
        self._strides, self._most = settings.strides, settings.proposals
        self._sampler = BalancedPositiveNegativeSampler(TRAINED_ON, POSITIVE)

    def forward(
        self, images: ImageList, features: Mapping[str, torch.Tensor], targets: Targets | None = None
    ) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
        """Proposals (k, 5) of each image, the surest first, and in training the losses by name."""
        levels = list(features.values())
        scores, deltas = self.head(levels)
        grids = self.grids([tuple(level.shape[-2:]) for level in levels])
        boxes = [
            self._chosen([level[n] for level in scores], [level[n] for level in deltas], grids)
            for n in range(len(images.tensors))
        ]
        if not self.training:
            return boxes, {}
        return boxes, self._losses(torch.cat(scores, 1), torch.cat(deltas, 1), grids, targets)

    def grids(self, sizes: Sequence[tuple[int, int]]) -> list[Grid]:
        """The anchors of levels of these heights and widths."""
        return [
            Grid(height, width, stride, getattr(self, f"shapes{number}"))
            for number, ((height, width), stride) in enumerate(zip(sizes, self._strides, strict=True))
        ]

    @torch.no_grad()
    def _chosen(
        self, scores: Sequence[torch.Tensor], deltas: Sequence[torch.Tensor], grids: Sequence[Grid]
    ) -> torch.Tensor:
        """Of one image: the surest boxes of each level, and of those that are one the surest."""
        most = min(self._most, IN_TRAINING) if self.training else round(self._most * self.times)
        boxes, sure = [], []
        for score, delta, grid in zip(scores, deltas, grids, strict=True):
            score, index = score.topk(min(most if self.training else _CANDIDATES * most, len(score)))
            boxes.append(decode(delta[index], grid.boxes(index)))
            sure.append(score)
        boxes, sure = torch.cat(boxes), torch.cat(sure)
        kept = possible(boxes) & torch.isfinite(sure)
        boxes, sure = boxes[kept], sure[kept]
        return boxes[rotated_nms(boxes, sure, SAME)[:most]]

    def _losses(
        self, scores: torch.Tensor, deltas: torch.Tensor, grids: Sequence[Grid], targets: Targets
    ) -> dict[str, torch.Tensor]:
        found = [matches(target["boxes"], grids) for target in targets]
        positive, negative = (
            [torch.nonzero(mask)[:, 0] for mask in masks] for masks in self._sampler([each.label for each in found])
        )
        objectness, place, count = [], [], 0
        for n, target in enumerate(targets):
            yes, no = positive[n], negative[n]
            no = no[~unknown(boxes_of(grids, no), target)]
            told = torch.cat([scores[n, yes], scores[n, no]])
            true = torch.cat([torch.ones_like(scores[n, yes]), torch.zeros_like(scores[n, no])])
            objectness.append(functional.binary_cross_entropy_with_logits(told, true, reduction="sum"))
            wanted = encode(target["boxes"][found[n].owner[yes]], boxes_of(grids, yes))
            place.append(functional.smooth_l1_loss(deltas[n, yes], wanted, beta=_BETA, reduction="sum"))
            count += len(told)
        return {"objectness": sum(objectness) / max(count, 1), "anchor": sum(place) / max(count, 1)}


def possible(boxes: torch.Tensor) -> torch.Tensor:
    """(n,) bool: boxes (n, 5) of finite numbers with sides of at least 0.01 pixels."""
    fits = (boxes.abs() < LARGEST).all(1)  # not so for NaN
    return fits & (boxes[:, 2:4] > _THINNEST).all(1)
