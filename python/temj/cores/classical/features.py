"""What a pixel classifier knows of a pixel: grey values and their derivatives at several scales.

In two parts, so that a large image can be cut into tiles without a seam: :func:`scale_space` smooths the whole
micrograph, which needs wide surroundings; :func:`features` makes the rest from it, for which :data:`REACH` pixels
around are enough.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from temj.cores.classical.fields import gaussian
from temj.opencv import opencv

REACH = 13
"""Pixels around a pixel that :func:`features` looks at."""
_TENSOR_DEVIATION = 3.0
"""Of the Gaussian over which the structure tensor is averaged; cut off at 4 deviations."""
_TENSOR_SCALES = 2
"""Scales, from the finest, at which the structure tensor is computed."""
PER_SCALE = ("gaussian", "gradient", "laplacian", "hessian largest", "hessian smallest")
_PER_TENSOR = ("structure largest", "structure smallest")


def feature_names(scales: Sequence[float]) -> tuple[str, ...]:
    """What :func:`features` gives for each input channel, in order, such as ``gradient 2.8``."""
    names = [f"{name} {scale:g}" for scale in scales for name in PER_SCALE]
    names += [f"{name} {scale:g}" for scale in scales[:_TENSOR_SCALES] for name in _PER_TENSOR]
    return (*names, *(f"difference {fine:g}-{wide:g}" for fine, wide in itertools.pairwise(scales)))


def scale_space(planes: np.ndarray, scales: Sequence[float]) -> np.ndarray:
    """Planes (c, h, w) float32 → each smoothed by Gaussians of these deviations in pixels: float32 (c * s, h, w)."""
    return np.stack([gaussian(plane, scale) for plane in planes for scale in scales])


def features(smooth: np.ndarray, scales: Sequence[float]) -> np.ndarray:
    """What is known of each pixel.

    Per scale: the smoothed value, the length of its gradient, Laplacian, and both eigenvalues of the Hessian matrix;
    at the two finest scales both eigenvalues of the structure tensor; between scales the difference of Gaussians.
    Derivatives are central differences, multiplied by the scale once (gradient) or twice, so that they compare over
    scales (Lindeberg 1998, Int. J. Comput. Vis. 30, 79).

    Args:
        smooth: float32 (s, h, w), one channel of :func:`scale_space`.
        scales: the s deviations.

    Returns:
        float32 (f, h, w), in the order of :func:`feature_names`.
    """
    found, tensors = [], []
    for plane, scale in zip(smooth, scales, strict=True):
        padded = np.pad(plane, 1, mode="edge")
        along_x = (padded[1:-1, 2:] - padded[1:-1, :-2]) * np.float32(scale / 2)
        along_y = (padded[2:, 1:-1] - padded[:-2, 1:-1]) * np.float32(scale / 2)
        square = np.float32(scale * scale)
        xx = (padded[1:-1, 2:] + padded[1:-1, :-2] - 2 * plane) * square
        yy = (padded[2:, 1:-1] + padded[:-2, 1:-1] - 2 * plane) * square
        xy = (padded[2:, 2:] + padded[:-2, :-2] - padded[2:, :-2] - padded[:-2, 2:]) * (square / 4)
        found += [plane, np.sqrt(along_x * along_x + along_y * along_y), xx + yy, *_eigenvalues(xx, yy, xy)]
        if len(tensors) < 2 * _TENSOR_SCALES:
            products = (along_x * along_x, along_y * along_y, along_x * along_y)
            tensors += _eigenvalues(*(_averaged(product) for product in products))
    return np.stack([*found, *tensors, *(fine - wide for fine, wide in itertools.pairwise(smooth))])


def _averaged(plane: np.ndarray) -> np.ndarray:
    cv2, side = opencv(), 2 * int(4 * _TENSOR_DEVIATION) + 1
    return cv2.GaussianBlur(plane, (side, side), _TENSOR_DEVIATION, borderType=cv2.BORDER_REFLECT)


def _eigenvalues(xx: np.ndarray, yy: np.ndarray, xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Larger and smaller eigenvalue of the symmetric matrices ((xx, xy), (xy, yy))."""
    middle, half = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
    return middle + half, middle - half
