"""The pictures of docs/statistics.md; ``benchmarks/coverage.py --plots FOLDER`` draws them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import coverage as simulated
import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot
from matplotlib.patches import Circle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREEN, BLUE, ORANGE, RED, GREY = "#009E73", "#0072B2", "#E69F00", "#D55E00", "0.55"
RATIOS = (0.02, 0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3)
LINES = {
    "whole objects, weighed (ours)": (GREEN, "o-"),
    "counted by two forbidden edges, cut ones as seen": (BLUE, "s--"),
    "all objects, cut ones as seen": (ORANGE, "^--"),
    "whole objects, without weights": (RED, "v--"),
    "density: two forbidden edges (ours)": (GREEN, "o-"),
    "density: all objects": (ORANGE, "^--"),
    "density: whole objects": (RED, "v--"),
}


def draw(rows: list[simulated.Row], folder: Path) -> None:
    """Write population_coverage.png, population_bias.png and population_edges.png."""
    mpl.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    for name, make in (("coverage", lambda: _coverage(rows)), ("bias", _bias), ("edges", _edges)):
        figure = make()
        figure.savefig(folder / f"population_{name}.png", dpi=110, metadata={"Software": None})
        pyplot.close(figure)


def _coverage(rows: list[simulated.Row]) -> pyplot.Figure:
    figure, panels = pyplot.subplots(1, 4, figsize=(11, 3.6), sharey=True, layout="constrained")
    marks = {"number density": (BLUE, "o"), "mean diameter": (GREEN, "s"), "area fraction": (ORANGE, "^")}
    order = [(area, scatter) for area in ("frame", "free-form") for scatter in simulated.SCATTERS]
    for panel, (area, scatter) in zip(panels, order, strict=True):
        panel.axhspan(92, 98, color="0.92")
        panel.axhline(95, color=GREY, linewidth=0.8)
        for shift, (name, (colour, mark)) in enumerate(marks.items()):
            held = [row[4] for row in rows if row[:2] == (area, scatter) and row[3] == name]
            places = np.arange(len(simulated.SIZES)) + 0.16 * (shift - 1)
            panel.plot(places, held, mark, color=colour, label=name, markersize=6)
        panel.set_xticks(range(len(simulated.SIZES)), simulated.SIZES)
        panel.set_xlabel("fields in a set")
        panel.set_title(f"{area}, scatter {100 * scatter:.0f} %", fontsize=10)
        panel.set_ylim(90, 100)
    panels[0].set_ylabel("intervals that hold the truth (%)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _bias() -> pyplot.Figure:
    figure, panels = pyplot.subplots(1, 3, figsize=(12, 4.4), layout="constrained")
    for place, (word, area) in enumerate((("frame", None), ("free-form area", simulated.free_form()))):
        told = [
            simulated.bias(ratio * simulated.FRAME, int(500 + 20000 * ratio), seed, area)
            for seed, ratio in enumerate(RATIOS)
        ]
        _lines(panels[place], told, [name for name in LINES if not name.startswith("density")])
        panels[place].set_ylabel("error of the mean diameter (%)")
        panels[place].set_title(word, fontsize=10)
        if area is None:
            _lines(panels[2], told, [name for name in LINES if name.startswith("density")])
    panels[2].set_ylabel("error of the number density (%)")
    panels[2].set_title("frame", fontsize=10)
    panels[2].set_ylim(-60, 60)
    for panel in panels:
        panel.set_xlabel("median diameter / side of the frame")
    for panel, place in ((panels[0], "outside lower left"), (panels[2], "outside lower right")):
        figure.legend(
            *panel.get_legend_handles_labels(), loc=place, ncols=2 if panel is panels[0] else 1, frameon=False
        )
    return figure


def _lines(panel: Axes, told: list[dict[str, float]], names: list[str]) -> None:
    panel.axhline(0, color=GREY, linewidth=0.8)
    for name in names:
        colour, style = LINES[name]
        values = [one[name] for one in told]
        panel.plot(RATIOS, values, style, color=colour, label=name.removeprefix("density: "), markersize=5)


def _edges() -> pyplot.Figure:
    """One field in the frame and in the free-form area, each object in the colour of what it is good for."""
    figure, panels = pyplot.subplots(1, 2, figsize=(10, 5.4), layout="constrained")
    fields = simulated.simulate(1, 5, objects=30, median=24)
    for panel, area in zip(panels, (None, simulated.free_form()), strict=True):
        rules = simulated.edges_of(fields, area)
        side = simulated.FRAME
        if area is not None:
            panel.imshow(np.where(area, np.nan, 0.0), cmap="gray", vmin=-3, vmax=1, extent=(0, side, side, 0))
        colours = {(True, True): GREEN, (True, False): BLUE, (False, False): RED}
        for place in range(len(fields.x)):
            colour = colours[bool(rules.counted[place]), bool(rules.whole[place])]
            centre = fields.x[place], fields.y[place]
            panel.add_patch(Circle(centre, fields.diameter[place] / 2, facecolor=colour, alpha=0.45, edgecolor=colour))
            if rules.whole[place]:
                panel.text(*centre, f"{rules.weight[place]:.2f}", ha="center", va="center", fontsize=7)
            corner = np.array(centre) - fields.diameter[place] / 2
            if area is not None and (corner > 0).all():
                panel.plot(*corner, ".", color=colour, markersize=5)
        panel.plot([0, 0, side], [side, 0, 0], color=RED, linewidth=2.5)
        panel.plot([0, side, side], [side, side, 0], color="0.2", linewidth=1, linestyle="--")
        panel.set(xlim=(-14, side + 14), ylim=(side + 14, -14), aspect="equal", xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
        panel.set_title("frame" if area is None else "free-form area (grey is not analysed)", fontsize=10)
    words = {"counts and is measured (with its weight)": GREEN, "counts": BLUE, "does not count": RED}
    marks = [Circle((0, 0), 1, color=colour, alpha=0.6) for colour in words.values()]
    figure.legend(marks, list(words), loc="outside lower center", ncols=3, frameon=False)
    return figure
