"""Quantities as they are reported, of what is annotated and of what was found, each with the edge rule that it needs.

Both sides are populations (:mod:`temj.population`): numbers and densities are of objects counted by two forbidden
edges, diameters of objects wholly inside the analysed area, weighted, area fractions of all pixels. So they are free of
the bias that objects at the edge of an image give to plain means, and differ a little from the errors of CREME and of
thresholds, which are of all objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from temj.data import Column, Instances, Table
from temj.evaluation.intervals import Interval, interval
from temj.evaluation.judging import Judged
from temj.evaluation.summary import ALL, NO_INTERVAL
from temj.measurement.populations import ALL_CLASSES
from temj.population.edges import shape_edges
from temj.population.estimates import QUANTITIES, Estimate, estimates
from temj.population.intervals import Statistic
from temj.population.quotients import divided
from temj.population.sums import AREA, COUNT, COVERED, SUMS, VOLUME, Objects, Population

EVERY = "all images"
NUMBER, MEAN_OF_FIELDS = "number of objects", "number density, mean of fields"
NAMES = (
    "number density", MEAN_OF_FIELDS, "area fraction", "mean diameter", "sd of diameter", "standard error of diameter",
    "median of diameter",
)  # fmt: skip
BY_IMAGE = ("number density", "area fraction", "mean diameter", "sd of diameter")
"""Quantities of all images together, and of each."""
_UNDEFINED = "the truth is 0 or not known"


@dataclass(frozen=True, eq=False)
class Seen:
    """One side of an image, lengths in pixels or nm.

    Attributes:
        area: the analysed area where the truth is known.
        covered: (k,) float64, area that each class covers, each place once.
        together: area that all classes cover, each place once.
        objects: those that count.
    """

    area: float
    covered: np.ndarray
    together: float
    objects: Objects

    @classmethod
    def of(cls, instances: Instances, judged: Judged, counts: np.ndarray, *, found: bool) -> Seen:
        """The objects found, or annotated, in an image; lengths as in ``judged``, which is not scaled yet.

        Args:
            instances: as they were judged.
            judged: the image.
            counts: (h, w) bool, where the truth is known.
            found: which side.
        """
        parts = judged.classes.values()
        diameter, area = (
            (judged.found_diameter, judged.found_area) if found else (judged.true_diameter, judged.true_area)
        )
        covered = [part.found_pixels if found else part.true_pixels for part in parts]
        free = judged.background.found_pixels if found else judged.background.true_pixels
        edges = shape_edges(instances.shapes, counts.shape[::-1], None if counts.all() else counts)
        known = np.flatnonzero(np.isfinite(diameter))
        order = {name: place for place, name in enumerate(judged.classes)}
        label = np.array([order.get(name, -1) for name in instances.class_name[known]], np.int64)
        none = np.zeros(len(known))
        objects = Objects(
            none.astype(np.int64), label, edges.counted[known], edges.whole[known], edges.weight[known],
            diameter[known], area[known], none + 1, none,
        )  # fmt: skip
        return cls(float(judged.counted), np.array(covered, float), float(judged.counted - free), objects)

    def scaled(self, factor: float) -> Seen:
        """The same with all lengths times a factor."""
        objects = replace(
            self.objects, diameter=factor * self.objects.diameter, area=factor**2 * self.objects.area
        )  # fmt: skip
        return Seen(factor**2 * self.area, factor**2 * self.covered, factor**2 * self.together, objects)


def population_of(parts: Sequence[Seen], classes: Sequence[str], unit: str) -> Population:
    """The images of one side as a population; of several classes ``all`` is one more.

    Args:
        parts: images, lengths in ``unit``.
        classes: names, in the order of the labels.
        unit: ``nm`` or ``pixel``.
    """
    names = (*classes, ALL_CLASSES) if len(classes) > 1 else tuple(classes)
    fields = np.zeros((len(parts), len(names), len(SUMS)))
    objects = []
    for place, part in enumerate(parts):
        rows = part.objects.rows()
        np.add.at(fields[place], part.objects.of, rows)
        fields[place, : len(classes), COVERED] = part.covered
        if len(classes) > 1:
            fields[place, -1] = fields[place, :-1].sum(axis=0)
            fields[place, -1, COVERED] = part.together
        fields[place, :, AREA], fields[place, :, VOLUME] = part.area, np.nan
        objects.append(replace(part.objects, field=part.objects.field + place))
    joined = Objects(**{
        name: np.concatenate([getattr(part, name) for part in objects]) for name in Objects.__dataclass_fields__
    })  # fmt: skip
    return Population(names, unit, fields, np.full(len(parts), "", object), joined)


def quantities_table(stems: Sequence[str], true: Population, found: Population) -> Table:
    """``quantities.csv``: a row an image, class and quantity; all images together first.

    Args:
        stems: names of the images, which are the fields of both populations.
        true, found: what is annotated, and what was found.

    Returns:
        Image, Class, Quantity, Truth, Prediction and Relative error (%), each with _low and _high (95 %), Unit,
        Interval (how they were found), Definition, Note. Intervals of the relative error pair truth and
        prediction of an image. What is not defined is NaN, and the note says why.
    """
    rows = _rows(EVERY, true, found, NAMES)
    if len(stems) > 1:
        for place, stem in enumerate(stems):
            rows += _rows(stem, *(_only(side, place) for side in (true, found)), BY_IMAGE)
    texts = ("Image", "Class", "Quantity", "Unit", "Interval", "Definition", "Note")
    headers = (
        "Image", "Class", "Quantity", "Truth", "Truth_low", "Truth_high", "Prediction", "Prediction_low",
        "Prediction_high", "Relative error (%)", "Relative error (%)_low", "Relative error (%)_high", "Unit",
        "Interval", "Definition", "Note",
    )  # fmt: skip
    columns = zip(headers, zip(*rows, strict=True), strict=True)
    return Table(tuple(Column(name, np.array(cells, object if name in texts else float)) for name, cells in columns))


def _only(side: Population, place: int) -> Population:
    """One image alone."""
    objects = side.objects.take(side.objects.field == place)
    return Population(
        side.classes, side.unit, side.fields[place : place + 1], side.sample[:1],
        replace(objects, field=np.zeros_like(objects.field)),
    )  # fmt: skip


def _rows(image: str, true: Population, found: Population, names: Sequence[str]) -> list[tuple[object, ...]]:
    """All rows of some images together."""
    sides = [estimates(side, names=names) for side in (true, found)]
    rows = [_number(image, place, true, found) for place in range(len(true.classes))]
    for one, other in zip(*sides, strict=True):
        place = true.classes.index(one.class_name)
        error = _error(one.name, one.value, other.value, true.fields[:, place], found.fields[:, place])
        rows.append(_row(image, one, other, error))
    return rows


def _number(image: str, place: int, true: Population, found: Population) -> tuple[object, ...]:
    """The number of objects: of these images, so without an interval of its own."""
    values = [float(side.fields[:, place, COUNT].sum()) for side in (true, found)]
    told = "objects that do not touch the left or upper edge"
    one, other = (
        Estimate(NUMBER, true.classes[place], value, np.nan, np.nan, "", "", int(value), 1, 0.0, told, "")
        for value in values
    )
    error = _error("number density", *values, true.fields[:, place], found.fields[:, place])
    return _row(image, one, other, error)


def _row(image: str, one: Estimate, other: Estimate, error: tuple[float, Interval]) -> tuple[object, ...]:
    value, known = error
    methods = dict.fromkeys(method for method in (one.method, other.method, known.method) if method)
    notes = [f"{side}: {each.note}" for side, each in (("truth", one), ("prediction", other)) if each.note]
    if not np.isfinite(value):
        notes.append(f"relative error: {_UNDEFINED}" if not one.value > 0 else "relative error: no prediction")
    return (
        image, ALL if one.class_name == ALL_CLASSES else one.class_name, one.name, one.value, one.low, one.high,
        other.value, other.low, other.high, value, known.low, known.high, one.unit,
        f"95 %, {'; '.join(methods)}" if methods else "", one.definition, "; ".join(notes),
    )  # fmt: skip


def _error(name: str, true: float, found: float, one: np.ndarray, other: np.ndarray) -> tuple[float, Interval]:
    """Relative error in percent with its interval over images, of sums (n, len(SUMS)) of both sides.

    Where the values have no unit to be known in (densities without a pixel size), it is that of the sums.
    """
    statistic, units = _statistic(name, one, other)
    plain = float(statistic(units.sum(axis=0)))
    value = 100 * (float(divided(found, true)) - 1) if np.isfinite(true) and np.isfinite(found) else plain
    if not np.isfinite(plain):
        return value, NO_INTERVAL
    known = interval(units, statistic, (-100.0, np.inf))
    factor = (100 + value) / (100 + plain) if plain > -100 else 1.0  # the correction of a deviation for few objects
    return value, Interval(*(factor * (100 + end) - 100 for end in (known.low, known.high)), known.method)


def _statistic(name: str, one: np.ndarray, other: np.ndarray) -> tuple[Statistic, np.ndarray]:
    """The relative error in percent as a function of sums over images, and these sums (n, 2, …)."""
    units = np.stack([one, other], axis=1)
    if name == MEAN_OF_FIELDS:
        each = np.stack([divided(units[..., COUNT], units[..., AREA]), np.ones(units.shape[:2])], axis=-1)
        return _relative(lambda sums: divided(sums[..., 0], sums[..., 1])), each
    if name in QUANTITIES:
        return _relative(QUANTITIES[name].statistic), units
    return lambda sums: np.full(sums.shape[:-2], np.nan), units


def _relative(statistic: Statistic) -> Statistic:
    def error(sums: np.ndarray) -> np.ndarray:
        return 100 * (divided(statistic(sums[..., 1, :]), np.nan_to_num(statistic(sums[..., 0, :]))) - 1)

    return error
