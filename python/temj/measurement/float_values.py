"""Statistics of 32-bit grey values, without NaN and infinities (``ij.process.FloatStatistics`` of ImageJ 1.54p)."""

from __future__ import annotations

import numpy as np

from temj.measurement.sample import Sample, deviation, skew_and_kurtosis

_BINS = 256
_LARGEST = np.finfo(np.float64).max
_DENORMAL = 5e-324


def float_statistics(sample: Sample) -> dict[str, np.ndarray]:
    """The columns of Intensity for the objects of a sample."""
    finite = sample.where(np.isfinite(sample.values))
    count = finite.count.astype(float)
    values = finite.values.astype(float)
    least, greatest = _extremes(finite)
    second = values * values
    powers = tuple(finite.sums(part) for part in (second, values * second, second * second))
    total, weight, moment_x, moment_y = _weights(finite, values)
    nonzero = np.bincount(sample.owner[sample.values != 0], minlength=len(sample))  # NaN counts, as in ImageJ
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        x, y = moment_x / weight + 0.5, moment_y / weight + 0.5
        percent = nonzero * 100.0 / sample.count
    skew, kurtosis = skew_and_kurtosis(count, mean, powers)
    return {
        "count": count, "mean": mean, "deviation": deviation(count, total, powers[0]),
        "mode": _mode(finite, values, least, greatest), "least": least, "greatest": greatest, "median": _median(finite),
        "skew": skew, "kurtosis": kurtosis, "x": x, "y": y, "percent": percent,
    }  # fmt: skip


def _weights(sample: Sample, values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Sum of the values, and sum and first moments of the values plus the least positive double.

    ImageJ adds that number, which changes nothing but that black objects have a centre of mass.
    """
    if (values == 0).any():
        shifted = values + _DENORMAL
        return tuple(sample.sums(part) for part in (values, shifted, sample.x * shifted, sample.y * shifted))
    total = sample.sums(values)
    return total, total, sample.sums(sample.x * values), sample.sums(sample.y * values)


def _extremes(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest value. Where that is 0 the sign is the one of the first 0 that is met."""
    least, greatest = sample.least(sample.values, _LARGEST), sample.greatest(sample.values, -_LARGEST)
    zero = np.flatnonzero(sample.values == 0)
    owner, first = np.unique(sample.owner[zero], return_index=True)
    for extreme in (least, greatest):
        extreme[owner] = np.where(extreme[owner] == 0, sample.values[zero[first]], extreme[owner])
    return least, greatest


def _mode(sample: Sample, values: np.ndarray, least: np.ndarray, greatest: np.ndarray) -> np.ndarray:
    """Middle of the fullest of 256 bins between the extremes (the first one); the value itself where all are equal."""
    with np.errstate(all="ignore"):
        scale, width = _BINS / (greatest - least), (greatest - least) / _BINS
        place = scale[sample.owner] * (values - least[sample.owner])
        place = np.nan_to_num(place, nan=0.0, posinf=_BINS).clip(max=_BINS - 1).astype(np.int64)
        histogram = np.bincount(sample.owner * _BINS + place, minlength=len(sample) * _BINS)
        fullest = histogram.reshape(len(sample), _BINS).argmax(axis=1)
        return least + fullest * width + np.where(width != 1.0, width / 2.0, 0.0)


def _median(sample: Sample) -> np.ndarray:
    """Middle value, or the mean of the two in 32-bit floats; NaN for no pixels."""
    bits = sample.values.view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | 0x80000000)  # integers in the order of the floats, -0 before 0
    ordered = sample.ordered(ordered, 32)
    values = np.where(ordered >> 31, ordered & 0x7FFFFFFF, ~ordered).astype(np.uint32).view(np.float32)
    median = np.full(len(sample), np.nan)
    filled = np.flatnonzero(sample.count)
    if len(filled):
        middle = sample.start[filled] + sample.count[filled] // 2
        even = sample.count[filled] % 2 == 0
        with np.errstate(over="ignore"):
            mean = (values[np.maximum(middle - 1, 0)] + values[middle]) / np.float32(2)
        median[filled] = np.where(even, mean, values[middle])
    return median
