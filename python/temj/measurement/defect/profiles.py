"""Grey values along the normals of ellipses, many ellipses at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.measurement.defect.ellipses import rim, scaled
from temj.opencv import opencv

REACH = 1.2
"""How far outside an ellipse is looked, in units of its minor semi-axis: a Gaussian spot has ended there."""
_LEAST_REACH, _MOST_REACH = 4.0, 48.0
STEP = 0.5
_LEAST_SAMPLES, _MOST_SAMPLES = 24, 112
_LEAST_DIRECTIONS, _MOST_DIRECTIONS = 48, 64
_MOST = 30_000
"""OpenCV takes no more rows, and no larger images, at once."""


@dataclass(frozen=True, eq=False)
class Profiles:
    """Grey values along the normals of n ellipses.

    Attributes:
        distance: (n, m) float64 from each ellipse's rim, negative inside; in pixels (of the mean side, where pixels
            are not square).
        grey: (n, directions, m) float32, NaN outside the image and beyond the major axis.
        points, normals: (n, directions, 2) where the rim is, and outwards; in the same lengths.
    """

    distance: np.ndarray
    grey: np.ndarray
    points: np.ndarray
    normals: np.ndarray


def directions_for(ellipses: np.ndarray) -> int:
    """How many directions suit ellipses of similar size: about as many as the largest has pixels on its rim."""
    return int(np.clip(4 * ellipses[:, 2].max(), _LEAST_DIRECTIONS, _MOST_DIRECTIONS)) // 8 * 8


def sample(
    pixels: np.ndarray,
    ellipses: np.ndarray,
    directions: int,
    aspect: tuple[float, float] = (1.0, 1.0),
    step: float = STEP,
) -> Profiles:
    """Read the profiles by cubic interpolation.

    Args:
        pixels: (h, w) float32, finite.
        ellipses: (n, 5) in lengths where pixels have the width and height ``aspect``; n >= 1, of similar size.
        directions: number of normals.
        aspect: width and height of a pixel, in units of their mean side.
        step: from one value to the next, at most, in those units (more where an ellipse is very large).
    """
    minor = ellipses[:, 3]
    reach = np.clip(REACH * minor, _LEAST_REACH, _MOST_REACH)
    count = int(np.clip((minor + reach).max() / step, _LEAST_SAMPLES, _MOST_SAMPLES)) + 1
    distance = -minor[:, None] + (minor + reach)[:, None] * np.linspace(0, 1, count)
    points, normals, inwards = rim(ellipses, directions)
    grey = _read(pixels, points / aspect, normals / aspect, distance)
    beyond = distance[:, None, :] < -inwards[..., None] - 1e-9
    np.copyto(grey, np.nan, where=beyond)
    return Profiles(distance, grey, points, normals)


def to_lengths(ellipses: np.ndarray, aspect: tuple[float, float]) -> np.ndarray:
    """Ellipses in pixel coordinates as ellipses in lengths of the mean pixel side."""
    return scaled(ellipses, *aspect)


def to_pixels(ellipses: np.ndarray, aspect: tuple[float, float]) -> np.ndarray:
    """The inverse of :func:`to_lengths`."""
    return scaled(ellipses, 1 / aspect[0], 1 / aspect[1])


def _read(pixels: np.ndarray, points: np.ndarray, normals: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Values (n, directions, m) float32 along normals, NaN outside; in parts that OpenCV can take.

    Args:
        pixels: (h, w) float32.
        points, normals: (n, directions, 2) in pixels.
        distance: (n, m) along the normals, ascending.
    """
    cv2 = opencv()
    size = np.array(pixels.shape[::-1])
    ends = points[:, :, None] + normals[:, :, None] * distance[:, None, [0, -1], None]
    first, last = ends.min(axis=(0, 1, 2)), ends.max(axis=(0, 1, 2))
    low = np.clip(np.floor(first) - 4, 0, size - 1).astype(int)
    high = np.clip(np.ceil(last) + 4, low + 1, size).astype(int)
    if len(points) > 1 and (points[..., 0].size > _MOST or (high - low).max() > _MOST):
        middle = len(points) // 2
        halves = slice(middle), slice(middle, None)
        return np.concatenate([_read(pixels, points[half], normals[half], distance[half]) for half in halves])
    shape = *points.shape[:2], distance.shape[1]
    # OpenCV has the centres of pixels at integers
    start, along = (points - low - 0.5).astype(np.float32), normals.astype(np.float32)
    away = distance.astype(np.float32)[:, None, :]
    x, y = (along[..., k, None] * away + start[..., k, None] for k in (0, 1))
    part = pixels[low[1] : high[1], low[0] : high[0]]
    maps = (each.reshape(-1, shape[2]) for each in (x, y))
    grey = cv2.remap(part, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).reshape(shape)
    if (first < 0).any() or (last > size).any():
        left, top = -0.5 - low
        right, bottom = size - low - 0.5
        np.copyto(grey, np.nan, where=(x < left) | (x > right) | (y < top) | (y > bottom))
    return grey
