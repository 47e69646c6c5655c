"""Noise of electrons and of the detector."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch

from temj.cores.channels import Channels
from temj.training.augmentations.base import OfImage, Range

GRAY = Channels("gray")


class Noisy(OfImage):
    """Noise as the grey values have it, and as each channel of a recipe shows it."""

    channels: Channels = GRAY
    """The recipe of the input channels; :class:`Pipeline` sets it."""

    @abstractmethod
    def of_grey(self, grey: torch.Tensor) -> torch.Tensor:
        """What is added to grey values (n, h, w); for one plane, or for each detector."""

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """See :class:`OfImage`."""
        if self.channels.independent or len(image) == 1:
            return self.of_grey(image).add_(image)
        added = self.of_grey(image[:1])
        return image + torch.from_numpy(self.channels.spread(added[0].numpy()))


class Noise(Noisy):
    """White Gaussian noise: read-out, amplifier."""

    often: ClassVar[float] = 0.5
    ranges: ClassVar = {"deviation": Range(0, 0.4, 0, 5, "standard deviations of the micrograph")}

    def of_grey(self, grey: torch.Tensor) -> torch.Tensor:
        """See :class:`Noisy`."""
        return torch.randn(grey.shape).mul_(self.draw("deviation"))


class Poisson(Noisy):
    """Shot noise: more of it where it is bright.

    A micrograph of relative contrast k (deviation / mean) has grey values 1 + k x in units of its mean; the number of
    electrons a pixel follows from the deviation asked for at the mean grey value, n = 1 / (k deviation)^2.
    """

    often: ClassVar[float] = 0.0
    ranges: ClassVar = {
        "deviation": Range(0.1, 0.4, 0.01, 2, "standard deviations of the micrograph, at its mean"),
        "contrast": Range(0.1, 0.3, 0.02, 1, "deviation / mean of the grey values"),
    }

    def of_grey(self, grey: torch.Tensor) -> torch.Tensor:
        """See :class:`Noisy`."""
        contrast = self.draw("contrast")
        electrons = 1 / (contrast * self.draw("deviation")) ** 2
        expected = (1 + contrast * grey).clamp_(min=0) * electrons
        return (torch.poisson(expected) - expected) / (electrons * contrast)
