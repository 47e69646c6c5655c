"""The curve of a training as files: a row a validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from temj.data import Column, Table
from temj.training.tables import csv_bytes

CURVE_CSV, CURVE_PNG = "training_curve.csv", "training_curve.png"
_WHOLE = ("step", "skipped")
_NOT_DRAWN = ("threshold", "batch")


def curve_csv(rows: Sequence[Mapping[str, float | None]]) -> bytes:
    """``training_curve.csv``, 6 significant digits.

    Columns: step, epoch, loss (mean since the row before), learning_rate, an IoU (of detectors AP50) a view at the best
    common threshold, object F1, one IoU or AP50 a class where there are several, that threshold, steps skipped so far.
    Empty: not known.
    """
    return csv_bytes(_table(rows))


def curve_png(rows: Sequence[Mapping[str, float | None]]) -> bytes:
    """``training_curve.png``: loss, and the metrics between 0 and 1."""
    from temj import plots

    drawn = [column for column in _table(rows) if column.name not in _NOT_DRAWN]
    return plots.training_curve(Table(tuple(replace(column, name=_readable(column.name)) for column in drawn)))


def curve_files(rows: Sequence[Mapping[str, float | None]]) -> dict[str, bytes]:
    """Both, by name."""
    return {CURVE_CSV: curve_csv(rows), CURVE_PNG: curve_png(rows)}


def _readable(name: str) -> str:
    """``iou`` → ``IoU``, ``iou_2x`` → ``IoU 2x``, ``ap50`` → ``AP50``, ``object_f1`` → ``object F1``."""
    for metric in ("IoU", "AP50"):
        if name == metric.lower() or name.startswith(f"{metric.lower()}_"):
            return f"{metric} {name[len(metric) + 1 :]}".strip()
    return "object F1" if name == "object_f1" else name


def _table(rows: Sequence[Mapping[str, float | None]]) -> Table:
    names = list(rows[0]) if rows else ["step", "epoch", "skipped"]
    types = [np.int64 if name in _WHOLE else np.float64 for name in names]
    # None becomes NaN
    return Table(
        tuple(
            Column(name, np.array([row[name] for row in rows], dtype)) for name, dtype in zip(names, types, strict=True)
        )
    )
