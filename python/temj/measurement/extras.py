"""The columns after Solidity: what ImageJ appends for some selections, and TEMJ's own."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from temj.data import Column, Instances, Micrograph, RoiType
from temj.geometry import Outlines
from temj.geometry.ellipse import Ellipses, Moments
from temj.measurement.shape import filled_ellipses, rotated_rect_columns


def extra_columns(
    outline: Outlines,
    sums: Moments,
    box: np.ndarray,
    micrograph: Micrograph,
    instances: Instances,
    diameter: Mapping[str, str],
    whole: Instances,
) -> list[Column]:
    """RRLength, RRWidth, Group, GroupName, Class, Score, Track, Diameter, EllipseMajor, EllipseMinor, EllipseAngle,
    Edge.

    The first five, Track and Edge (which edge of the contrast the outlines of the class follow, in words) are there
    only if an object of ``whole`` (all objects, where ``instances`` are those of one plane) needs them.
    """
    calibration = micrograph.calibration
    unit = calibration.unit
    columns = []
    if (whole.shapes.roi_type == RoiType.ROTATED_RECT).any():
        sides = rotated_rect_columns(outline, (calibration.width, calibration.height))
        square = calibration.width == calibration.height
        columns += [Column(name, values, unit if square else "pixel") for name, values in sides.items()]
    if (whole.group > 0).any():
        names = np.where(instances.group > 0, instances.class_name, "")
        columns += [Column("Group", instances.group), Column("GroupName", names.astype(object))]
    columns += [Column("Class", instances.class_name), Column("Score", instances.score)]
    if (whole.track > 0).any():
        columns.append(Column("Track", instances.track))
    image = micrograph.width, micrograph.height
    ellipse, area = filled_ellipses(outline, sums, box, image, calibration)
    lengths = diameters(ellipse, area, instances, diameter)
    columns += [
        Column("Diameter", lengths, unit), Column("EllipseMajor", ellipse.major, unit),
        Column("EllipseMinor", ellipse.minor, unit), Column("EllipseAngle", ellipse.angle, "°"),
    ]  # fmt: skip
    edges = whole.info.get("edge", {})
    if any(edges.get(name) for name in whole.class_name):
        columns.append(Column("Edge", np.array([edges.get(name, "") for name in instances.class_name], object)))
    return columns


def diameters(
    ellipse: Ellipses, area: np.ndarray, instances: Instances, diameter: Mapping[str, str] | None = None
) -> np.ndarray:
    """(n,) float64, what each object's class has as Diameter.

    Args:
        ellipse: of the outlines with holes filled, calibrated.
        area: (n,) their filled areas.
        instances: the objects.
        diameter: class → ``major``, ``geometric`` or ``equivalent``; None takes ``info["diameter"]``.
    """
    rules = instances.info.get("diameter", {}) if diameter is None else diameter
    rule = np.array([rules.get(name) or "equivalent" for name in instances.class_name], object)
    equivalent = np.where(area > 0, 2.0 * np.sqrt(area / math.pi), np.nan)
    geometric = np.sqrt(ellipse.major * ellipse.minor)
    return np.where(rule == "major", ellipse.major, np.where(rule == "geometric", geometric, equivalent))
