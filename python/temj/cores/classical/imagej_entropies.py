"""ImageJ's threshold methods by entropy, cross-entropy, fuzziness and moments; see :mod:`.imagej_thresholds`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_LEVELS = np.arange(256, dtype=float)
_EPSILON = float(np.finfo(float).eps)
_NEAR = 5
"""Levels of three entropies that differ by no more count as one (Sahoo et al. 1997)."""


@dataclass(frozen=True)
class _Shares:
    """A histogram as shares of all pixels.

    Attributes:
        each: (256,) of each level.
        dark, bright: (256,) of the levels up to each one, and above it.
        tried: first and last level with pixels on both sides.
    """

    each: np.ndarray
    dark: np.ndarray
    bright: np.ndarray
    tried: tuple[int, int]

    @classmethod
    def of(cls, histogram: np.ndarray) -> _Shares:
        each = histogram / histogram.sum()
        dark = np.cumsum(each)
        bright = 1 - dark
        some, rest = np.flatnonzero(np.abs(dark) >= _EPSILON), np.flatnonzero(np.abs(bright) >= _EPSILON)
        return cls(each, dark, bright, (int(some[0]) if len(some) else 0, int(rest[-1]) if len(rest) else 255))

    @property
    def levels(self) -> range:
        """The levels that are tried."""
        return range(self.tried[0], self.tried[1] + 1)

    def sides(self, level: int) -> tuple[np.ndarray, np.ndarray]:
        """The shares of each level within its side, of those that are not empty."""
        low, high = self.each[: level + 1], self.each[level + 1 :]
        return low[low != 0] / self.dark[level], high[high != 0] / self.bright[level]


def _sum(values: np.ndarray) -> float:
    """The sum from the first to the last: equally good levels then come out in ImageJ's order, to the last bit."""
    return float(np.cumsum(values)[-1]) if len(values) else 0.0


def _entropy(shares: np.ndarray) -> float:
    return -_sum(shares * np.log(shares))


def _highest(values: dict[int, float], least: float = 0.0) -> int:
    """The first level with the largest value above ``least``; 0 where there is none."""
    best = max(values, key=values.__getitem__, default=0)
    return best if values.get(best, least) > least else 0


def max_entropy(histogram: np.ndarray) -> int:
    """Largest sum of the entropies of both sides (Kapur et al. 1985, CVGIP 29, 273)."""
    shares = _Shares.of(histogram)
    sums = {level: sum(map(_entropy, shares.sides(level))) for level in shares.levels}
    return _highest(sums) if any(value > 0 for value in sums.values()) else -1


def renyi_entropy(histogram: np.ndarray) -> int:
    """Mean of the best levels by Renyi entropies of order 1/2, 1 and 2 (Sahoo et al. 1997, Patt. Rec. 30, 71)."""
    shares = _Shares.of(histogram)
    orders: list[dict[int, float]] = [{}, {}, {}]
    for level in shares.levels:
        low, high = shares.sides(level)
        orders[0][level] = 2 * _log(_sum(np.sqrt(low)) * _sum(np.sqrt(high)))
        orders[1][level] = _entropy(low) + _entropy(high)
        orders[2][level] = -_log(_sum(low * low) * _sum(high * high))
    first, second, third = sorted(_highest(order) for order in orders)
    near = (second - first <= _NEAR, third - second <= _NEAR)
    weights = {(True, True): (1, 2, 1), (True, False): (0, 1, 3), (False, True): (3, 1, 0), (False, False): (1, 2, 1)}
    low, middle, high = weights[near]
    omega = shares.dark[third] - shares.dark[first]
    return int(
        first * (shares.dark[first] + 0.25 * omega * low)
        + 0.25 * second * omega * middle
        + third * (shares.bright[third] + 0.25 * omega * high)
    )


def _log(value: float) -> float:
    return math.log(value) if value > 0 else 0.0


def yen(histogram: np.ndarray) -> int:
    """Largest correlation (Yen et al. 1995, IEEE Trans. Image Proc. 4, 370)."""
    shares = _Shares.of(histogram)
    squares = np.cumsum(shares.each**2)
    above = np.concatenate((np.cumsum(shares.each[:0:-1] ** 2)[::-1], [0.0]))
    both, product = squares * above, shares.dark * (1 - shares.dark)
    values = -_logs(both) + 2 * _logs(product)
    best = int(values.argmax())
    return best if values[best] > 0 else -1


def _logs(values: np.ndarray) -> np.ndarray:
    return np.log(values, out=np.zeros_like(values), where=values > 0)


def shanbhag(histogram: np.ndarray) -> int:
    """Fuzzy memberships of both sides nearest to each other (Shanbhag 1994, CVGIP 56, 414)."""
    shares = _Shares.of(histogram)
    best, least = -1, np.finfo(float).max
    for level in shares.levels:
        with np.errstate(divide="ignore", invalid="ignore"):
            dark, bright = 0.5 / shares.dark[level], 0.5 / shares.bright[level]
            low = -dark * _sum(shares.each[1 : level + 1] * np.log(1 - dark * shares.dark[:level]))
            high = -bright * _sum(shares.each[level + 1 :] * np.log(1 - bright * shares.bright[level + 1 :]))
            apart = abs(low - high)
        if apart < least:
            best, least = level, apart
    return best


def huang(histogram: np.ndarray) -> int:
    """Least fuzziness (Huang & Wang 1995, Patt. Rec. 28, 41)."""
    used = np.flatnonzero(histogram)
    first, last = int(used[0]), int(used[-1])
    counts, sums = np.cumsum(histogram), np.cumsum(histogram * _LEVELS)
    rest, rest_sums = counts[-1] - counts, sums[-1] - sums
    dark = np.divide(sums, counts, out=np.zeros(256), where=counts > 0)
    bright = np.divide(rest_sums, rest, out=np.zeros(256), where=rest > 0)
    term = 1 / max(last - first, 1)
    centre = np.where(_LEVELS[:, None] >= _LEVELS, dark[:, None], bright[:, None])  # (level, bin)
    member = 1 / (1 + term * np.abs(_LEVELS - centre))
    clear = (member < 1e-6) | (member > 0.999999)
    member = np.where(clear, 0.5, member)
    fuzzy = np.where(clear, 0, -member * np.log(member) - (1 - member) * np.log(1 - member)) @ histogram
    return int(fuzzy.argmin())


def li(histogram: np.ndarray) -> int:
    """Least cross-entropy, iterated from the mean (Li & Tam 1998, Patt. Rec. Lett. 18, 771)."""
    counts, sums = np.cumsum(histogram), np.cumsum(histogram * _LEVELS)
    new = sums[-1] / counts[-1]
    while True:
        old, level = new, int(new + 0.5)
        dark = sums[level] / counts[level] if counts[level] else 0.0
        rest = counts[-1] - counts[level]
        bright = (sums[-1] - sums[level]) / rest if rest else 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            middle = float((dark - bright) / (np.log(dark) - np.log(bright)))
        if not math.isfinite(middle):
            middle = 0.0
        new = int(middle - 0.5) if middle < -_EPSILON else int(middle + 0.5)
        if abs(new - old) <= 0.5:
            return level


def moments(histogram: np.ndarray) -> int:
    """Two levels with the first three moments of all (Tsai 1985, CVGIP 29, 377)."""
    each = histogram / histogram.sum()
    first, second, third = (float(np.sum(_LEVELS**power * each)) for power in (1, 2, 3))
    spread = second - first * first
    with np.errstate(divide="ignore", invalid="ignore"):
        c0 = np.float64(first * third - second * second) / spread
        c1 = np.float64(first * second - third) / spread
        root = np.sqrt(c1 * c1 - 4 * c0)
        dark, bright = (-c1 - root) / 2, (-c1 + root) / 2
        share = (bright - first) / (bright - dark)
    above = np.flatnonzero(np.cumsum(each) > share)
    return int(above[0]) if len(above) else -1
