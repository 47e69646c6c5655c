"""The annotated images that a classical method is fitted to: few of them, and parts of large ones."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.cores.base import Truth
from temj.cores.semantic.settings import IGNORE
from temj.cores.semantic.targets import objects_of

LARGEST = 1024
"""Side in pixels of the part that is taken of a larger image: where most is annotated."""


@dataclass(frozen=True, eq=False)
class Example:
    """An image, or a part of one, with what is annotated in it.

    Attributes:
        pixels: (h, w), or (n, h, w) of several detectors; not finite where not analysed.
        truth: of the same pixels.
    """

    pixels: np.ndarray
    truth: Truth

    @property
    def classes(self) -> np.ndarray:
        """uint8 (h, w): 0 background, the number of the class, 255 ignore."""
        return self.truth.class_map

    @functools.cached_property
    def counts(self) -> np.ndarray:
        """bool (h, w): where the truth is known and the image is analysed."""
        plane = self.pixels.reshape(-1, *self.classes.shape)[0]
        return (self.classes != IGNORE) & np.isfinite(plane)

    @functools.cached_property
    def objects(self) -> np.ndarray:
        """int32 (h, w): the number of each annotated object."""
        return objects_of(self.truth)


def choose(images: Sequence[np.ndarray], truths: Sequence[Truth], most: int, seed: int) -> tuple[Example, ...]:
    """At most so many of the images, drawn by chance, those with annotated objects first."""
    order = np.random.default_rng([seed, 11]).permutation(len(images))
    annotated = [bool(((truth.class_map > 0) & (truth.class_map != IGNORE)).any()) for truth in truths]
    order = sorted(order.tolist(), key=lambda number: not annotated[number])
    return tuple(_part(images[number], truths[number]) for number in sorted(order[:most]))


def _part(pixels: np.ndarray, truth: Truth) -> Example:
    height, width = truth.class_map.shape
    if max(height, width) <= LARGEST:
        return Example(pixels, truth)
    there = ((truth.class_map > 0) & (truth.class_map != IGNORE)).astype(np.int64)
    rows, columns = min(height, LARGEST), min(width, LARGEST)
    top = _fullest(there.sum(1), rows)
    left = _fullest(there[top : top + rows].sum(0), columns)
    window = np.s_[top : top + rows, left : left + columns]
    objects = None if truth.objects is None else truth.objects[window]
    return Example(pixels[..., *window], Truth(truth.class_map[window], objects))


def _fullest(counts: np.ndarray, length: int) -> int:
    """The start of the stretch of this length with the largest sum."""
    sums = np.concatenate([[0], np.cumsum(counts)])
    return int((sums[length:] - sums[:-length]).argmax())


def areas(examples: Sequence[Example]) -> np.ndarray:
    """(n,) int64, sorted: pixels of each annotated object."""
    found = [np.bincount(example.objects[example.counts])[1:] for example in examples]
    every = np.concatenate(found)
    return np.sort(every[every > 0])


def diameter(examples: Sequence[Example], share: float = 0.5) -> float:
    """The diameter in pixels of the circle with the area that this share of the objects stays below."""
    return 2 * float(np.sqrt(np.quantile(areas(examples), share) / np.pi))
