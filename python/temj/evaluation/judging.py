"""One image judged: agreement class by class, and which object was found, missed or made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from temj.data import Instances, Shapes
from temj.evaluation.agreement import Agreement, Diameter, Lengths, agreement_of, lengths
from temj.evaluation.compared import Compared, Side, compared, overlaps_of
from temj.evaluation.objects import DEFAULT_IOU, Objects
from temj.evaluation.overlapping import Kind, one_to_one
from temj.geometry.overlap import Overlaps


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
        pairs: (found, annotated) objects that are matched: one to one, of the same class.
        found_counts, true_counts: (n,) bool, objects that count at all: not mostly where the truth is not known, not
            outside of the image, and not ``ignore``.
        compared: who overlaps whom, for figures of detection.
        found_diameter, true_diameter: (n,) float64, by the rule of the class; NaN of objects that do not count.
        found_area, true_area: (n,) float64, of the pixels that count; 0 of objects that do not.
    """

    classes: Mapping[str, Agreement]
    background: Agreement
    counted: int
    pairs: Overlaps
    found_counts: np.ndarray
    true_counts: np.ndarray
    compared: Compared
    found_diameter: np.ndarray
    true_diameter: np.ndarray
    found_area: np.ndarray
    true_area: np.ndarray

    @property
    def found_matched(self) -> np.ndarray:
        """(n,) bool: found objects that have a partner of their class."""
        return np.isin(np.arange(len(self.found_counts)), self.pairs.first)

    @property
    def true_matched(self) -> np.ndarray:
        """(n,) bool: annotated objects that have a partner of their class."""
        return np.isin(np.arange(len(self.true_counts)), self.pairs.second)

    @property
    def total(self) -> Agreement:
        """All classes added up; an object counts as matched only by one of its own class."""
        return Agreement.total(self.classes.values())

    def scaled(self, factor: float) -> Judged:
        """The same with all lengths times a factor."""
        classes = {name: part.scaled(factor) for name, part in self.classes.items()}
        lengths = {name: factor * getattr(self, name) for name in ("found_diameter", "true_diameter")}
        areas = {name: factor**2 * getattr(self, name) for name in ("found_area", "true_area")}
        return replace(self, classes=classes, compared=self.compared.scaled(factor), **lengths, **areas)


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
    sizes = [_sizes(side, rules, pixel) for side in sides]
    same = sides[0].instances.class_name[overlaps.first] == sides[1].instances.class_name[overlaps.second]
    agreements: dict[str, Agreement] = {}
    matched: list[Overlaps] = []
    for name in rules.classes:
        mine = same & (sides[0].instances.class_name[overlaps.first] == name)
        matched.append(one_to_one(overlaps.where(mine), rules.iou))
        agreements[name] = agreement_of(*(side.of_class(name) for side in sides), len(matched[-1]), *sizes)
    masks = [side.objects.mask & counts.ravel() for side in sides]
    return Judged(
        agreements,
        _background(*masks, counts.ravel()),
        int(counts.sum()),
        _joined(matched),
        *(side.objects.present for side in sides),
        compared(*sides, overlaps, rules.classes, rules.kind),
        *(each[0] for each in sizes),
        *(side.objects.area * pixel[0] * pixel[1] for side in sides),
    )


def _sizes(side: Side, rules: Rules, pixel: tuple[float, float]) -> Lengths:
    """Diameter, major and minor axis of each object; NaN of those that do not count."""
    known = [name in rules.classes for name in side.instances.class_name]
    diameters = [rules.diameters.get(name, "equivalent") for name in side.instances.class_name]
    return lengths(side.objects.only(np.array(known, bool)), diameters, pixel)


def _joined(parts: Sequence[Overlaps]) -> Overlaps:
    """The pairs of all classes, in order of the found objects."""
    empty = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    columns = zip(empty, *((part.first, part.second, part.iou) for part in parts), strict=True)
    first, second, iou = (np.concatenate(column) for column in columns)
    order = np.argsort(first, kind="stable")
    return Overlaps(first[order], second[order], iou[order])


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
