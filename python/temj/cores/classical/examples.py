"""The annotated images that a classical method is fitted to: few of them, and parts of large ones."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.cores.base import Truth
from temj.cores.semantic.settings import IGNORE
from temj.cores.semantic.targets import objects_of
from temj.errors import BadValue

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
    """At most so many of the images, drawn by chance, those with annotated objects first, and parts of large ones.

    For each class (the background is one) that they lack by chance there is one more: of the image that has most of it,
    around most of it. So every class that has a pixel at all occurs.
    """
    order = np.random.default_rng([seed, 11]).permutation(len(images))
    annotated = [bool(((truth.class_map > 0) & (truth.class_map != IGNORE)).any()) for truth in truths]
    order = sorted(order.tolist(), key=lambda number: not annotated[number])
    chosen = [_part(images[number], truths[number]) for number in sorted(order[:most])]
    there = np.stack([np.bincount(truth.class_map.ravel(), minlength=256)[:IGNORE] > 0 for truth in truths]).any(0)
    for wanted in np.flatnonzero(there):
        if not pixels_of_classes(chosen)[wanted]:
            each = [pixels_of_classes([Example(*pair)])[wanted] for pair in zip(images, truths, strict=True)]
            most_of_it = int(np.argmax(each))
            chosen += [_part(images[most_of_it], truths[most_of_it], wanted)] if each[most_of_it] else []
    return tuple(chosen)


def pixels_of_classes(examples: Sequence[Example]) -> np.ndarray:
    """(255,) int64: pixels that count of the background and of each class by its number."""
    found = [np.bincount(example.classes[example.counts], minlength=IGNORE) for example in examples]
    return np.sum(found, axis=0, dtype=np.int64)


def require_occurring(examples: Sequence[Example], classes: Sequence[str]) -> None:
    """Prove that the background and every class have pixels that count.

    Raises:
        BadValue: one has none; names it.
    """
    counts = pixels_of_classes(examples)
    for number, name in enumerate(("background", *classes)):
        if not counts[number]:
            raise BadValue(
                "nothing-annotated", where=name, expected="pixels of it in the analysed area of the training images",
                found="none", remedy="Annotate some of it inside the area, or make the area larger.",
            )  # fmt: skip


def _part(pixels: np.ndarray, truth: Truth, wanted: int | None = None) -> Example:
    """The part of an image where most is annotated, or where most of one class counts."""
    height, width = truth.class_map.shape
    if max(height, width) <= LARGEST:
        return Example(pixels, truth)
    if wanted is None:
        there = ((truth.class_map > 0) & (truth.class_map != IGNORE)).astype(np.int64)
    else:
        there = ((truth.class_map == wanted) & Example(pixels, truth).counts).astype(np.int64)
    rows, columns = min(height, LARGEST), min(width, LARGEST)
    top = _fullest(there.sum(1), rows)
    left = _fullest(there[top : top + rows].sum(0), columns)
    window = np.s_[top : top + rows, left : left + columns]
    objects = None if truth.objects is None else truth.objects[window]
    return Example(pixels[..., *window], Truth(truth.class_map[window], objects))


def _fullest(counts: np.ndarray, length: int) -> int:
    """The start of the stretch of this length with the largest sum; of equal ones the middle one."""
    sums = np.concatenate([[0], np.cumsum(counts)])
    found = sums[length:] - sums[:-length]
    best = np.flatnonzero(found == found.max())
    return int(best[len(best) // 2])


def areas(examples: Sequence[Example]) -> np.ndarray:
    """(n,) int64, sorted: pixels of each annotated object."""
    found = [np.bincount(example.objects[example.counts])[1:] for example in examples]
    every = np.concatenate(found)
    return np.sort(every[every > 0])


def diameter(examples: Sequence[Example], share: float = 0.5) -> float:
    """The diameter in pixels of the circle with the area that this share of the objects stays below."""
    return 2 * float(np.sqrt(np.quantile(areas(examples), share) / np.pi))
