"""One image judged: agreement class by class, and which object was found, missed or made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from temj.data import Instances, Shapes
from temj.evaluation.agreement import Agreement, Diameter, agreement_of
from temj.evaluation.compared import Compared, Side, compared, overlaps_of
from temj.evaluation.objects import DEFAULT_IOU, Objects
from temj.evaluation.overlapping import Kind, one_to_one


@dataclass(frozen=True)
class Rules:
    """How images are judged.

    Attributes:
        classes: in the order of the tables.
        diameters: class → which length is its diameter; ``equivalent`` where nothing is said.
        iou: a pair of objects with more than this is a match.
        kind: what the IoU is of (:data:`temj.evaluation.overlapping.KINDS`).
    """

    classes: tuple[str, ...]
    diameters: Mapping[str, Diameter]
    iou: float = DEFAULT_IOU
    kind: Kind = "outlines"


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
        compared: who overlaps whom, for figures of detection.
    """

    classes: Mapping[str, Agreement]
    background: Agreement
    counted: int
    found_matched: np.ndarray
    true_matched: np.ndarray
    found_counts: np.ndarray
    true_counts: np.ndarray
    compared: Compared

    @property
    def total(self) -> Agreement:
        """All classes added up; an object counts as matched only by one of its own class."""
        return Agreement.total(self.classes.values())

    def scaled(self, factor: float) -> Judged:
        """The same with all lengths times a factor."""
        classes = {name: part.scaled(factor) for name, part in self.classes.items()}
        return replace(self, classes=classes, compared=self.compared.scaled(factor))


def known_area(true: Instances, height: int, width: int, area: np.ndarray | None = None) -> np.ndarray:
    """(height, width) bool: where the truth is known: in the analysed area, and not where an object is ``ignore``."""
    counts = np.ones((height, width), bool) if area is None else area.copy()
    counts[Objects.of_shapes(true.take(true.ignored).shapes, height, width).mask.reshape(height, width)] = False
    return counts


def judge(
    found: Instances,
    true: Instances,
    counts: np.ndarray,
    rules: Rules,
    pixel: tuple[float, float] = (1.0, 1.0),
    boxes: Shapes | None = None,
) -> Judged:
    """Compare the objects of one image with the annotated ones.

    Args:
        found: objects of the classes of ``rules``; ``ignore`` has no part.
        true: annotated ones.
        counts: (h, w) bool, where the truth is known (:func:`known_area`).
        rules: how.
        pixel: width and height of a pixel.
        boxes: the box in which the outline of each found object was fitted, where there is one: it overlaps where boxes
            are compared.
    """
    sides = Side.of(found, counts, True, boxes), Side.of(true, counts, mostly=False)
    overlaps = overlaps_of(*sides, rules.kind)
    matched = [np.zeros(len(side.instances), bool) for side in sides]
    same = sides[0].instances.class_name[overlaps.first] == sides[1].instances.class_name[overlaps.second]
    agreements: dict[str, Agreement] = {}
    for name in rules.classes:
        objects = [side.of_class(name) for side in sides]
        mine = same & (sides[0].instances.class_name[overlaps.first] == name)
        pairs = one_to_one(overlaps.where(mine), rules.iou)
        for flags, partners in zip(matched, (pairs.first, pairs.second), strict=True):
            flags[partners] = True
        rule = rules.diameters.get(name, "equivalent")
        agreements[name] = agreement_of(*objects, len(pairs), rule, pixel)
    masks = [side.objects.mask & counts.ravel() for side in sides]
    return Judged(
        agreements,
        _background(*masks, counts.ravel()),
        int(counts.sum()),
        *matched,
        *(side.objects.present for side in sides),
        compared(*sides, overlaps, rules.classes, rules.kind),
    )


def compare_instances(found: Instances, true: Instances, counts: np.ndarray, rules: Rules) -> Compared:
    """Who overlaps whom in one image, without any figure of its pixels; arguments as of :func:`judge`."""
    sides = Side.of(found, counts, mostly=True), Side.of(true, counts, mostly=False)
    return compared(*sides, overlaps_of(*sides, rules.kind), rules.classes, rules.kind)


def _background(found: np.ndarray, true: np.ndarray, counts: np.ndarray) -> Agreement:
    """Of the pixels of no class, by the masks of all classes together."""
    no_found, no_true = counts & ~found, counts & ~true
    return Agreement(
        both=int(np.count_nonzero(no_found & no_true)),
        found_pixels=int(np.count_nonzero(no_found)),
        true_pixels=int(np.count_nonzero(no_true)),
    )
