"""Profiles across objects as a picture: a panel for each object, with the four edges marked."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from temj.data import Table
from temj.measurement.defect.across import EDGE_COLUMNS
from temj.measurement.defect.edges import EDGES

MOST = 24
"""Panels of one picture; the tables have all objects."""
COLOURS = dict(zip(EDGES, ("#e69f00", "#0072b2", "#d55e00", "#009e73"), strict=True))
"""Edge → colour, of this palette in every picture."""
_COLUMNS = 4
_WIDTH, _ROW, _FOOT = 11.5, 2.3, 0.55
_INK = "0.15"


def profile_figure(profiles: Table, edges: Table) -> bytes:
    """Mean grey value against the distance from the ellipse, as PNG; equal tables give equal bytes.

    The band is one standard deviation over the directions. The edge that the object's class follows is a thick line,
    the others are thin.

    Args:
        profiles, edges: as :func:`temj.measurement.defect.across.edge_profiles` gives them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = min(len(edges), MOST)
    columns = min(_COLUMNS, max(count, 1))
    rows = max(math.ceil(count / columns), 1)
    width, height = _WIDTH * max(columns, 2) / _COLUMNS, _ROW * rows + _FOOT
    figure = Figure(figsize=(width, height), dpi=120)
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, row in zip(panels, range(count), strict=False):
        own = profiles["Row"] == edges["Row"][row]
        _draw(panel, [profiles[name][own] for name in ("Distance", "Mean", "StdDev")], edges, row)
    for panel in panels[count:]:
        panel.set_axis_off()
    _legend(figure, edges, len(edges) - count)
    unit = next(column.unit for column in profiles if column.name == "Distance")
    figure.supxlabel(f"Distance from the ellipse ({unit}), negative inside", fontsize=9, y=0.18 / height)
    figure.supylabel("Mean grey value", fontsize=9, x=0.12 / width)
    figure.subplots_adjust(
        left=0.75 / width, right=1 - 0.12 / width, bottom=0.62 / height, top=1 - 0.52 / height, wspace=0.3, hspace=0.42
    )
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _draw(panel: Any, curve: list[np.ndarray], edges: Table, row: int) -> None:
    distance, mean, spread = curve
    panel.fill_between(distance, mean - spread, mean + spread, color="0.88", lw=0)
    panel.plot(distance, mean, color=_INK, lw=1.3)
    for name in EDGES:
        place = edges[EDGE_COLUMNS[name]][row]
        chosen = edges["Edge"][row] == name
        none = not edges["Ring"][row] and name in ("middle", "inner")  # a disc has none: the half maximum stands for it
        if np.isfinite(place) and (chosen or not none):
            panel.axvline(place, color=COLOURS[name], lw=2.8 if chosen else 1.0, ls="-" if chosen else "--")
    panel.axvline(0, color="0.6", lw=0.7, ls=":")
    panel.set_title(str(edges["Label"][row]).rpartition(":")[2], loc="left", fontsize=8, fontweight="bold")
    kind = f"{edges['Contrast'][row]} {'ring' if edges['Ring'][row] else 'disc'}"
    panel.set_title(kind, loc="right", fontsize=7.5, color="0.35")
    panel.tick_params(labelsize=7)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_xlim(distance[0], distance[-1])


def _legend(figure: Any, edges: Table, hidden: int) -> None:
    from matplotlib.lines import Line2D

    used = dict.fromkeys(edges["Edge"])
    lines = [
        Line2D([], [], color=COLOURS[name], lw=2.8 if name in used else 1.0, ls="-" if name in used else "--")
        for name in EDGES
    ]
    words = [f"{name} (used)" if name in used else name for name in EDGES]
    figure.legend(lines, words, loc="upper left", ncols=len(EDGES), frameon=False, fontsize=8)
    told = "no profiles: no object is an area" if not len(edges) else f"{hidden} more in the tables" if hidden else ""
    figure.text(0.99, 0.99, told, ha="right", va="top", fontsize=8, color="0.35")
