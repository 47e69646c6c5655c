"""What all augmentations have in common: a probability, ranges with units, and how they draw from them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torchvision import tv_tensors
from torchvision.transforms import v2


class ClassMap(tv_tensors.Mask):
    """A class map: uint8 (h, w), or (k, h, w) where classes may overlap; 255 is ``ignore``."""


class ObjectNumbers(tv_tensors.Mask):
    """(h, w) float32: which object a pixel belongs to, from 1; 0 is none."""


@dataclass(frozen=True)
class Range:
    """What a quantity may be.

    Attributes:
        low, high: where nothing else is asked.
        least, most: what may be asked.
        unit: in words.
        ratio: drawn evenly on a logarithmic scale, so that a factor and its inverse are equally likely.
    """

    low: float
    high: float
    least: float
    most: float
    unit: str
    ratio: bool = False


class Augmentation(v2.Transform):
    """One line of the table. Calling it always changes the sample; :class:`Pipeline` asks its probability.

    Args:
        probability: share of crops that it happens to.
        limits: (smallest, largest) of each quantity in ``ranges``, within what that allows.

    Raises:
        ValueError: a quantity that it does not have, or values outside of what is allowed.

    Attributes:
        probability: as given, else the class's own ``often``.
        limits: quantity → (low, high).
        drawn: quantity → value of the last sample.
    """

    often: ClassVar[float] = 0.5
    ranges: ClassVar[Mapping[str, Range]] = {}

    def __init__(self, probability: float | None = None, **limits: tuple[float, float]):
        super().__init__()
        self.probability = self.often if probability is None else float(probability)
        if not 0 <= self.probability <= 1:
            raise ValueError("probability must be a number from 0 to 1")
        strange = set(limits) - set(self.ranges)
        if strange:
            raise ValueError(f"no quantity '{min(strange)}'; there is {', '.join(['probability', *self.ranges])}")
        self.limits = {name: (entry.low, entry.high) for name, entry in self.ranges.items()}
        for name, (low, high) in limits.items():
            entry = self.ranges[name]
            if not entry.least <= low <= high <= entry.most:
                raise ValueError(f"{name} must be two numbers {entry.least:g} <= low <= high <= {entry.most:g}")
            self.limits[name] = (float(low), float(high))
        self.drawn: dict[str, float] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """Probability and limits as JSON values."""
        return {"probability": self.probability, **{name: list(pair) for name, pair in self.limits.items()}}

    def values(self) -> dict[str, float]:
        """What was drawn for the last sample, in the order of ``ranges``, whose first is the most telling."""
        return {name: self.drawn[name] for name in self.ranges if name in self.drawn}

    def happens(self) -> bool:
        """Draw whether it happens to this sample."""
        return chance() < self.probability

    def draw(self, name: str) -> float:
        """A value of a quantity, noted in ``drawn``."""
        low, high = self.limits[name]
        ratio = self.ranges[name].ratio
        value = math.exp(uniform(math.log(low), math.log(high))) if ratio else uniform(low, high)
        self.drawn[name] = value
        return value


class OfImage(Augmentation, ABC):
    """An augmentation that changes grey values and leaves masks and boxes where they are."""

    _transformed_types = (tv_tensors.Image,)

    @abstractmethod
    def image(self, image: torch.Tensor) -> torch.Tensor:
        """The new grey values (c, h, w) float32; the given ones stay as they are."""

    def transform(self, inpt: Any, _params: dict[str, Any]) -> Any:
        """torchvision's way to call :meth:`image`."""
        return tv_tensors.wrap(self.image(inpt.as_subclass(torch.Tensor)), like=inpt)


def chance() -> float:
    """A number evenly from [0, 1)."""
    return torch.rand(()).item()


def uniform(low: float, high: float) -> float:
    """A number evenly from low to high."""
    return low + (high - low) * chance()
