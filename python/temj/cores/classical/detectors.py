"""scikit-image's blob detectors by name, with the response of each blob."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SCALES = 8
"""Sizes that are tried between the smallest and the largest (``dog`` takes steps of 1.6 instead)."""
_STEP = 1.6
_ALL = 1.0
"""Overlap at which scikit-image drops nothing: it would keep the larger of two, we keep the stronger."""


@dataclass(frozen=True, eq=False)
class Discs:
    """Round objects: the pixel (y, x) in the middle, int64 (n,); radius in pixels, response, float64 (n,)."""

    y: np.ndarray
    x: np.ndarray
    radius: np.ndarray
    response: np.ndarray

    def take(self, which: np.ndarray) -> Discs:
        """Some of them, by a mask or by indices."""
        return Discs(self.y[which], self.x[which], self.radius[which], self.response[which])


def _laplacian(values: np.ndarray, sigma: float) -> np.ndarray:
    from scipy.ndimage import gaussian_laplace

    return -(sigma**2) * gaussian_laplace(values, sigma)


def _difference(values: np.ndarray, sigma: float) -> np.ndarray:
    from skimage.filters import gaussian

    fine, wide = (gaussian(values, deviation, mode="reflect") for deviation in (sigma, sigma * _STEP))
    return (fine - wide) / (_STEP - 1)


def _hessian(values: np.ndarray, sigma: float) -> np.ndarray:
    from skimage.feature import hessian_matrix_det

    return hessian_matrix_det(values, sigma)


def _log(values: np.ndarray, low: float, high: float, weakest: float) -> np.ndarray:
    from skimage.feature import blob_log

    return blob_log(values, low, high, SCALES, threshold=weakest, overlap=_ALL, log_scale=True)


def _dog(values: np.ndarray, low: float, high: float, weakest: float) -> np.ndarray:
    from skimage.feature import blob_dog

    return blob_dog(values, low, high, sigma_ratio=_STEP, threshold=weakest, overlap=_ALL)


def _doh(values: np.ndarray, low: float, high: float, weakest: float) -> np.ndarray:
    from skimage.feature import blob_doh

    return blob_doh(values, low, high, SCALES, threshold=weakest, overlap=_ALL, log_scale=True)


@dataclass(frozen=True)
class _Detector:
    """``find(values, smallest sigma, largest sigma, weakest response)`` → (n, 3) y, x, sigma; ``response`` of an
    image at a sigma; ``radius`` of a disc for the sigma at which its response is highest."""

    find: Callable[..., np.ndarray]
    response: Callable[[np.ndarray, float], np.ndarray]
    radius: float


DETECTORS = {
    "log": _Detector(_log, _laplacian, float(np.sqrt(2))),
    "dog": _Detector(_dog, _difference, float(np.sqrt(2 * _STEP))),  # between its two deviations
    "doh": _Detector(_doh, _hessian, 1.0),
}
"""name -> scikit-image's ``blob_<name>`` (Lindeberg 1998; ``doh`` with the box filters of Bay et al. 2008)."""


def detect(method: str, values: np.ndarray, sizes: tuple[float, float], weakest: float, overlap: float) -> Discs:
    """Bright discs.

    Args:
        method: a name of :data:`DETECTORS`.
        values: float32 (h, w), about 0 in the mean and 1 in deviation.
        sizes: smallest and largest diameter in pixels.
        weakest: least response.
        overlap: of two discs that share more than this part of the smaller one the weaker is dropped.

    Returns:
        The discs, the strongest first; for ``doh``, which does not tell bright from dark, only bright ones.
    """
    detector = DETECTORS[method]
    low, high = (max(size / 2 / detector.radius, 0.5) for size in sizes)
    if not values.any():
        return Discs(*np.zeros((2, 0), np.int64), *np.zeros((2, 0)))
    # Just one size: the detectors want two.
    found = detector.find(values, low, max(high, low * 1.01), weakest).reshape(-1, 3)
    y, x = found[:, :2].astype(np.int64).T
    response, bright = np.zeros((2, len(found)))
    for sigma in np.unique(found[:, 2]):
        here = found[:, 2] == sigma
        response[here] = detector.response(values, float(sigma))[y[here], x[here]]
        bright[here] = response[here] if method != "doh" else _laplacian(values, float(sigma))[y[here], x[here]]
    discs = Discs(y, x, found[:, 2] * detector.radius, response)
    kept = (bright > 0) & (response > 0)
    return _apart(discs.take(kept).take(np.argsort(-response[kept], kind="stable")), overlap)


def _apart(discs: Discs, overlap: float) -> Discs:
    """The discs, the strongest first, without those that share too much with a stronger one that stays.

    So those above some response do not depend on which weaker ones were looked for.
    """
    kept = np.zeros(len(discs.y), bool)
    for number in range(len(kept)):
        there = discs.take(np.flatnonzero(kept[:number]))
        distance = np.hypot(there.y - discs.y[number], there.x - discs.x[number])
        kept[number] = not (_shared(distance, there.radius, discs.radius[number]) > overlap).any()
    return discs.take(kept)


def _shared(distance: np.ndarray, first: np.ndarray, second: float) -> np.ndarray:
    """The part of the smaller of two discs that lies in both, by the area of the lens."""
    small, large = np.minimum(first, second), np.maximum(first, second)
    distance = np.clip(distance, np.maximum(large - small, 1e-9), small + large)
    along = (distance**2 + small**2 - large**2) / (2 * distance)
    lens = small**2 * np.arccos(np.clip(along / small, -1, 1))
    lens += large**2 * np.arccos(np.clip((distance - along) / large, -1, 1))
    lens -= distance * np.sqrt(np.maximum(small**2 - along**2, 0))
    return lens / (np.pi * small**2)
