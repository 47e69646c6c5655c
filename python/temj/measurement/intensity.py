"""Statistics of the grey values of objects, digit for digit as ImageJ's (``ij.process.*Statistics`` of 1.54p).

Objects are taken in batches of a few hundred thousand pixels, all objects of a batch at once. Sums that round are
taken strictly from the first pixel to the last, row by row (``np.bincount`` does), as ImageJ's loops take them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from temj.geometry import Runs
from temj.measurement.float_values import float_statistics
from temj.measurement.integer_values import integer_statistics
from temj.measurement.sample import MOST_OBJECTS, Sample

_BATCH_PIXELS = 1 << 16


@dataclass(frozen=True, eq=False)
class Intensity:
    """Grey values of n objects, (n,) float64 each; what an object without pixels gets is ImageJ's own choice.

    Attributes:
        count: pixels; of 32-bit images only those that are finite.
        mean: mean value.
        deviation: standard deviation (n - 1).
        mode: the most frequent value; of 32-bit images the middle of the fullest of 256 bins.
        least: smallest value.
        greatest: largest value.
        median: middle value (the upper one of two, except for 32-bit images).
        skew: third standardised moment.
        kurtosis: fourth standardised moment less 3.
        x: centre of mass, continuous pixel coordinates.
        y: centre of mass.
        percent: share of pixels that are not 0, in per cent.
    """

    count: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    mode: np.ndarray
    least: np.ndarray
    greatest: np.ndarray
    median: np.ndarray
    skew: np.ndarray
    kurtosis: np.ndarray
    x: np.ndarray
    y: np.ndarray
    percent: np.ndarray


def intensity(pixels: np.ndarray, runs: Runs, box: np.ndarray) -> Intensity:
    """Statistics of the pixels of each object.

    Args:
        pixels: (height, width) uint8, uint16 or float32.
        runs: the pixels of the objects, inside the image.
        box: (n, 4) int64, their boxes clipped to the image.
    """
    statistics = float_statistics if pixels.dtype == np.float32 else integer_statistics
    parts = [statistics(sample) for sample in _samples(pixels, runs, box)]
    return Intensity(
        **{
            field.name: np.concatenate([np.empty(0), *(part[field.name] for part in parts)])
            for field in fields(Intensity)
        }
    )


def _samples(pixels: np.ndarray, runs: Runs, box: np.ndarray) -> Iterator[Sample]:
    """Successive objects with their pixels."""
    objects = len(box)
    ends = np.cumsum(runs.counts(objects))
    bounds = np.searchsorted(runs.object, np.arange(objects + 1))
    start = 0
    while start < objects:
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + _BATCH_PIXELS, side="right")), start + 1)
        stop = min(stop, start + MOST_OBJECTS)
        part = runs.where(slice(bounds[start], bounds[stop]))
        part = Runs(part.object - start, part.y, part.start, part.stop)
        yield Sample.of(pixels, part, box[start:stop])
        start = stop
