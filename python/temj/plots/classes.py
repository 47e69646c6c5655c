"""Counts and sizes of the objects of each class, as charts."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np

from temj.data import Table

_PARTS = {"train": "-", "validation": "--", "test": ":", "": "-."}
_NAMES = {"": "not used"}
_SHADES = {"train": 1.0, "validation": 0.6, "test": 0.35, "": 0.15}
_MOST_CLASSES = 12
_BINS = 24


def class_charts(objects: Table, colours: Mapping[str, str]) -> bytes:
    """How many objects each class has in each part of the split, and how large they are, as a PNG picture.

    Args:
        objects: columns ``Class``, ``Part`` and ``Diameter`` (its unit stands at the axis), a row an object.
        colours: class → ``#rrggbb``; all of them are shown, also those without objects. Of more than 12 classes
            the sizes of the 12 most frequent ones are drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts = {name: int((objects["Class"] == name).sum()) for name in colours}
    drawn = sorted(counts, key=lambda name: -counts[name])[:_MOST_CLASSES]
    drawn = [name for name in colours if name in drawn]
    height = max(2.2 * len(drawn), 3.0, 0.45 * len(colours) + 1.6)
    figure = Figure(figsize=(10, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.25))
    _draw_counts(left.subplots(), objects, colours)
    panels = np.atleast_1d(right.subplots(len(drawn), 1))
    for panel, name in zip(panels, drawn, strict=True):
        _draw_sizes(panel, objects.take(objects["Class"] == name), name, colours[name])
    unit = next(column.unit for column in objects if column.name == "Diameter")
    panels[-1].set_xlabel(f"Diameter of the circle of equal area ({unit})")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _draw_counts(panel: object, objects: Table, colours: Mapping[str, str]) -> None:
    """Horizontal bars, a part of the split behind the other."""
    names = list(colours)
    start = np.zeros(len(names))
    used = [part for part in _PARTS if (objects["Part"] == part).any()] or ["train"]
    for part in used:
        of_part = objects["Class"][objects["Part"] == part]
        counts = np.array([(of_part == name).sum() for name in names], float)
        bars = panel.barh(
            np.arange(len(names)), counts, left=start, color=[colours[name] for name in names],
            alpha=_SHADES[part], edgecolor="0.25", linewidth=0.8, label=_NAMES.get(part, part), height=0.6,
        )  # fmt: skip
        wide = counts > 0.12 * max(1, len(objects))
        panel.bar_label(
            bars, [f"{count:.0f}" if show else "" for count, show in zip(counts, wide, strict=True)],
            label_type="center", fontsize=8,
        )  # fmt: skip
        start += counts
    for place, count in enumerate(start):
        panel.text(count, place, f" {count:.0f}", va="center")
    panel.set_yticks(np.arange(len(names)), names)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.set_xlim(0, max(1.0, start.max() * 1.18))
    panel.set_xlabel("Number of objects")
    panel.legend(handles=_grey_handles(used), frameon=False, loc="lower right", fontsize=9)
    panel.spines[["top", "right"]].set_visible(False)


def _grey_handles(parts: list[str]) -> list[object]:
    from matplotlib.patches import Patch

    return [
        Patch(facecolor="0.4", edgecolor="0.25", alpha=_SHADES[part], label=_NAMES.get(part, part)) for part in parts
    ]


def _draw_sizes(panel: object, objects: Table, name: str, colour: str) -> None:
    """Shares of the objects of a class by diameter, a line for each part of the split; each class has its own range."""
    diameters = objects["Diameter"][np.isfinite(objects["Diameter"])]
    bins = np.linspace(0, 1.02 * float(diameters.max(initial=0)) or 1.0, _BINS + 1)
    told = []
    for part, style in _PARTS.items():
        values = objects["Diameter"][objects["Part"] == part]
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        weights = np.full(len(values), 100 / len(values))
        label = f"{_NAMES.get(part, part)}: {len(values)}, median {np.median(values):.3g}"
        first = not told
        panel.hist(
            values, bins, weights=weights, label=label, linestyle=style, linewidth=1.4,
            histtype="stepfilled" if first else "step", color=colour if first else "0.15", alpha=0.6 if first else 1.0,
        )  # fmt: skip
        told.append(part)
    panel.set_title(name, loc="left", fontsize=10)
    panel.set_ylabel("Share (%)")
    panel.spines[["top", "right"]].set_visible(False)
    if told:
        panel.legend(frameon=False, fontsize=8, loc="upper right")
    else:
        panel.text(0.5, 0.5, "no objects", transform=panel.transAxes, ha="center", va="center", color="0.5")
