"""The Results table: ImageJ's Measure of every object, and TEMJ's own columns after it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from temj.data import Calibration, Column, Film, Instances, Micrograph, Table
from temj.errors import BadValue
from temj.geometry import clip_boxes, outlines
from temj.geometry.ellipse import moments
from temj.geometry.raster import rasterise_outlines
from temj.measurement.extras import extra_columns
from temj.measurement.intensity import intensity
from temj.measurement.labels import row_labels, slice_part
from temj.measurement.lines import LENGTH_TYPES, with_lines
from temj.measurement.shape import calibrated, descriptors, shape_columns

DIAMETERS = ("major", "geometric", "equivalent")
POSITIONS = ("Ch", "Slice", "Frame")
RESULTS_COLUMNS = (
    "Area", "Mean", "StdDev", "Mode", "Min", "Max", "X", "Y", "XM", "YM", "Perim.", "BX", "BY", "Width", "Height",
    "Major", "Minor", "Angle", "Circ.", "Feret", "IntDen", "Median", "Skew", "Kurt", "%Area", "RawIntDen",
    "FeretX", "FeretY", "FeretAngle", "MinFeret", "AR", "Round", "Solidity",
)  # fmt: skip
_ALWAYS_DECIMALS = ("Circ.", "AR", "Round", "Solidity")
_LENGTHS = ("X", "Y", "XM", "YM", "Perim.", "BX", "BY", "Width", "Height", "Major", "Minor", "Feret", "MinFeret")
_UNITS = {"FeretX": "pixel", "FeretY": "pixel", "Angle": "°", "FeretAngle": "°", "%Area": "%"}


def measure(micrograph: Micrograph | Film, instances: Instances, diameter: Mapping[str, str] | None = None) -> Table:
    """Measure objects as ImageJ's Measure does, with all of its columns, to the last digit.

    Args:
        micrograph: the image; of a film each object is measured in the plane of its position (the first plane
            where it has none).
        instances: the objects.
        diameter: for a class what its Diameter is: "major" (longer axis of the fitted ellipse), "geometric" (root of
            the product of both axes) or "equivalent" (diameter of the circle with the filled area); "equivalent"
            where nothing is said.

    Returns:
        A row for each object in the given order. Columns: Label, ImageJ's Area … Solidity (with Ch, Slice, Frame
        after RawIntDen for a film that has several of them), Length if there is a line, RRLength and RRWidth if there
        is a rotated rectangle,
        Group and GroupName if an object has a group, Class, Score, Track if an object has one, Diameter,
        EllipseMajor, EllipseMinor, EllipseAngle (of the outline with holes filled; right also for pixels that
        are not square), Edge if one is said of an object's class. Lengths are in the unit of the image, FeretX and
        FeretY in pixels as in ImageJ.

    Raises:
        BadValue: an unknown diameter, or an object whose position is not in the film.
    """
    diameter = dict(diameter or {})
    for name, rule in diameter.items():
        if rule not in DIAMETERS:
            raise BadValue(
                "diameter", where=f"class {name}", expected=", ".join(DIAMETERS), found=rule,
                remedy="Choose one of these rules for the class.",
            )  # fmt: skip
    if isinstance(micrograph, Film):
        return _measure_film(micrograph, instances, diameter)
    part = slice_part(micrograph.slice_label, max(micrograph.position)) if any(micrograph.position) else ""
    return _measure_plane(micrograph, instances, diameter, part)


def _measure_film(film: Film, instances: Instances, diameter: Mapping[str, str]) -> Table:
    """Plane by plane, then back in the order of the instances."""
    plane = film_planes(film, instances)
    shown = [axis for axis, count in enumerate(film.dimensions) if count > 1 or (film.numbers and axis == film.axis)]
    tables, rows = [], []
    for index in np.unique(plane) if len(plane) else [0]:
        row = np.flatnonzero(plane == index)
        image = film[int(index)]
        part = slice_part(image.slice_label, film.plane_number(int(index))) if shown else ""
        table = _measure_plane(image, instances.take(row), diameter, part, whole=instances)
        place = film.position(int(index))
        tables.append(_with_position(table, {POSITIONS[axis]: place[axis] for axis in shown}))
        rows.append(row)
    return Table.concatenate(tables).take(np.argsort(np.concatenate(rows), kind="stable"))


def film_planes(film: Film, instances: Instances) -> np.ndarray:
    """(n,) int64, index of the plane of each object: from channel, slice and frame, 0 of these meaning the first.

    An object that has a slice only, in a film with frames or channels instead of slices, counts planes with it.
    In a film that was cut or averaged, positions are those in its file.
    """
    channels, slices, frames = film.dimensions
    channel, piece, frame = _places_in(film, np.maximum(instances.position.T, 1) - 1)
    plain = (channel == 0) & (frame == 0) & (slices == 1)
    index = np.where(plain, piece, (frame * slices + piece) * channels + channel)
    outside = (channel >= channels) | (frame >= frames) | (~plain & (piece >= slices)) | (index >= len(film))
    for row in np.flatnonzero(outside)[:1]:
        raise BadValue(
            "position", where=film.name, found=f"object {row + 1} at {tuple(instances.position[row].tolist())}",
            expected=f"channel, slice, frame within {film.dimensions}",
            remedy="Give the ROIs that were made on this image.",
        )  # fmt: skip
    return index


def _places_in(film: Film, place: np.ndarray) -> np.ndarray:
    """(3, n) 0-based channel, slice, frame within a film, from those in its file; behind the end if it has no such."""
    if not film.numbers:
        return place
    place, axis = place.copy(), film.axis
    if axis == 2 and film.dimensions[:2] == (1, 1):  # slices count frames, as in ImageJ's plain stacks
        slices_only = place[2] == 0
        place[2, slices_only], place[1, slices_only] = place[1, slices_only], 0
    numbers = np.asarray(film.numbers)
    at = np.minimum(np.searchsorted(numbers, place[axis] + 1), len(numbers) - 1)
    place[axis] = np.where(numbers[at] == place[axis] + 1, at, len(film))
    return place


def _with_position(table: Table, position: Mapping[str, int]) -> Table:
    """The table with columns of its plane's position after RawIntDen."""
    at = table.names.index("RawIntDen") + 1
    added = tuple(Column(name, np.full(len(table), value, np.int64)) for name, value in position.items())
    return Table(table.columns[:at] + added + table.columns[at:])


def _measure_plane(
    micrograph: Micrograph, instances: Instances, diameter: Mapping[str, str], part: str, whole: Instances | None = None
) -> Table:
    """Rows of the objects of one plane; ``whole`` decides which optional columns there are."""
    calibration, image = micrograph.calibration, (micrograph.width, micrograph.height)
    outline = outlines(instances.shapes)
    box = clip_boxes(outline.box, *image)
    runs = rasterise_outlines(outline, (0, 0, *image)).clipped(*image)
    grey = intensity(micrograph.pixels, runs, box)
    sums = moments(runs, box[:, :2])
    columns = shape_columns(outline, sums, box, calibration)
    area = grey.count * calibration.width * calibration.height
    columns |= {
        "Area": area, "Mean": grey.mean, "StdDev": grey.deviation, "Mode": grey.mode,
        "Min": grey.least, "Max": grey.greatest, "Median": grey.median, "Skew": grey.skew, "Kurt": grey.kurtosis,
        "XM": calibrated(grey.x, calibration.x_origin, calibration.width),
        "YM": calibrated(grey.y, calibration.y_origin, calibration.height),
        "%Area": grey.percent, "IntDen": area * grey.mean, "RawIntDen": grey.count * grey.mean,
    }  # fmt: skip
    columns = with_lines(micrograph, outline, columns | descriptors(columns, grey.count))
    labels = np.array(row_labels(micrograph.name, instances.name, part), object)
    table = Table((Column("Label", labels), *_units(columns, calibration)))
    whole = instances if whole is None else whole
    if np.isin(whole.shapes.roi_type, LENGTH_TYPES).any():
        table = table.with_columns(Column("Length", columns["Length"], calibration.unit))
    return table.with_columns(*extra_columns(outline, sums, box, micrograph, instances, diameter, whole))


def _units(columns: Mapping[str, np.ndarray], calibration: Calibration) -> list[Column]:
    units = _UNITS | dict.fromkeys(_LENGTHS, calibration.unit) | {"Area": f"{calibration.unit}²"}
    return [Column(name, columns[name], units.get(name, ""), name in _ALWAYS_DECIMALS) for name in RESULTS_COLUMNS]
