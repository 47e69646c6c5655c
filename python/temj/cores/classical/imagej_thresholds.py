"""The threshold methods of ImageJ 1.54p, by ImageJ's names, on histograms of 256 bins.

Each takes the histogram, float64 (256,) of whole numbers, and gives the last level of the darker side: levels up to it
are dark, levels above it bright. -1 means that a method found none; ImageJ then says 0 (:func:`imagej_threshold`).

ImageJ's plugin (in the public domain, after G. Landini) differs from the papers in details such as integer division,
smoothing at the borders and stopping rules; these functions keep the details, and a test compares every one with the
real ImageJ's ``AutoThresholder``. The papers stand at the functions. Those that need entropies or moments are in
:mod:`temj.cores.classical.imagej_entropies`.
"""

from __future__ import annotations

import math

import numpy as np

from temj import registry

_ENTROPIES = "temj.cores.classical.imagej_entropies"
IMAGEJ = {
    "Default": f"{__name__}:default",
    "Huang": f"{_ENTROPIES}:huang",
    "Intermodes": f"{__name__}:intermodes",
    "IsoData": f"{__name__}:isodata",
    "IJ_IsoData": f"{__name__}:ij_isodata",
    "Li": f"{_ENTROPIES}:li",
    "MaxEntropy": f"{_ENTROPIES}:max_entropy",
    "Mean": f"{__name__}:mean",
    "MinError": f"{__name__}:min_error",
    "Minimum": f"{__name__}:minimum",
    "Moments": f"{_ENTROPIES}:moments",
    "Otsu": f"{__name__}:otsu",
    "Percentile": f"{__name__}:percentile",
    "RenyiEntropy": f"{_ENTROPIES}:renyi_entropy",
    "Shanbhag": f"{_ENTROPIES}:shanbhag",
    "Triangle": f"{__name__}:triangle",
    "Yen": f"{_ENTROPIES}:yen",
}
"""ImageJ's name -> function ``histogram (256,) -> level``."""

_MOST_SMOOTHING = 10_000
_LEVELS = np.arange(256, dtype=float)


def imagej_threshold(method: str, histogram: np.ndarray) -> int:
    """The level that ImageJ's ``AutoThresholder.getThreshold`` gives.

    Args:
        method: a name of :data:`IMAGEJ`.
        histogram: (256,) counts.

    Returns:
        0 .. 255; levels up to it are the darker side.

    Raises:
        BadValue: no such method.
    """
    by_method = registry.look_up(IMAGEJ, "threshold-method", method)
    histogram = np.asarray(histogram, float).copy()
    used = np.flatnonzero(histogram)
    if not len(used):
        return 0
    if len(used) <= 2 and used[-1] > 0:  # with one or two levels ImageJ asks no method
        return int(used[-1]) - 1
    return max(int(by_method(histogram)), 0)


def default(histogram: np.ndarray) -> int:
    """:func:`ij_isodata`, after the highest bin was lowered to 1.5 times the second where it is more than twice it."""
    mode = int(histogram.argmax())
    second = np.delete(histogram, mode).max()
    if second and histogram[mode] > 2 * second:
        histogram[mode] = math.floor(second * 1.5)
    return ij_isodata(histogram)


def ij_isodata(histogram: np.ndarray) -> int:
    """ImageJ's own iterated mean of both sides, from the darkest bin up, without the first and the last bin."""
    inner = histogram.copy()
    inner[[0, -1]] = 0
    used = np.flatnonzero(inner)
    if len(used) < 2:
        return len(histogram) // 2
    first, last = int(used[0]), int(used[-1])
    counts, sums = np.cumsum(inner), np.cumsum(inner * _LEVELS)
    at = first
    while True:
        low, high = sums[at] / counts[at], (sums[-1] - sums[at]) / (counts[-1] - counts[at])
        middle = (low + high) / 2
        at += 1
        if at + 1 > middle or at >= last - 1:
            return math.floor(middle + 0.5)


def isodata(histogram: np.ndarray) -> int:
    """Ridler & Calvard (1978), IEEE Trans. Syst. Man Cybern. 8, 630, with means cut to whole levels."""
    start = np.flatnonzero(histogram[1:])
    level = int(start[0]) + 2 if len(start) else 0
    while True:
        low, high = histogram[:level], histogram[level + 1 :]
        if low.sum() > 0 and high.sum() > 0:
            dark = int(low @ _LEVELS[:level]) // int(low.sum())
            bright = int(high @ _LEVELS[level + 1 :]) // int(high.sum())
            if level == math.floor((dark + bright) / 2 + 0.5):
                return level
        level += 1
        if level > len(histogram) - 2:
            return -1


def mean(histogram: np.ndarray) -> int:
    """The mean level (Glasbey 1993, CVGIP 55, 532)."""
    return math.floor(float(histogram @ _LEVELS) / histogram.sum())


def percentile(histogram: np.ndarray) -> int:
    """Half of the pixels on each side (Doyle 1962, J. ACM 9, 259)."""
    away = np.abs(np.cumsum(histogram) / histogram.sum() - 0.5)
    return int(away.argmin())


def otsu(histogram: np.ndarray) -> int:
    """Largest variance between the sides (Otsu 1979, IEEE Trans. Syst. Man Cybern. 9, 62); the first of equal ones."""
    each = histogram * (1 / histogram.sum())
    dark, moment = np.cumsum(each), np.cumsum(each * _LEVELS)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = moment[-1] * dark - moment
        variance = np.nan_to_num(apart * (apart / (dark * (1 - dark))), nan=-1, posinf=np.inf)
    return int(variance.argmax())


def triangle(histogram: np.ndarray) -> int:
    """The bin farthest from the line from peak to longer tail (Zack et al. 1977, J. Histochem. Cytochem. 25, 741)."""
    used = np.flatnonzero(histogram)
    first = max(int(used[0]) - 1, 0)
    last = min(int(used[-1]) + 1, 255)
    peak = int(histogram.argmax())
    turned = peak - first < last - peak
    if turned:
        histogram, first, peak = histogram[::-1], 255 - last, 255 - peak
    if first == peak:
        return first
    x, y = histogram[peak], float(first - peak)
    length = math.sqrt(x * x + y * y)
    x, y = x / length, y / length
    away = x * _LEVELS + y * histogram - (x * first + y * histogram[first])
    away = away[first + 1 : peak + 1]
    split = (first + 1 + int(away.argmax()) if away.max() > 0 else first) - 1
    return 255 - split if turned else split


def min_error(histogram: np.ndarray) -> int:
    """Least error of two normal distributions, from the mean on (Kittler & Illingworth 1986, Patt. Rec. 19, 41)."""
    counts, sums, squares = (np.cumsum(histogram * _LEVELS**power) for power in (0, 1, 2))
    level, before = mean(histogram), -2
    while level != before:
        level, before = _least_error(counts, sums, squares, level), level
    return level


def _least_error(counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, level: int) -> int:
    """The next level of :func:`min_error`; the same where the equation has no solution."""
    if not 0 <= level < 256:
        return level
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = counts[-1] - counts[level]
        dark, bright = sums[level] / counts[level], (sums[-1] - sums[level]) / rest
        share, other = counts[level] / counts[-1], rest / counts[-1]
        spread = squares[level] / counts[level] - dark * dark
        spread_2 = (squares[-1] - squares[level]) / rest - bright * bright
        a = 1 / spread - 1 / spread_2
        b = dark / spread - bright / spread_2
        c = dark**2 / spread - bright**2 / spread_2 + np.log10(spread * other**2 / (spread_2 * share**2))
        root = b * b - a * c
        if root < 0:
            return level
        found = (b + np.sqrt(root)) / a
    return math.floor(found) if math.isfinite(found) else level


def intermodes(histogram: np.ndarray) -> int:
    """Midway between two modes, after smoothing until there are two (Prewitt & Mendelsohn 1966)."""
    smooth = _bimodal(histogram)
    return -1 if smooth is None else int(np.flatnonzero(_modes(smooth)).sum() + 2) // 2


def minimum(histogram: np.ndarray) -> int:
    """The valley between two modes, after smoothing until there are two (Prewitt & Mendelsohn 1966)."""
    last = int(np.flatnonzero(histogram)[-1])
    smooth = _bimodal(histogram)
    if smooth is None:
        return -1
    valley = ((smooth[:-2] > smooth[1:-1]) & (smooth[2:] >= smooth[1:-1]))[: max(last - 1, 1)]
    return 1 + int(valley.argmax()) if valley.any() else -1


def _modes(counts: np.ndarray) -> np.ndarray:
    """For the inner bins whether each is higher than both neighbours."""
    return (counts[:-2] < counts[1:-1]) & (counts[2:] < counts[1:-1])


def _bimodal(counts: np.ndarray) -> np.ndarray | None:
    """The histogram after running means over three bins until it has exactly two modes; None where it never has."""
    for _ in range(_MOST_SMOOTHING + 1):
        if np.count_nonzero(_modes(counts)) == 2:
            return counts
        around = np.concatenate(([0.0], counts, [0.0]))
        counts = (around[:-2] + around[1:-1] + around[2:]) / 3
    return None
