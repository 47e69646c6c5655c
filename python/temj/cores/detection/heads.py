"""A close look at each proposed box: what is in it, where exactly, and which of its pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads, maskrcnn_inference
from torchvision.ops import MultiScaleRoIAlign, batched_nms, clip_boxes_to_image, nms, remove_small_boxes, roi_align

from temj.cores.detection.network import InFloat
from temj.cores.detection.proposals import unknown
from temj.cores.detection.settings import DetectionSettings

TRAINED_ON, POSITIVE = 128, 0.25
"""Boxes of an image that the losses are computed of, and the largest share of those with an object among them."""
FOUND = 0.5
"""IoU with an object from which on a box is an example of its class; below it is one of background."""
_POOLED, _MASK_POOLED = 7, 14
_SMALLEST = 1e-2
_LAYERS = 4


class Heads(RoIHeads):
    """torchvision's, with unknown regions left out and with the suppression of the settings."""

    def __init__(self, settings: DetectionSettings, masks: bool):
        width, head, count = settings.width, settings.head, len(settings.classes) + 1
        super().__init__(
            _pool(settings, _POOLED), TwoMLPHead(width * _POOLED**2, head), InFloat(FastRCNNPredictor(head, count)),
            FOUND, FOUND, TRAINED_ON, POSITIVE, None, 0.0, settings.nms_iou, settings.max_objects,
        )  # fmt: skip
        self._settings, self._targets, self._judged, self._chosen = settings, (), 0, ()
        if masks:
            self.mask_roi_pool = _pool(settings, _MASK_POOLED)
            self.mask_head = MaskRCNNHeads(width, (width,) * _LAYERS, 1)
            self.mask_predictor = InFloat(MaskRCNNPredictor(width, width, count))

    def has_mask(self) -> bool:
        """False: torchvision is to leave the masks to :meth:`_masks`."""
        return False

    def forward(self, features, proposals, image_shapes, targets=None):
        """As torchvision's; losses of 0 instead of NaN where no box of a batch lies where it is known what there is."""
        found, losses = super().forward(features, proposals, image_shapes, targets)
        if self.mask_head is not None:
            losses |= self._masks(features, found, image_shapes, targets)
        if self.training and not self._judged:
            losses = {name: loss.nan_to_num() for name, loss in losses.items()}
        return found, losses

    def _masks(self, features, found, sizes, targets) -> dict[str, torch.Tensor]:
        """The loss of the masks in training; else puts ``masks`` (n, 1, m, m) into what was found."""
        boxes, labels, owners = self._positive() if self.training else ([f["boxes"] for f in found], None, None)
        logits = self.mask_predictor(self.mask_head(self.mask_roi_pool(features, boxes, sizes)))
        if self.training:
            return {"loss_mask": mask_loss(logits, boxes, labels, owners, targets)}
        for each, masks in zip(found, maskrcnn_inference(logits, [f["labels"] for f in found]), strict=True):
            each["masks"] = masks
        return {}

    def _positive(self) -> tuple[list[torch.Tensor], list[torch.Tensor], list[torch.Tensor]]:
        """Of the boxes that were chosen to learn from those with an object: boxes, labels, and which object."""
        proposals, owners, labels, _ = self._chosen
        kept = [label > 0 for label in labels]
        return tuple([part[k] for part, k in zip(parts, kept, strict=True)] for parts in (proposals, labels, owners))

    def select_training_samples(self, proposals: list[torch.Tensor], targets: Sequence[Mapping[str, torch.Tensor]]):
        """As torchvision's; remembers the targets, which say what is unknown, and what was chosen."""
        self._targets = targets
        self._chosen = super().select_training_samples(proposals, targets)
        self._judged = sum(len(labels) for labels in self._chosen[2])
        return self._chosen

    def assign_targets_to_proposals(self, proposals, gt_boxes, gt_labels):
        """As torchvision's; boxes in unknown regions count for nothing."""
        matched, labels = super().assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        for label, own, target in zip(labels, proposals, self._targets, strict=True):
            label[(label == 0) & unknown(own, target)] = -1
        return matched, labels

    def postprocess_detections(self, class_logits, box_regression, proposals, image_shapes):
        """Boxes, scores and labels (from 1) of each image, the surest first, of scores from ``score_thresh`` on."""
        counts = [len(boxes) for boxes in proposals]
        boxes = self.box_coder.decode(box_regression, proposals).split(counts)
        scores = torch.softmax(class_logits, -1).split(counts)
        parts = [self._of_image(*each) for each in zip(boxes, scores, image_shapes, strict=True)]
        return tuple(list(column) for column in zip(*parts, strict=True))

    def _of_image(self, boxes: torch.Tensor, scores: torch.Tensor, size: tuple[int, int]):
        row, label = torch.nonzero(scores[:, 1:] >= self.score_thresh, as_tuple=True)
        boxes, score, label = clip_boxes_to_image(boxes[row, label + 1], size), scores[row, label + 1], label + 1
        kept = remove_small_boxes(boxes, _SMALLEST)
        boxes, score, label = boxes[kept], score[kept], label[kept]
        kept, score = suppressed(boxes, score, label, self._settings, self.score_thresh)
        kept, score = kept[: self.detections_per_img], score[: self.detections_per_img]
        return boxes[kept], score, label[kept]


def mask_loss(
    logits: torch.Tensor,
    boxes: Sequence[torch.Tensor],
    labels: Sequence[torch.Tensor],
    owners: Sequence[torch.Tensor],
    targets: Sequence[Mapping[str, torch.Tensor]],
) -> torch.Tensor:
    """Mean binary cross-entropy of the mask of each box's own class.

    torchvision samples annotated masks as if the middles of pixels were whole numbers (``aligned=False``), half a pixel
    beside where boxes and outlines have them; masks then come out shifted and too small. Here they are sampled where
    they are.

    Args:
        logits: (sum of n, classes + 1, m, m) of all boxes.
        boxes, labels, owners: for each image (n, 4), (n,) from 1, and (n,) the object in ``targets[image]["masks"]``.
        targets: with ``masks`` (k, h, w).
    """
    side = logits.shape[-1]
    wanted = [
        roi_align(target["masks"][:, None].to(own), torch.cat([of[:, None].to(own), own], 1), side, aligned=True)[:, 0]
        for own, of, target in zip(boxes, owners, targets, strict=True)
    ]
    label = torch.cat(list(labels))
    if not len(label):
        return logits.sum() * 0
    mine = logits[torch.arange(len(label), device=label.device), label]
    return nn.functional.binary_cross_entropy_with_logits(mine, torch.cat(wanted))


def suppressed(
    boxes: torch.Tensor, score: torch.Tensor, label: torch.Tensor, settings: DetectionSettings, floor: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which upright boxes stay, as the settings say what is the same object: indices and scores, the surest first."""
    if settings.nms == "soft":
        return _soft(boxes, score, label, settings, floor)
    if settings.nms == "agnostic":
        kept = nms(boxes, score, settings.nms_iou)
    else:
        kept = batched_nms(boxes, score, label, settings.nms_iou)
    return kept, score[kept]


def _soft(
    boxes: torch.Tensor, score: torch.Tensor, label: torch.Tensor, settings: DetectionSettings, floor: float
) -> tuple[torch.Tensor, torch.Tensor]:
    from temj.geometry.rotated import of_upright, soft_nms

    kept, new = soft_nms(
        of_upright(boxes.double().cpu().numpy()), score.double().cpu().numpy(), sigma=settings.nms_iou, floor=floor,
        groups=label.cpu().numpy(),
    )  # fmt: skip
    return torch.from_numpy(kept).to(boxes.device), torch.from_numpy(new).to(score)


def _pool(settings: DetectionSettings, side: int) -> MultiScaleRoIAlign:
    finest = settings.strides[0]
    names = [str(level) for level in range(len(settings.strides))]
    # a box goes to the level where it is 14 to 28 pixels wide (Lin et al. 2017), or to the nearest one there is
    return MultiScaleRoIAlign(names, side, 2, canonical_scale=14 * finest, canonical_level=finest.bit_length() - 1)


def make_heads(settings: DetectionSettings, masks: bool) -> nn.Module:
    """The module, with random weights."""
    return Heads(settings, masks)
