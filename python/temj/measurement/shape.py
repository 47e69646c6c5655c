"""Positions, sizes and shapes of objects: ImageJ's columns that do not depend on the grey values."""

from __future__ import annotations

import math

import numpy as np

from temj.data import Calibration, RoiType
from temj.geometry import Outlines
from temj.geometry.contour import shape_hulls
from temj.geometry.ellipse import Ellipses, Moments, filled_moments, fit
from temj.geometry.feret import feret
from temj.geometry.hull import rounded_areas
from temj.geometry.perimeter import perimeters

_ALMOST_SQUARE = 0.01


def shape_columns(outline: Outlines, sums: Moments, box: np.ndarray, calibration: Calibration) -> dict[str, np.ndarray]:
    """X, Y, Perim., BX … MinFeret of each shape, (n,) float64.

    Args:
        outline: the shapes.
        sums: moments of their pixels inside the image, relative to ``box``.
        box: (n, 4) int64, their boxes clipped to the image.
        calibration: of the image.
    """
    size = calibration.width, calibration.height
    ellipse = fit(outline, sums, box)
    scale = axis_scale(calibration)
    hulls = shape_hulls(outline)
    diameters = feret(outline, hulls, size)
    return {
        "X": calibrated(ellipse.x, calibration.x_origin, size[0]),
        "Y": calibrated(ellipse.y, calibration.y_origin, size[1]),
        "Perim.": perimeters(outline, size),
        "BX": calibrated(box[:, 0], calibration.x_origin, size[0]),
        "BY": calibrated(box[:, 1], calibration.y_origin, size[1]),
        "Width": box[:, 2] * size[0], "Height": box[:, 3] * size[1],
        "Major": ellipse.major * scale, "Minor": ellipse.minor * scale, "Angle": ellipse.angle,
        "Feret": diameters.longest, "FeretX": diameters.x, "FeretY": diameters.y,
        "FeretAngle": diameters.angle, "MinFeret": diameters.shortest, "hull": rounded_areas(hulls),
    }  # fmt: skip


def axis_scale(calibration: Calibration) -> float:
    """Unit of Major and Minor: the pixel's width, or 0 where pixels are not square within 1 %, as ImageJ has it."""
    width, height = calibration.width, calibration.height
    return width if abs(width - height) / width < _ALMOST_SQUARE else 0.0


def calibrated(value: np.ndarray, origin: float, size: float) -> np.ndarray:
    """Pixel coordinates as calibrated ones."""
    return (value - origin) * size


def descriptors(columns: dict[str, np.ndarray], count: np.ndarray) -> dict[str, np.ndarray]:
    """Circ., AR, Round and Solidity from the other columns and the number of pixels (``Analyzer.saveResults``)."""
    area, perimeter, major = columns["Area"], columns["Perim."], columns["Major"]
    with np.errstate(invalid="ignore", divide="ignore"):
        circularity = np.where(perimeter == 0, 0.0, 4.0 * math.pi * (area / (perimeter * perimeter)))
        return {
            "Circ.": np.where(circularity > 1.0, 1.0, circularity),
            "AR": major / columns["Minor"],
            "Round": 4.0 * area / (math.pi * major * major),
            "Solidity": count / columns["hull"],
        }


def rotated_rect_columns(outline: Outlines, size: tuple[float, float]) -> dict[str, np.ndarray]:
    """RRLength and RRWidth, (n,) float64, 0 for other shapes; in pixels where the pixels are not square."""
    index = np.flatnonzero(outline.of_type(RoiType.ROTATED_RECT))
    length, width = np.zeros((2, len(outline)))
    corners = outline.relative[outline.offsets[index][:, None] + np.arange(4)]
    base = outline.base[index].astype(np.float32)
    half = np.float32(2)
    front = corners[:, 1] + (corners[:, 2] - corners[:, 1]) / half + base
    back = corners[:, 3] + (corners[:, 0] - corners[:, 3]) / half + base
    dx, dy = (front.astype(float) - back.astype(float)).T
    scale = size[0] if size[0] == size[1] else 1.0
    length[index], width[index] = np.sqrt(dx * dx + dy * dy) * scale, outline.params[index, 4] * scale
    return {"RRLength": length, "RRWidth": width}


def filled_ellipses(
    outline: Outlines, sums: Moments, box: np.ndarray, image: tuple[int, int], calibration: Calibration
) -> tuple[Ellipses, np.ndarray]:
    """Calibrated ellipses of the outlines with their holes filled, and their filled areas.

    For an object without holes and square pixels these are ImageJ's Major, Minor and Angle. Unlike those they are
    right for pixels that are not square as well.

    Args:
        outline: the shapes.
        sums: moments of their pixels inside the image, relative to ``box``.
        box: (n, 4) their boxes, clipped to the image.
        image: width and height in pixels.
        calibration: of the image.
    """
    width, height = calibration.width, calibration.height
    filled = filled_moments(outline, sums, box, *image)
    ellipse = fit(outline, filled, box, aspect=width / height)
    known = np.where(filled.count > 0, 1.0, np.nan)
    scale = known * math.sqrt(width * height)
    ellipse = Ellipses(ellipse.major * scale, ellipse.minor * scale, ellipse.angle * known, ellipse.x, ellipse.y)
    return ellipse, filled.count * width * height
