"""A close look at each proposed rotated box: what is in it and where exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher
from torchvision.models.detection.faster_rcnn import TwoMLPHead

from temj.cores.detection.heads import FOUND, POSITIVE, TRAINED_ON
from temj.cores.detection.network import InFloat
from temj.cores.detection.rotated.coder import FINE, decode, encode
from temj.cores.detection.rotated.iou import rotated_iou_matrix, rotated_nms
from temj.cores.detection.rotated.matching import unknown
from temj.cores.detection.rotated.pooling import SIDE, RotatedPool
from temj.cores.detection.rotated.proposals import Targets, possible
from temj.cores.detection.settings import DetectionSettings
from temj.geometry.rotated import soft_nms

_BETA = 1 / 9


class RotatedPredictor(nn.Module):
    """From the features of a box to the scores of background and classes, and to one box for whatever is in it."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.score = nn.Linear(width, classes + 1)
        self.deltas = nn.Linear(width, 5)

    def forward(self, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, width) → (n, classes + 1), (n, 5)."""
        return self.score(hidden), self.deltas(hidden)


class RotatedHeads(nn.Module):
    """Called as torchvision's RoI heads.

    Attributes:
        score_thresh: the lowest score that is looked at.
        detections_per_img: most objects of an image.
    """

    def __init__(self, settings: DetectionSettings):
        super().__init__()
        self.pool = RotatedPool(settings)
        self.box_head = TwoMLPHead(settings.width * SIDE**2, settings.head)
        self.predictor = InFloat(RotatedPredictor(settings.head, len(settings.classes)))
        self.score_thresh, self.detections_per_img = 0.05, settings.max_objects
        self._settings = settings
        self._matcher = Matcher(FOUND, FOUND)
        self._sampler = BalancedPositiveNegativeSampler(TRAINED_ON, POSITIVE)

    def forward(
        self,
        features: Mapping[str, torch.Tensor],
        proposals: Sequence[torch.Tensor],
        sizes: Sequence[tuple[int, int]],
        targets: Targets | None = None,
    ) -> tuple[list[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
        """What is found in each image (boxes, scores, labels from 1), or in training the losses by name."""
        del sizes
        if not self.training:
            scores, deltas = self._asked(features, proposals)
            counts = [len(boxes) for boxes in proposals]
            boxes = decode(deltas, torch.cat(list(proposals)), FINE)
            parts = zip(boxes.split(counts), torch.softmax(scores, 1).split(counts), strict=True)
            return [self._of_image(*part) for part in parts], {}
        proposals, labels, wanted = self._examples(proposals, targets)
        scores, deltas = self._asked(features, proposals)
        there = labels > 0
        place = functional.smooth_l1_loss(deltas[there], wanted[there], beta=_BETA, reduction="sum")
        told = functional.cross_entropy(scores, labels, reduction="sum")
        return [], {"class": told / max(len(labels), 1), "box": place / max(len(labels), 1)}

    def _asked(
        self, features: Mapping[str, torch.Tensor], boxes: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self.predictor(self.box_head(self.pool(features, boxes)))

    @torch.no_grad()
    def _examples(
        self, proposals: Sequence[torch.Tensor], targets: Targets
    ) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
        """Boxes of each image to learn from, and of all of them the labels and what is wanted of their places."""
        boxes, labels, wanted = [], [], []
        for own, target in zip(proposals, targets, strict=True):
            own = torch.cat([own, target["boxes"]])
            label, owner = self._matched(own, target)
            chosen = torch.nonzero(sum(mask[0] for mask in self._sampler([label])))[:, 0]
            boxes.append(own[chosen])
            labels.append(label[chosen])
            true = target["boxes"][owner[chosen]] if len(target["boxes"]) else own[chosen]
            wanted.append(encode(true, own[chosen], FINE))
        return boxes, torch.cat(labels), torch.cat(wanted)

    def _matched(self, own: torch.Tensor, target: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """(n,) the label of each box, 0 for background, -1 where nobody knows; and its object."""
        owner = torch.zeros(len(own), dtype=torch.int64, device=own.device)
        label = owner.clone()
        if len(target["boxes"]) and len(own):
            match = self._matcher(rotated_iou_matrix(target["boxes"], own))
            owner = match.clamp(min=0)
            label = torch.where(match >= 0, target["labels"][owner], 0)
        label[(label == 0) & unknown(own, target)] = -1
        return label, owner

    def _of_image(self, boxes: torch.Tensor, scores: torch.Tensor) -> dict[str, torch.Tensor]:
        fits = possible(boxes) & torch.isfinite(scores).all(1)
        boxes, scores = boxes[fits], scores[fits]
        row, label = torch.nonzero(scores[:, 1:] >= self.score_thresh, as_tuple=True)
        label = label + 1
        kept, score = suppressed(boxes[row], scores[row, label], label, self._settings, self.score_thresh)
        kept, score = kept[: self.detections_per_img], score[: self.detections_per_img]
        return {"boxes": boxes[row[kept]], "scores": score, "labels": label[kept]}


def suppressed(
    boxes: torch.Tensor, score: torch.Tensor, label: torch.Tensor, settings: DetectionSettings, floor: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which rotated boxes stay, as the settings say what is the same object: indices and scores, the surest first."""
    if settings.nms == "soft":
        kept, new = soft_nms(
            boxes.double().cpu().numpy(), score.double().cpu().numpy(), sigma=settings.nms_iou, floor=floor,
            groups=label.cpu().numpy(),
        )  # fmt: skip
        return torch.from_numpy(kept).to(boxes.device), torch.from_numpy(new).to(score)
    kept = rotated_nms(boxes, score, settings.nms_iou, None if settings.nms == "agnostic" else label)
    return kept, score[kept]
