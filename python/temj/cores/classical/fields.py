"""What a threshold is applied to: a micrograph smoothed, and flattened by subtracting its background."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from temj.opencv import opencv

_COARSE = 4.0
"""Deviation in pixels of the reduced image, at which a wide background is computed."""


@dataclass(frozen=True, eq=False)
class FlatField:
    """A micrograph ready for a threshold.

    Attributes:
        values: float32 (h, w), finite.
        known: bool (h, w), the analysed pixels; others hold the mean of these.
        bytes_as_read: whether the values are whole numbers from 0 to 255, as in an 8-bit image left as it was.
    """

    values: np.ndarray
    known: np.ndarray
    bytes_as_read: bool

    @functools.cached_property
    def inside(self) -> np.ndarray:
        """(n,) float32, the analysed values."""
        return self.values[self.known]

    @functools.cached_property
    def spread(self) -> float:
        """Standard deviation of the analysed values; 0 where there is no contrast."""
        if not self.inside.size:
            return 0.0
        spread, mean = float(self.inside.std(dtype=np.float64)), float(self.inside.mean(dtype=np.float64))
        return spread if spread > 1e-6 * abs(mean) else 0.0

    @functools.cached_property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest analysed value."""
        return float(self.inside.min()), float(self.inside.max())

    @functools.cached_property
    def edges(self) -> np.ndarray:
        """(257,) float64, the edges of the 256 levels that the analysed values are counted in.

        Those of an 8-bit image lie between its grey values; others go from the smallest to the largest value.
        """
        return np.arange(257) - 0.5 if self.bytes_as_read else np.linspace(*self.limits, 257)

    @functools.cached_property
    def histogram(self) -> np.ndarray:
        """(256,) int64, analysed pixels in each level."""
        if self.bytes_as_read:
            return np.bincount(self.inside.astype(np.uint8), minlength=256)
        return np.histogram(self.inside, 256, self.limits)[0]


def flat_field(pixels: np.ndarray, blur: float, background: float) -> FlatField:
    """Smooth and flatten a micrograph.

    Args:
        pixels: (h, w), any real dtype; not finite where it is not analysed.
        blur: deviation in pixels of the Gaussian that smooths it; 0 for none.
        background: deviation in pixels of the Gaussian that gives the background, which is subtracted; 0 for none.

    Returns:
        The field, in grey values.
    """
    known = np.isfinite(pixels) if pixels.dtype.kind == "f" else np.ones(pixels.shape, bool)
    values = pixels.astype(np.float32)
    whole = known.all()
    if not whole:
        values[~known] = values[known].mean(dtype=np.float64) if known.any() else 0
    if blur:
        values = gaussian(values, blur)
    if background:
        values = values - _wide_gaussian(values, known, background)
    bytes_as_read = not blur and not background and _are_bytes(pixels, values[known])
    return FlatField(values, known, bytes_as_read)


def _are_bytes(pixels: np.ndarray, values: np.ndarray) -> bool:
    if pixels.dtype == np.uint8:
        return True
    return bool(values.size) and 0 <= values.min() <= values.max() <= 255 and bool((values == np.rint(values)).all())


def gaussian(values: np.ndarray, deviation: float) -> np.ndarray:
    """A float32 plane smoothed by a Gaussian cut off at 4 deviations; mirrored at the edge of the image."""
    cv2 = opencv()
    side = 2 * math.ceil(4 * deviation) + 1
    return cv2.GaussianBlur(values, (side, side), deviation, borderType=cv2.BORDER_REFLECT)


def _wide_gaussian(values: np.ndarray, known: np.ndarray, deviation: float) -> np.ndarray:
    """The mean of the analysed values around each pixel, weighted by a Gaussian; computed on a reduced image."""
    cv2 = opencv()
    factor = max(1, int(deviation / _COARSE))
    height, width = values.shape
    size = max(1, round(width / factor)), max(1, round(height / factor))
    weights = known.astype(np.float32)
    smooth = [
        gaussian(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), deviation * size[0] / width)
        for plane in (values * weights, weights)
    ]
    mean = smooth[0] / np.maximum(smooth[1], 1e-6)
    return cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR) if factor > 1 else mean
