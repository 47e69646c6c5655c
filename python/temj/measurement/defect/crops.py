"""The crop around a detected box: grey values, and which of its pixels are rim, box and middle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from temj.data import RoiType, Shapes
from temj.errors import BadValue
from temj.opencv import opencv

_LONGEST = 160
"""A larger crop is looked at with fewer pixels; edges are measured on the full image afterwards."""
_NEAR = 1.15
_FARTHEST = 1e6
_LEAST_SIDE = 3
_LEAST_RIM = 10
_LEAST_SD = 0.2


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
        level, spread: median of the rim, which is what the enlarged box has more, and the median deviation from it.
        corner: x and y of the crop's upper left corner in the image.
        factor: pixels of the crop for each pixel of the image, <= 1.
        at_border: whether the crop ends at the image's left, upper, right, lower border.
    """

    grey: np.ndarray
    zone: np.ndarray
    box: np.ndarray
    core: np.ndarray
    near: np.ndarray
    level: float
    spread: float
    corner: tuple[int, int]
    factor: float
    at_border: tuple[bool, bool, bool, bool]


def cut(pixels: np.ndarray, box: np.ndarray, margins: np.ndarray, smoothing: float) -> Iterator[Crop | None]:
    """The crops of boxes, one by one.

    Args:
        pixels: (h, w) float32, finite.
        box: (n, 5) as :func:`box_rows` gives it.
        margins: (n, 2) pixels added on each side along the length and along the width.
        smoothing: sd in pixels.

    Yields:
        None where less than three pixels of the crop lie in the image.
    """
    size = np.array(pixels.shape[::-1])
    enlarged, plain = _corners(box, margins), _corners(box, np.zeros((len(box), 2)))
    low = np.clip(np.floor(enlarged.min(axis=1)), 0, size).astype(int)
    high = np.clip(np.ceil(enlarged.max(axis=1)), 0, size).astype(int)
    border = np.concatenate([low == 0, high == size], axis=1).tolist()
    sd = np.minimum(smoothing, 0.1 * box[:, 2:4].min(axis=1)).tolist()
    corners = np.stack([enlarged, plain], axis=1) - low[:, None, None]
    ellipses = np.concatenate([box[:, :2] - low, box[:, 2:4], np.degrees(box[:, 4:])], axis=1).tolist()
    for index, ((left, top), (right, bottom)) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        if right - left < _LEAST_SIDE or bottom - top < _LEAST_SIDE:
            yield None
            continue
        grey, factor = _scaled_down(pixels[top:bottom, left:right], sd[index])
        zone, inner = (_filled(grey.shape, each) for each in _fixed_point(corners[index], factor))
        core, near = (_ellipse(grey.shape, ellipses[index], factor, part) for part in (1.0, _NEAR))
        yield Crop(grey, zone, inner, core, near, *_rim_of(grey, zone, inner), (left, top), factor, border[index])


def quantile(values: np.ndarray, share: float) -> float:
    """Of (n,) float32, n >= 1; as ``numpy.quantile``, in a tenth of its time for the few values of a crop."""
    place = share * (len(values) - 1)
    low = int(place)
    ranked = np.partition(values, (low, min(low + 1, len(values) - 1)))
    first = float(ranked[low])
    return first if place == low else first + (place - low) * (float(ranked[low + 1]) - first)


def _scaled_down(grey: np.ndarray, sd: float) -> tuple[np.ndarray, float]:
    """Grey values, with fewer pixels where there are many, smoothed; and the factor of their sides."""
    cv2 = opencv()
    factor = min(1.0, _LONGEST / max(grey.shape))
    if factor < 1:
        grey = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return (cv2.GaussianBlur(grey, (0, 0), sd * factor) if sd * factor > _LEAST_SD else grey.copy()), factor


def _rim_of(grey: np.ndarray, zone: np.ndarray, box: np.ndarray) -> tuple[float, float]:
    """Median of the rim, and the median deviation from it."""
    values = grey[zone > box]
    if len(values) < _LEAST_RIM:
        values = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    level = quantile(values, 0.5)
    return level, quantile(np.abs(values - np.float32(level)), 0.5)


def _corners(box: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """(n, 4, 2) corners of enlarged boxes."""
    x, y, length, width, turn = box.T
    along = np.stack([np.cos(turn), np.sin(turn)], axis=1) * (length / 2 + margins[:, 0])[:, None]
    across = np.stack([-np.sin(turn), np.cos(turn)], axis=1) * (width / 2 + margins[:, 1])[:, None]
    middle = np.stack([x, y], axis=1)
    return middle[:, None] + np.stack([along + across, along - across, -along - across, across - along], axis=1)


def _fixed_point(corners: np.ndarray, factor: float) -> np.ndarray:
    """Corners (…, 2) as OpenCV draws them: the centres of pixels at whole numbers, in sixteenths."""
    return np.rint((corners * factor - 0.5) * 16).astype(np.int32)


def _filled(shape: tuple[int, int], corners: np.ndarray) -> np.ndarray:
    cv2 = opencv()
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, corners, 1, cv2.LINE_8, 4)
    return mask.view(bool)


def _ellipse(shape: tuple[int, int], ellipse: list[float], factor: float, part: float) -> np.ndarray:
    """(h, w) bool, the pixels of an ellipse (centre, full axes, degrees) whose axes are multiplied by ``part``."""
    cv2 = opencv()
    x, y, length, width, angle = ellipse
    mask = np.zeros(shape, np.uint8)
    axes = max(length * factor * part, 1.0), max(width * factor * part, 1.0)
    cv2.ellipse(mask, ((x * factor - 0.5, y * factor - 0.5), axes, angle), 1, -1)
    return mask.view(bool)
