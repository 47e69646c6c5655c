"""Burnt-in text: rows of drawn letters, letters beside a scale bar, panel labels in a corner, and boxes with text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.area.letters import Mark
from temj.area.scale_bar import MARGIN, Bar
from temj.area.scene import Scene

ALIKE = 14
"""Largest difference of grey (of 255) between letters of one row."""
WORD = 3
"""Letters from which on a row is text wherever it stands, two of them knotted."""
MOST = 250
"""Marks above which they are the texture of the image: a picture with text has up to 180."""
CORNER = 0.12
"""Share of width and height from an upper corner within which a label such as ``(a)`` begins; the nearest is one."""
PURE = 12
"""Such a label is drawn in black or white: within so many grey values (of 255) of an end of the range."""
LABEL = 0.03
"""Least height of such a label as a share of the image's height."""


@dataclass(frozen=True)
class Row:
    """Marks that stand side by side on one line."""

    marks: tuple[Mark, ...]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """left, top, right, bottom in the pixels of the grey image."""
        return (
            min(mark.x for mark in self.marks), min(mark.y for mark in self.marks),
            max(mark.right for mark in self.marks), max(mark.bottom for mark in self.marks),
        )  # fmt: skip

    @property
    def knotted(self) -> int:
        """How many of them are no single stroke."""
        return sum(mark.knotted for mark in self.marks)

    @property
    def height(self) -> int:
        """Of the tallest letter."""
        return max(mark.height for mark in self.marks)


def find(scene: Scene) -> np.ndarray:
    """(h, w) bool: boxes with text and rows of letters, with a margin."""
    found = list(scene.boxes)
    for row in written(rows(scene.marks), scene.bars, scene.grey.shape):
        left, top, right, bottom = row.box
        found.append((top, bottom, left, right))
    return scene.rectangles(found, MARGIN)


def rows(marks: Sequence[Mark]) -> list[Row]:
    """Marks of one grey value that follow each other on a line, each in one row."""
    left = sorted(marks, key=lambda mark: mark.x)
    groups: list[list[Mark]] = []
    for mark in left:
        group = next((group for group in groups if _continues(group, mark)), None)
        if group is None:
            groups.append([mark])
        else:
            group.append(mark)
    return [Row(tuple(group)) for group in groups]


def _continues(group: list[Mark], mark: Mark) -> bool:
    """Whether a mark follows the last ones of a row: as bright, on the line, as tall, not far."""
    tallest = max(other.height for other in group)
    last = max(group, key=lambda other: other.right)
    if mark.bright != last.bright or abs(mark.level - last.level) > ALIKE:
        return False
    overlap = min(mark.bottom, last.bottom) - max(mark.y, last.y)
    near = -0.3 * tallest <= mark.x - last.right <= 0.9 * max(tallest, mark.height)
    return near and overlap >= 0.5 * min(mark.height, last.height) and mark.height <= 2.4 * tallest


def written(found: Sequence[Row], bars: Sequence[Bar], shape: tuple[int, int]) -> list[Row]:
    """The rows of marks that are text; a lone mark of the specimen is not."""
    if sum(len(row.marks) for row in found) > MOST:
        return []
    text = [row for row in found if _is_word(row) or any(_beside(row, bar) for bar in bars)]
    text += [row for row in _labels(found, shape) if row not in text]
    left = [row for row in found if row not in text]
    while left:
        more = [row for row in left if any(_goes_on(row, other) for other in text)]
        if not more:
            break
        text += more
        left = [row for row in left if row not in more]
    return text


def _goes_on(row: Row, text: Row) -> bool:
    """Whether a row goes on a line of text after a blank: drawn alike, on the same line, as tall."""
    (left, top, right, bottom), (start, upper, stop, lower) = row.box, text.box
    mark, other = row.marks[0], text.marks[0]
    alike = mark.bright == other.bright and abs(mark.level - other.level) <= ALIKE
    level = min(bottom, lower) - max(top, upper) >= 0.5 * min(row.height, text.height)
    sized = 0.4 <= row.height / text.height <= 1.6
    return alike and level and sized and max(left - stop, start - right) <= 1.5 * text.height


def _is_word(row: Row) -> bool:
    tall = [mark for mark in row.marks if mark.height >= 0.5 * row.height]
    if len(tall) < WORD or row.knotted < 2:
        return False
    lines = [mark.bottom for mark in tall]
    return float(np.ptp(sorted(lines)[: max(2, len(lines) * 3 // 4)])) <= max(2, 0.3 * row.height)


def _beside(row: Row, bar: Bar) -> bool:
    left, top, right, bottom = row.box
    across = max(bar.x - right, left - bar.x - bar.width, 0)
    along = max(bar.y - bottom, top - bar.y - bar.height, 0)
    near = across <= 1.5 * row.height and along <= 1.5 * row.height
    same = row.marks[0].bright == bar.bright and abs(row.marks[0].level - bar.level) <= ALIKE
    sized = row.height <= max(bar.width / 2, 6 * bar.height)
    return near and sized and row.knotted > 0 and (len(row.marks) > 1 or same)


def _labels(found: Sequence[Row], shape: tuple[int, int]) -> list[Row]:
    """The panel label in each upper corner: the pure row that is nearest to it."""
    height, width = shape
    labels = []
    for flip in (False, True):
        best, nearest = None, 2 * CORNER
        for row in found:
            left, top, right, _bottom = row.box
            across, down = (width - right if flip else left) / width, top / height
            pure = all(mark.level <= PURE or mark.level >= 255 - PURE for mark in row.marks)
            tall = row.knotted > 0 and row.height >= LABEL * height and min(left, top, width - right) > 0
            if pure and tall and max(across, down) <= CORNER and across + down < nearest:
                best, nearest = row, across + down
        labels += [best] if best else []
    return labels
