"""Average precision class by class and by the size of the objects, with intervals over images."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from temj.evaluation.compared import Compared
from temj.evaluation.intervals import LEVEL, Interval
from temj.evaluation.precision import DEFINITIONS, IOUS, Ranked
from temj.evaluation.summary import ALL, NO_INTERVAL, Figure

_FEWEST = 20
"""Annotated objects from which on they are parted by size, where nothing says the limits."""
Bin = tuple[float, float]
"""Sizes from the first number on, below the second."""


def quartiles(images: Sequence[Compared]) -> tuple[float, ...]:
    """The quartiles of the sizes of all annotated objects, to two digits; none where there are too few or all equal."""
    sizes = np.concatenate([np.zeros(0), *(image.true_size for image in images)])
    if len(sizes) < _FEWEST:
        return ()
    limits = sorted({float(f"{limit:.2g}") for limit in np.quantile(sizes, [0.25, 0.5, 0.75])})
    return tuple(limit for limit in limits if sizes.min() < limit <= sizes.max())


def bins(limits: Sequence[float]) -> list[Bin]:
    """The bins between limits, the first from 0 on and the last without end; none without limits."""
    ends = [0.0, *sorted(set(limits)), np.inf]
    return list(itertools.pairwise(ends)) if len(limits) else []


def in_words(part: Bin, unit: str) -> str:
    """``below 10 nm``, ``10 to 20 nm``, ``from 40 nm``."""
    low, high = part
    if low == 0:
        return f"below {high:g} {unit}"
    return f"from {low:g} {unit}" if np.isinf(high) else f"{low:g} to {high:g} {unit}"


def average_precisions(
    images: Sequence[Compared], classes: Sequence[str], limits: Sequence[float], unit: str
) -> list[Figure]:
    """AP50 and AP50:95 of each class and their means, of all sizes and of each bin; and how many objects a bin has.

    Args:
        images: with scores, sizes in ``unit``.
        classes: what class numbers mean.
        limits: of the bins.
        unit: ``nm`` or ``pixel``.
    """
    rows = _rows(images, classes, None, "", "")
    for part in bins(limits):
        words = in_words(part, unit)
        told = f"; annotated objects of an equivalent diameter {words}, others are in no figure"
        rows += _rows(images, classes, part, f" ({words})", told)
    return rows


def mean_precision(images: Sequence[Compared], classes: Sequence[str]) -> float:
    """AP50:95, mean over the classes of which something is annotated; NaN where nothing is."""
    return float(_values([[_ranked(image.of_class(k), None) for image in images] for k in range(len(classes))])[1])


def _rows(images: Sequence[Compared], classes: Sequence[str], part: Bin | None, suffix: str, told: str) -> list[Figure]:
    ranked = [[_ranked(image.of_class(number), part) for image in images] for number in range(len(classes))]
    groups = [(name, [number]) for number, name in enumerate(classes)]
    if len(classes) > 1:
        groups.append((ALL, list(range(len(classes)))))
    rows = []
    for name, numbers in groups:
        if part is not None:
            count = sum(ranked[number][place].true for number in numbers for place in range(len(images)))
            rows.append(Figure(name, f"objects annotated{suffix}", float(count), NO_INTERVAL))
        chosen = [ranked[number] for number in numbers]
        values, known = _with_interval(chosen, part is None)
        mean = "mean over the annotated classes of the " if len(numbers) > 1 else ""
        for metric, value, interval in zip(DEFINITIONS, values, known, strict=True):
            definition = mean + DEFINITIONS[metric] + told
            rows.append(Figure(name, metric + suffix, value, interval, "", definition))
    return rows


def _ranked(image: Compared, part: Bin | None) -> Ranked:
    count = len(image.true_class)
    if part is None:
        return Ranked.of(image.pairs, image.score, count, IOUS)
    outside = [(size < part[0]) | (size >= part[1]) for size in (image.found_size, image.true_size)]
    return Ranked.of(image.pairs, image.score, count, IOUS, ignored=outside[0], true_ignored=outside[1])


def _with_interval(ranked: Sequence[Sequence[Ranked]], wanted: bool) -> tuple[np.ndarray, list[Interval]]:
    """AP50 and AP50:95 of classes of images, with an interval each: Student's t with the jackknife over images."""
    value, count = _values(ranked), len(ranked[0])
    nothing = [NO_INTERVAL] * len(value)
    if not wanted or count < 2 or not np.isfinite(value).all():
        return value, nothing
    without = np.array([_values([[*one[:k], *one[k + 1 :]] for one in ranked]) for k in range(count)])
    if not np.isfinite(without).all():
        return value, nothing
    from scipy.stats import t

    error = np.sqrt((count - 1) / count * ((without - without.mean(0)) ** 2).sum(0))
    reach = t.ppf(0.5 + LEVEL / 2, count - 1) * error
    ends = np.clip([value - reach, value + reach], 0, 1).T
    return value, [Interval(float(low), float(high), "t") for low, high in ends]


def _values(ranked: Sequence[Sequence[Ranked]]) -> np.ndarray:
    """(2,) AP50 and AP50:95, means over the classes of which something is annotated."""
    each = np.array([[ap[0], ap.mean()] for ap in (Ranked.total(images).ap() for images in ranked)])
    known = each[np.isfinite(each).all(1)]
    return known.mean(0) if len(known) else np.full(2, np.nan)
