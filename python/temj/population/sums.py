"""Sums over objects, of which all estimates are functions: of each field, each unit of resampling, each object.

``SUMS``, the last axis, lengths in nm (pixels where there is no pixel size):

========  ==========================================================================================================
area      the analysed area
count     objects that count (:mod:`temj.population.edges`)
covered   area of the pixels that the class covers, each once; everything in the analysed area, cut objects too
weight    w, over whole objects that have a diameter
d d2 d3   w d, w d², w d³ over them, d the Diameter of the class
a         w Area over them
length    length along skeletons, of all objects, unweighted
volume    the analysed area times the thickness of the foil; NaN where that is not known
========  ==========================================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from temj.data import Column, Instances, Table
from temj.data.calibration import NM_PER_UNIT
from temj.errors import BadValue
from temj.measurement.populations import ALL_CLASSES, Field
from temj.population.edges import EDGE_COLUMNS, edge_columns
from temj.population.intervals import Interval, Limits, Statistic, interval, over_objects

SUMS = ("area", "count", "covered", "weight", "d", "d2", "d3", "a", "length", "volume")
AREA, COUNT, COVERED, WEIGHT, D, D2, D3, A, LENGTH, VOLUME = range(len(SUMS))
"""The places of the sums in the last axis."""


@dataclass(frozen=True, eq=False)
class Objects:
    """The objects of all fields as arrays of n.

    Attributes:
        field: int64, index of the field.
        of: int64, index of the class.
        counted: bool.
        whole: bool, and has a diameter.
        weight: float64, w; NaN where it is not known.
        diameter: float64, nm or pixel; NaN where there is none.
        area: float64, nm² or pixel², as far as it is seen.
        inside: float64, the share of it that lies in the analysed area.
        length: float64, nm or pixel, along the skeleton; 0 where it was not measured.
    """

    field: np.ndarray
    of: np.ndarray
    counted: np.ndarray
    whole: np.ndarray
    weight: np.ndarray
    diameter: np.ndarray
    area: np.ndarray
    inside: np.ndarray
    length: np.ndarray

    def take(self, index: np.ndarray) -> Objects:
        """The objects at indices, or where a bool array is true."""
        return Objects(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})

    def rows(self) -> np.ndarray:
        """(n, len(SUMS)) float64, what each object adds; analysed area and volume are not its own: they stay 0."""
        known = self.whole & np.isfinite(self.diameter) & np.isfinite(self.weight)
        weight, size = np.where(known, self.weight, 0.0), np.where(known, self.diameter, 0.0)
        rows = np.zeros((len(self.field), len(SUMS)))
        rows[:, COUNT], rows[:, COVERED], rows[:, WEIGHT] = self.counted, self.area * self.inside, weight
        rows[:, D], rows[:, D2], rows[:, D3] = weight * size, weight * size**2, weight * size**3
        rows[:, A], rows[:, LENGTH] = weight * self.area, self.length
        return rows


def added(area: np.ndarray, covered: float) -> np.ndarray:
    """(n,) what each object adds to what all of them cover, that is, what no other covers.

    Args:
        area: (n,) of each object.
        covered: by all of them, each place once.

    Returns:
        Without overlap the areas. Where objects overlap at random, so that the share exp(-q) of the plane is free and q
        the sum of their areas, this is exp(-q) of an area, which the square of covered / sum of areas = (1 - exp(-q)) /
        q equals but for 0.08 q².
    """
    total = area.sum()
    return area * min(covered / total, 1.0) ** 2 if total > 0 else area


@dataclass(frozen=True, eq=False)
class Population:
    """Objects of several fields, and their sums.

    Attributes:
        classes: c names.
        unit: of lengths, ``nm`` or ``pixel``.
        fields: (f, c, len(SUMS)) float64.
        sample: (f,) str, the sample or foil of each field; "" where nothing is said.
        objects: of all fields; of the class ``all``, which is the last one where it is there, none of their own.
    """

    classes: tuple[str, ...]
    unit: str
    fields: np.ndarray
    sample: np.ndarray
    objects: Objects

    def with_thickness(self, thickness: Sequence[float]) -> Population:
        """The same with the volume of each field.

        Args:
            thickness: (f,) of the foil at each field in ``unit``; NaN where it is not known.

        Raises:
            BadValue: another number of them than of fields.
        """
        if len(thickness) != len(self.fields):
            raise BadValue(
                "value", where="thickness", expected=f"{len(self.fields)} of them", found=str(len(thickness))
            )
        fields = self.fields.copy()
        fields[..., VOLUME] = fields[..., AREA] * np.asarray(thickness, float)[:, None]
        return replace(self, fields=fields)

    @property
    def unit_index(self) -> np.ndarray:
        """(f,) int64, which unit of resampling a field is of: its sample, if there are several; else itself.

        Fields without a sample, where others have one, are samples of their own.
        """
        names = [str(name) or f"\n{place}" for place, name in enumerate(self.sample)]
        if len(set(names)) < 2 or not any(self.sample):
            return np.arange(len(names))
        order = {name: place for place, name in enumerate(dict.fromkeys(names))}
        return np.array([order[name] for name in names], np.int64)

    @property
    def unit_word(self) -> str:
        """What is resampled: ``sample`` or ``field``."""
        return "sample" if len(self.sample) and any(self.sample) and len(set(self.sample)) > 1 else "field"

    @property
    def units(self) -> np.ndarray:
        """(u, c, len(SUMS)) float64, the fields of each unit of resampling added up."""
        return self.by_unit(self.fields)

    def by_unit(self, values: np.ndarray) -> np.ndarray:
        """(u, …) sums over the fields of each unit of resampling of values (f, …)."""
        index = self.unit_index
        total = np.zeros((int(index.max(initial=-1)) + 1, *values.shape[1:]))
        np.add.at(total, index, values)
        return total

    def by_field(self, objects: Objects, values: np.ndarray) -> np.ndarray:
        """(f, k) sums over the objects of each field of values (n, k)."""
        total = np.zeros((len(self.fields), values.shape[1]))
        np.add.at(total, objects.field, values)
        return total

    def of_class(self, name: str) -> Objects:
        """The objects of a class, or all of them."""
        if name == ALL_CLASSES:
            return self.objects
        return self.objects.take(self.objects.of == self.classes.index(name))

    def value(self, statistic: Statistic) -> float:
        """A statistic of all fields; it takes sums (…, c, len(SUMS))."""
        with np.errstate(all="ignore"):
            return float(statistic(self.fields.sum(axis=0)))

    def interval(self, statistic: Statistic, bounds: Limits = (0.0, np.inf), *, log: bool = True) -> Interval:
        """Its 95 % interval: over units, or where there is one only, over its objects (counting error only).

        Arguments as in :func:`temj.population.intervals.interval`, but of what is positive unless something else is
        said.
        """
        units = self.units
        if len(units) > 1:
            return interval(units, statistic, bounds, log=log)
        if not len(units):
            return Interval()
        return over_objects(self._object_rows(), units[0], statistic, bounds, log=log)

    def _object_rows(self) -> np.ndarray:
        """(n, c, len(SUMS)) float64, what each object adds to the sums of each class."""
        rows, total = self.objects.rows(), self.fields.sum(axis=0)
        several = np.zeros((len(rows), len(self.classes), len(SUMS)))
        several[np.arange(len(rows)), self.objects.of] = rows
        if ALL_CLASSES in self.classes:
            several[:, self.classes.index(ALL_CLASSES)] = rows
        for place in range(len(self.classes)):
            several[:, place, COVERED] = added(several[:, place, COVERED], total[place, COVERED])
        return several


def population(
    fields: Sequence[Field],
    classes: Sequence[str],
    samples: Sequence[str] = (),
    thickness: Sequence[float] | None = None,
) -> Population:
    """The objects and sums of fields of one unit: all with a pixel size, or none
    (:func:`temj.measurement.populations.in_common_units`).

    Args:
        fields: their objects have the columns Counted, Whole and Weight (:func:`with_edges`).
        classes: in order, also those without objects; of several classes ``all`` follows as a class of its own.
        samples: the sample or foil of each field; fields of one sample are one unit of resampling. Empty: not known.
        thickness: of the foil at each field, nm, NaN where it is not known; None for nowhere.

    Raises:
        BadValue: fields with and without pixel size; columns that are missing; another number of thicknesses.
    """
    units = {"nm" if one.calibration.known else "pixel" for one in fields}
    if len(units) > 1:
        raise BadValue(
            "pixel-size", expected="fields that all have a pixel size, or none",
            found=f"{sum(one.calibration.known for one in fields)} of {len(fields)} with one",
            remedy="Give the pixel size of the others, or leave them out.",
        )  # fmt: skip
    names = (*classes, ALL_CLASSES) if len(classes) > 1 else tuple(classes)
    factor = [NM_PER_UNIT.get(one.calibration.unit, 1.0) for one in fields]
    parts = [_objects(place, one, names, factor[place]) for place, one in enumerate(fields)]
    objects = _joined(parts)
    found = np.zeros((len(fields), len(names), len(SUMS)))
    for place, one in enumerate(fields):
        pixel = one.unit_area * factor[place] ** 2
        found[place, :, AREA] = one.pixels * pixel
        rows = parts[place].rows()
        np.add.at(found[place], parts[place].of, rows)
        if ALL_CLASSES in names:
            found[place, -1, COUNT:] = rows[:, COUNT:].sum(axis=0)
        found[place, :, COVERED] = [one.covered.get(name, 0) * pixel for name in names]
    sample = np.array(list(samples) or [""] * len(fields), object)
    made = Population(names, next(iter(units), "pixel"), found, sample, objects)
    return made.with_thickness(np.full(len(fields), np.nan) if thickness is None else thickness)


def _objects(place: int, one: Field, classes: Sequence[str], factor: float) -> Objects:
    """The objects of a field that are of one of the classes, lengths times a factor."""
    table = one.objects
    lacking = [name for name in EDGE_COLUMNS if name not in table]
    if lacking:
        raise BadValue(
            "columns", where=one.image, expected=", ".join(EDGE_COLUMNS), found=f"no {', '.join(lacking)}",
            remedy="Add them with temj.population.sums.with_edges.",
        )  # fmt: skip
    order = {name: index for index, name in enumerate(classes)}
    of = np.array([order.get(str(name), -1) for name in table["Class"]], np.int64)
    known = np.flatnonzero(of >= 0)
    length = np.nan_to_num(np.asarray(table["SkeletonLength"], float)) * factor
    return Objects(
        np.full(len(of), place), of, table["Counted"] > 0, (table["Whole"] > 0) & np.isfinite(table["Diameter"]),
        table["Weight"], table["Diameter"] * factor, table["Area"] * factor**2, table["Inside"], length,
    ).take(known)  # fmt: skip


def _joined(parts: Sequence[Objects]) -> Objects:
    empty = np.zeros(0)
    kinds = {"field": np.int64, "of": np.int64, "counted": bool, "whole": bool}
    return Objects(**{
        name: np.concatenate([empty.astype(kinds.get(name, float)), *(getattr(part, name) for part in parts)])
        for name in Objects.__dataclass_fields__
    })  # fmt: skip


def with_edges(objects: Table, instances: Instances, size: tuple[int, int], area: np.ndarray | None = None) -> Table:
    """The shape table of a field with the columns Counted, Whole and Weight.

    Args:
        objects: of :func:`temj.measurement.populations.field`, without what is to be ignored.
        instances: of the same image, as they were given to it.
        size: width and height of the image in pixels.
        area: (height, width) bool, the analysed area; None for all of it.
    """
    columns: tuple[Column, ...] = edge_columns(instances.take(~instances.ignored).shapes, size, area)
    return objects.with_columns(*columns)
