"""Resolution: defocus and coarser pixels."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch

from temj.opencv import opencv
from temj.training.augmentations.base import OfImage, Range
from temj.training.augmentations.maps import stacked
from temj.training.augmentations.table import COARSEST

cv2 = opencv()


class Blur(OfImage):
    """Gaussian blur: defocus, drift during the exposure."""

    often: ClassVar[float] = 0.18
    ranges: ClassVar = {"deviation": Range(0.4, 1.6, 0, 20, "pixels of the model")}

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """See :class:`OfImage`."""
        sigma = self.draw("deviation")
        # OpenCV's separable blur takes a tenth of the time of torchvision's, and gives the same (a test compares).
        side = 2 * math.ceil(4 * sigma) + 1
        border = cv2.BORDER_REFLECT_101
        planes = [cv2.GaussianBlur(plane, (side, side), sigma, borderType=border) for plane in image.numpy()]
        return torch.from_numpy(stacked(planes))


class Coarser(OfImage):
    """As if taken at a larger pixel size and enlarged again."""

    often: ClassVar[float] = 0.4
    ranges: ClassVar = {"factor": Range(1.3, COARSEST, 1, 20, "times the pixel size")}

    def image(self, image: torch.Tensor) -> torch.Tensor:
        """See :class:`OfImage`."""
        return torch.from_numpy(coarser(image.numpy(), self.draw("factor")))


def coarser(crop: np.ndarray, factor: float) -> np.ndarray:
    """A prepared crop (c, h, w) as it would look taken at ``factor`` times the pixel size and enlarged again.

    Averaging takes noise away, so that the whole micrograph would be normalised by a smaller deviation: with
    a variance of 1 before, what averaging took from the crop is what it takes from the micrograph.
    """
    size = crop.shape[2], crop.shape[1]
    small = tuple(max(round(side / factor), 1) for side in size)
    planes = []
    for plane in crop:
        again = cv2.resize(cv2.resize(plane, small, interpolation=cv2.INTER_AREA), size, interpolation=cv2.INTER_LINEAR)
        left = 1 - (_variance(plane) - _variance(again))
        again *= np.float32(1 / np.sqrt(min(max(left, 0.1), 1)))
        planes.append(again)
    return stacked(planes)


def _variance(plane: np.ndarray) -> float:
    """OpenCV's takes a tenth of the time of NumPy's."""
    return float(cv2.meanStdDev(plane)[1][0, 0]) ** 2
