"""Grey values along the normals of ellipses, many ellipses at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.measurement.defect.ellipses import rim, scaled
from temj.opencv import opencv

REACH = 1.2
"""How far outside an ellipse is looked, in units of its minor semi-axis: a Gaussian spot has ended there."""
_LEAST_REACH, _MOST_REACH = 4.0, 48.0
_STEP = 0.5
_LEAST_SAMPLES, _MOST_SAMPLES = 24, 112
_LEAST_DIRECTIONS, _MOST_DIRECTIONS = 48, 96
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
    pixels: np.ndarray, ellipses: np.ndarray, directions: int, aspect: tuple[float, float] = (1.0, 1.0)
) -> Profiles:
    """Read the profiles by cubic interpolation.

    Args:
        pixels: (h, w) float32, finite.
        ellipses: (n, 5) in lengths where pixels have the width and height ``aspect``; n >= 1, of similar size.
        directions: number of normals.
        aspect: width and height of a pixel, in units of their mean side.
    """
    minor = ellipses[:, 3]
    reach = np.clip(REACH * minor, _LEAST_REACH, _MOST_REACH)
    count = int(np.clip((minor + reach).max() / _STEP, _LEAST_SAMPLES, _MOST_SAMPLES)) + 1
    distance = -minor[:, None] + (minor + reach)[:, None] * np.linspace(0, 1, count)
    points, normals, inwards = rim(ellipses, directions)
    d = distance[:, None, :]
    x = (points[..., :1] + normals[..., :1] * d) / aspect[0]
    y = (points[..., 1:] + normals[..., 1:] * d) / aspect[1]
    grey = _remapped(pixels, x.reshape(-1, count), y.reshape(-1, count)).reshape(x.shape)
    height, width = pixels.shape
    outside = (x < 0) | (x > width) | (y < 0) | (y > height) | (d < -inwards[..., None] - 1e-9)
    grey[outside] = np.nan
    return Profiles(distance, grey, points, normals)


def to_lengths(ellipses: np.ndarray, aspect: tuple[float, float]) -> np.ndarray:
    """Ellipses in pixel coordinates as ellipses in lengths of the mean pixel side."""
    return scaled(ellipses, *aspect)


def to_pixels(ellipses: np.ndarray, aspect: tuple[float, float]) -> np.ndarray:
    """The inverse of :func:`to_lengths`."""
    return scaled(ellipses, 1 / aspect[0], 1 / aspect[1])


def _remapped(pixels: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Values (r, m) float32 at continuous coordinates; in parts of rows and of the image that OpenCV can take."""
    cv2 = opencv()
    low = np.clip([np.floor(x.min()) - 4, np.floor(y.min()) - 4], 0, np.array(pixels.shape[::-1]) - 1).astype(int)
    high = np.clip([np.ceil(x.max()) + 4, np.ceil(y.max()) + 4], low + 1, pixels.shape[::-1]).astype(int)
    if len(x) > 1 and (len(x) > _MOST or (high - low).max() > _MOST):
        middle = len(x) // 2
        return np.concatenate([_remapped(pixels, x[part], y[part]) for part in (slice(middle), slice(middle, None))])
    # OpenCV has the centres of pixels at integers
    across, down = (x - low[0] - 0.5).astype(np.float32), (y - low[1] - 0.5).astype(np.float32)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    return cv2.remap(part, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
