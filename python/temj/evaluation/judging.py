"""One image judged: agreement class by class, and which object was found, missed or made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from temj.data import Instances
from temj.evaluation.agreement import Agreement, Diameter, agreement_of
from temj.evaluation.objects import DEFAULT_IOU, Objects, match


@dataclass(frozen=True)
class Rules:
    """How images are judged.

    Attributes:
        classes: in the order of the tables.
        diameters: class → which length is its diameter; ``equivalent`` where nothing is said.
        iou: a pair of objects with more than this is a match.
    """

    classes: tuple[str, ...]
    diameters: Mapping[str, Diameter]
    iou: float = DEFAULT_IOU


@dataclass(frozen=True, eq=False)
class Judged:
    """What is known of one image.

    Attributes:
        classes: class → agreement, lengths in the unit of ``pixel`` of :func:`judge`.
        background: agreement of the pixels that are of no class (no objects).
        counted: pixels where the truth is known.
        found_matched, true_matched: (n,) bool, objects that have a partner of their class.
        found_counts, true_counts: (n,) bool, objects that count at all: not mostly where the truth is not known, not
            outside of the image, and not ``ignore``.
    """

    classes: Mapping[str, Agreement]
    background: Agreement
    counted: int
    found_matched: np.ndarray
    true_matched: np.ndarray
    found_counts: np.ndarray
    true_counts: np.ndarray

    @property
    def total(self) -> Agreement:
        """All classes added up; an object counts as matched only by one of its own class."""
        return Agreement.total(self.classes.values())

    def scaled(self, factor: float) -> Judged:
        """The same with all lengths times a factor."""
        return replace(self, classes={name: part.scaled(factor) for name, part in self.classes.items()})


def known_area(true: Instances, height: int, width: int, area: np.ndarray | None = None) -> np.ndarray:
    """(height, width) bool: where the truth is known: in the analysed area, and not where an object is ``ignore``."""
    counts = np.ones((height, width), bool) if area is None else area.copy()
    counts[Objects.of_shapes(true.take(true.ignored).shapes, height, width).mask.reshape(height, width)] = False
    return counts


def judge(
    found: Instances, true: Instances, counts: np.ndarray, rules: Rules, pixel: tuple[float, float] = (1.0, 1.0)
) -> Judged:
    """Compare the objects of one image with the annotated ones.

    Args:
        found: objects of the classes of ``rules``; ``ignore`` has no part.
        true: annotated ones.
        counts: (h, w) bool, where the truth is known (:func:`known_area`).
        rules: how.
        pixel: width and height of a pixel.
    """
    sides = _Side.of(found, counts, mostly=True), _Side.of(true, counts, mostly=False)
    agreements: dict[str, Agreement] = {}
    for name in rules.classes:
        objects = [side.of_class(name) for side in sides]
        pairs = match(*objects, rules.iou)
        for side, partners in zip(sides, (pairs.first, pairs.second), strict=True):
            side.matched[partners] = True
        rule = rules.diameters.get(name, "equivalent")
        agreements[name] = agreement_of(*objects, len(pairs), rule, pixel)
    masks = [side.objects.mask & counts.ravel() for side in sides]
    return Judged(
        agreements,
        _background(*masks, counts.ravel()),
        int(counts.sum()),
        *(side.matched for side in sides),
        *(side.objects.present for side in sides),
    )


@dataclass(frozen=True, eq=False)
class _Side:
    """The objects that were found, or that are annotated."""

    class_name: np.ndarray
    objects: Objects
    matched: np.ndarray

    @classmethod
    def of(cls, instances: Instances, counts: np.ndarray, mostly: bool) -> _Side:
        objects = Objects.of_shapes(instances.shapes, *counts.shape).inside(counts, mostly)
        objects = objects.only(~instances.ignored)
        return cls(instances.class_name, objects, np.zeros(len(instances), bool))

    def of_class(self, name: str) -> Objects:
        """Those of a class, under the numbers that they have among all."""
        return self.objects.only(self.class_name == name)


def _background(found: np.ndarray, true: np.ndarray, counts: np.ndarray) -> Agreement:
    """Of the pixels of no class, by the masks of all classes together."""
    no_found, no_true = counts & ~found, counts & ~true
    return Agreement(
        both=int(np.count_nonzero(no_found & no_true)),
        found_pixels=int(np.count_nonzero(no_found)),
        true_pixels=int(np.count_nonzero(no_true)),
    )
