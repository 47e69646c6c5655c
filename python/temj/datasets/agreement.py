"""How two annotators compare: what both found, what only one did, and whether they call it the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from temj.data import Instances
from temj.geometry.overlap import Overlaps


@dataclass(frozen=True)
class PairCount:
    """How two annotators compare, in one image or several; objects that either of them ignores are left out.

    Attributes:
        first, second: the annotators.
        images: that both have annotated.
        matched: pairs of objects.
        only_first, only_second: objects without a partner.
        left_out: objects of one that the other ignores.
        iou_sum: over the pairs.
        classes: (class of first, class of second) → pairs.
    """

    first: str
    second: str
    images: int = 0
    matched: int = 0
    only_first: int = 0
    only_second: int = 0
    left_out: int = 0
    iou_sum: float = 0.0
    classes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def plus(self, other: PairCount) -> PairCount:
        """Both together."""
        numbers = ("images", "matched", "only_first", "only_second", "left_out", "iou_sum")
        sums = {name: getattr(self, name) + getattr(other, name) for name in numbers}
        return replace(self, **sums, classes=self.classes + other.classes)

    @property
    def mean_iou(self) -> float:
        """Of the pairs; NaN without any."""
        return self.iou_sum / self.matched if self.matched else math.nan

    @property
    def same_class(self) -> float:
        """Share of the pairs whose classes are equal; NaN without any."""
        equal = sum(count for (one, other), count in self.classes.items() if one == other)
        return equal / self.matched if self.matched else math.nan

    @property
    def kappa(self) -> float:
        """Cohen's kappa of the classes of the pairs; NaN where both use one class only, or without pairs.

        (observed - expected) / (1 - expected) agreement, expected from how often each of the two uses each class
        (J. Cohen, Educ. Psychol. Meas. 20 (1960) 37).
        """
        if not self.matched:
            return math.nan
        of_first, of_second = Counter(), Counter()
        for (one, other), count in self.classes.items():
            of_first[one] += count
            of_second[other] += count
        expected = sum(of_first[name] * of_second[name] for name in of_first) / self.matched**2
        return (self.same_class - expected) / (1 - expected) if expected < 1 else math.nan


def count_pair(
    first: str,
    second: str,
    labels: Mapping[str, Instances],
    partners: Overlaps,
    ignored_by: Mapping[str, Mapping[str, np.ndarray]],
) -> PairCount:
    """The counts of one image.

    Args:
        first, second: the annotators.
        labels: annotator → their objects.
        partners: the pairs of their objects that are the same one.
        ignored_by: annotator → other annotator → (n,) bool: the objects that lie mostly in what the other ignores.
    """
    one, other = labels[first], labels[second]
    both = partners.where(~one.ignored[partners.first] & ~other.ignored[partners.second])
    met = other.ignored[partners.second], one.ignored[partners.first]
    left = ignored_by[first][second].copy(), ignored_by[second][first].copy()
    left[0][partners.first[met[0]]] = True
    left[1][partners.second[met[1]]] = True
    alone = ~one.ignored, ~other.ignored
    alone[0][both.first] = False
    alone[1][both.second] = False
    return PairCount(
        first,
        second,
        images=1,
        matched=len(both),
        only_first=int((alone[0] & ~left[0]).sum()),
        only_second=int((alone[1] & ~left[1]).sum()),
        left_out=sum(int((single & ignored).sum()) for single, ignored in zip(alone, left, strict=True)),
        iou_sum=float(both.iou.sum()),
        classes=Counter(zip(one.class_name[both.first], other.class_name[both.second], strict=True)),
    )


def summed(pairs: Iterable[PairCount]) -> list[PairCount]:
    """The counts of several images, one entry for each two annotators, by name."""
    total: dict[tuple[str, str], PairCount] = {}
    for pair in pairs:
        key = pair.first, pair.second
        total[key] = total[key].plus(pair) if key in total else pair
    return [total[key] for key in sorted(total)]
