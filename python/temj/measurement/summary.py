"""The Summary table: a row for each image and class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from temj.data import Calibration, Column, Film, Micrograph, Table
from temj.measurement.labels import slice_part

SUMMARY_COLUMNS = (
    "Slice", "Count", "Total Area", "Average Size", "%Area", "Mean", "Class", "Unit", "Pixel Width", "Pixel Height",
    "Mean Diameter", "SD Diameter", "N_A (m^-2)", "Analysed Area",
)  # fmt: skip
"""Columns in order; later versions only add to the right."""

_M_PER_NM = 1e-9


def summarise(results: Table, micrograph: Micrograph | Film, classes: Sequence[str]) -> Table:
    """Count, areas, diameters and number density of each class in each plane.

    Args:
        results: of :func:`temj.measurement.measure` for this micrograph or film; the columns Area, Mean, Class and
            Diameter are used, and Ch, Slice, Frame of a film.
        micrograph: what was measured.
        classes: the classes to list, also where nothing of them was found; others that occur follow them.

    Returns:
        A row for each plane and class. First ImageJ's own Summary: Slice (name of the image, of a stack followed by
        ``:`` and the label or number of the slice), Count, Total Area and Average Size (unit²), %Area (Total Area
        in percent of the analysed area; where objects overlap their areas add up), Mean (mean of the objects' mean grey
        values). Then Class, Unit, Pixel Width, Pixel Height, Mean Diameter and SD Diameter (unit; sample standard
        deviation, of the objects that have a diameter), N_A (m^-2): Count / analysed area, in objects per
        square metre. Analysed Area (unit²): that of the plane that counts (:attr:`temj.data.Micrograph.area_pixels`),
        the whole plane where nothing of it is left out.

        Without objects N_A, Total Area and %Area are 0 and means are NaN; the deviation needs two objects. Without
        a pixel size the unit is ``pixel`` and N_A is NaN, since the area of the plane is not known. Where nothing of
        the plane counts, %Area and N_A are NaN.
    """
    names = list(dict.fromkeys([*classes, *(str(name) for name in results["Class"])])) or [""]
    rows = []
    for plane, label, image in _planes(results, micrograph):
        for name in names:
            rows.append(_row(results.take(plane & (results["Class"] == name)), label, image, name))
    units = _units(rows[0][SUMMARY_COLUMNS.index("Unit")])
    columns = zip(SUMMARY_COLUMNS, zip(*rows, strict=True), strict=True)
    return Table(tuple(Column(name, np.array(values), units.get(name, "")) for name, values in columns))


def _planes(results: Table, micrograph: Micrograph | Film) -> Iterator[tuple[np.ndarray, str, Micrograph]]:
    """For each plane which rows are its own, its name, and the image."""
    if isinstance(micrograph, Micrograph):
        part = slice_part(micrograph.slice_label, max(micrograph.position)) if any(micrograph.position) else ""
        yield np.full(len(results), True), _label(micrograph.name, part), micrograph
        return
    place = {column.name: column.values for column in results}
    channel, piece, frame = (place.get(name, np.ones(len(results), np.int64)) for name in ("Ch", "Slice", "Frame"))
    several = len(micrograph) > 1 or bool(micrograph.numbers)
    for index, image in enumerate(micrograph):
        part = slice_part(image.slice_label, micrograph.plane_number(index)) if several else ""
        here = [max(number, 1) for number in micrograph.position(index)]
        yield (channel == here[0]) & (piece == here[1]) & (frame == here[2]), _label(image.name, part), image


def _label(name: str, part: str) -> str:
    return f"{name}:{part}" if part else name


def _row(objects: Table, label: str, image: Micrograph, name: str) -> tuple[str | int | float, ...]:
    """The cells of one plane and class, in the order of the columns."""
    calibration, count = image.calibration, len(objects)
    area = float(objects["Area"].sum())
    if image.area is None:
        plane = image.width * calibration.width * image.height * calibration.height
    else:
        plane = image.area_pixels * calibration.width * calibration.height
    diameter = objects["Diameter"][~np.isnan(objects["Diameter"])]
    return (
        label, count, area, area / count if count else np.nan, 100.0 * area / plane if plane else np.nan,
        float(objects["Mean"].mean()) if count else np.nan,
        name, calibration.unit, float(calibration.width), float(calibration.height),
        float(diameter.mean()) if len(diameter) else np.nan,
        float(diameter.std(ddof=1)) if len(diameter) > 1 else np.nan,
        number_density(count, image.area_pixels, calibration), float(plane),
    )  # fmt: skip


def number_density(count: int, pixels: int, calibration: Calibration) -> float:
    """Objects per m² of an area of so many pixels; NaN where there are none or the size of a pixel is not known."""
    if calibration.nm is None or not pixels:
        return float("nan")
    width, height = calibration.nm
    return count / (pixels * (width * _M_PER_NM) * (height * _M_PER_NM))


def _units(unit: str) -> dict[str, str]:
    lengths = ("Pixel Width", "Pixel Height", "Mean Diameter", "SD Diameter")
    areas = dict.fromkeys(("Total Area", "Average Size", "Analysed Area"), f"{unit}²")
    return areas | dict.fromkeys(lengths, unit) | {"%Area": "%", "N_A (m^-2)": "m⁻²"}
