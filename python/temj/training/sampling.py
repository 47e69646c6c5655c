"""The training images in memory, and the batch of every step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torchvision import tv_tensors

from temj.annotations.masks import IGNORE_VALUE
from temj.cores import Trainable, Truth
from temj.cores.semantic.targets import objects_of
from temj.data import Instances
from temj.geometry.moving import bounds
from temj.inference.outside import seen
from temj.opencv import opencv
from temj.training.augmentations import Applied, ClassMap, ObjectNumbers, Pipeline
from temj.training.options import TrainingOptions
from temj.training.outlines import beyond, outlines_of, with_outlines

cv2 = opencv()

Batch = tuple[np.ndarray, Sequence[Any]]
"""Images float32 (n, c, s, s), and for each its target (:meth:`temj.cores.base.Trainable.target`)."""


@dataclass(frozen=True)
class Picture:
    """One annotated micrograph, prepared.

    Attributes:
        name: of its file.
        pixels: (h, w), as read; (n, h, w) where the core takes the images of n detectors.
        image: float32 (c, h, w), prepared.
        class_map: uint8 (h, w): 0 background, i the i-th class, 255 ignore; (k, h, w) of 0, 1, 255 where classes may
            overlap.
        centres: (n, 2) float, x and y of the middle of every connected object.
        area: bool (h, w), the analysed area; None for all of it. Outside, ``pixels`` are its mean, and ``class_map``
            is ignore.
        objects: int32 (h, w), the number of each object, 0 elsewhere; None where the annotation does not tell them.
        instances: the objects as polygons; None where the core does not ask for them.
    """

    name: str
    pixels: np.ndarray
    image: np.ndarray
    class_map: np.ndarray
    centres: np.ndarray
    area: np.ndarray | None = None
    objects: np.ndarray | None = None
    instances: Instances | None = None

    @classmethod
    def of(
        cls,
        name: str,
        pixels: np.ndarray,
        truth: Truth,
        core: Trainable,
        area: np.ndarray | None = None,
    ) -> Picture:
        """Prepare the pixels and find the middles of the objects; of what is annotated what the core asks for is kept.

        Args:
            name: of the file.
            pixels: as the attribute.
            truth: what is annotated in it.
            core: prepares the pixels, and says whether it wants numbers of objects.
            area: as the attribute.
        """
        image = core.prepare(seen(pixels, area, truth.class_map.shape[-2:]))
        objects = objects_of(Truth(truth.class_map)) if core.wants_objects and truth.objects is None else truth.objects
        return cls(name, pixels, image, truth.class_map, _centres(truth), area, objects, truth.instances)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.class_map.shape[-2:]

    @property
    def truth(self) -> Truth:
        """What is annotated in all of it."""
        return Truth(self.class_map, self.objects, self.instances)


def _centres(truth: Truth) -> np.ndarray:
    """(n, 2) float, x and y of the middles of the objects: of the instances, else of 8-connected pieces."""
    height, width = truth.class_map.shape[-2:]
    if truth.instances is None:
        there = ((truth.class_map > 0) & (truth.class_map < 255)).reshape(-1, height, width).any(0).astype(np.uint8)
        return cv2.connectedComponentsWithStats(there, connectivity=8)[3][1:]
    box = bounds(truth.instances.shapes)
    return np.clip((box[:, :2] + box[:, 2:]) / 2 - 0.5, 0, [width - 1, height - 1])


class Batches:
    """The batch of a step is a function of seed and step alone, so that a resumed run sees the same data.

    Every image is taken once before any is taken again; each crop has its own generator.

    Args:
        pictures: to cut from.
        core: makes the targets.
        augmentation: name → probability and ranges, as :func:`temj.training.augmentations.effective` says.
        options: seed, batch, crop, object_share.
    """

    def __init__(
        self, pictures: Sequence[Picture], core: Trainable, augmentation: Mapping[str, Any], options: TrainingOptions
    ):
        self._pictures, self._core, self._options = pictures, core, options
        self._pipeline = Pipeline(augmentation, options.crop, core.channels)

    @property
    def steps_per_epoch(self) -> int:
        """``ceil(pixels of all images / pixels of the batches of a step)``."""
        pixels = sum(math.prod(picture.shape) for picture in self._pictures)
        return -(-pixels // (self._options.batch * self._options.accumulate * self._options.crop**2))

    def __call__(self, number: int, share: slice = slice(None)) -> Batch:
        """A batch, from 0, or a share of it."""
        first = number * self._options.batch
        crops = [self._crop(crop) for crop in range(first, first + self._options.batch)[share]]
        images, targets = zip(*crops, strict=True)
        return np.stack(images), targets

    def _crop(self, number: int) -> tuple[np.ndarray, Any]:
        turn, place = divmod(number, len(self._pictures))
        order = np.random.default_rng([self._options.seed, 0, turn]).permutation(len(self._pictures))
        picture = self._pictures[order[place]]
        rng = np.random.default_rng([self._options.seed, 1, number])
        image, truth, _ = self.crop_of(picture, rng)
        return image, self._core.target(truth)

    def crop_of(
        self, picture: Picture, rng: np.random.Generator, centre: np.ndarray | None = None
    ) -> tuple[np.ndarray, Truth, tuple[Applied, ...]]:
        """One crop of a picture, as the network sees it.

        Args:
            picture: to cut from.
            rng: all chance comes from it.
            centre: index (x, y) of the pixel in its middle; None draws one.

        Returns:
            Image float32 (c, s, s), what is annotated in it, and what happened to them.
        """
        centre = self.draw_centre(picture, rng) if centre is None else centre
        height, width = picture.shape
        sample = {
            "image": tv_tensors.Image(torch.from_numpy(picture.image)),
            "class_map": ClassMap(torch.from_numpy(picture.class_map)),
            "centre": tv_tensors.KeyPoints(torch.from_numpy(centre + 0.5)[None], canvas_size=(height, width)),
        }
        if self._core.wants_objects:
            # float32 holds every number of an object, and OpenCV moves it
            sample["objects"] = ObjectNumbers(torch.from_numpy(picture.objects.astype(np.float32)))
        if picture.instances is not None:
            sample |= with_outlines(picture.instances, picture.shape)
        crop, happened = self._pipeline(sample, int(rng.integers(2**63)))
        objects = crop["objects"].numpy().astype(np.int32) if "objects" in crop else None
        class_map = crop["class_map"].numpy()
        if picture.instances is None:
            return crop["image"].numpy(), Truth(class_map, objects), happened
        class_map = np.where(beyond(crop), np.uint8(IGNORE_VALUE), class_map)
        return crop["image"].numpy(), Truth(class_map, objects, outlines_of(crop, picture.instances)), happened

    def draw_centre(self, picture: Picture, rng: np.random.Generator) -> np.ndarray:
        """Index (x, y) of a middle: near an object with the asked probability, else anywhere."""
        height, width = picture.shape
        if len(picture.centres) and rng.random() < self._options.object_share:
            # Off the middle by up to a third of the crop, so that position tells the network nothing.
            near = picture.centres[rng.integers(len(picture.centres))]
            drawn = np.clip(near + rng.uniform(-1, 1, 2) * self._options.crop / 3, 0, [width - 1, height - 1])
        else:
            drawn = rng.uniform(0, 1, 2) * [width - 1, height - 1]
        if picture.instances is None:
            return drawn
        # beyond the border there are no outlines to learn from
        least = np.minimum(self._options.crop, [width, height]) / 2 - 0.5
        return np.clip(drawn, least, np.array([width - 1, height - 1]) - least)
