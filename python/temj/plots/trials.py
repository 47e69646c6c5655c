"""Trials of a search: their value one after the other, and against each setting."""

from __future__ import annotations

import io
import math
from collections.abc import Collection, Sequence

import numpy as np

from temj.data import Table
from temj.plots.colours import PALETTE

MOST = 11
"""Settings that have a panel."""
_COLUMNS = 3
_FINISHED, _DROPPED, _FAILED = PALETTE[6], PALETTE[0], PALETTE[4]
_LONGEST = 16
_FEW = 6


def trials_plot(table: Table, value: str, settings: Sequence[str], higher: bool, logs: Collection[str] = ()) -> bytes:
    """A PNG picture with a panel of the trials in their order and one for each setting.

    Finished trials are full dots, dropped ones (with the last value they reached) open ones, failed ones crosses at the
    lower edge; a line is the best so far, a ring the best of all.

    Args:
        table: columns ``Trial``, ``State`` (finished, dropped, failed, running), the value and the settings.
        value: name of the column with the value; NaN where there is none.
        settings: names of columns, numbers or text.
        higher: whether a higher value is better.
        logs: settings with a logarithmic axis.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = list(settings)[:MOST]
    rows = -(-(len(shown) + 1) // _COLUMNS)
    columns = min(_COLUMNS, len(shown) + 1)
    figure = Figure(figsize=(4 * columns, 3.2 * rows), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.add_subplot(rows, columns, 1)
    _order(panel, table, value, higher)
    for number, name in enumerate(shown, 2):
        _setting(figure.add_subplot(rows, columns, number, sharey=panel), table, value, name, higher, name in logs)
    handles, labels = panel.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize=9)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})  # no version in it: the same bytes everywhere
    return picture.getvalue()


def best_so_far(values: np.ndarray, higher: bool) -> np.ndarray:
    """The best of the values up to each one, NaN before the first that is known."""
    follow = np.fmax if higher else np.fmin
    return follow.accumulate(values) if len(values) else values


def _order(panel, table: Table, value: str, higher: bool) -> None:
    """Value against trial, with the best so far."""
    from matplotlib.ticker import MaxNLocator

    _dots(panel, table["Trial"].astype(float), table, value, higher)
    finished = np.where(table["State"] == "finished", table[value], math.nan)
    best = best_so_far(finished, higher)
    if np.isfinite(best).any():
        panel.step(table["Trial"], best, where="post", color="0.4", lw=1.2, label="best so far", zorder=1)
    panel.set_xlabel("Trial")
    panel.set_ylabel(value)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set_xlim(0.5, max(len(table), 1) + 0.5)
    if not np.isfinite(table[value]).any():
        panel.set_ylim(0, 1)
    panel.grid(alpha=0.3)


def _setting(panel, table: Table, value: str, name: str, higher: bool, log: bool) -> None:
    """Value against one setting; text has a place for each of its values."""
    column = next(column for column in table if column.name == name)
    if column.is_text:
        texts = list(dict.fromkeys(column.values.tolist()))
        _dots(panel, np.array([texts.index(text) for text in column.values], float), table, value, higher)
        panel.set_xticks(range(len(texts)), [_shortened(text) for text in texts], rotation=20 if len(texts) > 2 else 0)
        panel.set_xlim(-0.5, max(len(texts), 1) - 0.5)
    else:
        _dots(panel, column.values.astype(float), table, value, higher)
        known = sorted(set(column.values.tolist()))
        if log and known:
            panel.set_xscale("log")
        elif 0 < len(known) <= _FEW:
            panel.set_xticks(known)
    panel.set_xlabel(name)
    panel.grid(alpha=0.3)


def _dots(panel, places: np.ndarray, table: Table, value: str, higher: bool) -> None:
    """One mark a trial."""
    state, values = table["State"], table[value]
    finished, dropped = state == "finished", (state == "dropped") & np.isfinite(values)
    failed = (state == "failed") | ((state == "dropped") & ~np.isfinite(values))
    if finished.any():
        panel.plot(places[finished], values[finished], "o", ms=5, color=_FINISHED, label="finished")
    if dropped.any():
        panel.plot(places[dropped], values[dropped], "o", ms=5, mfc="none", color=_DROPPED, label="dropped early")
    if failed.any():
        edge = panel.get_xaxis_transform()
        panel.plot(
            places[failed], np.full(failed.sum(), 0.03), "x", ms=6, color=_FAILED, transform=edge, label="failed"
        )
    if finished.any():
        best = np.nanargmax(np.where(finished, values if higher else -values, math.nan))
        panel.plot(places[best], values[best], "o", ms=11, mfc="none", color="black", label="best")


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
