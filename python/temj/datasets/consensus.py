"""What several annotators of one image agree on.

Two annotators' objects are the same one where they overlap enough (:mod:`temj.geometry.overlap`): for every two
annotators the one-to-one matching with the largest sum of IoUs, whatever the classes. Over all annotators these pairs
grow together, best pair first, into clusters; two clusters are not joined where an annotator would be in them twice,
or where none of the outlines overlaps all the others enough. Ties go by the class (equal classes first), then by the
annotators' names, so that the order in which annotators are given decides about nothing.

Each member of a cluster has one vote for its class. Who said ``ignore`` here (an object of this class, or a region of
it that covers more than half of the object) says "I do not know": it is no vote for any other class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from temj.data import IGNORE, Instances, RoiType, Shape, Shapes
from temj.datasets.agreement import PairCount, count_pair
from temj.geometry.order import reading_order
from temj.geometry.overlap import REACH, Marks, Overlaps, best_partners, marks, overlaps, share_inside

Kind = Literal["agreed", "single", "few", "conflict", "unsure"]
_SAME_CLASS = 1e-6
_COVERED = 0.5


@dataclass(frozen=True)
class Rule:
    """When annotators agree.

    Attributes:
        iou: two objects that overlap at least so much are the same one.
        votes: how many must have given an object the same class.
        distance: of points, and around lines, in pixels (:mod:`temj.geometry.overlap`).
    """

    iou: float = 0.5
    votes: int = 2
    distance: float = REACH


@dataclass(frozen=True)
class Cluster:
    """One thing in the image that at least one annotator has marked.

    Attributes:
        members: annotator → index of their object.
        classes: annotator → the class they gave it.
        kind: ``agreed``; ``conflict`` (several classes, none with enough votes), ``unsure`` (somebody said
            ``ignore``), ``single`` (one annotator), ``few`` (more, but too few).
        class_name: the class with the most votes; "" where several have as many.
        outline: the annotator whose outline stands for all: of those who gave it this class the one that overlaps
            the others best.
        iou: annotator → IoU of their outline with that one.
        unsure: annotators who said ``ignore`` here.
    """

    members: Mapping[str, int]
    classes: Mapping[str, str]
    kind: Kind
    class_name: str
    outline: str
    iou: Mapping[str, float]
    unsure: tuple[str, ...] = ()

    @property
    def votes(self) -> int:
        """How many gave it :attr:`class_name`."""
        return sum(name == self.class_name for name in self.classes.values())

    @property
    def mean_iou(self) -> float:
        """Of the outline with those of the other members; NaN where there are none."""
        others = [value for name, value in self.iou.items() if name != self.outline]
        return float(np.mean(others)) if others else float("nan")


@dataclass(frozen=True)
class Merged:
    """What :func:`merge` finds in one image: clusters in reading order of their outlines, and the pairs."""

    clusters: tuple[Cluster, ...]
    pairs: tuple[PairCount, ...]


def single_points(instances: Instances) -> Instances:
    """The same objects with each point of a ROI of several points as an object of its own."""
    several = (instances.shapes.roi_type == RoiType.POINT) & (np.diff(instances.shapes.offsets) > 1)
    if not several.any():
        return instances
    parts = []
    for index in range(len(instances)):
        one = instances.take([index])
        shape = one.shapes[0]
        points = [Shape(shape.roi_type, [place], subpixel=shape.subpixel) for place in shape.points]
        parts += [replace(one, shapes=Shapes.of([point])) for point in points] if several[index] else [one]
    return Instances.concatenate(parts, instances.info)


def merge(labels: Mapping[str, Instances], rule: Rule, size: tuple[int, int] | None = None) -> Merged:
    """Put the objects of several annotators of one image together.

    Args:
        labels: annotator → their objects; ROIs of several points are one object here (:func:`single_points`).
        rule: when they agree.
        size: (width, height) of the image, where it is known: pixels outside do not count.
    """
    labels = {name: labels[name] for name in sorted(labels)}
    seen = {name: marks(found.shapes, size) for name, found in labels.items()}
    common = {pair: _in_one_plane(*pair, labels, seen, rule) for pair in combinations(labels, 2)}
    chosen = {pair: _partners(*pair, labels, found, rule) for pair, found in common.items()}
    ignored_by = _ignored_by(labels, seen)
    groups = _Groups(labels, common, rule.iou)
    groups.grow(chosen)
    clusters = [_cluster(group, groups, ignored_by, rule) for group in groups.all()]
    order = reading_order(outlines_of(clusters, labels)) if clusters else []
    pairs = [count_pair(*pair, labels, found, ignored_by) for pair, found in chosen.items()]
    return Merged(tuple(clusters[index] for index in order), tuple(pairs))


def outlines_of(clusters: Sequence[Cluster], labels: Mapping[str, Instances]) -> Instances:
    """The objects that stand for the clusters, as their annotators drew them."""
    names = sorted(labels)
    starts = dict(zip(names, np.cumsum([0] + [len(labels[name]) for name in names]).tolist(), strict=False))
    index = [starts[cluster.outline] + cluster.members[cluster.outline] for cluster in clusters]
    return Instances.concatenate([labels[name] for name in names]).take(np.array(index, np.int64))


def _in_one_plane(
    first: str, second: str, labels: Mapping[str, Instances], seen: Mapping[str, Marks], rule: Rule
) -> Overlaps:
    """What overlaps in the same plane of a stack; 0 stands for all channels, slices or frames."""
    found = overlaps(seen[first], seen[second], rule.distance)
    one, other = labels[first].position[found.first], labels[second].position[found.second]
    return found.where(((one == other) | (one == 0) | (other == 0)).all(axis=1))


def _partners(first: str, second: str, labels: Mapping[str, Instances], found: Overlaps, rule: Rule) -> Overlaps:
    enough = found.where(found.iou >= rule.iou)
    equal = labels[first].class_name[enough.first] == labels[second].class_name[enough.second]
    return enough.where(best_partners(enough, np.where(equal, _SAME_CLASS, 0.0)))


def _ignored_by(labels: Mapping[str, Instances], seen: Mapping[str, Marks]) -> dict[str, dict[str, np.ndarray]]:
    """Annotator → other annotator → (n,) bool: which objects lie mostly in what the other one ignores."""
    regions = {name: marks(found.shapes.take(found.ignored)) for name, found in labels.items() if found.ignored.any()}
    none = {name: np.zeros(len(found), bool) for name, found in labels.items()}
    return {
        name: {
            other: share_inside(seen[name], regions[other]) > _COVERED if other in regions else none[name]
            for other in labels
            if other != name
        }
        for name in labels
    }


class _Groups:
    """Objects of all annotators by a number of their own, in groups that grow."""

    def __init__(self, labels: Mapping[str, Instances], common: Mapping[tuple[str, str], Overlaps], least: float):
        self.names = list(labels)
        counts = [len(labels[name]) for name in self.names]
        self._start = dict(zip(self.names, np.cumsum([0, *counts])[:-1].tolist(), strict=True))
        self.owner = np.repeat(np.arange(len(counts)), counts).tolist()
        self.number = [index for count in counts for index in range(count)]
        self.class_of = [label for name in self.names for label in labels[name].class_name]
        self._least = least
        self._iou: dict[tuple[int, int], float] = {}
        for pair, found in common.items():
            self._iou |= dict(zip(self._keys(pair, found), found.iou.tolist(), strict=True))
        self._group = [(number,) for number in range(len(self.owner))]

    def _keys(self, pair: tuple[str, str], found: Overlaps) -> list[tuple[int, int]]:
        first, second = (self._start[name] for name in pair)
        return list(zip((found.first + first).tolist(), (found.second + second).tolist(), strict=True))

    def iou(self, one: int, other: int) -> float:
        """Of two objects; 1 of one with itself."""
        return 1.0 if one == other else self._iou.get((min(one, other), max(one, other)), 0.0)

    def grow(self, chosen: Mapping[tuple[str, str], Overlaps]) -> None:
        """Join the groups of partners, those that overlap best first."""
        edges = [key for pair, found in chosen.items() for key in self._keys(pair, found)]
        edges.sort(key=lambda edge: (-self._iou[edge], self.class_of[edge[0]] != self.class_of[edge[1]], edge))
        for one, other in edges:
            both = self._group[one] + self._group[other]
            if len({self.owner[member] for member in both}) == len(both) and self._has_middle(both):
                both = tuple(sorted(both))
                for member in both:
                    self._group[member] = both

    def _has_middle(self, members: Sequence[int]) -> bool:
        """Whether one of them overlaps all the others enough."""
        return any(all(self.iou(middle, member) >= self._least for member in members) for middle in members)

    def all(self) -> list[tuple[int, ...]]:
        """The groups by their first member; members by annotator's name."""
        return sorted(set(self._group))


def _cluster(
    group: tuple[int, ...], groups: _Groups, ignored_by: Mapping[str, Mapping[str, np.ndarray]], rule: Rule
) -> Cluster:
    owners = [groups.names[groups.owner[member]] for member in group]
    classes = dict(zip(owners, (groups.class_of[member] for member in group), strict=True))
    members = dict(zip(owners, (groups.number[member] for member in group), strict=True))
    unsure = {name for name, label in classes.items() if label == IGNORE}
    unsure |= {other for name in owners for other, inside in ignored_by[name].items() if inside[members[name]]} - set(
        owners
    )
    kind, class_name = verdict(classes, bool(unsure), rule.votes)
    able = [member for member, name in zip(group, owners, strict=True) if classes[name] == class_name] or list(group)
    best = max(able, key=lambda member: sum(groups.iou(member, other) for other in group))
    iou = {name: groups.iou(best, member) for name, member in zip(owners, group, strict=True)}
    return Cluster(members, classes, kind, class_name, owners[group.index(best)], iou, tuple(sorted(unsure)))


def verdict(classes: Mapping[str, str], unsure: bool, votes: int) -> tuple[Kind, str]:
    """What the votes for one object amount to: the kind, and the class with the most votes ("" for a tie)."""
    counts = Counter(classes.values())
    ranked = counts.most_common()
    if ranked[0][1] >= votes and (len(ranked) == 1 or ranked[1][1] < ranked[0][1]):
        return "agreed", ranked[0][0]
    known = [(name, count) for name, count in ranked if name != IGNORE] or ranked
    top = known[0][0] if len(known) == 1 or known[1][1] < known[0][1] else ""
    if len(known) > 1:
        return "conflict", top
    if unsure and top != IGNORE:
        return "unsure", top
    return ("single" if len(classes) == 1 else "few"), top
