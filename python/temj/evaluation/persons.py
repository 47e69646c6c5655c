"""Is a machine further from a person than two persons from each other?

All three pairs are compared on the same images and the same pixels. A figure between two is symmetric, so that it does
not matter who is taken for the truth. The machine's figure is the mean of those with either person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Column, Table
from temj.evaluation.intervals import interval
from temj.evaluation.judging import Judged
from temj.population.quotients import divided

PERSONS, FIRST, SECOND = "both persons", "machine and first person", "machine and second person"
GAIN = "machine with persons less both persons"
DEFINITIONS = {
    "object F1": "2 x matched / (objects of one + of the other)",
    "IoU": "pixels of both / pixels of one of them",
    "mean absolute diameter difference": "mean of |difference of the diameters| over matched pairs",
}
"""Figure between two → how it is computed; the first two are 1 at best, the third 0."""
_SUMS = 7


@dataclass(frozen=True, eq=False)
class Three:
    """One image as two persons and a machine see it.

    Attributes:
        persons: the second person's objects judged against those of the first.
        first, second: the machine's against those of the first and of the second person.
    """

    persons: Judged
    first: Judged
    second: Judged

    @property
    def sums(self) -> np.ndarray:
        """(21,) float64: seven sums for each pair."""
        return np.concatenate([_sums(judged) for judged in (self.persons, self.first, self.second)])

    def scaled(self, factor: float) -> Three:
        """The same with all lengths times a factor."""
        return Three(*(judged.scaled(factor) for judged in (self.persons, self.first, self.second)))


def _sums(judged: Judged) -> np.ndarray:
    total, pairs = judged.total, judged.pairs
    difference = np.abs(judged.found_diameter[pairs.first] - judged.true_diameter[pairs.second])
    return np.array([total.matched, total.found, total.true, total.both, total.found_pixels, total.true_pixels,
                     difference.sum()], float)  # fmt: skip


def _figures(sums: np.ndarray) -> dict[str, np.ndarray]:
    matched, found, true, both, found_pixels, true_pixels, difference = np.moveaxis(sums, -1, 0)
    return {
        "object F1": divided(2 * matched, found + true),
        "IoU": divided(both, found_pixels + true_pixels - both),
        "mean absolute diameter difference": divided(difference, matched),
    }


def _between(name: str, place: int, sums: np.ndarray) -> np.ndarray:
    return _figures(sums[..., _SUMS * place : _SUMS * (place + 1)])[name]


def _gain(name: str, sums: np.ndarray) -> np.ndarray:
    return (_between(name, 1, sums) + _between(name, 2, sums)) / 2 - _between(name, 0, sums)


def persons_table(images: Sequence[Three], unit: str) -> Table:
    """``persons.csv``: a row a figure and pair, and the difference, each with its interval over images.

    Args:
        images: lengths in ``unit``.
        unit: ``nm`` or ``pixel``.
    """
    units = np.array([image.sums for image in images])
    rows = []
    for name, definition in DEFINITIONS.items():
        top = np.inf if "difference" in name else 1.0
        its_unit = unit if "difference" in name else ""
        for place, pair in enumerate((PERSONS, FIRST, SECOND)):
            known = interval(units, lambda s, n=name, p=place: _between(n, p, s), (0.0, top))
            value = float(_between(name, place, units.sum(axis=0)))
            rows.append((name, pair, value, known.low, known.high, its_unit, definition))
        known = interval(units, lambda s, n=name: _gain(n, s))
        value = float(_gain(name, units.sum(axis=0)))
        rows.append((name, GAIN, value, known.low, known.high, its_unit, "mean of the two with the machine, less that"))
    names = ("Metric", "Between", "Value", "Value_low", "Value_high", "Unit", "Definition")
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return Table(tuple(
        Column(name, np.array(cells, float if name.startswith("Value") else object)) for name, cells in columns
    ))  # fmt: skip


def answer(table: Table, images: int) -> str:
    """The answer in a sentence, by the object F1 and the interval of the difference over images."""
    rows = table["Metric"] == "object F1"
    persons, first, second, gain = table["Value"][rows]
    low, high = table["Value_low"][rows][3], table["Value_high"][rows][3]
    if not np.isfinite(gain):
        return "machine against two persons: not known, since one of them has no object at all"
    told = (
        f"object F1 of the machine with the first person {first:.3f}, with the second {second:.3f}, of both persons "
        f"{persons:.3f}"
    )
    if not np.isfinite(low):
        return f"{told}: a difference of {gain:+.3f}, of {images} image(s) without an interval"
    verdict = "none can be told from so few images"
    if high < 0:
        verdict = "the machine is further from a person than two persons from each other"
    elif low > 0:
        verdict = "the machine is nearer to a person than two persons to each other"
    elif low <= 0 <= high:
        verdict = "that the machine is further from a person than two persons from each other cannot be told"
    return f"{told}: a difference of {gain:+.3f} ({low:+.3f} to {high:+.3f}): {verdict}"
