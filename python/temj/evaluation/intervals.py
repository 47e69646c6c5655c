"""Confidence intervals over images: the image is what is independent, not the pixel and not the object.

From 12 images on: bias-corrected and accelerated bootstrap (BCa) of 2000 resamples of images with a fixed seed. For 2
to 11 images: Student's t with n - 1 degrees of freedom and the standard error of the jackknife, since a bootstrap over
few images covers too little. For 1 image: none. How they are computed: :mod:`temj.population.intervals`.
"""

from __future__ import annotations

import numpy as np

from temj.evaluation.agreement import ERRORS, SHARES, figures
from temj.population import intervals as common
from temj.population.intervals import BOOTSTRAP_FROM, LEVEL, Interval, Statistic, standard_error

__all__ = ["BOOTSTRAP_FROM", "LEVEL", "Interval", "Statistic", "interval", "limits", "metric", "standard_error"]


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


def interval(units: np.ndarray, statistic: Statistic, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Interval:
    """95 % interval of a statistic of the sum over images (the module's docstring says how).

    Args:
        units: (n, f) float64, sums of each image.
        statistic: takes sums (…, f).
        bounds: the statistic cannot be outside of them; nor is the interval.
    """
    return common.interval(units, statistic, bounds, bootstrap="BCa")
