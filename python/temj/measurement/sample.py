"""The pixels of some objects, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from temj.geometry import Runs

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MOST_OBJECTS = 4096


@dataclass(frozen=True, eq=False)
class Sample:
    """Grey values of m objects, object by object and row by row.

    Attributes:
        image: (height, width) the whole image.
        box: (m, 4) int64, boxes of the objects, clipped to the image.
        owner: (p,) int64, the object of each pixel, ascending.
        values: (p,) grey values in the type of the image.
        x: (p,) float64, column in the image.
        y: (p,) float64, row in the image.
        count: (m,) int64, pixels of each object.
    """

    image: np.ndarray
    box: np.ndarray
    owner: np.ndarray
    values: np.ndarray
    x: np.ndarray
    y: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray, runs: Runs, box: np.ndarray) -> Sample:
        """The pixels that runs cover."""
        length = runs.length
        ends = np.cumsum(length)
        column = np.arange(ends[-1] if len(ends) else 0) + np.repeat(runs.start - (ends - length), length)
        index = column + np.repeat(runs.y * image.shape[1], length)
        y = np.repeat(runs.y.astype(float), length)
        owner = np.repeat(runs.object, length)
        return cls(image, box, owner, image.ravel().take(index), column.astype(float), y, runs.counts(len(box)))

    def __len__(self) -> int:
        return len(self.box)

    @cached_property
    def start(self) -> np.ndarray:
        """(m,) int64, index of the first pixel of each object."""
        return np.cumsum(self.count) - self.count

    def where(self, kept: np.ndarray) -> Sample:
        """The same objects with only the pixels for which ``kept`` (p,) bool is true."""
        if kept.all():
            return self
        count = np.bincount(self.owner[kept], minlength=len(self))
        pixels = (part[kept] for part in (self.owner, self.values, self.x, self.y))
        return Sample(self.image, self.box, *pixels, count)

    def sums(self, weights: np.ndarray) -> np.ndarray:
        """(m,) float64, the sum of ``weights`` (p,) over each object, added one after the other in double.

        A sparse matrix of ones does it: its product adds the terms of a row in their order, with one accumulator.
        """
        return self._ones @ weights

    @cached_property
    def _ones(self) -> csr_array:
        from scipy.sparse import csr_array

        pixels = len(self.owner)
        pointers = np.append(self.start, pixels).astype(np.int32)
        return csr_array((np.ones(pixels), np.arange(pixels, dtype=np.int32), pointers), shape=(len(self), pixels))

    def exact_sums(self, weights: np.ndarray) -> np.ndarray:
        """(m,) float64, the sum of ``weights`` (p,) over each object where no sum rounds (integers below 2^53)."""
        return self._reduced(np.add, weights, 0.0)

    def least(self, values: np.ndarray, of_nothing: float) -> np.ndarray:
        """(m,) float64, the least of ``values`` (p,) of each object."""
        return self._reduced(np.minimum, values, of_nothing)

    def greatest(self, values: np.ndarray, of_nothing: float) -> np.ndarray:
        """(m,) float64, the greatest of ``values`` (p,) of each object."""
        return self._reduced(np.maximum, values, of_nothing)

    def _reduced(self, function: np.ufunc, values: np.ndarray, of_nothing: float) -> np.ndarray:
        result = np.full(len(self), of_nothing)
        filled = self.count > 0
        if filled.any():
            result[filled] = function.reduceat(values, self.start[filled])
        return result

    def ordered(self, keys: np.ndarray, bits: int) -> np.ndarray:
        """(p,) the unsigned integers ``keys`` (p,) of ``bits`` bits, ascending within each object."""
        place = np.argsort(keys.astype(np.uint16), kind="stable")  # numpy's radix sort
        for shift in range(16, bits, 16):
            place = place[np.argsort((keys[place] >> shift).astype(np.uint16), kind="stable")]
        owner = self.owner.astype(np.uint8 if len(self) <= 256 else np.uint16)
        return keys[place[np.argsort(owner[place], kind="stable")]]


def deviation(count: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Standard deviation from the number, the sum and the sum of squares (``ImageStatistics.calculateStdDev``)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = (count * squares - total * total) / count
        return np.where((count > 0) & (rest > 0), np.sqrt(rest / (count - 1.0)), 0.0)


def skew_and_kurtosis(
    count: np.ndarray, mean: np.ndarray, powers: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """From the sums of 2nd, 3rd and 4th powers (``calculateMoments``); NaN or infinite where all values are equal."""
    s2, s3, s4 = powers
    with np.errstate(invalid="ignore", divide="ignore"):
        square = mean * mean
        variance = s2 / count - square
        root = np.sqrt(variance)
        skew = ((s3 - 3.0 * mean * s2) / count + 2.0 * mean * square) / (variance * root)
        kurtosis = ((s4 - 4.0 * mean * s3 + 6.0 * square * s2) / count - 3.0 * square * square) / (
            variance * variance
        ) - 3.0
    return skew, kurtosis
