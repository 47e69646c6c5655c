"""The detector of rotated boxes: rods and whatever else lies across each other, after Faster R-CNN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from temj.cores.base import Truth
from temj.cores.detection.core import Detector
from temj.cores.detection.detections import Detections
from temj.cores.detection.settings import DetectionSettings
from temj.cores.detection.targets import Seen, Target, seen_in
from temj.data import Shapes
from temj.geometry import rotated
from temj.geometry.overlap import Overlaps

if TYPE_CHECKING:
    import torch

_LEAST = 1.0
"""Sides of a box that is learned are at least so many pixels."""


class Rotated(Detector):
    """Rotated Faster R-CNN: boxes of any angle; settings: :class:`temj.cores.detection.settings.DetectionSettings`.

    An object is the smallest rectangle around its annotated outline. Of one that the edge of a crop cuts the whole
    rectangle is learned, also the part outside.
    """

    name = "rotated"
    columns = 5

    def build(self, settings: DetectionSettings, inputs: int) -> torch.nn.Module:
        """See :class:`temj.cores.detection.core.Detector`."""
        from temj.cores.detection.network import RCNN
        from temj.cores.detection.rotated.heads import RotatedHeads
        from temj.cores.detection.rotated.proposals import RotatedProposals

        return RCNN(settings, inputs, RotatedProposals(settings), RotatedHeads(settings))

    def shapes_seen(self, seen: Seen) -> Shapes:
        """The smallest rotated boxes around outlines, with what they have outside of the image."""
        return rotated.shapes_of(rotated.of_shapes(seen.shapes))

    def shapes_in(self, found: Detections) -> Shapes:
        """ROTATED_RECT shapes."""
        return rotated.shapes_of(found.boxes)

    def overlaps(self, found: Shapes, true: Shapes) -> Overlaps:
        """Of the areas of the rotated boxes, without pixels."""
        return rotated.rotated_iou(rotated.of_shapes(found), rotated.of_shapes(true))

    def sides_of(self, shapes: Shapes) -> np.ndarray:
        """(n, 2) length and width of the smallest rotated boxes around annotated outlines."""
        return rotated.of_shapes(shapes)[:, 2:4]

    def target(self, truth: Truth) -> Target:
        """The boxes of the objects that the crop shows well enough, with what they have outside of it."""
        seen = seen_in(truth, self.classes)
        boxes = rotated.of_shapes(seen.shapes)
        boxes[:, 2:4] = np.maximum(boxes[:, 2:4], _LEAST)
        return Target(boxes.astype(np.float32), seen.labels + 1, None, seen.unknown)

    def encode(self, truth: Truth) -> Detections:
        """The same as a perfect network would answer it: score 1."""
        seen = seen_in(truth, self.classes)
        boxes = rotated.of_shapes(seen.shapes)
        return Detections(boxes, seen.labels, np.ones(len(boxes)))

    def _detections(self, found: Mapping[str, torch.Tensor]) -> Detections:
        plain = super()._detections(found)
        return replace(plain, boxes=rotated.canonical(plain.boxes))
