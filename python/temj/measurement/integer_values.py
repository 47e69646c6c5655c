"""Statistics of 8-bit and 16-bit grey values (``ByteStatistics``, ``ShortStatistics`` of ImageJ 1.54p)."""

from __future__ import annotations

import numpy as np

from temj.measurement.sample import Sample, deviation, skew_and_kurtosis

_EXACT = 2.0**53
_ONE_PASS = 250_000


def integer_statistics(sample: Sample) -> dict[str, np.ndarray]:
    """The columns of Intensity for the objects of a sample."""
    count = sample.count.astype(float)
    values = sample.values.astype(float)
    second = values * values
    total, squares = sample.exact_sums(values), _squares(sample, second)
    x, y = _centre_of_mass(sample, values, total)
    order_statistics = _by_histogram if sample.image.dtype == np.uint8 else _by_sorting
    result = order_statistics(sample)
    powers = (squares, sample.sums(values * second), sample.sums(second * second))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        percent = (count - result.pop("zeros")) * 100.0 / count
    skew, kurtosis = skew_and_kurtosis(count, mean, powers)
    return result | {
        "count": count, "mean": mean, "deviation": deviation(count, total, squares),
        "skew": skew, "kurtosis": kurtosis, "x": x, "y": y, "percent": percent,
    }  # fmt: skip


def _squares(sample: Sample, second: np.ndarray) -> np.ndarray:
    """Sums of squares; where they are too large for a double, added up over the histogram as ImageJ does."""
    squares = sample.exact_sums(second)
    for number in np.flatnonzero(squares >= _EXACT):
        start = sample.start[number]
        histogram = np.bincount(sample.values[start : start + sample.count[number]])
        level = np.arange(len(histogram), dtype=float)
        squares[number] = np.cumsum(level * level * histogram)[-1]
    return squares


def _by_histogram(sample: Sample) -> dict[str, np.ndarray]:
    """Least, greatest, median, mode and number of zeros of 8-bit values; NaN (mode 0) for no pixels."""
    size = len(sample)
    histogram = np.bincount((sample.owner << 8) | sample.values, minlength=size << 8).reshape(size, 256)
    below = np.cumsum(histogram, axis=1)
    empty = sample.count == 0
    least, greatest = sample.least(sample.values, np.nan), sample.greatest(sample.values, np.nan)
    median = np.argmax(below > (sample.count / 2.0)[:, None], axis=1)
    return {
        "least": least, "greatest": greatest, "median": np.where(empty, np.nan, median),
        "mode": histogram.argmax(axis=1).astype(float), "zeros": histogram[:, 0],
    }  # fmt: skip


def _by_sorting(sample: Sample) -> dict[str, np.ndarray]:
    """The same of 16-bit values, from the values sorted within each object."""
    ordered = sample.ordered(sample.values, 16)
    filled = np.flatnonzero(sample.count)
    start, count = sample.start[filled], sample.count[filled]
    least, greatest, median, mode, zeros = _of_nothing(sample)
    if len(filled):
        least[filled], greatest[filled] = ordered[start], ordered[start + count - 1]
        median[filled] = ordered[start + count // 2]
        new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
        new[start] = True
        level = np.flatnonzero(new)  # first place of each value of each object
        often = np.diff(level, append=len(ordered))
        first = np.searchsorted(level, start)
        most = np.maximum.reduceat(often, first)
        best = np.flatnonzero(often == np.repeat(most, np.diff(first, append=len(level))))
        mode[filled] = ordered[level[best[np.searchsorted(best, first)]]]
        zeros[filled] = np.where(ordered[start] == 0, often[first], 0)
    return {"least": least, "greatest": greatest, "median": median, "mode": mode, "zeros": zeros}


def _of_nothing(sample: Sample) -> tuple[np.ndarray, ...]:
    """Least, greatest, median, mode and zeros as ImageJ gives them for 16-bit objects without pixels."""
    size = len(sample)
    least = np.full(size, np.nan)
    for number in np.flatnonzero(sample.count == 0):
        x, y, width, height = sample.box[number]
        part = sample.image[y : y + height, x : x + width]
        limit = max(256, int(part.max(initial=0)) + 1)
        least[number] = (65536 if width * height >= _ONE_PASS else limit) - 1
    return least, np.zeros(size), np.full(size, np.nan), np.zeros(size), np.zeros(size)


def _centre_of_mass(sample: Sample, values: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre of mass. ImageJ adds the least positive double to 8-bit values: black objects have their centroid."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = (sample.exact_sums(place * values) / total + 0.5 for place in (sample.x, sample.y))
        black = (total == 0) & (sample.count > 0)
        if sample.image.dtype == np.uint8 and black.any():
            x, y = (
                np.where(black, sample.exact_sums(place) / sample.count + 0.5, of_mass)
                for place, of_mass in ((sample.x, x), (sample.y, y))
            )
    return x, y
