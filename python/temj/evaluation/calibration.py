"""From the agreement at every threshold of a grid to thresholds by name, each with the bias that it has.

Three thresholds:

========  =============================================================================================================
area      where the area found is the area annotated, all images together
count     where as many objects are found as are annotated, all images together
auto      best object F1; of all thresholds whose F1 is less than one standard error, and at most .02, below the best,
          the one with the smallest root mean square of the errors of area, count and diameter, so that quantities are
          not biased needlessly.
          The standard error is the jackknife's, over images, of the difference to the best F1.
========  =============================================================================================================

Between two thresholds of the grid sums are taken to change linearly: so ``area`` and ``count`` lie where the error is
0, also between them. A count can be right at two thresholds (objects merge below, vanish above): the one with the
better object F1 is taken. Where an error never becomes 0 it is the threshold of the grid with the smallest one.

The bias of a threshold is what a user has to expect on images that it was not chosen on: each image is judged at the
threshold that the same rule chooses on all others (leave one out), and these are added up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from temj.data import Column, Table
from temj.evaluation.agreement import Agreement, figures
from temj.evaluation.intervals import interval, limits, metric, standard_error

GRID = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""0.05, 0.1 … 0.95."""
QUANTITIES = {"area": "area error", "count": "count error", "diameter": "diameter error"}
NAMES = {
    "auto": "best object F1; of what is less than one standard error, and at most .02, below it, the smallest root mean"
    " square of the errors of area, count and diameter",
    "area": "area found = area annotated, all images together",
    "count": "objects found = objects annotated, all images together",
}
"""Name of a threshold → how it was chosen."""
_F1 = "object F1"
_CURVE = ("object precision", "object recall", _F1, *QUANTITIES.values())
_MIDDLE = 0.5
_GIVEN_UP = 0.02
"""F1 that the threshold ``auto`` may be below the best one."""


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Thresholds and how far quantities are off at each of them.

    Attributes:
        thresholds: name (as in :data:`NAMES`) → threshold.
        bias: name → quantity (``area``, ``count``, ``diameter``) → (relative error, low, high), on images that the
            threshold was not chosen on; NaN where it is not known. The interval (95 %) is that over images
            (:mod:`temj.evaluation.intervals`). Of a single image the error is that on the image itself, without an
            interval.
        curve: a row a threshold of the grid: threshold, object precision, recall and F1, errors of area, count and
            diameter, all images together.
        images: how many.
        f1: name → object F1, judged as the bias is.
    """

    thresholds: dict[str, float]
    bias: dict[str, dict[str, tuple[float, float, float]]]
    curve: Table
    images: int
    f1: dict[str, float]

    def facts(self) -> dict[str, Any]:
        """The same as JSON values, such as for ``calibration`` of a card; what is not known is null."""
        judged = f"{self.images} images, each judged at the threshold chosen on the others"
        return {
            name: {
                "definition": NAMES[name],
                "bias": {
                    quantity: dict(zip(("value", "low", "high"), map(_json, values), strict=True))
                    for quantity, values in self.bias[name].items()
                },
                "object_F1": _json(self.f1[name]),
                "judged_on": judged if self.images > 1 else "the one image that it was chosen on",
            }
            for name in self.thresholds
        }


def _json(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def calibrate(agreements: Sequence[Sequence[Agreement]], grid: Sequence[float] = GRID) -> Calibrated:
    """Choose the thresholds of a model on validation images.

    Args:
        agreements: for each image that at every threshold of the grid. What is one image in several views or of several
            classes is added up before.
        grid: ascending.
    """
    levels = np.asarray(grid, float)
    sums = np.array([[part.sums for part in image] for image in agreements], float)
    if sums.ndim != 3 or sums.shape[1] != len(levels) or not (np.diff(levels) > 0).all():
        raise ValueError(f"calibrate: {sums.shape} sums for {len(levels)} ascending thresholds")
    thresholds = _choose(sums, levels)
    pooled = figures(sums.sum(axis=0))
    curve = Table((Column("threshold", levels), *(Column(name, pooled[name]) for name in _CURVE)))
    judged = _held_out(sums, levels, thresholds)
    bias = {name: {quantity: _bias(units, error) for quantity, error in QUANTITIES.items()}
            for name, units in judged.items()}  # fmt: skip
    f1 = {name: float(figures(units.sum(axis=0))[_F1]) for name, units in judged.items()}
    return Calibrated(thresholds, bias, curve, len(sums), f1)


def _choose(sums: np.ndarray, grid: np.ndarray) -> dict[str, float]:
    """The thresholds by name, of sums (images, thresholds, f)."""
    pooled = sums.sum(axis=0)
    chosen = {
        "auto": _auto(sums, grid),
        "area": _unbiased(pooled, grid, "area"),
        "count": _unbiased(pooled, grid, "count"),
    }
    return {name: round(float(threshold), 4) for name, threshold in chosen.items()}


def _auto(sums: np.ndarray, grid: np.ndarray) -> float:
    found = figures(sums.sum(axis=0))
    f1 = found[_F1]
    if not np.isfinite(f1).any() or np.nanmax(f1) == 0:
        return _nearest_to_middle(grid)
    best = int(np.nanargmax(f1))
    bias = np.sqrt(np.mean([found[name] ** 2 for name in QUANTITIES.values()], axis=0))
    near = np.array([place == best or _is_near(sums, best, place, f1) for place in range(len(grid))])
    near &= np.isfinite(bias)
    return float(grid[np.where(near, bias, np.inf).argmin()]) if near.any() else float(grid[best])


def _is_near(sums: np.ndarray, best: int, place: int, f1: np.ndarray) -> bool:
    """Whether the F1 at ``place`` is near the best one: by the standard error of the difference, and :data:`_GIVEN_UP`.

    The second since over few images the standard error is so large that hardly any F1 would be left.
    """
    if f1[place] == f1[best]:
        return True
    if f1[best] - f1[place] > _GIVEN_UP:
        return False
    pairs = np.concatenate([sums[:, best], sums[:, place]], axis=1)
    return bool(f1[best] - f1[place] < standard_error(pairs, _difference))  # false where the error is NaN


def _difference(pairs: np.ndarray) -> np.ndarray:
    """F1 of the first half of the sums less that of the second."""
    half = pairs.shape[-1] // 2
    return figures(pairs[..., :half])[_F1] - figures(pairs[..., half:])[_F1]


def _unbiased(pooled: np.ndarray, grid: np.ndarray, quantity: str) -> float:
    """Where the error of a quantity is 0: of several such thresholds that with the best F1."""
    found = figures(pooled)
    error = found[QUANTITIES[quantity]]
    if not np.isfinite(error).any():
        return _nearest_to_middle(grid)
    changes = np.flatnonzero(error[:-1] * error[1:] < 0)
    between = grid[changes] - error[changes] * np.diff(grid)[changes] / np.diff(error)[changes]
    exact = np.concatenate([between, grid[error == 0]])
    if not len(exact):
        least = np.abs(error) == np.nanmin(np.abs(error))
        return float(grid[np.where(least, np.nan_to_num(found[_F1]), -1).argmax()])
    f1 = np.nan_to_num([figures(_at(pooled, grid, threshold))[_F1] for threshold in exact])
    return float(exact[f1.argmax()])


def _at(sums: np.ndarray, grid: np.ndarray, threshold: float) -> np.ndarray:
    """The sums (…, thresholds, f) at a threshold: linear between those of the grid, (…, f)."""
    after = int(np.clip(np.searchsorted(grid, threshold), 1, len(grid) - 1)) if len(grid) > 1 else 0
    if len(grid) == 1:
        return sums[..., 0, :]
    share = np.clip((threshold - grid[after - 1]) / (grid[after] - grid[after - 1]), 0, 1)
    return (1 - share) * sums[..., after - 1, :] + share * sums[..., after, :]


def _nearest_to_middle(grid: np.ndarray) -> float:
    """Nothing was annotated, or nothing fits at all: no threshold is better than another."""
    return float(grid[np.abs(grid - _MIDDLE).argmin()])


def _held_out(sums: np.ndarray, grid: np.ndarray, thresholds: dict[str, float]) -> dict[str, np.ndarray]:
    """Name → (images, f): the sums of each image at the threshold that all others choose; of one image at its own."""
    others = [np.delete(sums, number, axis=0) for number in range(len(sums))]
    chosen = [_choose(part, grid) if len(part) else thresholds for part in others]
    return {
        name: np.array([_at(image, grid, at[name]) for image, at in zip(sums, chosen, strict=True)])
        for name in thresholds
    }


def _bias(judged: np.ndarray, error: str) -> tuple[float, float, float]:
    statistic = metric(error)
    known = interval(judged, statistic, limits(error))
    return float(statistic(judged.sum(axis=0))), known.low, known.high
