"""Quantiles of objects with weights, and their intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from temj.population.intervals import COUNTING, TAILS, Interval, interval


def weighted_quantile(values: np.ndarray, weight: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """The value below which a share of the weight lies.

    Each value stands in the middle of its own weight; in between it is linear (of equal weights Hazen's rule; the
    median is the usual one). Below the first and above the last middle there is no answer.

    Args:
        values: (n,) float64, any order.
        weight: (n,) float64, positive.
        share: 0..1, one or several.

    Returns:
        As many as shares; NaN where there is no answer. Of a single value the median is the value.
    """
    share = np.asarray(share, float)
    if not len(values):
        return np.full(share.shape, np.nan)
    order = np.argsort(values, kind="stable")
    values, weight = values[order], weight[order]
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    return np.interp(share, middle, values, left=np.nan, right=np.nan)


def quantile_interval(
    values: np.ndarray, weight: np.ndarray, share: float, by_unit: Callable[[np.ndarray], np.ndarray]
) -> Interval:
    """95 % interval of a quantile: that of the share below it, read back as values (R. S. Woodruff, J. Am. Stat. Assoc.
    47 (1952) 635).

    The share is a ratio of sums over units, so its interval is that of any other (:func:`temj.population.intervals
    .interval`). Of one unit it is that of a binomial share of as many objects of one weight (order statistics).

    Args:
        values: (n,) float64.
        weight: (n,) float64, positive.
        share: 0..1.
        by_unit: sums (n, 2) over the objects of each unit: (u, 2).

    Returns:
        "" as method where the objects are too few for limits.
    """
    at = weighted_quantile(values, weight, share)
    if not np.isfinite(at):
        return Interval()
    below = weight * ((values < at) + 0.5 * (values == at))
    units = by_unit(np.stack([below, weight], axis=1))
    known = units[units[:, 1] > 0]
    if len(units) > 1:
        found = interval(known, lambda sums: sums[..., 0] / sums[..., 1])
        method = f"{found.method} of the share below" if found.method else ""
        away = np.array([found.low, found.high]) - known[:, 0].sum() / known[:, 1].sum()
    else:
        found, method = _binomial(share, weight), f"order statistics, {COUNTING}"
        away = np.array([found.low, found.high]) - share
    low, high = weighted_quantile(values, weight, share + away)
    return Interval(float(low), float(high), method) if np.isfinite(low) and np.isfinite(high) else Interval()


def _binomial(share: float, weight: np.ndarray) -> Interval:
    """The exact limits of a share (C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404)."""
    from scipy.stats import beta

    number = weight.sum() ** 2 / (weight**2).sum()
    found = share * number
    low, high = beta.ppf(TAILS[0], found, number - found + 1), beta.ppf(TAILS[1], found + 1, number - found)
    return Interval(float(low), float(high))
