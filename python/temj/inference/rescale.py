"""Bringing a micrograph to the pixel size that a model was trained at, and its answer back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

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
        input_size: longer side to which the whole field was brought; None where it was not.
    """

    height: int
    width: int
    factor: tuple[float, float] = (1.0, 1.0)
    pixel_size: tuple[float, float] | None = None
    trained: float | None = None
    notes: tuple[str, ...] = ()
    input_size: int | None = None

    @property
    def linear(self) -> float:
        """Pixels of the micrograph per pixel of the network along a line (geometric mean of x and y)."""
        return 1 / math.sqrt(self.factor[0] * self.factor[1])


def plan_scale(micrograph: Micrograph, card: Card, input_size: int | None = None) -> Scale:
    """How this micrograph is brought to what this model was trained with.

    To its pixel size, x and y on their own, where both are known. Else the whole field is resized so that its longer
    side has ``input_size`` pixels, or as many as the card says. Else it stays as it is. The notes say which.
    """
    if card.pixel_size is not None and micrograph.calibration.nm is not None:
        scale = _to_pixel_size(micrograph, card.pixel_size.nm)
        if input_size is None:
            return scale
        note = f"the input size of {input_size} px is not used: image and model both have a pixel size"
        return replace(scale, notes=(*scale.notes, note))
    chosen = input_size or card.input.size
    if card.pixel_size is None:
        reason, trained = "the model has no pixel size", None
    else:
        reason, trained = "pixel size unknown", card.pixel_size.nm[0]
    end = ", results in pixels" if micrograph.calibration.nm is None else ""
    plain = Scale(
        micrograph.height, micrograph.width, pixel_size=micrograph.calibration.nm, trained=trained,
        notes=(f"{reason}: predicted unscaled{end}",),
    )  # fmt: skip
    if chosen is None:
        return plain
    return _to_input_size(plain, chosen, f"{reason}: ", "given" if input_size else "that of the model", end)


def _to_input_size(plain: Scale, size: int, reason: str, whose: str, end: str) -> Scale:
    """The whole field resized so that its longer side has ``size`` pixels."""
    longer = max(plain.height, plain.width)
    height, width = (max(1, round(side * size / longer)) for side in (plain.height, plain.width))
    if (height, width) == (plain.height, plain.width):
        return replace(plain, input_size=size)
    note = f"{reason}whole field resized from {plain.width} x {plain.height} to {width} x {height} px (input size "
    note += f"{size}, {whose}){end}"
    return replace(
        plain, height=height, width=width, factor=(width / plain.width, height / plain.height), notes=(note,),
        input_size=size,
    )  # fmt: skip


def _to_pixel_size(micrograph: Micrograph, model: tuple[float, float, float]) -> Scale:
    """At the model's pixel size; ``model`` is (trained, smallest, largest), all known."""
    height, width, size = micrograph.height, micrograph.width, micrograph.calibration.nm
    trained, smallest, largest = model
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
