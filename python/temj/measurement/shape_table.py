"""The columns of Results that depend on the outlines alone, for rules about shape and for populations."""

from __future__ import annotations

import math

import numpy as np

from temj.data import Calibration, Column, Instances, Table
from temj.geometry import clip_boxes, outlines
from temj.geometry.ellipse import moments
from temj.geometry.raster import rasterise_outlines
from temj.measurement.extras import diameters
from temj.measurement.shape import axis_scale, descriptors, filled_ellipses, shape_columns
from temj.measurement.skeleton import SKELETON_COLUMNS, skeleton_columns

LENGTHS = (
    "Perim.", "Width", "Height", "Major", "Minor", "Feret", "MinFeret", "Diameter", "EquivalentDiameter",
    "EllipseMajor", "EllipseMinor", *SKELETON_COLUMNS[:-1],
)  # fmt: skip
AREAS = ("Area",)
ANGLES = ("Angle", "FeretAngle", "EllipseAngle")
NUMBERS = ("Circ.", "AR", "Round", "Solidity", "Score", "SkeletonBranches")
SHAPE_COLUMNS = (*AREAS, *LENGTHS, *ANGLES, *NUMBERS)
"""All columns of a shape table but Class and Touching."""


def shape_table(
    instances: Instances, image: tuple[int, int], calibration: Calibration, skeletons: np.ndarray | bool = False
) -> Table:
    """The shape of every object, as in Results to the last digit (of 32-bit images without NaN).

    Where pixels are not square, ImageJ has no Major, Minor, AR and Round (0 and NaN); here these are then those of the
    ellipse that is right for such pixels (EllipseMajor, EllipseMinor).

    Args:
        instances: n objects of one image, or of planes of the same size.
        image: width and height in pixels; what lies outside is left out.
        calibration: of the image.
        skeletons: (n,) bool, whose skeleton is measured, or one for all; the others have NaN.

    Returns:
        Class; the columns :data:`SHAPE_COLUMNS`, with EquivalentDiameter = 2 sqrt(Area / pi); Touching: 1 where an
        object touches the image's edge. An object without pixels in the image has the area 0 and no diameter.
    """
    outline = outlines(instances.shapes)
    box = clip_boxes(outline.box, *image)
    runs = rasterise_outlines(outline, (0, 0, *image)).clipped(*image)
    sums, count = moments(runs, box[:, :2]), runs.counts(len(instances))
    columns = shape_columns(outline, sums, box, calibration)
    columns["Area"] = area = count * calibration.width * calibration.height
    ellipse, filled = filled_ellipses(outline, sums, box, image, calibration)
    if not axis_scale(calibration):
        columns |= {"Major": ellipse.major, "Minor": ellipse.minor, "Angle": ellipse.angle}
    columns |= descriptors(columns, count)
    columns |= {
        "Diameter": diameters(ellipse, filled, instances), "EllipseMajor": ellipse.major,
        "EllipseMinor": ellipse.minor, "EllipseAngle": ellipse.angle, "Score": instances.score,
        "EquivalentDiameter": np.where(area > 0, 2 * np.sqrt(area / math.pi), np.nan),
    }  # fmt: skip
    chosen = np.broadcast_to(np.asarray(skeletons, bool), (len(instances),))
    thin = {column.name: column.values for column in skeleton_columns(instances.shapes, chosen, image, calibration)}
    units = dict.fromkeys(LENGTHS, calibration.unit) | {"Area": f"{calibration.unit}²"} | dict.fromkeys(ANGLES, "°")
    values = columns | thin
    return Table((
        Column("Class", instances.class_name),
        *(Column(name, values[name], units.get(name, "")) for name in SHAPE_COLUMNS),
        Column("Touching", touching(box, image)),
    ))  # fmt: skip


def touching(box: np.ndarray, image: tuple[int, int]) -> np.ndarray:
    """(n,) int64, 1 where a box (n, 4) x, y, width, height, clipped to the image, reaches one of its edges."""
    low = (box[:, :2] <= 0).any(axis=1)
    high = (box[:, :2] + box[:, 2:] >= np.array(image)).any(axis=1)
    return (low | high).astype(np.int64)
