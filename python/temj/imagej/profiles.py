"""Profiles across ROIs as ImageJ plots: a window with a plot, or with a stack of plots, one for each ROI."""

from __future__ import annotations

from typing import Any

import numpy as np

from temj.commands.base import Values
from temj.data import Table
from temj.imagej import tables
from temj.imagej.java import J, headless
from temj.measurement.defect.across import EDGE_COLUMNS
from temj.measurement.defect.edges import EDGES
from temj.plots.profiles import COLOURS

MOST = 200
"""Plots of one stack; the tables have all."""
TITLE, EDGES_TITLE = "TEMJ Edge Profiles", "TEMJ Edges"


def show(outputs: Values) -> None:
    """Show the profiles among the outputs of a measurement, and the table of their edges.

    Where there is neither a window nor a macro that could keep them, the Log says how to have them.
    """
    if "profiles" not in outputs or not len(outputs["edges"]):
        return
    edges = outputs["edges"]
    if headless() and J.Interpreter.getInstance() is None:
        J.IJ.log("Profiles are not shown without a window: name an output table, and they are written beside it.")
        return
    plots = [plot(outputs["profiles"], edges, row) for row in range(min(len(edges), MOST))]
    if len(plots) == 1 and not headless():
        plots[0].show()
    else:
        stacked(plots, edges).show()
    if not headless():
        tables.extend_apart(edges, EDGES_TITLE)


def plot(profiles: Table, edges: Table, row: int) -> Any:
    """The ``ij.gui.Plot`` of one ROI: its profile, and its four edges, the one of its class thick; not shown yet."""
    own = profiles["Row"] == edges["Row"][row]
    distance, mean = profiles["Distance"][own], profiles["Mean"][own]
    known = np.isfinite(mean)
    unit = next(column.unit for column in profiles if column.name == "Distance")
    made = J.Plot(f"{TITLE}: {edges['Label'][row]}", f"Distance from the ellipse ({unit})", "Mean grey value")
    low, high = float(mean[known].min()), float(mean[known].max())
    room = 0.05 * max(high - low, 1e-6)
    made.setLimits(float(distance[0]), float(distance[-1]), low - room, high + room)
    made.setColor(J.Color.BLACK)
    made.setLineWidth(2)
    made.add("line", _numbers(distance[known]), _numbers(mean[known]))
    words = ["profile"]
    for name in EDGES:
        place = float(edges[EDGE_COLUMNS[name]][row])
        if not np.isfinite(place):
            continue
        used = edges["Edge"][row] == name
        made.setColor(J.Color.decode(COLOURS[name]))
        made.setLineWidth(4 if used else 1)
        made.add("line", _numbers([place, place]), _numbers([low - room, high + room]))
        words.append(f"{name} (used)" if used else name)
    made.setLineWidth(1)
    made.setColor(J.Color.BLACK)
    made.setLegend("\n".join(words), J.Plot.AUTO_POSITION)
    return made


def stacked(plots: list[Any], edges: Table) -> Any:
    """An ImagePlus with a slice for each plot, labelled with its ROI; not shown yet."""
    first = plots[0].getProcessor()
    stack = J.ImageStack(first.getWidth(), first.getHeight())
    for label, one in zip(edges["Label"], plots, strict=False):
        stack.addSlice(str(label), one.getProcessor())
    return J.ImagePlus(TITLE, stack)


def _numbers(values: Any) -> Any:
    import jpype

    return jpype.JArray(jpype.JDouble)(np.asarray(values, float))
