"""Ellipses with the second moments of objects, as ImageJ fits them (``ij.process.EllipseFitter`` of 1.54p).

Each pixel counts as a unit square (1/12 is added to its second moments), and the axes are scaled so that the
ellipse has the area of the pixels. ImageJ's constants (0.08333333, 1.772453851 …) are kept: they show in the digits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from temj.data import MOVE, Instances, RoiType, Shapes
from temj.geometry.raster import Runs, rasterise_outlines, rounded
from temj.geometry.vertices import Outlines, clip_boxes, outlines

_TWELFTH = 0.08333333
_SQRT_PI = 1.772453851
_HALF_PI = 1.5707963267949
_SMALL = 0.000001


@dataclass(frozen=True, eq=False)
class Ellipses:
    """One ellipse each, (n,) float64.

    Attributes:
        major: full length of the longer axis; NaN where there is nothing to fit.
        minor: full length of the shorter axis.
        angle: of the major axis, degrees in [0, 180), counter-clockwise as seen on the screen.
        x: centre, in continuous pixel coordinates of the image.
        y: centre.
    """

    major: np.ndarray
    minor: np.ndarray
    angle: np.ndarray
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the pixels of each object, x and y relative to the corner of its box: (n,) int64."""

    count: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    yy: np.ndarray
    xy: np.ndarray


def moments(runs: Runs, corner: np.ndarray) -> Moments:
    """Exact sums over the pixels of objects.

    Args:
        runs: pixels.
        corner: (n, 2) int64, x and y of each object's box.
    """
    start, stop = runs.start - corner[runs.object, 0], runs.stop - corner[runs.object, 0]
    y, length = runs.y - corner[runs.object, 1], runs.length
    x = (start + stop - 1) * length // 2
    xx = _squares(stop - 1) - _squares(start - 1)
    sums = np.zeros((6, len(corner)), np.int64)
    filled, first = np.unique(runs.object, return_index=True)
    if len(filled):
        for row, part in enumerate((length, x, y * length, xx, y * y * length, x * y)):
            sums[row, filled] = np.add.reduceat(part, first)
    return Moments(*sums)


def _squares(last: np.ndarray) -> np.ndarray:
    """0² + 1² + … + last²; 0 for -1."""
    return last * (last + 1) * (2 * last + 1) // 6


def fit_moments(sums: Moments, corner: np.ndarray, aspect: float = 1.0) -> Ellipses:
    """The ellipses with the given moments.

    Args:
        sums: of the pixels.
        corner: (n, 2) that the sums are relative to.
        aspect: width / height of a pixel. Where it is not 1 the axes and the angle are those in real space, in
            units of the square root of a pixel's area.
    """
    count = sums.count.astype(float)
    with np.errstate(all="ignore"):
        mean = np.where(count > 0, np.stack([sums.x, sums.y]) / count, 0.0)
        xx, yy = ((part + _TWELFTH * count) / count for part in (sums.xx, sums.yy))
        u20, u02, u11 = xx - mean[0] * mean[0], yy - mean[1] * mean[1], sums.xy / count - mean[0] * mean[1]
        u20, u02, u11 = (np.where(count > 0, part, 0.0) for part in (u20 * aspect, u02 / aspect, u11))
        major, minor, angle = _axes(u20, u02, u11, count)
    return Ellipses(major, minor, angle, corner[:, 0] + mean[0] + 0.5, corner[:, 1] + mean[1] + 0.5)


def _axes(u20: np.ndarray, u02: np.ndarray, u11: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, ...]:
    """Major, minor and angle from central moments, step by step as ``EllipseFitter.getEllipseParam``."""
    m4 = np.maximum(4.0 * np.abs(u02 * u20 - u11 * u11), _SMALL)
    a11, a12, a22 = u02 / m4, u11 / m4, u20 / m4
    difference = a11 - a22
    theta = 0.5 * np.arctan(2.0 * a12 / np.where(difference == 0, _SMALL, difference))
    theta = np.where(theta < 0, theta + _HALF_PI, theta)
    theta = np.where(a12 > 0, theta + _HALF_PI, theta)
    upright = (a12 == 0) & (a22 > a11)
    theta = np.where((a12 == 0) & (a11 != a22), _HALF_PI, theta)
    theta = np.where(upright, 0.0, theta)
    a11, a22 = np.where(upright, a22, a11), np.where(upright, a11, a22)
    sine = np.sin(theta)
    z = a12 * np.cos(theta) / np.where(sine == 0, _SMALL, sine)
    one, other = np.sqrt(1.0 / np.abs(a22 + z)), np.sqrt(1.0 / np.abs(a11 - z))
    scale = np.sqrt(count / (math.pi * one * other))
    one, other = one * scale * 2.0, other * scale * 2.0
    angle = 180.0 * theta / math.pi
    angle = np.where(angle == 180.0, 0.0, angle)
    swap = one < other
    return np.where(swap, other, one), np.where(swap, one, other), angle


def fit_boxes(box: np.ndarray, aspect: float = 1.0) -> Ellipses:
    """The ellipses of plain rectangles (n, 4): axes in the ratio of the sides; ``aspect`` as in :func:`fit_moments`."""
    x, y, width, height = box.T
    one, other = width * math.sqrt(aspect) * 2 / _SQRT_PI, height / math.sqrt(aspect) * 2 / _SQRT_PI
    tall = one < other
    angle = np.where(tall, 90.0, 0.0)
    return Ellipses(np.where(tall, other, one), np.where(tall, one, other), angle, x + width / 2.0, y + height / 2.0)


def fit(outline: Outlines, sums: Moments, clipped: np.ndarray, aspect: float = 1.0) -> Ellipses:
    """The ellipse of each shape as ImageJ's Measure has it: of the rectangle for RECT, of the pixels for others.

    Args:
        outline: the shapes.
        sums: of their pixels, relative to the corners of ``clipped``.
        clipped: (n, 4) their boxes, clipped to the image.
        aspect: as in :func:`fit_moments`.
    """
    of_pixels = fit_moments(sums, clipped[:, :2], aspect)
    # without a mask ImageJ fits the box: plain rectangles, and what lies wholly outside the image
    plain = (outline.of_type(RoiType.RECT) & ~rounded(outline)) | ~clipped.any(axis=1)
    of_box = fit_boxes(clipped, aspect)
    return Ellipses(
        *(
            np.where(plain, getattr(of_box, name), getattr(of_pixels, name))
            for name in ("major", "minor", "angle", "x", "y")
        )
    )


def filled_moments(outline: Outlines, sums: Moments, clipped: np.ndarray, width: int, height: int) -> Moments:
    """The moments with the holes of composite shapes filled (each subpath filled for itself).

    Args:
        outline: the shapes.
        sums: of their pixels, relative to the corners of ``clipped``.
        clipped: (n, 4) their boxes, clipped to the image.
        width: of the image.
        height: of the image.
    """
    starts = np.bincount(outline.owner[outline.codes == MOVE], minlength=len(outline))
    index = np.flatnonzero(outline.of_type(RoiType.COMPOSITE) & (starts > 1))
    if not len(index):
        return sums
    part = outlines(outline.shapes.take(index))
    runs = rasterise_outlines(part, (0, 0, width, height), holes=False).clipped(width, height)
    whole = moments(runs, clipped[index, :2])
    columns = {field.name: getattr(sums, field.name).copy() for field in fields(Moments)}
    for name, values in columns.items():
        values[index] = getattr(whole, name)
    return Moments(**columns)


def fitted_ellipses(instances: Instances, width: int, height: int) -> Instances:
    """The same objects with an ELLIPSE each, as ImageJ's Edit > Selection > Fit Ellipse draws it, holes filled.

    Args:
        instances: objects of an image.
        width: of the image in pixels; only the part of an object inside it counts.
        height: of the image in pixels.

    Returns:
        Instances with the same names, classes, scores and positions in the same order. An object without pixels
        in the image gets the ellipse that fits in its box.
    """
    outline = outlines(instances.shapes)
    clipped = clip_boxes(outline.box, width, height)
    runs = rasterise_outlines(outline, (0, 0, width, height)).clipped(width, height)
    sums = filled_moments(outline, moments(runs, clipped[:, :2]), clipped, width, height)
    empty = sums.count == 0
    ellipse, box = fit(outline, sums, clipped), fit_boxes(outline.box)
    major, minor, angle, x, y = (
        np.where(empty, scale * getattr(box, name), getattr(ellipse, name))
        for name, scale in (("major", _SQRT_PI / 2), ("minor", _SQRT_PI / 2), ("angle", 1), ("x", 1), ("y", 1))
    )
    dx = major * np.cos(angle / 180.0 * math.pi) / 2.0
    dy = -major * np.sin(angle / 180.0 * math.pi) / 2.0
    ratio = minor / np.where(major > 0, major, 1.0)
    params = np.stack([x - dx, y - dy, x + dx, y + dy, ratio], axis=1).astype(np.float32).astype(float)
    count = len(instances)
    shapes = Shapes(
        np.full(count, RoiType.ELLIPSE), np.full(count, True), params,
        np.empty((0, 2)), np.empty(0, np.uint8), np.zeros(count + 1, np.int64),
    )  # fmt: skip
    return instances.with_columns(shapes=shapes)
