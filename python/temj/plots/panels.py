"""Several views of one micrograph beside each other: what is annotated, what was found, and the steps between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Instances, Micrograph
from temj.opencv import opencv
from temj.plots.bar import bar
from temj.plots.colours import Rgb, class_colours
from temj.plots.drawing import display, draw, enlarged, fill
from temj.plots.outside import hatch, legend
from temj.plots.paths import paths
from temj.plots.text import Writer

SIDE = 640
"""Longest side of a panel, in pixels."""
_GROUND, _GAP = 20, 8
_DIM: Rgb = (200, 200, 200)


@dataclass(frozen=True, eq=False)
class Panel:
    """One view.

    Attributes:
        caption: stands below it.
        objects: their outlines, in the colours of their classes.
        ground: ``image`` (the micrograph), ``levels`` or ``mask`` (objects filled, on black).
        levels: (h', w') float 0..1 of any size, black to yellow, for the ground ``levels``.
    """

    caption: str
    objects: Instances | None = None
    ground: str = "image"
    levels: np.ndarray | None = None


def panel_sheet(micrograph: Micrograph, panels: Sequence[Panel], colours: Mapping[str, str], title: str) -> np.ndarray:
    """Draw the panels in a line, all at one scale, with a scale bar and the classes below.

    Args:
        micrograph: the image; what its analysed area leaves out is dimmed and hatched where the image is seen.
        panels: from left to right.
        colours: ``#rrggbb`` of the classes by name.
        title: the first line.

    Returns:
        (h, w, 3) uint8, red, green, blue.
    """
    scale = SIDE / max(micrograph.width, micrograph.height)
    grey = enlarged(display(micrograph.pixels, micrograph.area), scale)
    names = [name for panel in panels if panel.objects is not None for name in panel.objects.class_name]
    used = class_colours(names, colours)
    views = [_view(micrograph, panel, grey, used, scale) for panel in panels]
    gap = np.full((grey.shape[0], _GAP, 3), _GROUND, np.uint8)
    line = np.concatenate([part for view in views for part in (view, gap)][:-1], axis=1)
    writer = Writer(grey.shape[1] * 2)
    rows = np.full((round(2 * writer.size), line.shape[1], 3), _GROUND, np.uint8)
    head, captions = rows.copy(), rows
    writer.write(head, title, _GAP, writer.size)
    for number, panel in enumerate(panels):
        left = number * (grey.shape[1] + _GAP)
        writer.write(captions[:, left : left + grey.shape[1]], panel.caption, _GAP, writer.size, _DIM)
    entries = list(used.items())
    if micrograph.area is not None:
        entries.append(legend(micrograph.area))
    return np.concatenate([head, line, captions, bar(line.shape[1], entries, micrograph, scale, writer)])


def _view(micrograph: Micrograph, panel: Panel, grey: np.ndarray, used: Mapping[str, Rgb], scale: float) -> np.ndarray:
    """One panel: (h, w, 3) uint8."""
    picture = grey.copy() if panel.ground == "image" else np.zeros_like(grey)
    if panel.ground == "levels" and panel.levels is not None:
        picture = _coloured(panel.levels, grey.shape[1::-1])
    if panel.ground == "image" and micrograph.area is not None:
        hatch(picture, micrograph.area)
    if panel.objects is None:
        return picture
    found = paths(panel.objects.shapes)
    for name, colour in used.items():
        own = [path for path in found if panel.objects.class_name[path.owner] == name]
        if panel.ground == "mask":
            fill(picture, own, scale, colour)
        else:
            draw(picture, own, scale, colour, 1)
    return picture


def _coloured(levels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Levels 0..1 as colours (cividis, which people with any colour vision read alike): (h, w, 3) uint8."""
    cv2 = opencv()
    grey = cv2.resize(np.asarray(levels, np.float32), size, interpolation=cv2.INTER_LINEAR)
    whole = np.clip(np.rint(255 * np.nan_to_num(grey)), 0, 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(whole, cv2.COLORMAP_CIVIDIS), cv2.COLOR_BGR2RGB)
