"""How well objects of a size are found: recall, precision and error of the diameter, bin by bin.

Recall and the error of the diameter are of annotated objects of the bin, precision and false positives of found ones;
sizes are diameters by the rule of the class. From such a table follow the sizes above which 50 and 90 % are found, and
the correction of counts for the detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import numpy as np

from temj.data import Column, Table
from temj.evaluation.intervals import Interval
from temj.evaluation.judging import Judged
from temj.evaluation.summary import ALL, Figure
from temj.physics import limit
from temj.physics.limit import Judged as Sized
from temj.population.quotients import divided

_EACH, _MOST = 15, 8
SHARES = (0.5, 0.9)
DEFINITION = (
    "annotated diameter from which on this share is found: logistic curve of ln diameter with a plateau, fitted to "
    "found or missed (maximum likelihood)"
)


def automatic_limits(sizes: np.ndarray) -> tuple[float, ...]:
    """Limits between bins with as many annotated objects each, at least 15, at most 8 bins; to two digits."""
    count = min(_MOST, len(sizes) // _EACH)
    if count < 2:
        return ()
    between = np.quantile(sizes, np.arange(1, count) / count)
    limits = sorted({float(f"{limit:.2g}") for limit in between})
    return tuple(limit for limit in limits if sizes.min() < limit <= sizes.max())


def sizes_of(image: Judged, number: int | None, area: float) -> Sized:
    """The diameters of the objects of one class of an image, and who is whose partner.

    Args:
        image: lengths in one unit.
        number: place of the class; None for all classes.
        area: analysed area in that unit squared.
    """
    diameters = image.true_diameter, image.found_diameter
    labels = image.compared.true_class, image.compared.found_class
    places, kept = [], []
    for diameter, label in zip(diameters, labels, strict=True):
        own = np.isfinite(diameter)
        own[own] = True if number is None else label == number
        kept.append(diameter[own])
        places.append(np.where(own, np.cumsum(own) - 1, -1))
    pairs = np.stack([places[0][image.pairs.second], places[1][image.pairs.first]], axis=1)
    return Sized(kept[0], kept[1], pairs[(pairs >= 0).all(axis=1)], area)


def by_size(
    images: Sequence[Judged], classes: Sequence[str], areas: Sequence[float], limits: Sequence[float], unit: str
) -> Table:
    """``sizes.csv``: a row a class and bin; all classes together last, where there are several.

    Args:
        images: judged by the same rules, lengths in ``unit``.
        classes: names.
        areas: (images,) analysed areas in unit².
        limits: between the bins, in ``unit``; none for one bin.
        unit: ``nm`` or ``pixel``.

    Returns:
        Class, From, To (NaN where there is no end), Annotated, Found, Matched annotated, Matched found, Recall,
        Precision, each with the limits of the interval over images, False positives (those found without a partner)
        and their number by analysed area, Mean diameter error of the matched ones with its interval, their standard
        deviation, and the mean error in % of their mean annotated diameter. What is not defined is NaN.
    """
    edges = np.array([0.0, *sorted(set(limits)), np.inf])
    names, rows = [], []
    for name, number in groups(classes):
        parts = [sizes_of(image, number, area) for image, area in zip(images, areas, strict=True)]
        counted = _matched(parts, edges)
        for place, one in enumerate(limit.by_size(parts, edges)):
            rows.append(_row(one, counted[:, place], float(np.sum(areas))))
            names.append(name)
    error, per = f"Mean diameter error ({unit})", f"{unit}^-2"
    columns = {
        f"From ({unit})": unit, f"To ({unit})": unit, "Annotated": "", "Found": "", "Matched annotated": "",
        "Matched found": "", "Recall": "", "Recall_low": "", "Recall_high": "", "Precision": "", "Precision_low": "",
        "Precision_high": "", "False positives": "", f"False positives by area ({per})": per, error: unit,
        f"{error}_low": unit, f"{error}_high": unit, f"sd of diameter errors ({unit})": unit,
        "Mean diameter error (%)": "%",
    }  # fmt: skip
    whole = {"Annotated", "Found", "Matched annotated", "Matched found", "False positives"}
    cells = np.array(rows, float)
    made = [
        Column(name, cells[:, place].astype(np.int64) if name in whole else cells[:, place], its_unit)
        for place, (name, its_unit) in enumerate(columns.items())
    ]
    return Table((Column("Class", np.array(names, object)), *made))


def groups(classes: Sequence[str]) -> list[tuple[str, int | None]]:
    """Each class with its place, and all of them together where there are several."""
    return [*((name, place) for place, name in enumerate(classes)), *([(ALL, None)] if len(classes) > 1 else [])]


def _matched(parts: Sequence[Sized], edges: np.ndarray) -> np.ndarray:
    """(3, bins): matched by annotated size, by found size, and the sum of the annotated diameters of the first."""
    true = np.concatenate([np.zeros(0), *(part.true_nm[part.pairs[:, 0]] for part in parts)])
    found = np.concatenate([np.zeros(0), *(part.found_nm[part.pairs[:, 1]] for part in parts)])
    bins = [np.searchsorted(edges, sizes, side="right") - 1 for sizes in (true, found)]
    count = len(edges) - 1
    return np.stack([np.bincount(bins[0], minlength=count), np.bincount(bins[1], minlength=count),
                     np.bincount(bins[0], true, minlength=count)])  # fmt: skip


def _row(one: limit.SizeClass, counted: np.ndarray, area: float) -> tuple[float, ...]:
    true, found, total = counted
    extra = one.found - found
    end = one.high_nm if np.isfinite(one.high_nm) else np.nan
    return (
        one.low_nm, end, one.annotated, one.found, true, found, *astuple(one.recall), *astuple(one.precision), extra,
        float(divided(extra, area)), *astuple(one.error_nm), one.sd_nm,
        100 * float(divided(one.error_nm.value * true, total)),
    )  # fmt: skip


def detection_limits(images: Sequence[Judged], classes: Sequence[str], unit: str) -> tuple[list[Figure], list[str]]:
    """The sizes from which on 50 and 90 % are found, class by class, with intervals over images; and notes."""
    rows: list[Figure] = []
    notes: dict[str, list[str]] = {}
    for name, number in groups(classes):
        parts = [sizes_of(image, number, np.nan) for image in images]
        for share in SHARES:
            found = limit.detection_limit(parts, share)
            known = Interval(found.low_nm, found.high_nm, found.method if np.isfinite(found.low_nm) else "")
            label = f"diameter with {100 * share:g} % recall"
            rows.append(Figure(name, label, found.size_nm, known, unit, DEFINITION))
            if number is not None and found.note and not np.isfinite(found.size_nm):
                told = f"class '{name}': {found.note.replace(' nm', f' {unit}').rstrip('.')}"
                notes.setdefault(told, []).append(label)
    return rows, [f"{told} (no {' and no '.join(labels)})" for told, labels in notes.items()]
