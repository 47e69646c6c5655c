"""The training images in memory, and the batch of every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.cores import Trainable
from temj.opencv import opencv
from temj.training.augment import Recipe, cut, disturb

cv2 = opencv()


@dataclass(frozen=True)
class Picture:
    """One annotated micrograph, prepared.

    Attributes:
        name: of its file.
        pixels: (h, w), as read.
        image: float32 (c, h, w), prepared.
        class_map: uint8 (h, w): 0 background, i the i-th class, 255 ignore.
        centres: (n, 2) float, x and y of the middle of every connected object.
    """

    name: str
    pixels: np.ndarray
    image: np.ndarray
    class_map: np.ndarray
    centres: np.ndarray

    @classmethod
    def of(cls, name: str, pixels: np.ndarray, class_map: np.ndarray, core: Trainable) -> Picture:
        """Prepare the pixels and find the objects (8-connected, of any class)."""
        objects = ((class_map > 0) & (class_map < 255)).astype(np.uint8)
        centres = cv2.connectedComponentsWithStats(objects, connectivity=8)[3][1:]
        return cls(name, pixels, core.prepare(pixels), class_map, centres)


class Batches:
    """The batch of a step is a function of seed and step alone, so that a resumed run sees the same data.

    Every image is taken once before any is taken again; each crop has its own generator.
    """

    def __init__(self, pictures: Sequence[Picture], core: Trainable, recipe: Recipe, options):
        self._pictures, self._core, self._recipe = pictures, core, recipe
        self._seed, self._batch, self._object_share = options.seed, options.batch, options.object_share

    @property
    def steps_per_epoch(self) -> int:
        """``ceil(pixels of all images / pixels of a batch)``."""
        pixels = sum(picture.class_map.size for picture in self._pictures)
        return -(-pixels // (self._batch * self._recipe.size**2))

    def __call__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Images float32 (batch, c, s, s) and targets float32 (batch, k + 1, s, s) of a step, from 0."""
        first = step * self._batch
        crops = [self._crop(number) for number in range(first, first + self._batch)]
        images, targets = zip(*crops, strict=True)
        return np.stack(images), np.stack(targets)

    def _crop(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        turn, place = divmod(number, len(self._pictures))
        order = np.random.default_rng([self._seed, 0, turn]).permutation(len(self._pictures))
        picture = self._pictures[order[place]]
        rng = np.random.default_rng([self._seed, 1, number])
        image, class_map = cut(picture.image, picture.class_map, self._centre(picture, rng), self._recipe, rng)
        return disturb(image, self._recipe, rng), self._core.encode(class_map)

    def _centre(self, picture: Picture, rng: np.random.Generator) -> np.ndarray:
        """Near an object with the asked probability, else anywhere."""
        height, width = picture.class_map.shape
        if len(picture.centres) and rng.random() < self._object_share:
            # Off the middle by up to a third of the crop, so that position tells the network nothing.
            near = picture.centres[rng.integers(len(picture.centres))]
            return np.clip(near + rng.uniform(-1, 1, 2) * self._recipe.size / 3, 0, [width - 1, height - 1])
        return rng.uniform(0, 1, 2) * [width - 1, height - 1]
