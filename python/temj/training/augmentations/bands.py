"""Uneven grey values: shading, bend contours, scan bands."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch

from temj.opencv import opencv
from temj.training.augmentations.base import OfImage, Range, uniform

cv2 = opencv()


class Shading(OfImage):
    """A smooth field added: uneven thickness, illumination, bending."""

    often: ClassVar[float] = 0.5
    ranges: ClassVar = {"strength": Range(0, 0.5, 0, 3, "standard deviations of the micrograph")}

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """See :class:`OfImage`."""
        return smooth_field(image.shape[1:], (2, 6)).mul_(self.draw("strength")) + image


class Bands(OfImage):
    """Bend contours: sinusoidal bands of any direction, curved, that fade out along the field."""

    often: ClassVar[float] = 0.0
    ranges: ClassVar = {
        "strength": Range(0.1, 0.6, 0, 3, "standard deviations of the micrograph"),
        "wavelength": Range(0.4, 2.0, 0.05, 10, "sides of the crop"),
    }

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """See :class:`OfImage`."""
        height, width = image.shape[1:]
        direction = uniform(0, 2 * math.pi)
        wave = 2 * math.pi / (self.draw("wavelength") * max(height, width))
        x = torch.arange(width, dtype=torch.float32) * (wave * math.cos(direction))
        y = torch.arange(height, dtype=torch.float32)[:, None] * (wave * math.sin(direction))
        shape = (height, width)
        phase = x + y + smooth_field(shape, (2, 4)) + uniform(0, 2 * math.pi)
        fading = smooth_field(shape, (2, 4)).sigmoid_()
        return image + phase.sin_().mul_(fading).mul_(math.sqrt(2) * self.draw("strength"))


class Scan(OfImage):
    """Bands along the fast scan direction (x) that come and go: mains and scan noise of scanning microscopes."""

    often: ClassVar[float] = 0.0
    ranges: ClassVar = {
        "strength": Range(0.05, 0.2, 0, 3, "standard deviations of the micrograph"),
        "period": Range(3, 24, 2, 1000, "pixels", ratio=True),
    }

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """See :class:`OfImage`."""
        rows = torch.arange(image.shape[1], dtype=torch.float32)[:, None]
        phase = rows * (2 * math.pi / self.draw("period")) + uniform(0, 2 * math.pi)
        # it comes and goes during the scan
        coming = smooth_field((image.shape[1], 1), (3, 9)).sigmoid_()
        return image + phase.sin_().mul_(coming).mul_(math.sqrt(2) * self.draw("strength"))


def smooth_field(shape: tuple[int, int], cells: tuple[int, int]) -> torch.Tensor:
    """A smooth random field (h, w) float32 of deviation about 1, from a grid of ``cells`` (least, most - 1) nodes."""
    nodes = torch.randn(*torch.randint(*cells, (2,)).tolist()).numpy()
    if shape[1] == 1:
        nodes = nodes[:, :1]
    return torch.from_numpy(cv2.resize(np.ascontiguousarray(nodes), tuple(shape)[::-1], interpolation=cv2.INTER_CUBIC))
