"""Populations of objects: how many, how large, which part of the area they cover, by class, image and run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from types import MappingProxyType

import numpy as np

from temj.data import IGNORE, Calibration, Column, Instances, Table
from temj.data.calibration import NM_PER_UNIT
from temj.geometry import rasterise
from temj.measurement.seen import as_seen
from temj.measurement.shape_table import AREAS, LENGTHS, shape_table
from temj.measurement.summary import number_density

ALL_CLASSES = "all"
ALL_IMAGES = "all images"
QUANTITIES = ("Area", "EquivalentDiameter")
STATISTICS = ("Mean", "Median", "SD", "SE", "Q05", "Q25", "Q75", "Q95")
NEAREST = "NearestNeighbour"
"""Column of the distance to the nearest object of the same class, where it was measured."""
_QUANTILES = (0.05, 0.25, 0.75, 0.95)
_M_PER_NM = 1e-9


@dataclass(frozen=True, eq=False)
class Field:
    """What was found in one image, or in one plane of a stack.

    Attributes:
        image: its name.
        objects: their shapes (:func:`temj.measurement.shape_table.shape_table`); what is to be ignored is not there.
        calibration: of the image; lengths are in its unit.
        pixels: of the analysed area.
        covered: pixels that lie in an object, each once, by class, and of all under :data:`ALL_CLASSES`.
        images: how many images these are, where fields were put together.
        neighbours: class → sums of :func:`temj.population.neighbours.neighbour_sums`, where they were made.
    """

    image: str
    objects: Table
    calibration: Calibration
    pixels: int
    covered: Mapping[str, int]
    images: int = 1
    neighbours: Mapping[str, np.ndarray] = dataclass_field(default_factory=lambda: MappingProxyType({}))

    @property
    def unit_area(self) -> float:
        """Area of a pixel in unit²."""
        return self.calibration.width * self.calibration.height


def field(
    image: str,
    instances: Instances,
    size: tuple[int, int],
    calibration: Calibration,
    area: np.ndarray | None = None,
    skeletons: np.ndarray | bool = False,
) -> Field:
    """The objects of one image as a field; those that its edge cuts as far as they are seen.

    Args:
        image: its name.
        instances: its objects; those of the class ``ignore`` are left out.
        size: width and height of the image in pixels.
        calibration: of the image.
        area: (height, width) bool, the analysed area; None for all.
        skeletons: (n,) bool, which objects have length and width along their skeleton, or one for all.
    """
    chosen = np.broadcast_to(np.asarray(skeletons, bool), (len(instances),))[~instances.ignored]
    instances = as_seen(instances.take(~instances.ignored), size)
    table = shape_table(instances, size, calibration, chosen)
    owner, index = rasterise(instances.shapes, *size).pixels(size[0])
    if area is not None:
        inside = area.ravel()[index]
        owner, index = owner[inside], index[inside]
    classes = instances.class_name[owner] if len(owner) else np.empty(0, object)
    covered = {str(name): len(np.unique(index[classes == name])) for name in dict.fromkeys(instances.class_name)}
    covered[ALL_CLASSES] = len(np.unique(index))
    pixels = size[0] * size[1] if area is None else int(np.count_nonzero(area))
    return Field(image, table, calibration, pixels, covered)


def in_common_units(fields: Sequence[Field]) -> list[list[Field]]:
    """The fields in groups with one unit each: those with a pixel size, those without.

    Where the images have several units, their lengths become nm.
    """
    known = [each for each in fields if each.calibration.known]
    unknown = [each for each in fields if not each.calibration.known]
    if len({each.calibration.unit for each in known}) > 1:
        known = [_in_nm(each) for each in known]
    return [group for group in (known, unknown) if group]


def _in_nm(one: Field) -> Field:
    factor = NM_PER_UNIT[one.calibration.unit]
    power = dict.fromkeys((*LENGTHS, NEAREST), 1) | dict.fromkeys(AREAS, 2)
    columns = [
        Column(c.name, c.values * factor ** power[c.name], "nm²" if c.name in AREAS else "nm") if c.name in power else c
        for c in one.objects
    ]
    width, height = one.calibration.nm
    sums = {name: value * factor ** np.array([0.0, -2.0, -1.0, -1.0]) for name, value in one.neighbours.items()}
    return replace(one, objects=Table(tuple(columns)), calibration=Calibration(width, height, "nm"), neighbours=sums)


def pooled(fields: Sequence[Field]) -> Field:
    """All images of one unit as one field: sums of counts and areas.

    Pixels are counted as those of a pixel of the mean area, so that shares and densities are sums over sums.
    """
    if len({(each.calibration.width, each.calibration.height) for each in fields}) > 1:
        fields = [_of_unit_pixels(each) for each in fields]
    names = dict.fromkeys(name for each in fields for name in each.covered)
    covered = {name: sum(each.covered.get(name, 0) for each in fields) for name in names}
    objects = Table.concatenate([each.objects for each in fields])
    pixels, images = sum(each.pixels for each in fields), sum(each.images for each in fields)
    return Field(ALL_IMAGES, objects, fields[0].calibration, pixels, covered, images)


def _of_unit_pixels(one: Field) -> Field:
    """The same areas as numbers of pixels of one unit²."""
    unit = one.unit_area
    covered = {name: count * unit for name, count in one.covered.items()}
    calibration = Calibration(1.0, 1.0, one.calibration.unit)
    return replace(one, calibration=calibration, pixels=one.pixels * unit, covered=covered)


def populations(fields: Sequence[Field], classes: Sequence[str], rules: Mapping[str, str] | None = None) -> Table:
    """Counts, sizes, projected area fraction and number density.

    Args:
        fields: of the images.
        classes: in order, also those without objects.
        rules: class → by which rule an object is of it, for the column Rule.

    Returns:
        For every image a row for each class and one for all of them, then the same for all images together (of those
        with and of those without a pixel size). Columns: Image, Class, Rule, Images, Count, Touching (objects that
        touch the edge of the image; they are counted and measured as far as they are seen), Unit, Analysed Area,
        Total Area (a pixel that two objects share counts once), Projected Area (%) of the analysed area, N_A (m^-2);
        then mean, median, standard deviation (n - 1), standard error (SD / sqrt(Count), objects taken as independent)
        and quantiles of Area and EquivalentDiameter; Mean AR; and, of objects whose skeleton was measured, Total
        Length, Mean Length, Mean Width (lengths weigh), Max Width and Line Density (m^-1), the length in the area.
        What there is not is NaN. Without a pixel size the unit is ``pixel`` and densities are NaN.
    """
    rows = []
    for group in in_common_units(fields):
        for one in [*group, *([pooled(group)] if len(fields) > 1 else [])]:
            rows += [_row(one, name, (rules or {}).get(name, "")) for name in (*classes, ALL_CLASSES)]
    names = rows[0].keys() if rows else _row(_NOTHING, ALL_CLASSES, "").keys()
    return Table(tuple(Column(name, _values([row[name] for row in rows])) for name in names))


_NOTHING = field("", Instances.concatenate([]), (1, 1), Calibration())


def _values(cells: list[float | str]) -> np.ndarray:
    return np.array(cells, object) if cells and isinstance(cells[0], str) else np.array(cells)


def _row(one: Field, name: str, rule: str) -> dict[str, float | str]:
    objects = one.objects if name == ALL_CLASSES else one.objects.take(one.objects["Class"] == name)
    covered, count = one.covered.get(name, 0), len(objects)
    row: dict[str, float | str] = {
        "Image": one.image, "Class": name, "Rule": rule, "Images": one.images, "Count": count,
        "Touching": int(objects["Touching"].sum()), "Unit": one.calibration.unit,
        "Analysed Area": one.pixels * one.unit_area, "Total Area": covered * one.unit_area,
        "Projected Area (%)": 100.0 * covered / one.pixels if one.pixels else math.nan,
        "N_A (m^-2)": number_density(count, one.pixels, one.calibration),
    }  # fmt: skip
    for quantity in QUANTITIES:
        told = dict(zip(STATISTICS, statistics(objects[quantity]), strict=True))
        row |= {f"{statistic} {quantity}": value for statistic, value in told.items()}
    return row | {"Mean AR": statistics(objects["AR"])[0]} | _lines(one, objects)


def statistics(values: np.ndarray) -> tuple[float, ...]:
    """The numbers :data:`STATISTICS` of values without NaN; quantiles are interpolated linearly."""
    values = values[np.isfinite(values)]
    if not len(values):
        return (math.nan,) * len(STATISTICS)
    spread = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    quantiles = (float(value) for value in np.quantile(values, _QUANTILES))
    return (float(values.mean()), float(np.median(values)), spread, spread / math.sqrt(len(values)), *quantiles)


def _lines(one: Field, objects: Table) -> dict[str, float]:
    """Lengths and widths along skeletons."""
    names = ("Total Length", "Mean Length", "Mean Width", "Max Width", "Line Density (m^-1)")
    measured = np.isfinite(objects["SkeletonLength"])
    if not measured.any():
        return dict.fromkeys(names, math.nan)
    length, width = objects["SkeletonLength"][measured], objects["SkeletonWidth"][measured]
    density = math.nan
    if one.calibration.known and one.pixels:
        area = one.pixels * one.unit_area * NM_PER_UNIT[one.calibration.unit] * _M_PER_NM
        density = float(length.sum()) / area
    total = float(length.sum())
    widest = float(objects["SkeletonMaxWidth"][measured].max())
    return dict(zip(
        names, (total, float(length.mean()), float((length * width).sum()) / total, widest, density), strict=True
    ))  # fmt: skip


def porosity(fields: Sequence[Field], classes: Sequence[str]) -> Table:
    """The quantities of PoroDet's worked example: a row for each image, and one for all of them.

    Columns: Image, Count (all classes), ``Count <class>``, Mean Area, Mean EquivalentDiameter, Mean AR, Projected
    Porosity (%): the part of the analysed area that objects of all classes cover; ``Projected Porosity <class> (%)``;
    Unit, Analysed Area. It is a fraction of the area, not of the volume.
    """
    rows = []
    for group in in_common_units(fields):
        for one in [*group, *([pooled(group)] if len(fields) > 1 else [])]:
            rows.append(_porosity_row(one, classes))
    names = rows[0] if rows else _porosity_row(_NOTHING, classes)
    return Table(tuple(Column(name, _values([row[name] for row in rows])) for name in names))


def _porosity_row(one: Field, classes: Sequence[str]) -> dict[str, float | str]:
    told = {name: _row(one, name, "") for name in (*classes, ALL_CLASSES)}
    whole, several = told[ALL_CLASSES], [name for name in classes if name != IGNORE and len(classes) > 1]
    return {
        "Image": one.image, "Count": whole["Count"], **{f"Count {name}": told[name]["Count"] for name in several},
        **{name: whole[name] for name in ("Mean Area", "Mean EquivalentDiameter", "Mean AR")},
        "Projected Porosity (%)": whole["Projected Area (%)"],
        **{f"Projected Porosity {name} (%)": told[name]["Projected Area (%)"] for name in several},
        "Unit": one.calibration.unit, "Analysed Area": whole["Analysed Area"],
    }  # fmt: skip
