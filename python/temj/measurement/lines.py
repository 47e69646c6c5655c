"""Points and lines, which ImageJ measures by rules of their own (``Analyzer.measurePoint``, ``measureLength``).

A point has the grey value of its pixel, a line those of its profile, one sample a pixel. Lines are taken as one pixel
wide, and of a shape with several points the first one. Coordinates are ImageJ's: pixels have their centres at integers.
"""

from __future__ import annotations

import math

import numpy as np

from temj.data import Micrograph, RoiType
from temj.geometry import Outlines, Runs, outlines
from temj.geometry.chains import Chains, chain_lengths
from temj.geometry.ellipse import fit_boxes
from temj.geometry.feret import feret
from temj.geometry.hull import convex_hulls
from temj.measurement.intensity import Intensity, intensity
from temj.measurement.profile import profile
from temj.measurement.shape import axis_scale, calibrated

_GREY = {
    "Mean": "mean", "StdDev": "deviation", "Mode": "mode", "Min": "least", "Max": "greatest", "Median": "median",
    "Skew": "skew", "Kurt": "kurtosis", "%Area": "percent",
}  # fmt: skip
LENGTH_TYPES = (RoiType.LINE, RoiType.POLYLINE, RoiType.FREELINE)
_NOT_OF_LINES = ("Skew", "Kurt", "%Area")


def with_lines(micrograph: Micrograph, outline: Outlines, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns with the rows of points and lines by their own rules, and a column Length, 0 but for lines.

    Args:
        micrograph: the image.
        outline: the shapes.
        columns: Area … Solidity, (n,) float64, right for area shapes.
    """
    index = np.flatnonzero(outline.shapes.roi_type > RoiType.COMPOSITE)
    columns = columns | {"Length": np.zeros(len(outline))}
    if len(index):
        columns = {name: values.astype(float) for name, values in columns.items()}
    for number in index:
        single = outlines(outline.shapes.take(np.array([number])))
        row = {"Solidity": math.nan}
        is_point = single.shapes.roi_type[0] == RoiType.POINT
        if len(single.relative) >= (1 if is_point else 2):
            row |= _point_row(micrograph, single) if is_point else _line_row(micrograph, single)
        for name, values in columns.items():
            values[number] = row.get(name, 0.0)
    return columns


def _grey_row(grey: Intensity, micrograph: Micrograph) -> dict[str, float]:
    scale = micrograph.calibration
    area = float(grey.count[0]) * scale.width * scale.height
    row = {name: float(getattr(grey, field)[0]) for name, field in _GREY.items()}
    return row | {"Area": area, "IntDen": area * row["Mean"], "RawIntDen": float(grey.count[0]) * row["Mean"]}


def _place_row(micrograph: Micrograph, x: float, y: float, names: tuple[str, str]) -> dict[str, float]:
    scale = micrograph.calibration
    places = calibrated(x, scale.x_origin, scale.width), calibrated(y, scale.y_origin, scale.height)
    return dict(zip(names, places, strict=True))


def _box_row(micrograph: Micrograph, box: np.ndarray) -> dict[str, float]:
    size = {"Width": box[2] * micrograph.calibration.width, "Height": box[3] * micrograph.calibration.height}
    return _place_row(micrograph, box[0], box[1], ("BX", "BY")) | size


def _point_row(micrograph: Micrograph, outline: Outlines) -> dict[str, float]:
    x, y = outline.absolute()[0].astype(float)
    column, row = math.floor(x + 0.5), math.floor(y + 0.5)
    inside = 0 <= column < micrograph.width and 0 <= row < micrograph.height
    box = np.array([[column, row, 1, 1]]) * inside
    runs = Runs(*np.array([[0], [row], [column], [column + 1]])[:, : int(inside)])
    ellipse, scale = fit_boxes(box), axis_scale(micrograph.calibration)
    return (
        _grey_row(intensity(micrograph.pixels, runs, box), micrograph)
        | _place_row(micrograph, x, y, ("X", "Y"))
        | _box_row(micrograph, box[0])
        | {"Area": 0.0, "XM": x, "YM": y, "FeretX": x, "FeretY": y}
        | {"Major": ellipse.major[0] * scale, "Minor": ellipse.minor[0] * scale}
    )


def _line_row(micrograph: Micrograph, outline: Outlines) -> dict[str, float]:
    kind, points = RoiType(outline.shapes.roi_type[0]), outline.absolute()
    scale = micrograph.calibration
    size = scale.width, scale.height
    exact = points.astype(float)
    diameters = feret(outline, convex_hulls(points, np.zeros(len(points), np.int64), 1), size)
    row = _box_row(micrograph, outline.box[0]) | {
        "Feret": diameters.longest[0], "FeretAngle": diameters.angle[0], "MinFeret": diameters.shortest[0],
        "FeretX": diameters.x[0], "FeretY": diameters.y[0], "Perim.": _length(kind, outline, size),
    }  # fmt: skip
    if kind == RoiType.ANGLE:
        turn = (
            abs(180 - abs(_direction(exact[0], exact[1]) - _direction(exact[1], exact[2]))) if len(exact) > 2 else 0.0
        )
        return row | {"Angle": 360.0 - turn if turn > 180 else turn}
    values = profile(micrograph.pixels, kind, exact)[None]
    runs = Runs(*np.array([[0], [0], [0], [values.size]])[:, : values.size])
    grey = intensity(values, runs, np.array([[0, 0, values.size, 1]]))
    row |= _grey_row(grey, micrograph) | dict.fromkeys(_NOT_OF_LINES, 0.0) | {"Length": row["Perim."]}
    if row["Perim."] > 0:
        row["Circ."] = min(1.0, 4.0 * math.pi * (row["Area"] / (row["Perim."] * row["Perim."])))
    if kind == RoiType.LINE:
        middle = exact[0] + (points[1] - points[0]).astype(float) / 2.0
        row |= _place_row(micrograph, *middle, ("X", "Y")) | {"Angle": _direction(*exact[:2], size)}
    return row


def _length(kind: RoiType, outline: Outlines, size: tuple[float, float]) -> float:
    if kind == RoiType.LINE:
        start, end = outline.absolute()[:2].astype(float)
        dx, dy = (end - start) * size
        return math.sqrt(dx * dx + dy * dy)
    x, y = outline.relative.T.astype(np.float32 if outline.shapes.subpixel[0] else float)
    return float(chain_lengths(Chains(np.array([kind]), x, y, np.array([0, len(x)])), size)[0])


def _direction(start: np.ndarray, end: np.ndarray, size: tuple[float, float] = (1.0, 1.0)) -> float:
    """Degrees counter-clockwise from +x, in (-180, 180]."""
    return (180.0 / math.pi) * math.atan2((start[1] - end[1]) * size[1], (end[0] - start[0]) * size[0])
