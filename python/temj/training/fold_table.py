"""How good each fold is, and all of them: mean and standard deviation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from temj.data import Column, Table
from temj.evaluation.agreement import DEFINITIONS, figures
from temj.evaluation.ranking import DEFINITIONS as RANKS
from temj.training.judging import Judge
from temj.training.validation import Reading

METRICS = {
    "pixel precision": "pixel precision",
    "pixel recall": "pixel recall",
    "pixel F1": "Dice",
    "IoU": "IoU",
    "PR-AUC": "PR-AUC",
    "ROC-AUC": "ROC-AUC",
    "object F1": "object F1",
    "area error": "area error",
    "count error": "count error",
    "diameter error": "diameter error",
}
"""Column of the table → the metric's name elsewhere."""
MEAN = "mean"
"""Of the classes, in the column Class; of the folds, in the column Fold."""
SD = "sd"


@dataclass(frozen=True)
class Rows:
    """How good one fold is.

    Attributes:
        images: that it was judged on.
        threshold: at which.
        values: (k, metrics) float64 in the order of :data:`METRICS`, NaN where a figure is not known.
    """

    images: int
    threshold: float
    values: np.ndarray

    def mean(self, name: str, classes: Sequence[str]) -> float:
        """A metric over the classes that have it."""
        return _mean(self.values[: len(classes), list(METRICS).index(name)])


def rows_of(judge: Judge, answers: Reading, threshold: float) -> Rows:
    """Judge a fold on its images at their own pixel size."""
    found = figures(judge.by_class(answers, threshold).sum(axis=1))
    values = []
    for number in range(len(judge.core.classes)):
        ranks = answers.ranked(number)
        values.append([ranks[name] if name in ranks else float(found[name][number]) for name in METRICS.values()])
    return Rows(len(answers.view.names), threshold, np.array(values, float))


def fold_table(rows: Sequence[Rows], classes: Sequence[str]) -> Table:
    """A row for each fold and class (where there are several also their mean), then mean and sd of the folds.

    Columns: Fold, Class, Images, Threshold and :data:`METRICS`. sd is the standard deviation of a single fold, with
    n - 1; where a figure is not known in all folds, over those that have it.
    """
    names = [*classes, *([MEAN] if len(classes) > 1 else [])]
    values = np.array([_with_mean(row.values) for row in rows])  # folds, classes (and mean), metrics
    folds = [str(number) for number in range(1, len(rows) + 1)]
    cells: list[tuple[Any, ...]] = []
    for fold, row, of_fold in zip(folds, rows, values, strict=True):
        cells += [(fold, name, row.images, row.threshold, *line) for name, line in zip(names, of_fold, strict=True)]
    thresholds = np.array([row.threshold for row in rows])
    for label, statistic in ((MEAN, _mean), (SD, _sd)):
        images = sum(row.images for row in rows) if label == MEAN else math.nan
        cells += [
            (label, name, images, statistic(thresholds), *(statistic(column) for column in values[:, place].T))
            for place, name in enumerate(names)
        ]
    headers = ("Fold", "Class", "Images", "Threshold", *METRICS)
    return Table(tuple(
        Column(header, np.array([line[place] for line in cells], object if place < 2 else float))
        for place, header in enumerate(headers)
    ))  # fmt: skip


def fold_metrics(table: Table, count: int) -> list[dict[str, Any]]:
    """Mean and sd of the folds as rows for ``metrics`` of a card."""
    fold, classes = table["Fold"], table["Class"]
    several, rows = len(set(classes)) > 1, []
    for name in dict.fromkeys(classes):
        mean, sd = (int(np.flatnonzero((fold == label) & (classes == name))[0]) for label in (MEAN, SD))
        of_class = f", {MEAN} of the classes" if several and name == MEAN else f", class {name}" if several else ""
        for column, metric in METRICS.items():
            value, spread = float(table[column][mean]), float(table[column][sd])
            if not math.isfinite(value):
                continue
            told = f"sd {spread:.3g}" if math.isfinite(spread) else "sd not known"
            rows.append({
                "name": metric,
                "value": float(f"{value:.4g}"),
                "definition": DEFINITIONS.get(metric) or RANKS[metric],
                "data": f"mean of {count} folds ({told}, n - 1) at own pixel size{of_class}; each fold on images that "
                "its network did not see, at the threshold of the other folds",
            })  # fmt: skip
    return rows


def _with_mean(values: np.ndarray) -> np.ndarray:
    """(k, metrics) with the mean over the classes below, where there are several."""
    if len(values) == 1:
        return values
    return np.concatenate([values, [[_mean(column) for column in values.T]]])


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return round(float(values.mean()), 12) + 0.0 if len(values) else math.nan  # errors that cancel give 0


def _sd(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan
