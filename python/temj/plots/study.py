"""Pictures of a study: sizes, quantities with intervals by group or against dose, directions."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from temj.data import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Format = Literal["png", "svg"]
MOST_GROUPS, MOST_CLASSES = 8, 6
"""More are in the tables only, and the picture says so."""
_GREY = "#888888"
_INK = "0.15"
_WIDTH, _ROW = 9.5, 2.9


@dataclass(frozen=True)
class Point:
    """A value of a group and class with its interval; NaN where there is none.

    Attributes:
        group, class_name: whose.
        x: number of the group, such as its dose; None where it has none.
        value, low, high: in the unit of the axis.
    """

    group: str
    class_name: str
    x: float | None
    value: float
    low: float
    high: float


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _saved(figure: Figure, format: Format) -> bytes:
    import matplotlib as mpl

    picture = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "temj", "svg.fonttype": "none"}):
        figure.savefig(picture, format=format, metadata={"png": {"Software": None}, "svg": {"Date": None}}[format])
    return picture.getvalue()


def _shades(groups: Sequence[str]) -> dict[str, str]:
    """A colour of each group, dark to light in their order, also in print."""
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    places = np.linspace(0.05, 0.85, max(len(groups), 1))
    return {group: to_hex(mpl.colormaps["viridis"](place)) for group, place in zip(groups, places, strict=False)}


def size_figure(sizes: Table, format: Format = "png") -> bytes:
    """Size distributions: a row for each class, a line for each group, in the same bins.

    Args:
        sizes: of :func:`temj.workflows.summarise_tables.size_table`.
        format: of the picture.
    """
    groups, classes = _names(sizes, "Group", MOST_GROUPS), _names(sizes, "Class", MOST_CLASSES)
    figure = _figure(_WIDTH, 0.5 + _ROW * max(len(classes), 1))
    panels = figure.subplots(max(len(classes), 1), 1, squeeze=False)[:, 0]
    shades = _shades(groups)
    for panel, name in zip(panels, classes, strict=False):
        for group in groups:
            _outline(panel, sizes.take((sizes["Class"] == name) & (sizes["Group"] == group)), group, shades[group])
        _finish(panel, name)
    _title(figure, sizes, "whole objects, each weighed for the edge (share of the weight per bin)")
    return _saved(figure, format)


def _outline(panel: Axes, rows: Table, group: str, colour: str) -> None:
    if not len(rows):
        return
    edges = np.append(rows["Low"], rows["High"][-1])
    shares = np.nan_to_num(rows["Share (%)"])
    count = int(rows["Count"].sum())
    panel.stairs(shares, edges, color=colour, linewidth=1.8, label=f"{group} (n = {count:,})")
    panel.stairs(shares, edges, color=colour, fill=True, alpha=0.12)
    panel.set_xlabel(f"Diameter ({_px(rows['Unit'][0])})")
    panel.set_ylabel("Share (%)")
    panel.set_xlim(edges[0], edges[-1])


def _finish(panel: Axes, name: str) -> None:
    panel.set_title(name or "objects", loc="left", fontsize=10, fontweight="bold")
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_ylim(bottom=0)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(frameon=False, fontsize=8)


def quantity_figure(
    quantities: Mapping[str, Sequence[Point]], colours: Mapping[str, str], axis: str = "", format: Format = "png"
) -> bytes:
    """Values with 95 % intervals: a panel for each quantity, by group, or against the number of the groups.

    Args:
        quantities: label with unit → values of all groups and classes.
        colours: ``#rrggbb`` of each class.
        axis: what the numbers of the groups are, with unit (``dose (dpa)``); "" puts groups side by side.
        format: of the picture.
    """
    count = max(len(quantities), 1)
    columns = min(count, 2)
    rows = math.ceil(count / columns)
    figure = _figure(_WIDTH, 0.4 + 3.1 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, (label, points) in zip(panels, quantities.items(), strict=False):
        _draw_points(panel, points, colours, axis)
        panel.set_ylabel(label)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_ylim(bottom=0)
    for panel in panels[len(quantities) :]:
        panel.set_visible(False)
    if count and panels[0].get_legend_handles_labels()[0]:
        panels[0].legend(frameon=False, fontsize=8)
    return _saved(figure, format)


def _draw_points(panel: Axes, points: Sequence[Point], colours: Mapping[str, str], axis: str) -> None:
    groups = list(dict.fromkeys(point.group for point in points))
    classes = list(dict.fromkeys(point.class_name for point in points))[:MOST_CLASSES]
    spread = _spread(points, axis)
    for number, name in enumerate(classes):
        mine = [point for point in points if point.class_name == name and math.isfinite(point.value)]
        if not mine:
            continue
        shift = (number - (len(classes) - 1) / 2) * spread
        x = np.array([shift + (point.x if axis else groups.index(point.group)) for point in mine], float)
        values = np.array([point.value for point in mine])
        ends = np.array([[point.value - point.low, point.high - point.value] for point in mine]).T
        panel.errorbar(
            x, values, np.nan_to_num(np.maximum(ends, 0)), fmt="o-" if axis else "o", color=colours.get(name, _GREY),
            ecolor=_INK, elinewidth=1.0, capsize=3, markersize=5, markeredgecolor=_INK, linewidth=1.0,
            label=name or "all together",
        )  # fmt: skip
    if axis:
        panel.set_xlabel(axis)
    else:
        panel.set_xticks(range(len(groups)), groups, rotation=20 if max(map(len, groups), default=0) > 8 else 0)
        panel.set_xlim(-0.6, len(groups) - 0.4)


def _spread(points: Sequence[Point], axis: str) -> float:
    """How far classes stand beside each other, so that their intervals do not hide one another."""
    if not axis:
        return 0.12
    numbers = sorted({point.x for point in points if point.x is not None})
    return 0.008 * (numbers[-1] - numbers[0]) if len(numbers) > 1 else 0.02


def rose_figure(directions: Table, format: Format = "png") -> bytes:
    """Directions of elongated objects: a rose for each class and group, both ends drawn since an axis has no sense.

    Args:
        directions: of :func:`temj.workflows.summarise_tables.rose_table`.
        format: of the picture.
    """
    groups, classes = _names(directions, "Group", 4), _names(directions, "Class", MOST_CLASSES)
    rows, columns = max(len(classes), 1), max(len(groups), 1)
    figure = _figure(max(2.9 * columns, 4.5), 0.5 + 2.9 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, subplot_kw={"projection": "polar"})
    for row, name in zip(panels, classes, strict=False):
        for panel, group in zip(row, groups, strict=False):
            mine = directions.take((directions["Class"] == name) & (directions["Group"] == group))
            _rose(panel, mine, f"{name or 'objects'}, {group}")
    _title(figure, directions, "major axis, counter-clockwise from +x of the image; AR > 1.2; length: share (%)")
    return _saved(figure, format)


def _rose(panel: Axes, rows: Table, title: str) -> None:
    count = int(rows["Count"].sum()) if len(rows) else 0
    panel.set_title(f"{title}\nn = {count:,}", fontsize=8)
    panel.tick_params(labelsize=7)
    panel.set_axisbelow(True)
    panel.yaxis.get_major_locator().base.set_params(nbins=4)
    panel.set_rlabel_position(100)
    if not count:
        panel.set_yticks([])
        return
    middle = np.radians((rows["Low"] + rows["High"]) / 2)
    width = np.radians(rows["High"] - rows["Low"])
    for turn in (0.0, math.pi):
        panel.bar(middle + turn, rows["Share (%)"], width, color="#56b4e9", edgecolor=_INK, linewidth=0.5)


def _names(table: Table, column: str, most: int) -> list[str]:
    return list(dict.fromkeys(str(name) for name in table[column]))[:most] if len(table) else []


def _title(figure: Figure, table: Table, text: str) -> None:
    hidden = [
        f"{count - most} more {word}" for column, most, word in (
            ("Group", MOST_GROUPS, "groups"), ("Class", MOST_CLASSES, "classes"),
        ) if len(table) and (count := len(set(table[column]))) > most
    ]  # fmt: skip
    more = f"; {' and '.join(hidden)} in the table" if hidden else ""
    figure.suptitle(text + more, fontsize=9)


def _px(unit: str) -> str:
    return unit.replace("pixel", "px")
