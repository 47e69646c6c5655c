"""Where there may be something: torchvision's region proposal network on the anchors of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from temj.cores.detection.network import InFloat
from temj.cores.detection.settings import DetectionSettings

TRAINED_ON, POSITIVE = 256, 0.5
"""Anchors of an image that the losses are computed of, and the share of those with an object among them."""
SURE, NOTHING = 0.7, 0.3
"""An anchor whose IoU with an object is at least / below this has / has not found it; between it counts for nothing."""
IN_TRAINING = 500
"""Most proposals of a crop that are sorted out in training: more cost time, and few of them are looked at."""
SAME = 0.7
"""Proposals that overlap by more are one."""
IGNORED = 0.5
"""A box of which more than this share is unknown is no example of background."""

Targets = Sequence[Mapping[str, torch.Tensor]]


class Anchors(AnchorGenerator):
    """torchvision's, but of the sizes that were asked for, not rounded to even pixels (of 4 and 5 px both became 4),
    and at the levels' own strides: the coarsest level of a size that its stride does not divide was out of place.
    """

    def __init__(self, sizes: Sequence[Sequence[float]], ratios: Sequence[Sequence[float]], strides: Sequence[int]):
        self._strides = strides
        super().__init__(sizes, ratios)

    def generate_anchors(
        self,
        scales: Sequence[float],
        aspect_ratios: Sequence[float],
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> torch.Tensor:
        """(ratios x scales, 4) x1, y1, x2, y2 around 0."""
        sizes = torch.as_tensor(scales, dtype=dtype, device=device)
        ratios = torch.as_tensor(aspect_ratios, dtype=dtype, device=device).sqrt()
        height, width = (ratios[:, None] * sizes).flatten() / 2, (sizes / ratios[:, None]).flatten() / 2
        return torch.stack([-width, -height, width, height], dim=1)

    def grid_anchors(self, grid_sizes: list[list[int]], strides: list[list[torch.Tensor]]) -> list[torch.Tensor]:
        """As torchvision's, with the strides of the levels."""
        fixed = [
            [torch.full_like(side, stride) for side in pair]
            for pair, stride in zip(strides, self._strides, strict=True)
        ]
        return super().grid_anchors(grid_sizes, fixed)


class Proposals(RegionProposalNetwork):
    """torchvision's, with regions that nobody labelled as no example of background."""

    def __init__(self, settings: DetectionSettings):
        sizes, ratios = settings.anchor_sizes, settings.aspect_ratios
        anchors = Anchors(sizes, (ratios,) * len(sizes), settings.strides)
        head = RPNHead(settings.width, anchors.num_anchors_per_location()[0])
        most = {"training": min(settings.proposals, IN_TRAINING), "testing": settings.proposals}
        super().__init__(anchors, InFloat(head), SURE, NOTHING, TRAINED_ON, POSITIVE, most, most, SAME)

    times = 1.0
    """How many times more proposals than the settings say there may be, in a large image."""

    def pre_nms_top_n(self) -> int:
        """As torchvision's."""
        return round(super().pre_nms_top_n() * (1 if self.training else self.times))

    def post_nms_top_n(self) -> int:
        """As torchvision's."""
        return round(super().post_nms_top_n() * (1 if self.training else self.times))

    def assign_targets_to_anchors(
        self, anchors: list[torch.Tensor], targets: Targets
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """As torchvision's; anchors in unknown regions count for nothing."""
        labels, boxes = super().assign_targets_to_anchors(anchors, targets)
        for label, own, target in zip(labels, anchors, targets, strict=True):
            label[(label == 0) & unknown(own, target)] = -1.0
        return labels, boxes

    def compute_loss(
        self, objectness: torch.Tensor, deltas: torch.Tensor, labels: list[torch.Tensor], wanted: list[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As torchvision's; 0 instead of NaN where nobody knows what there is in any crop of a batch."""
        losses = super().compute_loss(objectness, deltas, labels, wanted)
        if any((label >= 0).any() for label in labels):
            return losses
        return tuple(loss.nan_to_num() for loss in losses)


def unknown(boxes: torch.Tensor, target: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(n,) bool: which upright boxes lie mostly where nobody knows what there is.

    Args:
        boxes: (n, 4) x1, y1, x2, y2 in pixels.
        target: with ``unknown``, (h + 1, w + 1): how many unknown pixels lie above and to the left of each corner.
    """
    sums = target["unknown"]
    height, width = (side - 1 for side in sums.shape)
    if not sums[-1, -1]:
        return torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    x1, x2 = (boxes[:, k].round().long().clamp(0, width) for k in (0, 2))
    y1, y2 = (boxes[:, k].round().long().clamp(0, height) for k in (1, 3))
    inside = sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1]
    return inside > IGNORED * ((x2 - x1) * (y2 - y1)).clamp(min=1)


def make_proposals(settings: DetectionSettings) -> nn.Module:
    """The module, with random weights."""
    return Proposals(settings)
