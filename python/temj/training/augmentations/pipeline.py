"""All augmentations of a run, one after the other, on a crop."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torchvision import tv_tensors

from temj.cores.channels import Channels
from temj.registry import load
from temj.training.augmentations.base import Augmentation, OfImage
from temj.training.augmentations.geometric import EXACT, Geometric, Warp
from temj.training.augmentations.noise import GRAY, Noisy
from temj.training.augmentations.table import AUGMENTATIONS


@dataclass(frozen=True)
class Applied:
    """What happened to a crop: the name of an augmentation and the values that were drawn, the most telling first."""

    name: str
    drawn: Mapping[str, float]


class Pipeline:
    """What may happen to a crop, in the order of the table; a crop is a function of the sample and a seed alone.

    Args:
        settings: name → probability and ranges; what is not named does not happen.
        size: side of the crops, pixels.
        channels: the recipe of the input channels.
        exact: share of crops that keep pixels of the image as they are (:class:`Warp`).
    """

    def __init__(
        self, settings: Mapping[str, Mapping[str, Any]], size: int, channels: Channels = GRAY, exact: float = EXACT
    ):
        made = [(name, made_of(name, settings[name])) for name in AUGMENTATIONS if name in settings]
        used = [(name, each) for name, each in made if each.probability > 0]
        self._geometric = [(name, each) for name, each in used if isinstance(each, Geometric)]
        self._others = [(name, each) for name, each in used if not isinstance(each, Geometric)]
        for _, each in self._others:
            if isinstance(each, Noisy):
                each.channels = channels
        self.warp = Warp(size, [each for _, each in self._geometric], exact)

    def __call__(self, sample: dict[str, Any], seed: int) -> tuple[dict[str, Any], tuple[Applied, ...]]:
        """Cut and change one crop.

        Args:
            sample: as the package says; ``centre`` (``tv_tensors.KeyPoints``, one point) is the middle of the crop.
            seed: of everything random; torch's global generator is left as it was.

        Returns:
            The sample with a crop of (size, size), and what happened to it.
        """
        with seeded(seed), torch.no_grad():
            sample = self._cut(sample)
            happened = [Applied(n, e.values()) for n, e in self._geometric if e in self.warp.happened]
            for name, each in self._others:
                if each.happens():
                    sample = _changed(sample, each)
                    happened.append(Applied(name, each.values()))
        return sample, tuple(happened)

    def _cut(self, sample: dict[str, Any]) -> dict[str, Any]:
        """``self.warp(sample)`` without its centre, and without torchvision's walk through the sample (0.3 ms)."""
        moving = {key: value for key, value in sample.items() if isinstance(value, tv_tensors.TVTensor)}
        params = self.warp.make_params(list(moving.values()))
        return sample | {key: self.warp.transform(value, params) for key, value in moving.items() if key != "centre"}


def _changed(sample: dict[str, Any], each: Augmentation) -> dict[str, Any]:
    """``each(sample)``; where only the image changes without torchvision's walk through the sample (0.1 ms)."""
    return sample | {"image": each.transform(sample["image"], {})} if isinstance(each, OfImage) else each(sample)


def made_of(name: str, settings: Mapping[str, Any]) -> Augmentation:
    """One augmentation of the table with its settings."""
    made: type[Augmentation] = load(AUGMENTATIONS[name])
    return made(**settings)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, torch's global generator (of the CPU), from which v2 transforms draw, starts at a seed."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)
