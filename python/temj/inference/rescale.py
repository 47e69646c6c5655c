"""Bringing a micrograph to the pixel size that a model was trained at, and its answer back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.data import Micrograph
from temj.models.card import Card
from temj.opencv import opencv

NEAR = 0.01
"""Pixel sizes that differ by less than this fraction are taken as equal: resampling would only blur."""


@dataclass(frozen=True)
class Scale:
    """How a micrograph is brought to the model's pixel size.

    Attributes:
        height, width: of the image that the network sees.
        factor: (x, y), pixels of the network per pixel of the micrograph; (1, 1) where it stays as it is.
        pixel_size: (width, height) of the micrograph's pixel in nm; None where it is not known.
        trained: the model's pixel size in nm; None where the model has none.
        notes: what was done, for the user.
    """

    height: int
    width: int
    factor: tuple[float, float] = (1.0, 1.0)
    pixel_size: tuple[float, float] | None = None
    trained: float | None = None
    notes: tuple[str, ...] = ()


def plan_scale(micrograph: Micrograph, card: Card) -> Scale:
    """How this micrograph is brought to this model's pixel size; x and y on their own."""
    height, width, size = micrograph.height, micrograph.width, micrograph.calibration.nm
    if card.pixel_size is None:
        return Scale(height, width, pixel_size=size, notes=("the model has no pixel size: predicted unscaled",))
    trained, smallest, largest = card.pixel_size.nm
    if size is None:
        note = "pixel size unknown: predicted unscaled, results in pixels"
        return Scale(height, width, trained=trained, notes=(note,))
    notes = []
    if not all(smallest * (1 - NEAR) <= side <= largest * (1 + NEAR) for side in size):
        notes.append(
            f"WARNING: pixel size {_size(size)} nm is outside {smallest:.4g} to {largest:.4g} nm, "
            "for which the model was tried: check what it found"
        )
    factor = (size[0] / trained, size[1] / trained)
    if all(abs(value - 1) < NEAR for value in factor):
        return Scale(height, width, pixel_size=size, trained=trained, notes=tuple(notes))
    notes.insert(0, f"rescaled from {_size(size)} to {trained:.6g} nm/px (factor {_size(factor)})")
    return Scale(
        max(1, round(height * factor[1])), max(1, round(width * factor[0])), factor, size, trained, tuple(notes)
    )


def _size(pair: tuple[float, float]) -> str:
    """``0.39`` or, where the two differ, ``0.39x0.41``."""
    return "x".join(dict.fromkeys(f"{value:.6g}" for value in pair))


def resample(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image (h, w) at another size; pixel edges stay on pixel edges.

    Smaller: the mean over the area of each new pixel; larger: linear. An axis each, so that an image can shrink
    along one and grow along the other.

    Args:
        image: float32.
        height, width: of the result.
    """
    cv2 = opencv()
    small = min(height, image.shape[0]), min(width, image.shape[1])
    if small != image.shape:
        image = cv2.resize(image, small[::-1], interpolation=cv2.INTER_AREA)
    if (height, width) != small:
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    return image


def resample_all(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """:func:`resample` of an image (h, w), or of each of several (n, h, w)."""
    if images.ndim == 2:
        return resample(images, height, width)
    return np.stack([resample(image, height, width) for image in images])
