"""A micrograph as the detectors look at it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from temj.opencv import opencv

if TYPE_CHECKING:
    from temj.area.letters import Mark
    from temj.area.scale_bar import Bar

WORKING_SIDE = 1280
"""Longest side of the image in which bars and letters are looked for: they are at least 1/300 of an image high."""
_PERCENTILES = (0.02, 99.98)
_SAMPLED = 2**19


@dataclass(frozen=True, eq=False)
class Scene:
    """Pixels, and what was found in them before.

    Attributes:
        pixels: (h, w), any real type.
        taken: (h, w) bool, what earlier detectors found.
    """

    pixels: np.ndarray
    taken: np.ndarray

    def after(self, taken: np.ndarray) -> Scene:
        """The same pixels with more taken; what was computed of the pixels is kept."""
        scene = Scene(self.pixels, taken)
        scene.__dict__.update({name: value for name, value in self.__dict__.items() if name != "taken"})
        return scene

    @cached_property
    def finite(self) -> np.ndarray | None:
        """(h, w) bool, which pixels are numbers; None where all are."""
        if self.pixels.dtype.kind != "f":
            return None
        finite = np.isfinite(self.pixels)
        return None if finite.all() else finite

    @cached_property
    def step(self) -> int:
        """Pixels of the image for each pixel of :attr:`grey`, along both axes."""
        return max(1, -(-max(self.pixels.shape) // WORKING_SIDE))

    @cached_property
    def grey(self) -> np.ndarray:
        """(ceil(h / step), ceil(w / step)) uint8: the range of grey values but for 0.02 % at both ends, averaged."""
        low, high = self._range()
        if not high > low:
            return np.zeros([-(-side // self.step) for side in self.pixels.shape], np.uint8)
        if self.pixels.dtype == np.uint8 and (low, high) == (0, 255):
            grey = self.pixels
        else:
            values = self.pixels.astype(np.float32)
            if self.finite is not None:
                values = np.where(self.finite, values, np.float32(low))
            grey = np.clip((values - np.float32(low)) * np.float32(255 / (high - low)) + 0.5, 0, 255).astype(np.uint8)
        return _averaged(grey, self.step)

    @cached_property
    def bars(self) -> tuple[Bar, ...]:
        """The scale bars that are rectangles."""
        from temj.area.scale_bar import bars

        return bars(self.grey)

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """What may be letters."""
        from temj.area.letters import marks

        return marks(self.grey)

    @cached_property
    def boxes(self) -> tuple[tuple[int, int, int, int], ...]:
        """(top, bottom, left, right) of the boxes with text."""
        from temj.area.boxes import boxes

        return boxes(self.grey)

    def _range(self) -> tuple[float, float]:
        every = max(1, int(np.sqrt(self.pixels.size / _SAMPLED)))
        sample = self.pixels[::every, ::every]
        if sample.dtype.kind == "f":
            sample = sample[np.isfinite(sample)]
        if not sample.size:
            return 0.0, 0.0
        low, high = np.percentile(sample, _PERCENTILES)
        return float(low), float(high)

    def rectangles(self, boxes: Iterable[tuple[int, int, int, int]], margin: int) -> np.ndarray:
        """Boxes (top, bottom, left, right) of :attr:`grey` and a margin around them as a mask of the image.

        Those that lie in what is taken already are left out.
        """
        taken, mask = self.reduced(self.taken), np.zeros(self.grey.shape, bool)
        for top, bottom, left, right in boxes:
            if taken[top:bottom, left:right].mean() < 0.5:
                mask[max(0, top - margin) : bottom + margin, max(0, left - margin) : right + margin] = True
        return self.enlarged(mask)

    def enlarged(self, mask: np.ndarray) -> np.ndarray:
        """A mask of :attr:`grey` as a mask of the image, (h, w) bool."""
        if self.step == 1:
            return mask.astype(bool)
        height, width = self.pixels.shape
        whole = np.repeat(np.repeat(mask.astype(bool), self.step, axis=0), self.step, axis=1)
        return whole[:height, :width]

    def reduced(self, mask: np.ndarray) -> np.ndarray:
        """A mask of the image (h, w) in the pixels of :attr:`grey`: where all of its pixels are in it."""
        if self.step == 1:
            return mask
        return _averaged(mask.astype(np.uint8) * np.uint8(255), self.step) >= 250


def _averaged(grey: np.ndarray, step: int) -> np.ndarray:
    """Means of ``step`` x ``step`` pixels; the last ones repeat the edge."""
    if step == 1:
        return np.ascontiguousarray(grey)
    height, width = (-(-side // step) * step for side in grey.shape)
    cv2 = opencv()
    below, right = height - grey.shape[0], width - grey.shape[1]
    if below or right:
        grey = cv2.copyMakeBorder(grey, 0, below, 0, right, cv2.BORDER_REPLICATE)
    return cv2.resize(grey, (width // step, height // step), interpolation=cv2.INTER_AREA)
