"""Grey values: gain and offset, gamma, inversion."""

from __future__ import annotations

import math
from typing import ClassVar

import torch

from temj.training.augmentations.base import OfImage, Range


class Intensity(OfImage):
    """Gain and offset: other brightness, contrast, detector."""

    often: ClassVar[float] = 1.0
    ranges: ClassVar = {
        "gain": Range(math.exp(-0.3), math.exp(0.3), 0.1, 10, "times the contrast", ratio=True),
        "offset": Range(-0.4, 0.4, -5, 5, "standard deviations of the micrograph"),
    }

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """See :class:`OfImage`."""
        return (image * self.draw("gain")).add_(self.draw("offset"))


class Gamma(OfImage):
    """Grey values bent by a power law between 3 deviations below and above the mean; those beyond are cut off."""

    often: ClassVar[float] = 0.3
    ranges: ClassVar = {"exponent": Range(math.exp(-0.35), math.exp(0.35), 0.2, 5, "power", ratio=True)}

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """See :class:`OfImage`."""
        return (image + 3).div_(6).clamp_(0, 1).pow_(self.draw("exponent")).mul_(6).sub_(3)


class Inversion(OfImage):
    """Bright and dark exchanged, as Fresnel contrast does with the defocus; off where the polarity has a meaning."""

    often: ClassVar[float] = 0.0

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """See :class:`OfImage`."""
        return -image
