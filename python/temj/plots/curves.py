"""Curves of numbers over time."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from temj.data import Column, Table
from temj.plots.colours import PALETTE

_TIMES = {"step": "Step", "epoch": "Epoch"}
_NO_METRICS = ("learning_rate", "skipped", "seconds", "minutes")


def training_curve(rows: Table) -> bytes:
    """Loss and validation metrics of a training as a PNG picture with two panels.

    Args:
        rows: a row for each validation. The first of ``step`` and ``epoch`` that is there is the horizontal axis
            (else the row number); columns with ``loss`` in their name go to the left panel, the other numbers but
            learning rate, skipped steps and times to the right one. NaN leaves a gap.
    """
    axis = next((name for name in _TIMES if name in rows), None)
    time = np.arange(1, len(rows) + 1) if axis is None else rows[axis]
    numbers = [column for column in rows if not column.is_text and column.name not in (*_TIMES, *_NO_METRICS)]
    losses = [column for column in numbers if "loss" in column.name.lower()]
    metrics = [column for column in numbers if column not in losses]
    figure = _figure()
    for place, (title, columns) in enumerate((("Loss", losses), ("Validation", metrics)), 1):
        panel = figure.add_subplot(1, 2, place)
        _lines(panel, time, columns)
        panel.set_xlabel(_TIMES.get(axis, "Validation number"))
        panel.set_ylabel(_what(columns))
        panel.set_title(title)
        if title == "Validation" and _are_shares(columns):
            panel.set_ylim(0, 1)
        elif title == "Loss":
            panel.set_ylim(bottom=0)
    return _png(figure)


def _figure() -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _lines(panel: Any, x: np.ndarray, columns: list[Column]) -> None:
    """A line a column, with a legend where there are several."""
    for number, column in enumerate(columns):
        colour, dashes = PALETTE[number % len(PALETTE)], ("-", "--", ":")[number // len(PALETTE) % 3]
        panel.plot(x, column.values, marker="o", ls=dashes, ms=3, lw=1.5, color=colour, label=_name(column))
    panel.grid(alpha=0.3)
    if len(columns) > 1:
        panel.legend(frameon=False, fontsize=9)


def _png(figure: Any) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})  # no version in it: the same bytes everywhere
    return picture.getvalue()


def _name(column: Column) -> str:
    return column.name + (f" ({column.unit})" if column.unit else "")


def _what(columns: list[Column]) -> str:
    """What several columns have in common: the first word of all, e.g. IoU."""
    words = {column.name.split()[0] for column in columns}
    return words.pop().replace("loss", "Loss") if len(words) == 1 else "Value"


def _are_shares(columns: list[Column]) -> bool:
    values = np.concatenate([np.empty(0), *(column.values for column in columns)])
    values = values[np.isfinite(values)]
    return bool(len(values)) and values.min() >= 0 and values.max() <= 1
