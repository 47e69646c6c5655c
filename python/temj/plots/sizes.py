"""Sizes of found and annotated objects as pictures: distributions, pairs, bins of size, images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from temj.data import Table
from temj.plots.canvas import new_figure, png_of
from temj.plots.colours import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TRUE, _FOUND, _INK = "0.25", "#0072b2", "0.15"
_RECALL, _PRECISION = "#009e73", "#e69f00"
_MOST_CLASSES, _MOST_BINS = 8, 40
_ROW, _ASIDE = 3.0, 0.008


@dataclass(frozen=True, eq=False)
class Sizes:
    """Diameters of one class.

    Attributes:
        name: of the class.
        true, found: (n,) and (m,) of all objects.
        pair_true, pair_found: (p,) of matched pairs.
        bins: rows of the table of bins (columns as :func:`temj.evaluation.size_bins.by_size` makes them).
        told: words about the agreement.
        marks: words → diameter, drawn as a vertical line beside the recall.
    """

    name: str
    true: np.ndarray
    found: np.ndarray
    pair_true: np.ndarray
    pair_found: np.ndarray
    bins: Table
    told: str = ""
    marks: Mapping[str, float] = field(default_factory=dict)


def size_figure(classes: Sequence[Sizes], unit: str, title: str) -> bytes:
    """A row a class (PNG): distributions of diameters, recall and precision by size, error of the diameter by size.

    Bars around points are 95 % intervals over images. Of more than 8 classes the first 8 are drawn.

    Args:
        classes: one or more.
        unit: of the diameters.
        title: what and on which data.
    """
    shown = classes[:_MOST_CLASSES]
    figure = new_figure(13, _ROW * len(shown) + 0.5)
    panels = figure.subplots(len(shown), 3, squeeze=False)
    for row, one in zip(panels, shown, strict=True):
        _distributions(row[0], one, unit)
        _found_by_size(row[1], one, unit)
        _error_by_size(row[2], one, unit)
    figure.suptitle(_title(title, len(classes)), fontsize=10)
    return png_of(figure)


def pair_figure(classes: Sequence[Sizes], unit: str, title: str) -> bytes:
    """A row a class (PNG): histogram of the differences of matched pairs, and differences against the mean of a pair.

    The lines are the mean difference and the limits of agreement (Bland and Altman). Arguments as of
    :func:`size_figure`.
    """
    shown = classes[:_MOST_CLASSES]
    figure = new_figure(9.5, _ROW * len(shown) + 0.5)
    panels = figure.subplots(len(shown), 2, squeeze=False)
    for row, one in zip(panels, shown, strict=True):
        difference = one.pair_found - one.pair_true
        _histogram_of(row[0], one, difference, unit)
        _bland_altman(row[1], one, difference, unit)
    figure.suptitle(_title(title, len(classes)), fontsize=10)
    return png_of(figure)


def _title(title: str, count: int) -> str:
    hidden = count - _MOST_CLASSES
    return title if hidden <= 0 else f"{title}; {hidden} more classes are in the tables"


def _distributions(panel: Axes, one: Sizes, unit: str) -> None:
    every = np.concatenate([one.true, one.found])
    if len(every):
        edges = _edges(every)
        panel.hist(one.true, edges, color="0.8", edgecolor=_TRUE, lw=0.8, label=f"annotated, n = {len(one.true):,}")
        panel.hist(one.found, edges, histtype="step", color=_FOUND, lw=2, label=f"found, n = {len(one.found):,}")
        panel.legend(frameon=False, fontsize=8)
    panel.yaxis.get_major_locator().set_params(integer=True)
    panel.set(xlabel=f"Diameter ({unit})", ylabel="Objects")
    panel.set_title(one.name, loc="left", fontsize=10, fontweight="bold")
    panel.set_title(one.told, loc="right", fontsize=8, color="0.3")


def _edges(values: np.ndarray) -> np.ndarray:
    """Edges of equal bins for a histogram (Freedman and Diaconis), at most 40 of them."""
    if np.ptp(values) == 0:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    edges = np.histogram_bin_edges(values, "fd")
    return edges if len(edges) <= _MOST_BINS + 1 else np.linspace(values.min(), values.max(), _MOST_BINS + 1)


def _middles(bins: Table, unit: str, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Middle and half the width of each bin; the last one ends at the largest size."""
    low, high = bins[f"From ({unit})"].copy(), bins[f"To ({unit})"].copy()
    high[np.isnan(high)] = max(largest, low[-1])
    return (low + high) / 2, (high - low) / 2


def _found_by_size(panel: Axes, one: Sizes, unit: str) -> None:
    largest = float(max(one.true.max(initial=0), one.found.max(initial=0)))
    middle, half = _middles(one.bins, unit, largest)
    for name, colour, marker, aside in (("Recall", _RECALL, "o", -_ASIDE), ("Precision", _PRECISION, "s", _ASIDE)):
        _points(panel, middle, half, one.bins, name, (colour, marker), aside * largest)
    for words, size in one.marks.items():
        panel.axvline(size, color=_RECALL, lw=0.9, ls=(0, (2, 2)))
        panel.text(size, 0.02, f" {words} {size:.3g} ", rotation=90, fontsize=7, ha="right", va="bottom", color=_INK)
    panel.set(xlabel=f"Diameter ({unit})", ylabel="Recall, precision", ylim=(0, 1.03), xlim=(0, None))
    panel.grid(alpha=0.3)
    panel.legend(frameon=False, fontsize=8, loc="lower right")


def _error_by_size(panel: Axes, one: Sizes, unit: str) -> None:
    middle, half = _middles(one.bins, unit, float(one.true.max(initial=0)))
    _points(panel, middle, half, one.bins, f"Mean diameter error ({unit})", (_FOUND, "o"))
    panel.axhline(0, color="0.3", lw=0.8)
    panel.set(xlabel=f"Annotated diameter ({unit})", ylabel=f"Mean error of matched ({unit})", xlim=(0, None))
    panel.grid(alpha=0.3)


def _points(
    panel: Axes,
    middle: np.ndarray,
    half: np.ndarray,
    bins: Table,
    name: str,
    style: tuple[str, str],
    aside: float = 0.0,
) -> None:
    """A point a bin, its width as a horizontal line and its interval as a vertical one, so far from the middle."""
    colour, marker = style
    value, low, high = bins[name], bins[f"{name}_low"], bins[f"{name}_high"]
    panel.hlines(value, middle - half, middle + half, color=colour, lw=1)
    panel.plot(middle + aside, value, marker, ms=5, color=colour, label=name)
    known = np.isfinite(low) & np.isfinite(value)
    panel.vlines((middle + aside)[known], low[known], high[known], color=colour, lw=1.6)


def _histogram_of(panel: Axes, one: Sizes, difference: np.ndarray, unit: str) -> None:
    if len(difference):
        panel.hist(difference, _edges(difference), color="#9fd3f2", edgecolor=_INK, lw=0.6)
        panel.axvline(difference.mean(), color="#d55e00", lw=1.4)
    panel.axvline(0, color="0.3", lw=0.8, ls=(0, (2, 2)))
    panel.yaxis.get_major_locator().set_params(integer=True)
    panel.set(xlabel=f"Found - annotated diameter ({unit})", ylabel="Matched pairs")
    panel.set_title(one.name, loc="left", fontsize=10, fontweight="bold")
    panel.set_title(f"n = {len(difference):,}", loc="right", fontsize=8, color="0.3")


def _bland_altman(panel: Axes, one: Sizes, difference: np.ndarray, unit: str) -> None:
    panel.plot((one.pair_found + one.pair_true) / 2, difference, "o", ms=3, alpha=0.8, color=_FOUND, mew=0)
    panel.axhline(0, color="0.3", lw=0.8, ls=(0, (2, 2)))
    if len(difference) > 1:
        mean, reach = difference.mean(), 1.96 * difference.std(ddof=1)
        for height, words in ((mean, "mean"), (mean - reach, "mean - 1.96 sd"), (mean + reach, "mean + 1.96 sd")):
            panel.axhline(height, color="#d55e00", lw=1.4 if words == "mean" else 0.9)
            panel.text(
                1, height, f"{words} {height:.3g} ", transform=panel.get_yaxis_transform(), fontsize=7, ha="right",
                va="bottom", color="#8a3d00",
            )  # fmt: skip
    panel.set(xlabel=f"Mean of found and annotated diameter ({unit})", ylabel=f"Found - annotated ({unit})")
    panel.margins(y=0.15)


def image_figure(errors: Table, unit: str, density_unit: str, title: str) -> bytes:
    """Errors of the diameters of matched pairs, a point an image and class (PNG).

    Args:
        errors: columns as :func:`temj.evaluation.pairs.errors_by_image` makes them.
        unit: of the diameters.
        density_unit: of the densities.
        title: what and on which data.
    """
    figure = new_figure(9.5, 6.4)
    panels = figure.subplots(2, 2, sharex="col", sharey="row")
    across = f"Number density annotated ({density_unit})", f"Mean diameter annotated ({unit})"
    for row, its_unit in zip(panels, (unit, "%"), strict=True):
        for panel, axis in zip(row, across, strict=True):
            _image_points(panel, errors, axis, its_unit)
        row[0].set_ylabel(f"Error of diameters ({its_unit})")
    for panel, axis in zip(panels[1], across, strict=True):
        panel.set_xlabel(axis.replace("^-2", "\u207b\u00b2"))
    handles, labels = panels[0][0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    figure.suptitle(title, fontsize=10)
    return png_of(figure)


def _image_points(panel: Axes, errors: Table, axis: str, unit: str) -> None:
    for number, name in enumerate(dict.fromkeys(errors["Class"])):
        own, colour = errors["Class"] == name, PALETTE[number % len(PALETTE)]
        for measure, marker, face in (("Mean error", "o", colour), ("Mean absolute error", "s", "none")):
            panel.plot(
                errors[axis][own], errors[f"{measure} ({unit})"][own], marker, ms=5, mfc=face, mec=colour,
                label=f"{name}: {measure.lower()}",
            )  # fmt: skip
    panel.axhline(0, color="0.3", lw=0.8)
    panel.grid(alpha=0.3)
