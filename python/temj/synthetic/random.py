"""Everything random, from one seed: equal seeds give equal bytes, whatever else is made."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import numpy as np


@dataclass(frozen=True)
class Random:
    """Independent streams of random numbers for one image.

    A stream depends on the seed, the kind, the number of the image and the stream's own name only: image 7 is the
    same among 10 as among 1,000, and another dose leaves every object in its place.

    Attributes:
        seed: what the user gave, >= 0.
        kind: name of the kind.
        index: number of the image, from 0.
    """

    seed: int
    kind: str
    index: int

    def stream(self, name: str, part: int = 0) -> np.random.Generator:
        """A fresh generator for one purpose (``objects``, ``texture``, ``noise`` …), of frame ``part`` in a film."""
        keys = (crc32(self.kind.encode()), self.index, crc32(name.encode()), part)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=keys))


def log_normal(rng: np.random.Generator, median: float, spread: float, count: int) -> np.ndarray:
    """Log-normal numbers by their median and the sd of their natural logarithm: (count,) float64."""
    return median * np.exp(spread * rng.standard_normal(count))
