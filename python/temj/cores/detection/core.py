"""Detectors of upright boxes and of masks: settings, network, target, loss and reading of the answer together."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from temj.cores.base import Truth
from temj.cores.channels import Channels
from temj.cores.detection import anchors, reading, targets
from temj.cores.detection.detections import Detections
from temj.cores.detection.settings import DetectionSettings
from temj.cores.detection.targets import Target
from temj.cores.settings import settings_of
from temj.data import Instances, Shapes
from temj.geometry import rasterise
from temj.geometry.moving import bounds
from temj.geometry.overlap import Overlaps, marks, overlaps
from temj.geometry.rotated import of_upright, rotated_iou

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch


class Detector(ABC):
    """A core that answers with objects: subclasses say of which kind.

    ``name`` is that in :data:`temj.cores.CORES`; ``columns`` how many numbers a box has; ``side`` the cells along a
    side of a mask, None where there are none.
    """

    name: ClassVar[str]
    columns: ClassVar[int] = 4
    side: ClassVar[int | None] = None
    wants_objects: ClassVar[bool] = False
    overlapping: ClassVar[bool] = False
    repeats_on_gpu: ClassVar[bool] = True
    """Whether a GPU can train it to the same bits every time."""

    def __init__(self, settings: Mapping[str, Any]):
        self.settings = settings_of(DetectionSettings, settings, self.name)

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, without the background."""
        return self.settings.classes

    @functools.cached_property
    def channels(self) -> Channels:
        """The recipe of the input channels."""
        return Channels.of(self.settings.channels)

    @property
    def stride(self) -> int:
        """2 to the power of the encoder's depth, as often as it halves the image."""
        return 2**self.settings.encoder_depth

    def check(self) -> None:
        """Prove that there is such an encoder: see :func:`temj.cores.encoders.require_encoder`."""
        from temj.cores.encoders import require_encoder

        require_encoder(self.settings.encoder)

    @functools.cached_property
    def network(self) -> torch.nn.Module:
        """The network with random weights (seed torch before), in channels_last, evaluation mode."""
        import torch

        settings = self.settings
        fitted = anchors.fitted(np.zeros((0, 2)), settings, self.columns == 5)
        settings = settings.model_copy(update={"anchor_sizes": fitted.sizes, "aspect_ratios": fitted.ratios})
        return self.build(settings, len(self.channels.names)).eval().to(memory_format=torch.channels_last)

    @abstractmethod
    def build(self, settings: DetectionSettings, inputs: int) -> torch.nn.Module:
        """The network of settings that have anchors (:class:`temj.cores.detection.network.RCNN`)."""

    @abstractmethod
    def shapes_seen(self, seen: targets.Seen) -> Shapes:
        """What this core would find at best of the objects that an image shows well enough."""

    def at_best(self, truth: Truth) -> Truth:
        """A truth as this core would find it at best: what it is judged by.

        Objects are such as it finds (boxes, masks, rotated boxes), as far as the image shows them. Those that it shows
        too little of are ``ignore``, as in training (:data:`temj.cores.detection.targets.SEEN`).
        """
        seen = targets.seen_in(truth, self.classes)
        class_map = np.where(seen.unknown, np.uint8(targets.UNKNOWN), truth.class_map)
        names = np.array([self.classes[label] for label in seen.labels], object)
        return Truth(class_map, truth.objects, Instances(self.shapes_seen(seen), class_name=names))

    @abstractmethod
    def shapes_in(self, found: Detections) -> Shapes:
        """The shapes of detections."""

    def overlaps(self, found: Shapes, true: Shapes) -> Overlaps:
        """Which found shapes have what in common with which annotated ones (as :meth:`at_best` gives them)."""
        return overlaps(marks(found), marks(true))

    @abstractmethod
    def target(self, truth: Truth) -> Target:
        """What the network shall learn of a crop."""

    @abstractmethod
    def encode(self, truth: Truth) -> Detections:
        """What a perfect network would answer; :meth:`decode` finds the annotated objects in it."""

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """What the network sees of a whole micrograph: see :meth:`temj.cores.channels.Channels.prepare`."""
        return self.channels.prepare(pixels)

    def forward(self, batch: torch.Tensor, floor: float = 0.05, most: int | None = None) -> list[Detections]:
        """Prepared images (n, c, h, w) → what is found in each, in its pixels.

        Of scores of at least ``floor``, and at most ``most`` (None: as the settings say) in each image, the surest.
        """
        import torch

        self.network.heads.score_thresh = floor
        self.network.heads.detections_per_img = self.settings.max_objects if most is None else most
        with torch.inference_mode():
            found = self.network(batch.contiguous(memory_format=torch.channels_last))
        return [self._detections(each) for each in found]

    def _detections(self, found: Mapping[str, torch.Tensor]) -> Detections:
        columns = {name: value.float().cpu().numpy() for name, value in found.items()}
        masks = None if self.side is None else columns["masks"].reshape(-1, self.side, self.side)
        label = columns["labels"].astype(np.int64) - 1
        return Detections(columns["boxes"].astype(float), label, columns["scores"].astype(float), masks)

    def decode(self, found: Detections, threshold: float, scale: float = 1.0) -> Instances:
        """The objects of a score above the threshold; unnamed, the surest first. ``scale`` has no part in it."""
        del scale
        kept = found.above(threshold)
        return reading.instances(kept, self.shapes_in(kept), self.classes)

    def score_map(self, found: Detections, shape: tuple[int, int]) -> np.ndarray:
        """float32 (k, h, w): the highest score of the objects of a class that cover a pixel, 0 where there is none."""
        levels = np.zeros((len(self.classes), shape[0] * shape[1]), np.float32)
        owner, place = rasterise(self.shapes_in(found), shape[1], shape[0]).pixels(shape[1])
        np.maximum.at(levels, (found.label[owner], place), found.score[owner].astype(np.float32))
        return levels.reshape(len(levels), *shape)

    def losses(
        self, images: torch.Tensor, wanted: Sequence[Target], computing: Callable[[], AbstractContextManager]
    ) -> torch.Tensor:
        """The sum of the losses of a batch of crops; ``computing`` gives the precision of the layers."""
        import torch

        given = [targets.tensors(target, images.device) for target in wanted]
        with computing():
            found = self.network(images.contiguous(memory_format=torch.channels_last), given)
        return sum(loss.float() for loss in found.values())

    def fitted_to(self, truths: Sequence[Truth]) -> Mapping[str, Any]:
        """Anchors from the objects of the training images, unless the settings have them."""
        sides = [self.sides_of(truth.instances.shapes) for truth in truths]
        found = anchors.fitted(np.concatenate([np.zeros((0, 2)), *sides]), self.settings, self.columns == 5)
        return {"anchor_sizes": found.sizes, "aspect_ratios": found.ratios}

    def sides_of(self, shapes: Shapes) -> np.ndarray:
        """(n, 2) width and height of the boxes around annotated outlines (length and width of rotated ones)."""
        box = bounds(shapes)
        return box[:, 2:] - box[:, :2]


class Boxes(Detector):
    """Faster R-CNN: upright boxes; settings: :class:`temj.cores.detection.settings.DetectionSettings`."""

    name = "boxes"
    repeats_on_gpu = False  # the gradient of RoI align is added up in no fixed order there

    def build(self, settings: DetectionSettings, inputs: int) -> torch.nn.Module:
        """See :class:`Detector`."""
        from temj.cores.detection.heads import make_heads
        from temj.cores.detection.network import RCNN
        from temj.cores.detection.proposals import make_proposals

        return RCNN(settings, inputs, make_proposals(settings), make_heads(settings, self.side is not None))

    def shapes_seen(self, seen: targets.Seen) -> Shapes:
        """The boxes around outlines, inside the image."""
        return reading.boxes_as_shapes(targets.boxes_of_pixels(seen))

    def shapes_in(self, found: Detections) -> Shapes:
        """RECT shapes."""
        return reading.rectangles(found)

    def overlaps(self, found: Shapes, true: Shapes) -> Overlaps:
        """Of the areas of the boxes, without pixels."""
        return rotated_iou(of_upright(reading.boxes_in(found)), of_upright(reading.boxes_in(true)))

    def target(self, truth: Truth) -> Target:
        """See :func:`temj.cores.detection.targets.upright_target`."""
        return targets.upright_target(truth, self.classes, self.side is not None)

    def encode(self, truth: Truth) -> Detections:
        """See :func:`temj.cores.detection.targets.perfect`."""
        return targets.perfect(truth, self.classes, self.side)


class Masks(Boxes):
    """Mask R-CNN: upright boxes and the pixels of each object, which may overlap."""

    name = "masks"
    side = 28

    def shapes_seen(self, seen: targets.Seen) -> Shapes:
        """The outlines of the pixels inside the image."""
        return reading.traced(seen.owner, seen.y, seen.x, len(seen.labels))

    def shapes_in(self, found: Detections) -> Shapes:
        """See :func:`temj.cores.detection.reading.mask_outlines`."""
        return reading.mask_outlines(found)

    def overlaps(self, found: Shapes, true: Shapes) -> Overlaps:
        """Of the pixels of the outlines."""
        return Detector.overlaps(self, found, true)
