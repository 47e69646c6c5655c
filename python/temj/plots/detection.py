"""Pictures of how well objects are detected: heat map of a grid, curves, confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from temj.data import Table
from temj.plots.canvas import new_figure, png_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEASURES = {"F1": ("#009e73", "-"), "Precision": ("#e69f00", "--"), "Recall": ("#56b4e9", ":")}
_MAP = "cividis"
_NEAR = 0.04
_LIGHT = 0.55
"""Values above this are written in black: the colours of the map are light there."""


def grid_map(grid: Table, chosen: tuple[float, float], title: str) -> bytes:
    """F1, precision and recall in every cell of a grid of confidence and match IoU (PNG), the chosen cell framed.

    Args:
        grid: columns Confidence, Match IoU, F1, Precision, Recall, a row a cell; NaN leaves a cell empty.
        chosen: confidence and match IoU.
        title: on which data.
    """
    confidences, ious = np.unique(grid["Confidence"]), np.unique(grid["Match IoU"])
    rows, columns = np.searchsorted(confidences, grid["Confidence"]), np.searchsorted(ious, grid["Match IoU"])
    wide, high = 1.6 + 0.42 * len(ious), 1.5 + 0.3 * len(confidences)
    figure = new_figure(max(9.0, 3 * wide), max(3.5, high))
    panels = figure.subplots(1, 3, sharey=True)
    for panel, name in zip(panels, _MEASURES, strict=True):
        cells = np.full((len(confidences), len(ious)), np.nan)
        cells[rows, columns] = grid[name]
        image = panel.imshow(cells, cmap=_MAP, vmin=0, vmax=1, origin="lower", aspect="auto")
        _numbers(panel, cells, "{:.2f}")
        panel.set_xticks(range(len(ious)), [f"{iou:g}" for iou in ious])
        panel.set_yticks(range(len(confidences)), [f"{confidence:g}" for confidence in confidences])
        panel.set(xlabel="Match IoU", title=name)
        place = int(np.searchsorted(ious, chosen[1])), int(np.searchsorted(confidences, chosen[0]))
        _frame(panel, *place)
    panels[0].set_ylabel("Confidence (score above)")
    figure.colorbar(image, ax=panels, shrink=0.8, label="F1, precision, recall")
    best = grid["F1"][(rows == place[1]) & (columns == place[0])]
    figure.suptitle(
        f"{title}\nframed: confidence {chosen[0]:g}, match IoU {chosen[1]:g}, F1 {best[0]:.3f}", fontsize=10
    )
    return png_of(figure)


def _frame(panel: Axes, column: int, row: int) -> None:
    """A frame around a cell, to be seen on any colour."""
    from matplotlib.patches import Rectangle

    for width, colour in ((4.0, "white"), (2.0, "#d55e00")):
        panel.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, lw=width, ec=colour, clip_on=False))


def _numbers(panel: Axes, cells: np.ndarray, form: str) -> None:
    """The value in each cell that has one, black or white, whichever is seen."""
    for row, column in np.argwhere(np.isfinite(cells)):
        value = cells[row, column]
        colour = "black" if value > _LIGHT else "white"
        panel.text(column, row, form.format(value), ha="center", va="center", fontsize=7, color=colour)


def detection_curves(
    against_iou: Table, against_confidence: Table | None, marks: Mapping[str, float], iou: float, title: str
) -> bytes:
    """Precision, recall and F1, against the match IoU and, where it is known, against the confidence (PNG).

    Args:
        against_iou: columns Match IoU, Precision, Recall, F1.
        against_confidence: columns Confidence, Precision, Recall, F1; None where objects have no scores.
        marks: name → threshold, drawn as vertical lines.
        iou: the match IoU that is used, drawn likewise.
        title: what and on which data.
    """
    figure = new_figure(9 if against_confidence is not None else 5.5, 4)
    panels = figure.subplots(1, 1 if against_confidence is None else 2, squeeze=False, sharey=True)[0]
    _curves(panels[0], against_iou, "Match IoU")
    _line(panels[0], iou, f"{iou:g}")
    panels[0].set(xlabel="Match IoU", ylabel="Precision, recall, F1 (classes ignored)")
    if against_confidence is not None:
        _curves(panels[1], against_confidence, "Confidence")
        panels[1].set(xlabel=f"Confidence (score above), at match IoU {iou:g}")
        _marks(panels[1], marks)
    figure.suptitle(title, fontsize=10)
    return png_of(figure)


def _curves(panel: Axes, table: Table, axis: str) -> None:
    for name, (colour, style) in _MEASURES.items():
        panel.plot(table[axis], table[name], style, marker="o", ms=3, lw=1.8, color=colour, label=name)
    panel.set(xlim=(0, 1), ylim=(0, 1.02))
    panel.grid(alpha=0.3)
    panel.legend(frameon=False, fontsize=9)


def _marks(panel: Axes, marks: Mapping[str, float]) -> None:
    """A line at each threshold; names at one place stand together, those of near ones on both sides and above."""
    places: dict[float, list[str]] = {}
    for name, threshold in marks.items():
        places.setdefault(round(threshold, 3), []).append(name)
    near, before = 0, -1.0
    for threshold, names in sorted(places.items()):
        near = near + 1 if threshold - before < _NEAR else 0
        _line(panel, threshold, f"{', '.join(names)} {threshold:.3g}", near)
        before = threshold


def _line(panel: Axes, place: float, words: str, near: int = 0) -> None:
    """A vertical line with words beside it: left of it, then right of it, then again higher up."""
    panel.axvline(place, color="0.45", lw=0.9, ls=(0, (2, 2)))
    panel.text(
        place, 0.02 + 0.35 * (near // 2 % 3), f" {words}", transform=panel.get_xaxis_transform(), rotation=90,
        fontsize=8, ha="left" if near % 2 else "right", va="bottom", color="0.25",
    )  # fmt: skip


def confusion_map(
    classes: Sequence[str], matched: np.ndarray, missed: np.ndarray, extra: np.ndarray, title: str
) -> bytes:
    """A confusion matrix (PNG), normalised by row and by column beside each other; what has no partner is grey.

    Args:
        classes: k names.
        matched: (k, k) numbers of pairs; row: predicted class, column: annotated class.
        missed, extra: (k,) annotated objects without a partner, found ones without one.
        title: on which data.
    """
    count = len(classes)
    side = 1.9 + 0.75 * (count + 1)
    figure = new_figure(max(8.5, 2 * side + 1), max(3.6, side))
    panels = figure.subplots(1, 2, sharey=True)
    sums = matched.sum(1, keepdims=True), matched.sum(0, keepdims=True)
    for panel, total, words in zip(panels, sums, ("predicted class (row)", "annotated class (column)"), strict=True):
        below = np.broadcast_to(total, matched.shape)
        shares = np.divide(matched, below, out=np.full(matched.shape, np.nan), where=below > 0)
        cells = np.full((count + 1, count + 1), np.nan)
        cells[:count, :count] = shares
        panel.set_facecolor("0.88")
        image = panel.imshow(cells, cmap=_MAP, vmin=0, vmax=1)
        _counts(panel, shares, matched, missed, extra)
        panel.set_xticks(range(count + 1), [*classes, "extra"])
        panel.set_yticks(range(count + 1), [*classes, "missed"])
        panel.tick_params(axis="x", labelrotation=30 if max(map(len, classes)) > 8 else 0)
        panel.set(xlabel="Annotated class", title=f"% of the matched objects of each {words}")
        panel.title.set_fontsize(9)
    panels[0].set_ylabel("Predicted class")
    figure.colorbar(image, ax=panels, shrink=0.8, label="Share of matched objects")
    figure.suptitle(title, fontsize=10)
    return png_of(figure)


def _counts(panel: Axes, shares: np.ndarray, matched: np.ndarray, missed: np.ndarray, extra: np.ndarray) -> None:
    count = len(missed)
    for row in range(count):
        for column in range(count):
            share = shares[row, column]
            percent = f"\n{100 * share:.1f} %" if np.isfinite(share) else ""
            colour = "black" if not share <= _LIGHT else "white"
            panel.text(
                column, row, f"{matched[row, column]}{percent}", ha="center", va="center", fontsize=8, color=colour
            )
        panel.text(count, row, str(extra[row]), ha="center", va="center", fontsize=8)
        panel.text(row, count, str(missed[row]), ha="center", va="center", fontsize=8)
