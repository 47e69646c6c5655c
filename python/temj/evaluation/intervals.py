"""Confidence intervals over images: the image is what is independent, not the pixel and not the object.

From 12 images on: bias-corrected and accelerated bootstrap (BCa; B. Efron, J. Am. Stat. Assoc. 82 (1987) 171) of 2000
resamples of images with a fixed seed. For 2 to 11 images: Student's t with n - 1 degrees of freedom and the standard
error of the jackknife, since a bootstrap over few images covers too little. For 1 image: none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from temj.evaluation.agreement import ERRORS, SHARES, figures

LEVEL = 0.95
BOOTSTRAP_FROM = 12
_RESAMPLES = 2000
Statistic = Callable[[np.ndarray], np.ndarray]
"""Sums (…, f) over images → what follows from them (…)."""


@dataclass(frozen=True)
class Interval:
    """Limits of a 95 % interval, NaN where there is none, and how they were found: ``t``, ``BCa`` or ""."""

    low: float = float("nan")
    high: float = float("nan")
    method: str = ""


def limits(name: str) -> tuple[float, float]:
    """Between which values a metric of this name can be at all."""
    if name in SHARES or name.startswith("mean IoU"):
        return 0.0, 1.0
    if name in ("P1", "P2") or name.startswith("area fraction"):
        return 0.0, 100.0
    return (-1.0, np.inf) if name in ERRORS else (0.0, np.inf)


def metric(name: str) -> Statistic:
    """The statistic that is a metric (:data:`temj.evaluation.agreement.DEFINITIONS`) of sums of agreement."""
    return lambda sums: figures(sums)[name]


def standard_error(units: np.ndarray, statistic: Statistic) -> float:
    """The jackknife's standard error of a statistic of the sum over units (images).

    Args:
        units: (n, f) float64, sums of each image.
        statistic: what is computed of their sum.

    Returns:
        sqrt((n - 1) / n x the sum of squares of what leaving one image out changes); NaN for one image, or where the
        statistic is not known without one of them.
    """
    count = len(units)
    if count < 2:
        return float("nan")
    without = statistic(units.sum(axis=0) - units)
    return float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))


def interval(units: np.ndarray, statistic: Statistic, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Interval:
    """95 % interval of a statistic of the sum over images (the module's docstring says how).

    Args:
        units: (n, f) float64, sums of each image.
        statistic: takes sums (…, f).
        bounds: the statistic cannot be outside of them; nor is the interval.
    """
    from scipy.stats import t

    value = float(statistic(units.sum(axis=0)))
    if len(units) < 2 or not np.isfinite(value):
        return Interval()
    found, method = _bca(units, statistic, value) if len(units) >= BOOTSTRAP_FROM else None, "BCa"
    if found is None:
        reach = t.ppf(0.5 + LEVEL / 2, len(units) - 1) * standard_error(units, statistic)
        found, method = (value - reach, value + reach), "t"
    low, high = (float(np.clip(end, *bounds)) for end in found)
    return Interval(low, high, method) if np.isfinite(low) and np.isfinite(high) else Interval()


def _bca(units: np.ndarray, statistic: Statistic, value: float) -> tuple[float, float] | None:
    """The limits of the BCa bootstrap; None where some resamples have no value (their sums lack the class)."""
    from scipy.special import ndtr, ndtri

    count = len(units)
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), _RESAMPLES)
    values = statistic(drawn @ units)
    without = statistic(units.sum(axis=0) - units)
    if not (np.isfinite(values).all() and np.isfinite(without).all()):
        return None
    if np.ptp(values) == 0:
        return value, value
    below = ((values < value).sum() + 0.5 * (values == value).sum()) / _RESAMPLES
    bias = ndtri(np.clip(below, 0.5 / _RESAMPLES, 1 - 0.5 / _RESAMPLES))
    change = without.mean() - without
    spread = (change**2).sum()
    acceleration = (change**3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    ends = bias + ndtri(np.array([0.5 - LEVEL / 2, 0.5 + LEVEL / 2]))
    low, high = np.quantile(values, ndtr(bias + ends / (1 - acceleration * ends)))
    return float(low), float(high)
