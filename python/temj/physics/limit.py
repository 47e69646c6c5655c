"""The detection limit: recall, precision and error of the diameter by size, and the sizes with 50 and 90 % recall.

Sizes are diameters in nm. Below the limit histograms are incomplete and means too large; nothing is extrapolated there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.errors import BadValue
from temj.physics.correction import Validation
from temj.physics.values import ratio
from temj.population.intervals import LEVEL, interval, standard_error

_STRIPS = 40
_FEWEST = 20
"""Annotated objects below which no curve is fitted."""
_NARROW, _WIDE = math.log(0.02), math.log(3.0)


@dataclass(frozen=True, eq=False)
class Judged:
    """One image: the annotated and the found objects of a class, and which belong together.

    Attributes:
        true_nm: (n,) float64, diameters of the annotated objects in nm.
        found_nm: (m,) float64, diameters of the found objects in nm.
        pairs: (p, 2) int, (annotated, found) objects that were matched, each at most once.
        area_nm2: analysed area.
    """

    true_nm: np.ndarray
    found_nm: np.ndarray
    pairs: np.ndarray
    area_nm2: float = math.nan


@dataclass(frozen=True)
class Rate:
    """A figure with a 95 % interval over images; limits are NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SizeClass:
    """How well objects of one class of size are found.

    Attributes:
        low_nm, high_nm: from the first on, below the second.
        annotated, found: objects of that true, of that found size.
        recall: matched / annotated, by true size.
        precision: matched / found, by found size.
        error_nm: mean of found - true diameter of the matched ones, by true size, in nm.
        sd_nm: standard deviation of these differences, in nm.
    """

    low_nm: float
    high_nm: float
    annotated: int
    found: int
    recall: Rate
    precision: Rate
    error_nm: Rate
    sd_nm: float


def validation_of(
    images: Sequence[Judged],
    edges: Sequence[float],
    mode: str = "",
    pixel_size_nm: tuple[float, float] = (math.nan, math.nan),
) -> Validation:
    """What these images say for the correction of counts.

    Raises:
        BadValue: edges that do not increase.
    """
    limits = np.asarray(edges, float)
    annotated = np.array([_counts(one.true_nm, limits) for one in images])
    matched = np.array([_counts(one.true_nm[one.pairs[:, 0]], limits) for one in images])
    found = np.array([_counts(one.found_nm, limits) for one in images])
    correct = np.array([_counts(one.found_nm[one.pairs[:, 1]], limits) for one in images])
    area = np.array([one.area_nm2 for one in images], float)
    return Validation(limits, annotated, matched, found - correct, area, mode, pixel_size_nm)


def by_size(images: Sequence[Judged], edges: Sequence[float]) -> list[SizeClass]:
    """Recall, precision and error of the diameter in each class of size, pooled over images.

    Args:
        images: with their objects.
        edges: (k + 1,) limits of the classes in nm, increasing; the last may be infinite.

    Returns:
        k classes; a figure is NaN where there is nothing to compute it of.
    """
    limits = np.asarray(edges, float)
    units = np.array([_sums(one, limits) for one in images]).reshape(len(images), 7, len(limits) - 1)
    return [_size_class(float(limits[k]), float(limits[k + 1]), units[..., k]) for k in range(len(limits) - 1)]


def _counts(sizes: np.ndarray, limits: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Objects (or the sum of their weights) in each class: from its lower limit on, below its upper one."""
    place = np.searchsorted(limits, sizes, side="right")
    counted = np.bincount(place, weights, minlength=len(limits) + 1)[1 : len(limits)]
    return counted if weights is None else counted.astype(float)


def _sums(one: Judged, limits: np.ndarray) -> list[np.ndarray]:
    """annotated, matched, found, correct; number, sum and sum of squares of differences: each by class."""
    true, found = one.true_nm[one.pairs[:, 0]], one.found_nm[one.pairs[:, 1]]
    known = np.isfinite(found - true)
    difference, at = (found - true)[known], true[known]
    return [
        _counts(one.true_nm, limits), _counts(true, limits), _counts(one.found_nm, limits), _counts(found, limits),
        _counts(at, limits), _counts(at, limits, difference), _counts(at, limits, difference**2),
    ]  # fmt: skip


def _size_class(low: float, high: float, units: np.ndarray) -> SizeClass:
    total = units.sum(0)
    mean = float(ratio(total[5], total[4]))
    spread = ratio(total[6] - total[4] * mean**2, total[4] - 1)
    return SizeClass(
        low, high, int(total[0]), int(total[2]),
        recall=_rate(units[:, [1, 0]], 0.0, 1.0), precision=_rate(units[:, [3, 2]], 0.0, 1.0),
        error_nm=_rate(units[:, [5, 4]]), sd_nm=math.sqrt(max(spread, 0.0)) if math.isfinite(spread) else math.nan,
    )  # fmt: skip


def _rate(units: np.ndarray, lowest: float = -math.inf, highest: float = math.inf) -> Rate:
    """Sum of the first column / sum of the second, and its interval over units."""

    def statistic(sums: np.ndarray) -> np.ndarray:
        return ratio(sums[..., 0], sums[..., 1])

    found = interval(units, statistic, (lowest, highest))
    return Rate(float(statistic(units.sum(0))), found.low, found.high)


@dataclass(frozen=True)
class Limit:
    """The size with a given recall.

    Attributes:
        share: the recall, 0 to 1.
        size_nm, low_nm, high_nm: with a 95 % interval over images; NaN where there is none, then ``note`` says why.
        images, objects: annotated ones that it rests on.
        note: what a reader must know; "" for nothing.
    """

    share: float
    size_nm: float
    low_nm: float
    high_nm: float
    images: int
    objects: int
    note: str = ""
    method: str = "t over images (jackknife of ln size)"


def detection_limit(images: Sequence[Judged], share: float = 0.5) -> Limit:
    """The diameter in nm from which on at least this share of the objects is found.

    A logistic curve R(d) = R_max / (1 + (d / d_0)^(-1/s)) is fitted by maximum likelihood to found or missed against
    ln d (the log-odds model for probability of detection of MIL-HDBK-1823A, with a plateau R_max, since a detector may
    miss some objects of any size). The interval is that of Student's t with the jackknife over images.

    Args:
        images: with their objects.
        share: the recall, between 0 and 1.

    Returns:
        NaN with a note for fewer than 20 annotated objects, where the recall does not reach the share, or where the
        size lies outside of the annotated sizes: nothing is extrapolated.

    Raises:
        BadValue: a share that is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise BadValue("value", where="recall", expected="a share between 0 and 1", found=str(share))
    sizes = np.concatenate([np.zeros(0), *(one.true_nm for one in images)])
    sizes = sizes[sizes > 0]
    if len(sizes) < _FEWEST:
        note = f"Only {len(sizes)} annotated objects: at least {_FEWEST} are needed."
        return Limit(share, math.nan, math.nan, math.nan, len(images), len(sizes), note)
    units = _strips(images, sizes)
    curve = _fit(units.sum(0))
    size = math.exp(_crossing(curve, share))
    told = f"{100 * share:g} % of the objects"
    if not math.isfinite(size):
        note = f"At no size {told} are found: the recall ends at {100 * curve[2]:.3g} %."
    elif size < sizes.min():
        note = f"More than {told} are found at the smallest annotated size of {sizes.min():.3g} nm: the limit is below."
    elif size > sizes.max():
        note = f"Fewer than {told} are found at the largest annotated size of {sizes.max():.3g} nm: the limit is above."
    else:
        low, high = _interval(units, curve, share, size)
        note = "" if math.isfinite(low) else "Too few images, or a curve too flat, for an interval."
        return Limit(share, size, low, high, len(images), len(sizes), note)
    return Limit(share, math.nan, math.nan, math.nan, len(images), len(sizes), note)


def _strips(images: Sequence[Judged], sizes: np.ndarray) -> np.ndarray:
    """(images, 3, strips): annotated, matched and sum of ln d in narrow strips of size, to be added over images."""
    limits = np.unique(np.quantile(sizes, np.linspace(0, 1, _STRIPS + 1)))
    limits = np.append(limits[:-1], np.inf) if len(limits) > 1 else np.array([limits[0], np.inf])
    rows = []
    for one in images:
        matched = np.zeros(len(one.true_nm), bool)
        matched[one.pairs[:, 0]] = True
        known = one.true_nm > 0
        true, hit = one.true_nm[known], matched[known]
        rows.append([_counts(true, limits), _counts(true[hit], limits), _counts(true, limits, np.log(true))])
    return np.array(rows, float)


Curve = tuple[float, float, float]
"""ln d_0, s, R_max."""


def _fit(sums: np.ndarray, start: Curve | None = None) -> Curve:
    """Maximum likelihood of (3, strips) sums; tried from several starts where none is given."""
    from scipy.optimize import minimize

    used = sums[0] > 0
    number, hit, x = sums[0, used], sums[1, used], sums[2, used] / sums[0, used]

    def loss(place: np.ndarray) -> tuple[float, np.ndarray]:
        """Mean negative log-likelihood at (x0, ln s, logit R_max), and its gradient."""
        s, top = math.exp(place[1]), 1 / (1 + math.exp(-place[2]))
        z = (x - place[0]) / s
        rise = 1 / (1 + np.exp(-np.clip(z, -50, 50)))
        p = np.clip(top * rise, 1e-9, 1 - 1e-9)
        by_p = (-(hit / p) + (number - hit) / (1 - p)) / number.sum()
        bend = top * rise * (1 - rise)
        gradient = [by_p @ (-bend / s), by_p @ (-bend * z), by_p @ (p * (1 - top))]
        return float(-(hit @ np.log(p) + (number - hit) @ np.log1p(-p)) / number.sum()), np.array(gradient)

    middle, reach = x.mean(), max(np.ptp(x), 0.1)
    plateau = math.log(max(hit.sum(), 1) / max(number.sum() - hit.sum(), 0.1))
    starts = [(at, math.log(0.2), max(plateau, 1.0)) for at in (x.min(), middle, x.min() - 0.5 * reach)]
    if start is not None:
        starts = [(start[0], math.log(start[1]), min(math.log(start[2] / max(1 - start[2], 1e-6)), 12.0))]
    bounds = [(x.min() - 3 * reach, x.max() + 3 * reach), (_NARROW, _WIDE), (-5.0, 12.0)]
    fits = [minimize(loss, one, jac=True, method="L-BFGS-B", bounds=bounds) for one in starts]
    best = min(fits, key=lambda fit: fit.fun).x
    return float(best[0]), math.exp(best[1]), 1 / (1 + math.exp(-best[2]))


def _crossing(curve: Curve, share: float) -> float:
    """ln d at which the curve has this recall; infinite where it never has."""
    middle, s, top = curve
    return math.inf if top <= share else middle - s * math.log(top / share - 1)


def _interval(units: np.ndarray, curve: Curve, share: float, size: float) -> tuple[float, float]:
    """Limits of the size by the jackknife of its logarithm; a bootstrap would need minutes, with a fit for each."""
    from scipy.stats import t

    def statistic(sums: np.ndarray) -> np.ndarray:
        found = np.array([_crossing(_fit(one, curve), share) for one in sums])
        return np.where(np.isfinite(found), found, np.nan)

    if len(units) < 2:
        return math.nan, math.nan
    reach = math.exp(t.ppf(0.5 + LEVEL / 2, len(units) - 1) * standard_error(units, statistic))
    return size / reach, size * reach
