"""The preview sheet: crops of training images as they are, and beside them as augmentation changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Micrograph
from temj.opencv import opencv
from temj.plots.bar import bar
from temj.plots.colours import Rgb, rgb
from temj.plots.text import WHITE, Writer

TILE = 320
"""About the side of a crop on the sheet, in pixels; crops are enlarged a whole number of times."""
IGNORE = 255
IGNORED: Rgb = (190, 190, 190)
RANGE = 3.0
_GROUND = 24
_GAP = 12
_LETTERS, _LINES = 15, 4
_DIM: Rgb = (180, 180, 180)


@dataclass(frozen=True, eq=False)
class PreviewTile:
    """One crop of the sheet.

    Attributes:
        image: float32 (c, s, s), mean 0 and deviation 1; channels stand side by side.
        class_map: uint8 (s, s), the target, drawn as outlines; 255 (ignore) is hatched.
        caption: what happened to it.
    """

    image: np.ndarray
    class_map: np.ndarray
    caption: str


def preview_sheet(
    rows: Sequence[Sequence[PreviewTile]],
    colours: Mapping[str, str],
    title: str,
    micrograph: Micrograph,
) -> np.ndarray:
    """Draw the sheet.

    Grey values from 3 deviations below to 3 above the mean of the micrograph are black to white in every tile, so that
    a change of brightness is seen.

    Args:
        rows: of equally many tiles; the first of each is the crop as it was.
        colours: ``#rrggbb`` of the classes 1, 2, ….
        title: the first line.
        micrograph: one of the pixel size of the crops as they were, for the scale bar.

    Returns:
        (h, w, 3) uint8, red, green, blue.
    """
    side = rows[0][0].image.shape[1]
    times = max(1, round(TILE / side))
    tints = [rgb(colour) for colour in colours.values()]
    lines = [_row(row, tints, times) for row in rows]
    width = lines[0].shape[1]
    writer = _writer(20)
    entries = [(name, tint) for name, tint in zip(colours, tints, strict=True)]
    if any((tile.class_map == IGNORE).any() for row in rows for tile in row):
        entries.append(("ignored", IGNORED))
    head = np.full((44, width, 3), _GROUND, np.uint8)
    writer.write(head, title, _GAP, 22)
    return np.concatenate([head, *lines, bar(width, entries, micrograph, times, writer)])


def _row(tiles: Sequence[PreviewTile], tints: Sequence[Rgb], times: int) -> np.ndarray:
    """Tiles side by side with their captions below."""
    writer = _writer(_LETTERS)
    line = round(writer.size * 1.35)
    drawn = [_drawn(tile, tints, times) for tile in tiles]
    height, width = drawn[0].shape[:2]
    picture = np.full((height + line * _LINES + _GAP, (width + _GAP) * len(tiles) + _GAP, 3), _GROUND, np.uint8)
    for number, (tile, shown) in enumerate(zip(tiles, drawn, strict=True)):
        left = _GAP + number * (width + _GAP)
        picture[:height, left : left + width] = shown
        for row, text in enumerate(_wrapped(tile.caption, writer, width)):
            middle = height + round(line * (row + 0.7))
            writer.write(picture, text, left, middle, _DIM if number else WHITE)
    return picture


def _drawn(tile: PreviewTile, tints: Sequence[Rgb], times: int) -> np.ndarray:
    """The channels of a crop side by side, with the outlines of the target on the first one."""
    cv2 = opencv()
    grey = np.clip((tile.image + RANGE) * (255 / (2 * RANGE)), 0, 255).astype(np.uint8)
    size = (grey.shape[2] * times, grey.shape[1] * times)
    planes = [cv2.cvtColor(cv2.resize(p, size, interpolation=cv2.INTER_NEAREST), cv2.COLOR_GRAY2RGB) for p in grey]
    for number, tint in enumerate(tints, start=1):
        mask = cv2.resize((tile.class_map == number).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        found, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(planes[0], found, -1, tint, 1, cv2.LINE_8)
    ignored = cv2.resize((tile.class_map == IGNORE).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    rows, columns = np.indices(ignored.shape)
    planes[0][ignored & ((rows + columns) % 8 == 0)] = IGNORED
    gap = np.full((size[1], 2, 3), _GROUND, np.uint8)
    parts = [part for plane in planes for part in (gap, plane)][1:]
    return np.concatenate(parts, axis=1)


def _wrapped(text: str, writer: Writer, room: int) -> list[str]:
    """The text in lines of at most ``room`` pixels, broken at commas; what does not fit into the lines ends in …"""
    lines, rest = [""], text.split(", ")
    for number, word in enumerate(rest):
        word += "," if number < len(rest) - 1 else ""
        longer = f"{lines[-1]} {word}".strip()
        if writer.width(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], f"{lines[_LINES - 1].rstrip(',')} …"]


def _writer(size: int) -> Writer:
    writer = Writer(0)
    writer.size = size
    return writer
