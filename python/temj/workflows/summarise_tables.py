"""The tables of a summary: tidy quantities, a row a group or image, sizes, directions, differences between groups."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from temj.data import Column, Table
from temj.data.calibration import NM_PER_UNIT
from temj.measurement.histograms import bin_edges
from temj.measurement.populations import Field
from temj.physics.values import NM2_PER_M2
from temj.population.estimates import QUANTITIES, Estimate, effective, estimate_table
from temj.population.intervals import LEVEL, interval, standard_error
from temj.population.neighbours import SUMS, clark_evans, few_objects, mean_distance, scaled
from temj.population.quotients import divided
from temj.population.sums import AREA, Population
from temj.workflows.summarise_groups import Group

DIRECTED = 1.2
"""Objects of a larger aspect ratio have a direction."""
ROSE_STEP = 15.0
"""Degrees of a bin of directions."""
_ASCII = str.maketrans({"⁻": "^-", "²": "2", "³": "3", "¹": "1"})
_COMPARED = ("number density", "area fraction", "mean diameter")


@dataclass(frozen=True, eq=False)
class Summed:
    """A group with what follows from it.

    Attributes:
        group: which images.
        population: their objects and sums; of those with a pixel size, or of those without.
        estimates: of each class.
    """

    group: Group
    population: Population
    estimates: tuple[Estimate, ...]


def quantity_table(found: Sequence[Summed], kind: str = "Group") -> Table:
    """A row for each estimate: Group (or Image), the columns of the sheet, then those of
    :func:`temj.population.estimates.estimate_table`."""
    columns = dict.fromkeys(key for one in found for key in one.group.keys)
    tables = [
        Table((
            Column(kind, _texts(one.group.name, len(one.estimates))),
            *(Column(key, _texts(one.group.keys.get(key, ""), len(one.estimates))) for key in columns),
            *estimate_table(one.estimates),
        ))
        for one in found
    ]  # fmt: skip
    return Table.concatenate(tables) if tables else estimate_table(())


def wide_table(found: Sequence[Summed], kind: str = "Group") -> Table:
    """A row for each group (or image) and class: Group, the columns of the sheet, Class, Images, Samples, Unit, then of
    each quantity the value (unit in the name), ``_low``, ``_high`` and ``_systematic``; NaN where there is none."""
    keys = list(dict.fromkeys(key for one in found for key in one.group.keys))
    units = dict.fromkeys((one.name, _plain(one.unit)) for each in found for one in each.estimates)
    rows = []
    for each in found:
        told = {(one.class_name, one.name, _plain(one.unit)): one for one in each.estimates}
        for name in dict.fromkeys(one.class_name for one in each.estimates):
            row: dict[str, object] = {kind: each.group.name, **{key: each.group.keys.get(key, "") for key in keys}}
            row |= {"Class": name or "all together", "Images": len(each.group.shots)}
            row |= {"Samples": len({shot for shot in each.group.samples if shot}), "Unit": each.population.unit}
            for quantity, unit in units:
                one = told.get((name, quantity, unit))
                row |= _cells(quantity, unit, one)
            rows.append(row)
    return _table(rows)


def _cells(name: str, unit: str, one: Estimate | None) -> dict[str, float]:
    values = (math.nan,) * 4 if one is None else (one.value, one.low, one.high, one.systematic)
    names = (f"{name} ({unit})", *(f"{name} ({unit})_{end}" for end in ("low", "high", "systematic")))
    return dict(zip(names, values, strict=True))


def size_table(found: Sequence[Summed]) -> Table:
    """Size distributions of the whole objects in bins that are the same for all groups of a class: Group, Class, Unit,
    Low, High, Count (objects), Weight (what they stand for, :mod:`temj.population.edges`), Share (%) of the weight, and
    N_A (m^-2) of the bin."""
    rows = []
    for unit, name in dict.fromkeys((one.population.unit, name) for one in found for name in one.population.classes):
        groups = [one for one in found if one.population.unit == unit and name in one.population.classes]
        sizes = [_sizes(one.population, name) for one in groups]
        edges = bin_edges(np.concatenate([values for values, _ in sizes]), "Diameter")
        for one, (values, weight) in zip(groups, sizes, strict=True):
            counts, _ = np.histogram(values, edges)
            weights, _ = np.histogram(values, edges, weights=weight)
            area = one.population.fields[:, one.population.classes.index(name), AREA].sum()
            for low, high, count, total in zip(edges[:-1], edges[1:], counts, weights, strict=True):
                rows.append({
                    "Group": one.group.name, "Class": name, "Unit": unit, "Low": low, "High": high, "Count": int(count),
                    "Weight": total, "Share (%)": 100 * total / weight.sum() if len(values) else math.nan,
                    "N_A (m^-2)": total / area * NM2_PER_M2 if unit == "nm" and area > 0 else math.nan,
                })  # fmt: skip
    return _table(rows)


def _sizes(population: Population, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Diameters and weights of the whole objects of a class."""
    objects = population.of_class(name)
    known = objects.whole & np.isfinite(objects.weight) & np.isfinite(objects.diameter)
    return objects.diameter[known], objects.weight[known]


def rose_table(found: Sequence[Summed]) -> Table:
    """Directions of the whole objects with AR > 1.2, axial: a row for each group, class and bin of 15 degrees from 0 to
    180, counter-clockwise from +x: Group, Class, Low, High (degrees), Count, Share (%) of the weight; and of all bins
    together Mean Direction (degrees), Resultant (0: none preferred, 1: all parallel) and Rayleigh p."""
    rows = []
    edges = np.arange(0.0, 180.0 + ROSE_STEP, ROSE_STEP)
    for one in found:
        for name in one.population.classes:
            angles, weight = _directions(one, name)
            counts, _ = np.histogram(angles, edges)
            weights, _ = np.histogram(angles, edges, weights=weight)
            direction, resultant, chance = _axial(angles, weight)
            for low, high, count, total in zip(edges[:-1], edges[1:], counts, weights, strict=True):
                rows.append({
                    "Group": one.group.name, "Class": name, "Low": low, "High": high, "Count": int(count),
                    "Share (%)": 100 * total / weight.sum() if len(angles) else math.nan,
                    "Mean Direction": direction, "Resultant": resultant, "Rayleigh p": chance,
                })  # fmt: skip
    return _table(rows)


def _directions(one: Summed, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Angles in [0, 180) and weights."""
    parts = []
    for shot in one.group.shots:
        table = shot.field.objects
        known = (table["Whole"] > 0) & (table["AR"] > DIRECTED) & np.isfinite(table["Weight"])
        if name in set(table["Class"]):
            known &= table["Class"] == name
        elif name != one.population.classes[-1]:
            continue
        parts.append((np.mod(table["Angle"][known], 180.0), table["Weight"][known]))
    angles, weight = (np.concatenate([np.zeros(0), *each]) for each in zip(*parts, strict=True)) if parts else (
        np.zeros(0), np.zeros(0)
    )  # fmt: skip
    return np.where(angles >= 180.0, 0.0, angles), weight


def _axial(angles: np.ndarray, weight: np.ndarray) -> tuple[float, float, float]:
    """Mean direction, resultant length and p of Rayleigh's test of axial data (K. V. Mardia, P. E. Jupp, Directional
    Statistics, Wiley 2000): angles are doubled; p of the effective number of objects."""
    if not len(angles):
        return math.nan, math.nan, math.nan
    vector = (weight * np.exp(2j * np.radians(angles))).sum() / weight.sum()
    resultant, number = abs(vector), effective(weight)
    z = number * resultant**2
    chance = math.exp(-z) * (1 + (2 * z - z**2) / (4 * number)) if number else math.nan
    return float(np.degrees(np.angle(vector)) / 2 % 180), float(resultant), float(min(max(chance, 0.0), 1.0))


def neighbour_table(found: Sequence[Summed]) -> Table:
    """Nearest neighbours of the same class against a random pattern: Group, Class, Objects, Mean Distance (corrected
    for borders), Unit, Ratio (Clark and Evans: 1 random, below clustered, above regular), Low, High, Method,
    Note; lengths in the unit of the population."""
    rows = []
    for one in found:
        none = np.zeros(len(SUMS))
        for name in one.population.classes:
            each = np.array([_neighbours(shot.field, name, none) for shot in one.group.shots]).reshape(-1, len(SUMS))
            total = each.sum(axis=0)
            count = int(total[SUMS.index("count")])
            told = interval(one.population.by_unit(each), clark_evans, (0.0, math.inf), log=True)
            rows.append({
                "Group": one.group.name, "Class": name, "Objects": count,
                "Mean Distance": float(mean_distance(total)), "Unit": one.population.unit,
                "Ratio": float(clark_evans(total)), "Low": told.low, "High": told.high, "Method": told.method,
                "Note": few_objects(count, len(each)),
            })  # fmt: skip
    return _table(rows)


def _neighbours(field: Field, name: str, none: np.ndarray) -> np.ndarray:
    """The sums of a class in nm, or in pixels, as those of a population."""
    return scaled(field.neighbours.get(name, none), NM_PER_UNIT.get(field.calibration.unit, 1.0))


def difference_table(found: Sequence[Summed]) -> Table:
    """Every pair of groups: Class, Quantity, First, Second, Difference (second - first), Low, High (95 %, Welch's t
    with the standard errors of the jackknife over units), Unit, Ratio, p (two-sided; not corrected for several pairs).
    """
    rows = []
    for first, second in itertools.combinations(found, 2):
        if first.population.unit != second.population.unit:
            continue
        for name in first.population.classes:
            if name in second.population.classes:
                rows += [_difference(first, second, name, quantity) for quantity in _COMPARED]
    return _table(rows)


def _difference(first: Summed, second: Summed, name: str, quantity: str) -> dict[str, object]:
    from scipy.stats import t

    told = [next(one for one in each.estimates if (one.name, one.class_name) == (quantity, name))
            for each in (first, second)]  # fmt: skip
    gap = told[1].value - told[0].value
    error, freedom = _welch(first, second, name, quantity, [one.value for one in told])
    reach = float(t.ppf(0.5 + LEVEL / 2, freedom)) * error if freedom > 0 else math.nan
    chance = float(2 * t.sf(abs(gap) / error, freedom)) if freedom > 0 and error > 0 else math.nan
    return {
        "Class": name, "Quantity": quantity, "First": first.group.name, "Second": second.group.name,
        "Difference": gap, "Low": gap - reach, "High": gap + reach, "Unit": told[0].unit,
        "Ratio": float(divided(told[1].value, told[0].value)), "p": chance,
    }  # fmt: skip


def _welch(first: Summed, second: Summed, name: str, quantity: str, values: Sequence[float]) -> tuple[float, float]:
    """Standard error of the difference, and degrees of freedom after Welch and Satterthwaite; 0 where there is none."""
    variances, counts = [], []
    for each, value in zip((first, second), values, strict=True):
        units = each.population.units[:, each.population.classes.index(name)]
        statistic = QUANTITIES[quantity].statistic
        raw = float(statistic(units.sum(axis=0))) if len(units) else math.nan
        error = standard_error(units, statistic) if len(units) > 1 else math.nan
        variances.append((error * value / raw) ** 2 if raw else math.nan)
        counts.append(len(units))
    if not all(math.isfinite(one) for one in variances) or sum(variances) <= 0:
        return math.nan, 0.0
    spread = sum(one**2 / (count - 1) for one, count in zip(variances, counts, strict=True))
    return math.sqrt(sum(variances)), sum(variances) ** 2 / spread


def _plain(unit: str) -> str:
    """A unit in ASCII, for names of columns."""
    return unit.translate(_ASCII).replace("^-^-", "^-")


def _texts(text: str, count: int) -> np.ndarray:
    return np.full(count, text, object)


def _table(rows: Sequence[Mapping[str, object]]) -> Table:
    """A table of rows that all have the same columns."""
    if not rows:
        return Table(())
    return Table(tuple(
        Column(name, np.array([row[name] for row in rows], object if isinstance(rows[0][name], str) else None))
        for name in rows[0]
    ))  # fmt: skip


def object_table(found: Sequence[Summed]) -> Table:
    """Every object of every group: Group, the columns of the sheet, Sample, Image, then the shape of each as in
    :func:`temj.measurement.shape_table.shape_table`, with the edge rules (Counted, Whole, Weight, Inside) and
    NearestNeighbour; lengths in the unit of the column Unit."""
    keys = list(dict.fromkeys(key for one in found for key in one.group.keys))
    parts = []
    for one in found:
        for shot in one.group.shots:
            objects, count = shot.field.objects, len(shot.field.objects)
            told = {"Group": one.group.name, **{key: one.group.keys.get(key, "") for key in keys}}
            told |= {"Sample": shot.sample_name, "Image": shot.field.image, "Unit": shot.field.calibration.unit}
            columns = [Column(name, _texts(text, count)) for name, text in told.items()]
            parts.append(Table((*columns, *(replace(column, unit="") for column in objects))))
    return Table.concatenate(parts) if parts else Table(())
