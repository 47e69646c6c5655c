"""Size distributions as pictures: a row for each class, a column for each quantity."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from temj.measurement.histograms import QUANTITIES, Histogram

_LABELS = {"Area": "Area", "EquivalentDiameter": "Equivalent diameter", "AR": "Aspect ratio (AR)"}
_MOST_CLASSES = 8
_INK = "0.15"
_WIDTH, _ROW, _HEAD = 11.5, 2.7, 0.35
"""Inches: width of the picture, height of a row of panels and of the title."""


def histogram_figure(
    found: Sequence[Histogram], colours: Mapping[str, str], format: Literal["png", "svg"] = "png"
) -> bytes:
    """Histograms of one image or of a run; equal histograms give equal bytes.

    The dashed line is the median. All classes of a column have their own axis; areas that differ much have a
    logarithmic one. Of more than 8 classes the first 8 are drawn, and the title says so.

    Args:
        found: of each class one for each quantity.
        colours: ``#rrggbb`` of each class.
        format: of the picture.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    classes = list(dict.fromkeys(one.class_name for one in found))
    shown = classes[:_MOST_CLASSES]
    rows = max(len(shown), 1)
    height = _ROW * rows + _HEAD
    figure = Figure(figsize=(_WIDTH, height), dpi=130)
    FigureCanvasAgg(figure)
    figure.subplots_adjust(
        left=0.07, right=0.985, wspace=0.28, top=1 - (_HEAD + 0.3) / height, bottom=0.62 / height, hspace=0.55
    )
    panels = figure.subplots(rows, len(QUANTITIES), squeeze=False)
    for row, name in zip(panels, shown, strict=False):
        for panel, quantity in zip(row, QUANTITIES, strict=True):
            one = next(each for each in found if (each.class_name, each.quantity) == (name, quantity))
            _draw(panel, one, colours.get(name, "#888888"))
    figure.text(0.012, 1 - 0.12 / height, _title(found, len(classes) - len(shown)), fontsize=10, va="top")
    picture = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "temj", "svg.fonttype": "none"}):
        figure.savefig(picture, format=format, metadata={"png": {"Software": None}, "svg": {"Date": None}}[format])
    return picture.getvalue()


def _title(found: Sequence[Histogram], hidden: int) -> str:
    if not found:
        return "no objects"
    one = found[0]
    images = f"{one.image}: {one.images} images" if one.images > 1 else one.image
    unknown = "" if one.calibrated else "; pixel size unknown, sizes in pixels"
    more = f"; {hidden} more classes are in the table" if hidden else ""
    return images + unknown + more + "; dashed: median"


def _draw(panel: object, one: Histogram, colour: str) -> None:
    edges, count = one.edges, len(one.values)
    panel.bar(edges[:-1], one.counts, np.diff(edges), align="edge", color=colour, edgecolor=_INK, linewidth=0.6)
    if _is_logarithmic(edges):
        panel.set_xscale("log")
    panel.set_xlim(edges[0], edges[-1])
    panel.set_ylim(0, max(1.0, 1.25 * float(one.counts.max(initial=0))))
    panel.yaxis.get_major_locator().set_params(integer=True)
    panel.set_xlabel(_LABELS[one.quantity] + (f" ({_unit(one)})" if one.unit else ""))
    panel.set_ylabel("Number of objects")
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_title(one.class_name or "objects", loc="left", fontsize=10, fontweight="bold")
    told = f"n = {count:,}" + (f", {one.left_out} without" if one.left_out else "")
    if count:
        median = float(np.median(one.values))
        panel.axvline(median, color=_INK, linestyle="--", linewidth=1.2)
        told += f", median {median:.4g}" + (f" {_unit(one)}" if one.unit else "")
    panel.set_title(told, loc="right", fontsize=9, color="0.3")


def _unit(one: Histogram) -> str:
    return one.unit.replace("pixel", "px")


def _is_logarithmic(edges: np.ndarray) -> bool:
    return len(edges) > 2 and edges[0] > 0 and np.allclose(edges[1:] / edges[:-1], edges[1] / edges[0])
