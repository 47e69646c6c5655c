"""What is asked of a population: densities, sizes, coverage, each with its interval, method and definition."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from temj.data import Column, Table
from temj.population.intervals import (
    Interval,
    Limits,
    Statistic,
    interval,
    over_objects,
    poisson,
    standard_error,
    with_width,
)
from temj.population.quantiles import quantile_interval, weighted_quantile
from temj.population.quotients import divided
from temj.population.sums import AREA, COUNT, COVERED, D2, LENGTH, WEIGHT, A, D, Objects, Population, added

QUANTILES = {"5 % quantile": 0.05, "25 % quantile": 0.25, "median": 0.5, "75 % quantile": 0.75, "95 % quantile": 0.95}
NO_SIZE, NO_WHOLE, NO_AREA = "no pixel size", "no whole object with a diameter", "no analysed area"
_POSITIVE = (0.0, np.inf)
_PER_M = 1e9


@dataclass(frozen=True)
class Estimate:
    """One number with its interval.

    Attributes:
        name: what it is.
        class_name: of which class.
        value: NaN where it is not defined; the note says why.
        low, high: of the 95 % interval; NaN where there is none.
        unit: of these, and of the systematic part.
        method: how the interval was found (:mod:`temj.population.intervals`).
        objects: how many objects it is made of.
        units: how many fields or samples.
        systematic: the part of the error that all images of a microscope share, as a half-width (one standard
            deviation, if the pixel size is given so), not contained in the interval; NaN where nothing is known of it.
        definition: in words.
        note: what else to know.
    """

    name: str
    class_name: str
    value: float
    low: float
    high: float
    unit: str
    method: str
    objects: int
    units: int
    systematic: float
    definition: str
    note: str = ""


@dataclass(frozen=True)
class Quantity:
    """A function of the sums of one class (…, len(SUMS)) that is positive or 0.

    Attributes:
        statistic: in nm or pixels.
        kind: ``density`` (m⁻²), ``line density`` (m⁻¹), ``length``, ``area`` or ``share`` (%).
        made_of: ``counted``, ``whole`` or ``all`` objects.
        definition: in words.
    """

    statistic: Statistic
    kind: str
    made_of: str
    definition: str


def ratio(above: int, below: int) -> Statistic:
    """One of the sums divided by another; NaN where that is 0."""
    return lambda sums: divided(sums[..., above], sums[..., below])


def _deviation(sums: np.ndarray) -> np.ndarray:
    mean = divided(sums[..., D], sums[..., WEIGHT])
    return np.sqrt(np.maximum(divided(sums[..., D2], sums[..., WEIGHT]) - mean**2, 0.0))


_WEIGHTS = "whole objects, each weighed by the analysed area / the area of places at which its box would be whole"
QUANTITIES = {
    "number density": Quantity(
        ratio(COUNT, AREA), "density", "counted",
        "objects that do not touch the left or upper edge / analysed area, all fields together",
    ),
    "area fraction": Quantity(
        ratio(COVERED, AREA), "share", "all", "projected: pixels of the class / analysed area, cut objects too",
    ),
    "mean diameter": Quantity(ratio(D, WEIGHT), "length", "whole", f"mean of {_WEIGHTS}"),
    "sd of diameter": Quantity(_deviation, "length", "whole", f"standard deviation of {_WEIGHTS}"),
    "mean area": Quantity(ratio(A, WEIGHT), "area", "whole", f"mean of {_WEIGHTS}"),
    "length density": Quantity(
        ratio(LENGTH, AREA), "line density", "all", "length along skeletons / analysed area, cut objects too",
    ),
}  # fmt: skip
"""Name → what it is of the sums of a class; physics adds its own."""
ESTIMATES = (
    "number density", "number density, mean of fields", "area fraction", "mean diameter", "sd of diameter",
    "standard error of diameter", *(f"{name} of diameter" for name in QUANTILES), "mean diameter, unweighted",
    "mean area", "length density",
)  # fmt: skip
"""Names in order."""
_POWER = {"density": -2, "line density": -1, "length": 1, "area": 2, "share": 0}
"""How each kind goes with the pixel size."""


def estimates(
    population: Population, pixel_error: float = math.nan, names: Sequence[str] = ESTIMATES
) -> list[Estimate]:
    """All estimates, class by class.

    Args:
        population: of :func:`temj.population.sums.population`.
        pixel_error: relative error of the pixel size, such as 0.02.
        names: of :data:`ESTIMATES`, which ones.

    Returns:
        For each class number density (pooled, and the mean of the fields' densities), area fraction, diameter (mean,
        sd, standard error, median and quantiles; the mean of all objects without weights, for comparison only), mean
        area; length density where lengths were measured. What is not defined is NaN with a note.
    """
    return [one for name in population.classes for one in _Class(population, name, pixel_error).estimates(names)]


class _Class:
    """The estimates of one class."""

    def __init__(self, population: Population, name: str, pixel_error: float):
        self.all, self.name, self.pixel_error = population, name, pixel_error
        self.place = population.classes.index(name)
        self.objects = population.of_class(name)
        known = self.objects.whole & np.isfinite(self.objects.weight) & np.isfinite(self.objects.diameter)
        self.whole = self.objects.take(known)
        self.units = population.units[:, self.place]
        self.sums = population.fields[:, self.place].sum(axis=0)
        self.numbers = {
            "counted": int(self.objects.counted.sum()), "whole": len(self.whole.of), "all": len(self.objects.of),
        }  # fmt: skip

    def estimates(self, names: Sequence[str]) -> list[Estimate]:
        """Those of the names, in their order; length density where there are lengths."""
        makers: dict[str, Callable[[], Estimate]] = {
            name: partial(self.of, name, quantity) for name, quantity in QUANTITIES.items()
        } | {f"{name} of diameter": partial(self.of_quantile, name, share) for name, share in QUANTILES.items()}
        makers |= {
            "number density, mean of fields": self.mean_of_fields, "standard error of diameter": self.standard_error,
            "mean diameter, unweighted": self.unweighted,
        }  # fmt: skip
        return [makers[name]() for name in names if name != "length density" or self.sums[LENGTH] > 0]

    def of(self, name: str, quantity: Quantity) -> Estimate:
        """A function of the sums."""
        value = float(quantity.statistic(self.sums))
        found = self.limits(quantity, value)
        factor = self.correction() if name == "sd of diameter" else 1.0
        found = Interval(found.low * factor, found.high * factor, found.method)
        return self.told(name, quantity, value * factor, found)

    def correction(self) -> float:
        """What makes the standard deviation of n objects that of the population: n - 1, of n objects of one weight."""
        number = effective(self.whole.weight)
        return math.sqrt(number / (number - 1)) if number > 1 else math.nan

    def limits(self, quantity: Quantity, value: float) -> Interval:
        if not math.isfinite(value):
            return Interval()
        bounds: Limits = (0.0, 1.0) if quantity.kind == "share" else _POSITIVE
        if quantity.kind == "density":
            return self.of_density(quantity.statistic)
        if len(self.units) > 1:
            return interval(self.units, quantity.statistic, bounds, log=True)
        rows = self.objects.rows()
        rows[:, COVERED] = added(rows[:, COVERED], self.sums[COVERED])
        return over_objects(rows, self.sums, quantity.statistic, bounds, log=True)

    def of_density(self, statistic: Statistic) -> Interval:
        """Over units; of one field, or where units do not differ at all, that of the number."""
        found = interval(self.units, statistic, _POSITIVE, log=True) if len(self.units) > 1 else Interval()
        if found.high > found.low:
            return found
        number = poisson(self.sums[COUNT])
        return Interval(number.low / self.sums[AREA], number.high / self.sums[AREA], number.method)

    def mean_of_fields(self) -> Estimate:
        """The mean of the fields' densities: each field counts as much, however large it is."""
        fields = self.all.fields[:, self.place]
        fields = np.where(fields[:, AREA, None] > 0, fields, 0.0)
        each = np.stack([np.nan_to_num(divided(fields[:, COUNT], fields[:, AREA])), fields[:, AREA] > 0], axis=1)
        units, statistic = self.all.by_unit(each), ratio(0, 1)
        quantity = Quantity(statistic, "density", "counted", "mean of the fields' number densities")
        value = float(statistic(each.sum(axis=0)))
        found = interval(units, statistic, _POSITIVE, log=True) if len(units) > 1 else Interval()
        return self.told("number density, mean of fields", quantity, value, found)

    def standard_error(self) -> Estimate:
        """The standard error of the mean diameter."""
        statistic = QUANTITIES["mean diameter"].statistic
        value, told = standard_error(self.units, statistic), f"jackknife over {self.all.unit_word}s"
        if len(self.units) == 1:
            number = effective(self.whole.weight)
            value = float(_deviation(self.sums)) / math.sqrt(number - 1) if number > 1 else math.nan
            told = "sd / square root of the number of objects, taken as independent"
        quantity = Quantity(statistic, "length", "whole", f"standard error of the mean diameter: {told}")
        return self.told("standard error of diameter", quantity, value, Interval())

    def of_quantile(self, name: str, share: float) -> Estimate:
        """A quantile of the diameter."""

        def by_unit(values: np.ndarray) -> np.ndarray:
            return self.all.by_unit(self.all.by_field(self.whole, values))

        quantity = Quantity(weighted_quantile, "length", "whole", f"{name} of {_WEIGHTS}")
        value = float(weighted_quantile(self.whole.diameter, self.whole.weight, share))
        found = quantile_interval(self.whole.diameter, self.whole.weight, share, by_unit)
        return self.told(f"{name} of diameter", quantity, value, found)

    def unweighted(self) -> Estimate:
        """What a mean of all objects would be."""
        known = np.isfinite(self.objects.diameter)
        seen: Objects = self.objects.take(known)
        values = np.stack([seen.diameter, np.ones(len(seen.of))], axis=1)
        each, statistic = self.all.by_unit(self.all.by_field(seen, values)), ratio(0, 1)
        total = each.sum(axis=0)
        found = interval(each, statistic, _POSITIVE, log=True) if len(each) > 1 else Interval()
        if len(each) == 1:
            found = over_objects(values, total, statistic, _POSITIVE)
        quantity = Quantity(statistic, "length", "all", "mean of all objects, cut ones as seen: biased")
        return self.told("mean diameter, unweighted", quantity, float(statistic(total)), found)

    def told(self, name: str, quantity: Quantity, value: float, found: Interval) -> Estimate:
        """With unit, numbers, systematic part and note."""
        unit, factor = self.unit_of(quantity.kind)
        value *= factor
        power, note = _POWER[quantity.kind], self.note(quantity, value)
        systematic = abs(value * power) * self.pixel_error if power else 0.0
        if not math.isfinite(value):
            found, systematic = Interval(), math.nan
        else:
            found, lacking = with_width(found, value)
            note = lacking or note
        return Estimate(
            name, self.name, value, found.low * factor, found.high * factor, unit, found.method,
            self.numbers[quantity.made_of], len(self.units), systematic, quantity.definition, note,
        )  # fmt: skip

    def unit_of(self, kind: str) -> tuple[str, float]:
        """The unit of a kind of quantity and what lengths in nm or pixels are multiplied by; NaN without pixel size."""
        known = self.all.unit == "nm"
        return {
            "density": ("m⁻²", _PER_M**2 if known else math.nan),
            "line density": ("m⁻¹", _PER_M if known else math.nan),
            "length": (self.all.unit, 1.0), "area": (f"{self.all.unit}²", 1.0), "share": ("%", 100.0),
        }[kind]  # fmt: skip

    def note(self, quantity: Quantity, value: float) -> str:
        if math.isfinite(value):
            large = int(np.isnan(self.objects.weight).sum())
            lacking = large and quantity.made_of == "whole"
            return f"lacks objects as large as {large} that fit into no field" if lacking else ""
        if self.sums[AREA] <= 0:
            return NO_AREA
        if "density" in quantity.kind:
            return NO_SIZE
        return NO_WHOLE if not self.numbers["whole"] else "too few objects"


def effective(weight: np.ndarray) -> float:
    """How many objects of one weight have a mean as sure as objects of these weights: (Σw)² / Σw²; 0 without any."""
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def estimate_table(found: Sequence[Estimate]) -> Table:
    """A row for each estimate: Class, Quantity, Value, Low, High, Unit, Systematic, Method, Objects, Units, Definition,
    Note."""
    columns: dict[str, Callable[[Estimate], object]] = {
        "Class": lambda one: one.class_name, "Quantity": lambda one: one.name, "Value": lambda one: one.value,
        "Low": lambda one: one.low, "High": lambda one: one.high, "Unit": lambda one: one.unit,
        "Systematic": lambda one: one.systematic, "Method": lambda one: one.method,
        "Objects": lambda one: one.objects, "Units": lambda one: one.units,
        "Definition": lambda one: one.definition, "Note": lambda one: one.note,
    }  # fmt: skip
    kinds = dict.fromkeys(("Value", "Low", "High", "Systematic"), float) | dict.fromkeys(("Objects", "Units"), np.int64)
    return Table(tuple(
        Column(name, np.array([read(one) for one in found], kinds.get(name, object)))
        for name, read in columns.items()
    ))  # fmt: skip
