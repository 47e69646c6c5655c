"""The table of CREME (Salvador et al., Micron 201, 2026, 103927): a row a threshold, model or field of view.

Its P1 and P2 choose nothing (:mod:`temj.evaluation.creme` says why): the best row is the one whose largest relative
error is smallest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from temj.data import Column, Table
from temj.evaluation.agreement import figures

_ERRORS = {
    "F_re (%)": "area error", "N_re (%)": "count error", "D_re (%)": "major axis error", "Dm_re (%)": "minor axis error"
}  # fmt: skip
BEST = "smallest max(|F_re|, |N_re|, |D_re|, |Dm_re|)"
"""Rule of the best row."""


def merit_columns(found: Mapping[str, np.ndarray]) -> tuple[Column, ...]:
    """The columns of the table.

    Args:
        found: name of a metric (:data:`temj.evaluation.agreement.DEFINITIONS` and AP50:95) → (rows,) float64, all
            classes and images together; AP50:95 is NaN where it is not known.

    Returns:
        F_re, N_re, D_re, Dm_re, AP50:95, P1, r, P2, Largest error (all but r in %), Best (1 for the best row, the first
        of equal ones; else 0). A row with an error that is not known is not the best.
    """
    errors = {name: 100 * np.asarray(found[key], float) for name, key in _ERRORS.items()}
    largest = np.max(np.abs(np.stack(list(errors.values()))), axis=0)  # NaN where one of them is
    return (
        *(Column(name, values, "%") for name, values in errors.items()),
        Column("AP50:95 (%)", 100 * np.asarray(found["AP50:95"], float), "%"),
        Column("P1 (%)", found["P1"], "%"), Column("r", found["r"]), Column("P2 (%)", found["P2"], "%"),
        Column("Largest error (%)", largest, "%"), Column("Best", best_row(largest)),
    )  # fmt: skip


def best_row(largest: np.ndarray) -> np.ndarray:
    """(rows,) int64: 1 for the smallest of the numbers, the first of equal ones; all 0 where none is known."""
    best = np.zeros(len(largest), np.int64)
    if np.isfinite(largest).any():
        best[np.nanargmin(largest)] = 1
    return best


def by_threshold(thresholds: Sequence[float], sums: np.ndarray, precision: np.ndarray) -> Table:
    """``creme.csv``: a row a threshold.

    Args:
        thresholds: (rows,).
        sums: (rows, 12) float64, as :attr:`temj.evaluation.agreement.Agreement.sums`, all classes and images together.
        precision: (rows,) AP50:95 from 0 to 1.
    """
    columns = merit_columns(figures(np.asarray(sums, float)) | {"AP50:95": np.asarray(precision, float)})
    return Table((Column("Threshold", np.asarray(thresholds, float)), *columns))
