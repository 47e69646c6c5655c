"""A strip of details: the same object as it is annotated and as it was found, in lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Micrograph, Shapes
from temj.opencv import opencv
from temj.plots.colours import rgb
from temj.plots.drawing import display, draw
from temj.plots.paths import Path, paths
from temj.plots.text import Writer

SIDE = 190
"""Side of a detail, in pixels."""
_ROOM = 1.7
_LEAST = 16
_GROUND, _GAP = 20, 6


@dataclass(frozen=True, eq=False)
class Detail:
    """One pair of outlines.

    Attributes:
        pixels: (s, s) uint8, what the micrograph shows there.
        annotated, found: outlines in the pixels of the detail.
        caption: below it.
    """

    pixels: np.ndarray
    annotated: tuple[Path, ...]
    found: tuple[Path, ...]
    caption: str


def detail(micrograph: Micrograph, annotated: Shapes, found: Shapes, caption: str) -> Detail:
    """Cut a square around two outlines (one shape each); what lies beyond the micrograph is black."""
    both = [paths(annotated), paths(found)]
    points = np.concatenate([path.points for found_paths in both for path in found_paths])
    low, high = points.min(axis=0), points.max(axis=0)
    side = int(np.ceil(max(_ROOM * (high - low).max(), _LEAST)))
    left, top = (round(float(c)) for c in (low + high - side) / 2)
    grey = display(micrograph.pixels, micrograph.area)
    cut = np.zeros((side, side), np.uint8)
    rows, columns = (np.clip([first, first + side], 0, end) for first, end in zip((top, left), grey.shape, strict=True))
    inside = grey[rows[0] : rows[1], columns[0] : columns[1]]
    cut[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left] = inside
    moved = [
        tuple(Path(path.points - (left, top), path.closed, path.owner) for path in found_paths)
        for found_paths in both
    ]  # fmt: skip
    return Detail(cut, *moved, caption)


def strip(lines: Sequence[tuple[str, Sequence[Detail]]], annotated: str, found: str) -> np.ndarray:
    """Draw lines of details.

    Args:
        lines: words above a line, and its details.
        annotated, found: ``#rrggbb``.

    Returns:
        (h, w, 3) uint8, red, green, blue.
    """
    writer = Writer(0)
    most = max([len(details) for _, details in lines] + [1])
    longest = max([writer.width(words) for words, _ in lines] + [0])
    width = max(most * (SIDE + _GAP) + _GAP, longest + 2 * _GAP)
    rows = []
    for words, details in lines:
        rows.append(_words(words if details else f"{words}: none", width, writer))
        if not details:
            continue
        line = np.full((SIDE + 2 * writer.size, width, 3), _GROUND, np.uint8)
        for number, one in enumerate(details):
            left = _GAP + number * (SIDE + _GAP)
            line[:SIDE, left : left + SIDE] = _drawn(one, annotated, found)
            writer.write(line[SIDE:, left : left + SIDE], one.caption, 0, writer.size)
        rows.append(line)
    foot = _words("", width, writer)
    x = _GAP
    for words, colour in (("annotated", annotated), ("found", found)):
        foot[writer.size - 1 : writer.size + 1, x : x + 24] = rgb(colour)
        writer.write(foot, words, x + 30, writer.size)
        x += 60 + writer.width(words)
    return np.concatenate([*rows, foot])


def _words(words: str, width: int, writer: Writer) -> np.ndarray:
    row = np.full((2 * writer.size, width, 3), _GROUND, np.uint8)
    writer.write(row, words, _GAP, writer.size)
    return row


def _drawn(one: Detail, annotated: str, found: str) -> np.ndarray:
    """One detail as RGB; a pixel of the micrograph stays a square."""
    cv2 = opencv()
    scale = SIDE / len(one.pixels)
    how = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
    picture = cv2.cvtColor(cv2.resize(one.pixels, (SIDE, SIDE), interpolation=how), cv2.COLOR_GRAY2RGB)
    draw(picture, one.annotated, scale, rgb(annotated), 1)
    draw(picture, one.found, scale, rgb(found), 1)
    return picture
