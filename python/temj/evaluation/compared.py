"""The objects found in one image against the annotated ones: who overlaps whom, without pixels.

All figures of detection follow from it: precision and recall at any threshold and match IoU, average precision, the
confusion matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from temj.data import Instances, Shapes
from temj.evaluation.objects import Objects, intersections
from temj.evaluation.overlapping import Kind, box_overlaps, diameters, one_to_one
from temj.geometry.overlap import Overlaps


@dataclass(frozen=True, eq=False)
class Compared:
    """The objects of one image that count, on both sides.

    Attributes:
        pairs: (found, true) that overlap, of any class.
        score: (n,) float64 of the found ones, NaN where there is none.
        found_class, true_class: (n,), (m,) int64, index into the classes.
        found_size, true_size: (n,), (m,) float64, equivalent diameters.
    """

    pairs: Overlaps
    score: np.ndarray
    found_class: np.ndarray
    true_class: np.ndarray
    found_size: np.ndarray
    true_size: np.ndarray

    @property
    def scored(self) -> bool:
        """Whether every found object has a score."""
        return bool(np.isfinite(self.score).all())

    def scaled(self, factor: float) -> Compared:
        """The same with all sizes times a factor."""
        return replace(self, found_size=factor * self.found_size, true_size=factor * self.true_size)

    def above(self, threshold: float) -> Compared:
        """With the found objects of a score above the threshold only."""
        return self._of(self.score > threshold, np.ones(len(self.true_class), bool))

    def of_class(self, number: int) -> Compared:
        """With the objects of one class only, on both sides."""
        return self._of(self.found_class == number, self.true_class == number)

    def _of(self, found: np.ndarray, true: np.ndarray) -> Compared:
        pairs = self.pairs.where(found[self.pairs.first] & true[self.pairs.second])
        places = np.cumsum(found) - 1, np.cumsum(true) - 1
        return Compared(
            Overlaps(places[0][pairs.first], places[1][pairs.second], pairs.iou), self.score[found],
            self.found_class[found], self.true_class[true], self.found_size[found], self.true_size[true],
        )  # fmt: skip

    def matched(self, iou: float) -> Overlaps:
        """One to one, whatever the classes: see :func:`temj.evaluation.overlapping.one_to_one`."""
        return one_to_one(self.pairs, iou)


@dataclass(frozen=True, eq=False)
class Side:
    """The objects that were found, or that are annotated, in one image.

    Attributes:
        instances: all of them.
        objects: the pixels of those that count, the others having none.
        shapes: what overlaps where boxes are compared.
    """

    instances: Instances
    objects: Objects
    shapes: Shapes

    @classmethod
    def of(cls, instances: Instances, counts: np.ndarray, mostly: bool, boxes: Shapes | None = None) -> Side:
        """Without what is ``ignore``, and of the others the pixels where the truth is known.

        Args:
            instances: objects.
            counts: (h, w) bool, where it is known.
            mostly: whether an object that lies mostly elsewhere does not count at all.
            boxes: the box of each object, where its outline was found in one; None: they are around the outlines.
        """
        objects = Objects.of_shapes(instances.shapes, *counts.shape).inside(counts, mostly)
        return cls(instances, objects.only(~instances.ignored), instances.shapes if boxes is None else boxes)

    def of_class(self, name: str) -> Objects:
        """Those of a class, under the numbers that they have among all."""
        return self.objects.only(self.instances.class_name == name)


def overlaps_of(found: Side, true: Side, kind: Kind) -> Overlaps:
    """All pairs of objects that count and overlap, of any class, by their numbers among all."""
    if kind == "outlines":
        return intersections(found.objects, true.objects)
    kept = [np.flatnonzero(side.objects.present) for side in (found, true)]
    shapes = [side.shapes.take(index) for side, index in zip((found, true), kept, strict=True)]
    pairs = box_overlaps(*shapes, kind)
    return Overlaps(kept[0][pairs.first], kept[1][pairs.second], pairs.iou)


def compared(found: Side, true: Side, pairs: Overlaps, classes: Sequence[str], kind: Kind) -> Compared:
    """What counts of both sides.

    Args:
        found, true: of one image.
        pairs: of :func:`overlaps_of`.
        classes: what class numbers mean; objects of others do not count.
        kind: what is compared.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    labels = [np.array([numbers.get(n, -1) for n in side.instances.class_name], np.int64) for side in (found, true)]
    kept = [side.objects.present & (label >= 0) for side, label in zip((found, true), labels, strict=True)]
    sizes = [
        diameters(side.shapes, np.bincount(side.objects.owner, minlength=side.objects.count), kind)
        for side in (found, true)
    ]
    return Compared(pairs, found.instances.score, *labels, *sizes)._of(*kept)
