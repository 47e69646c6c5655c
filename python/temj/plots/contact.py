"""The contact sheet: many annotated images side by side, small, with their objects in the colours of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import IGNORE, Instances, Micrograph
from temj.opencv import opencv
from temj.plots.colours import Rgb, rgb
from temj.plots.drawing import display
from temj.plots.paths import Path, paths
from temj.plots.text import WHITE, Writer

COLUMNS, PER_PAGE = 6, 48
SIDE = 300
"""Longest side of a picture on the sheet, in pixels."""
IGNORED: Rgb = (190, 190, 190)
_GROUND = (32, 32, 32)
_GAP, _HATCH, _BITS = 10, 7, 4
_FARTHEST = 1e6
_DIM: Rgb = (170, 170, 170)
_RED: Rgb = (255, 110, 90)


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of a sheet.

    Attributes:
        picture: (h, w, 3) uint8.
        title: the name of the image.
        caption: what stands below it.
        alarm: whether the caption is to be seen at once.
    """

    picture: np.ndarray
    title: str
    caption: str
    alarm: bool = False


def tile(micrograph: Micrograph, instances: Instances, colours: Mapping[str, str]) -> np.ndarray:
    """A small picture of a micrograph with its objects.

    Args:
        micrograph: made as large as :data:`SIDE`.
        instances: outlines in the colour of their class; those to be ignored are hatched in grey.
        colours: class → ``#rrggbb``.

    Returns:
        (h, w, 3) uint8, its longest side :data:`SIDE`.
    """
    cv2 = opencv()
    scale = SIDE / max(micrograph.width, micrograph.height)
    size = [max(1, round(side * scale)) for side in (micrograph.width, micrograph.height)]
    grey = cv2.resize(
        display(micrograph.pixels), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    )
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    found = paths(instances.shapes)
    ignored = instances.ignored
    _hatch(picture, [path for path in found if ignored[path.owner]], scale)
    for name in dict.fromkeys(instances.class_name):
        own = [path for path in found if instances.class_name[path.owner] == name]
        colour = IGNORED if name == IGNORE else rgb(colours[name]) if name in colours else WHITE
        for closed in (True, False):
            lines = [_fixed(path, scale) for path in own if path.closed == closed]
            cv2.polylines(picture, lines, closed, colour, 1, cv2.LINE_AA, _BITS)
    return picture


def _fixed(path: Path, scale: float) -> np.ndarray:
    """Points in OpenCV's fixed-point numbers, which count from the middle of a pixel."""
    points = np.nan_to_num(np.clip(path.points * scale, -_FARTHEST, _FARTHEST)) - 0.5
    return np.rint(points * 2**_BITS).astype(np.int32)


def _hatch(picture: np.ndarray, found: Sequence[Path], scale: float) -> None:
    """Diagonal lines over the inside of outlines, even-odd as they are filled elsewhere."""
    if not found:
        return
    cv2 = opencv()
    for owner in dict.fromkeys(path.owner for path in found):
        inside = np.zeros(picture.shape[:2], np.uint8)
        rings = [_fixed(path, scale) for path in found if path.owner == owner and path.closed]
        if rings:
            cv2.fillPoly(inside, rings, 1, cv2.LINE_8, _BITS)
        rows, columns = np.nonzero(inside)
        lines = (rows + columns) % _HATCH < 1
        picture[rows, columns] = (0.75 * picture[rows, columns]).astype(np.uint8)
        picture[rows[lines], columns[lines]] = IGNORED


def contact_sheets(tiles: Sequence[Tile], colours: Mapping[str, str], title: str) -> list[np.ndarray]:
    """Pages of up to 48 pictures, 6 in a row, with the legend of the classes at the top.

    Args:
        tiles: in order.
        colours: class → ``#rrggbb``; all of them are in the legend, and ``ignore``.
        title: of the first line.

    Returns:
        (h, w, 3) uint8 each.
    """
    columns = min(COLUMNS, max(2, len(tiles)))
    width = columns * (SIDE + _GAP) + _GAP
    pages = [tiles[first : first + PER_PAGE] for first in range(0, len(tiles), PER_PAGE)] or [[]]
    many = len(pages) > 1
    return [
        np.concatenate(
            [
                _header(width, f"{title}, page {number} of {len(pages)}" if many else title, colours),
                *(_row(page[first : first + columns], width) for first in range(0, len(page), columns)),
            ]
        )
        for number, page in enumerate(pages, start=1)
    ]


def _header(width: int, title: str, colours: Mapping[str, str]) -> np.ndarray:
    """Title and legend; classes that do not fit into a line go to the next one."""
    writer = _Letters(22)
    line, x, rows = 34, _GAP + writer.width(title) + 40, 0
    places = []
    for name, colour in [*((name, rgb(colour)) for name, colour in colours.items()), (IGNORE, IGNORED)]:
        needed = 34 + writer.width(name) + 24
        if x + needed > width and x > _GAP:
            x, rows = _GAP, rows + 1
        places.append((name, colour, x, rows))
        x += needed
    picture = np.full(((rows + 1) * line + _GAP, width, 3), _GROUND, np.uint8)
    writer.write(picture, title, _GAP, _GAP // 2 + line // 2)
    for name, colour, left, row in places:
        middle = _GAP // 2 + row * line + line // 2
        picture[middle - 2 : middle + 2, left : left + 26] = colour
        writer.write(picture, name, left + 34, middle)
    return picture


def _row(tiles: Sequence[Tile], width: int) -> np.ndarray:
    """Pictures side by side, each with two lines of text below it."""
    bold, small = _Letters(18), _Letters(15)
    height = max(entry.picture.shape[0] for entry in tiles)
    picture = np.full((height + 56, width, 3), _GROUND, np.uint8)
    for number, entry in enumerate(tiles):
        rows, columns = entry.picture.shape[:2]
        left = _GAP + number * (SIDE + _GAP)
        x = left + (SIDE - columns) // 2
        picture[height - rows : height, x : x + columns] = entry.picture
        bold.write(picture, bold.shortened(entry.title, SIDE), left, height + 14)
        small.write(picture, small.shortened(entry.caption, SIDE), left, height + 36, _RED if entry.alarm else _DIM)
    return picture


class _Letters(Writer):
    """Text of a given height."""

    def __init__(self, size: int):
        super().__init__(0)
        self.size = size

    def shortened(self, text: str, room: int) -> str:
        """The text, its middle left out where it is too long."""
        if self.width(text) <= room:
            return text
        kept = len(text)
        while kept > 2 and self.width(_without_middle(text, kept)) > room:
            kept -= 1
        return _without_middle(text, kept)


def _without_middle(text: str, kept: int) -> str:
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
