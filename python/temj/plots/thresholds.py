"""What a threshold decides about: objects found and missed, and the errors of quantities."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from temj.data import Table
from temj.plots.colours import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARES = {"object F1": "F1", "object precision": "precision", "object recall": "recall"}
_ERRORS = {"area error": "area", "count error": "count", "diameter error": "mean diameter"}
_STYLES = ("-", "--", ":")
_MOST = 100.0
"""Errors beyond this, in percent, are off the picture: the scale is for those that a user may choose between."""


def threshold_curve(curve: Table, thresholds: Mapping[str, float], title: str = "") -> bytes:
    """Draw object precision, recall and F1, and the errors of quantities, against the threshold.

    Args:
        curve: columns ``threshold``, ``object precision``, ``object recall``, ``object F1`` (0..1) and ``area error``,
            ``count error``, ``diameter error`` (fractions), a row a threshold; NaN leaves a gap.
        thresholds: name → threshold, drawn as vertical lines.
        title: on which data.

    Returns:
        A PNG file with two panels; equal tables give equal bytes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharex=True)
    _lines(left, curve, _SHARES, 1.0, 0)
    left.set(xlabel="Threshold", ylabel="Objects", ylim=(0, 1))
    _lines(right, curve, _ERRORS, 100.0, 3)
    right.axhline(0, color="0.3", lw=0.8)
    right.set(xlabel="Threshold", ylabel="Error (%)")
    low, high = right.get_ylim()
    right.set_ylim(max(low, -_MOST), min(high, _MOST))
    for panel in (left, right):
        panel.set_xlim(0, 1)
        panel.grid(alpha=0.3)
        _marks(panel, thresholds)
        panel.legend(frameon=False, loc="best", fontsize=9)
    if title:
        figure.suptitle(title, fontsize=10)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _lines(panel: Axes, curve: Table, names: Mapping[str, str], factor: float, first: int) -> None:
    for number, (name, label) in enumerate(names.items()):
        colour = PALETTE[(first + number + (first > 0)) % len(PALETTE)]
        style = _STYLES[number]
        panel.plot(curve["threshold"], factor * curve[name], style, lw=1.8, color=colour, label=label)


def _marks(panel: Axes, thresholds: Mapping[str, float]) -> None:
    """A line at each threshold with its name at the top; names at one place stand side by side in it."""
    places: dict[float, list[str]] = {}
    for name, threshold in thresholds.items():
        places.setdefault(round(threshold, 3), []).append(name)
    top = panel.get_xaxis_transform()
    for threshold, names in places.items():
        panel.axvline(threshold, color="0.45", lw=0.9, ls=(0, (2, 2)))
        panel.text(
            threshold, 0.02, f" {', '.join(names)} {threshold:.3g}", transform=top, rotation=90, fontsize=8,
            ha="right", va="bottom", color="0.25",
        )  # fmt: skip
