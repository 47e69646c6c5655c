"""The crop around a detected box: grey values, and which of its pixels are rim, box and middle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from temj.data import RoiType, Shapes
from temj.errors import BadValue
from temj.opencv import opencv

_LONGEST = 160
"""A larger crop is looked at with fewer pixels; edges are measured on the full image afterwards."""
_NEAR = 1.15
_FARTHEST = 1e6


def box_rows(shapes: Shapes) -> np.ndarray:
    """Boxes (n, 5) float64: centre x, y, length, width, turn of the length (radians from x towards y).

    The length of a RECT is its side along x.

    Raises:
        BadValue: a shape that is no box, or a box without size or with numbers that are not finite.
    """
    kinds = shapes.roi_type
    strange = np.flatnonzero(~np.isin(kinds, (RoiType.RECT, RoiType.ROTATED_RECT)))
    if len(strange):
        raise BadValue(
            "box", where=f"object {strange[0] + 1}", expected="a rectangle or a rotated rectangle",
            found=RoiType(kinds[strange[0]]).name,
        )  # fmt: skip
    one, two, three, four, five = shapes.params.T
    upright = kinds == RoiType.RECT
    with np.errstate(invalid="ignore", over="ignore"):
        dx, dy = three - one, four - two
        rows = np.where(
            upright,
            np.stack([one + three / 2, two + four / 2, three, four, np.zeros(len(shapes))]),
            np.stack([(one + three) / 2, (two + four) / 2, np.hypot(dx, dy), five, np.arctan2(dy, dx)]),
        ).T
        sound = np.isfinite(rows).all(axis=1) & (np.abs(rows) <= _FARTHEST).all(axis=1) & (rows[:, 2:4] > 0).all(axis=1)
    for row in np.flatnonzero(~sound)[:1]:
        raise BadValue(
            "box", where=f"object {row + 1}", found=", ".join(f"{value:g}" for value in shapes.params[row, :5]),
            expected="a box with a size, of finite numbers up to 1,000,000",
        )  # fmt: skip
    return rows


@dataclass(frozen=True, eq=False)
class Crop:
    """A part of the image around a box.

    Attributes:
        grey: (h, w) float32, smoothed.
        zone, box: (h, w) bool, the enlarged box and the box.
        core, near: (h, w) bool, the ellipse that fits in the box, and a somewhat larger one.
        corner: x and y of the crop's upper left corner in the image.
        factor: pixels of the crop for each pixel of the image, <= 1.
        at_border: whether the crop ends at the image's left, upper, right, lower border.
    """

    grey: np.ndarray
    zone: np.ndarray
    box: np.ndarray
    core: np.ndarray
    near: np.ndarray
    corner: tuple[int, int]
    factor: float
    at_border: tuple[bool, bool, bool, bool]


def cut(pixels: np.ndarray, box: np.ndarray, margins: tuple[float, float], smoothing: float) -> Crop | None:
    """The crop of one box.

    Args:
        pixels: (h, w), finite.
        box: (5,) as :func:`box_rows` gives it.
        margins: pixels added on each side along the length and along the width.
        smoothing: sd in pixels.

    Returns:
        None where less than three pixels of it lie in the image.
    """
    cv2 = opencv()
    height, width = pixels.shape
    enlarged = _corners(box, margins)
    low = np.clip(np.floor(enlarged.min(axis=0)), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(enlarged.max(axis=0)), 0, (width, height)).astype(int)
    if (high - low < 3).any():
        return None
    grey = pixels[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    factor = min(1.0, _LONGEST / max(grey.shape))
    if factor < 1:
        grey = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    sd = min(smoothing, 0.1 * float(box[2:4].min())) * factor
    if sd > 0.2:
        grey = cv2.GaussianBlur(grey, (0, 0), sd)
    masks = [_filled(grey.shape, (_corners(box, each) - low) * factor) for each in (margins, (0.0, 0.0))]
    ellipses = [_ellipse(grey.shape, (box[:2] - low) * factor, box[2:4] * factor * part, box[4]) for part in (1, _NEAR)]
    border = (low[0] == 0, low[1] == 0, high[0] == width, high[1] == height)
    return Crop(grey, *masks, *ellipses, (int(low[0]), int(low[1])), factor, tuple(map(bool, border)))


def _corners(box: np.ndarray, margins: tuple[float, float]) -> np.ndarray:
    """(4, 2) corners of an enlarged box."""
    x, y, length, width, turn = box
    along = np.array([math.cos(turn), math.sin(turn)]) * (length / 2 + margins[0])
    across = np.array([-math.sin(turn), math.cos(turn)]) * (width / 2 + margins[1])
    return np.array([x, y]) + np.stack([along + across, along - across, -along - across, across - along])


def _ellipse(shape: tuple[int, int], centre: np.ndarray, axes: np.ndarray, turn: float) -> np.ndarray:
    """(h, w) bool, the pixels of an ellipse with the given full axes."""
    cv2 = opencv()
    mask = np.zeros(shape, np.uint8)
    across = tuple(np.maximum(axes, 1.0).tolist())
    cv2.ellipse(mask, (tuple((centre - 0.5).tolist()), across, math.degrees(turn)), 1, -1)
    return mask > 0


def _filled(shape: tuple[int, int], corners: np.ndarray) -> np.ndarray:
    cv2 = opencv()
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, np.rint((corners - 0.5) * 16).astype(np.int32), 1, cv2.LINE_8, 4)
    return mask > 0
