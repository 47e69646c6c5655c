"""The picture of a training that runs: images, what is annotated in them, and what the network answers now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from temj.opencv import opencv
from temj.plots.colours import Rgb, rgb
from temj.plots.drawing import display
from temj.plots.text import Writer

SIDE = 340
"""About the side of a panel, in pixels."""
WINDOW = 512
"""Largest side of the part of an image that is shown."""
_GROUND, _GAP, _LETTERS = 24, 12, 16
_TINT = 0.35
_IGNORED: Rgb = (150, 150, 150)
_DIM: Rgb = (180, 180, 180)


@dataclass(frozen=True, eq=False)
class Answer:
    """One image.

    Attributes:
        name: of its file.
        pixels: (h, w), grey values.
        truth: bool (k, h, w), where each class is annotated.
        known: bool (h, w), where the annotation counts.
        levels: float32 (k, h, w), probabilities; where classes exclude each other 0 for all but the likeliest.
        said: what the levels are, in a word.
    """

    name: str
    pixels: np.ndarray
    truth: np.ndarray
    known: np.ndarray
    levels: np.ndarray
    said: str = "probability"


def answer_sheet(answers: Sequence[Answer], colours: Mapping[str, str], threshold: float, title: str) -> np.ndarray:
    """Draw a line of three panels for each image: image, annotation, and probability with the outline at the threshold.

    Of a large image the part with most objects is shown (:data:`WINDOW`). Panels of one line have one scale. The
    stronger the colour of a class the higher its probability.

    Args:
        answers: one or a few.
        colours: ``#rrggbb`` of the classes 1 … k by name.
        threshold: of the outlines.
        title: the first line.

    Returns:
        (h, w, 3) uint8, red, green, blue.
    """
    tints = [rgb(colour) for colour in colours.values()]
    lines = [_line(_cut(answer), tints, threshold) for answer in answers]
    width = max(line.shape[1] for line in lines)
    lines = [np.pad(line, ((0, 0), (0, width - line.shape[1]), (0, 0)), constant_values=_GROUND) for line in lines]
    return np.concatenate([_head(width, title, colours, tints), *lines])


def _cut(answer: Answer) -> Answer:
    """The part of an image with most annotated pixels, in steps of a quarter of the window."""
    height, width = answer.pixels.shape
    rows, columns = min(height, WINDOW), min(width, WINDOW)
    table = np.pad(answer.truth.any(0).astype(np.int64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    tops, lefts = (
        np.unique([*range(0, side - size + 1, WINDOW // 4), side - size])
        for side, size in ((height, rows), (width, columns))
    )
    ends = [table[np.ix_(y, x)] for y in (tops, tops + rows) for x in (lefts, lefts + columns)]
    row, column = np.unravel_index((ends[3] - ends[2] - ends[1] + ends[0]).argmax(), (len(tops), len(lefts)))
    part = np.s_[..., tops[row] : tops[row] + rows, lefts[column] : lefts[column] + columns]
    arrays = (each[part] for each in (answer.pixels, answer.truth, answer.known, answer.levels))
    return Answer(answer.name, *arrays, answer.said)


def _line(answer: Answer, tints: Sequence[Rgb], threshold: float) -> np.ndarray:
    """Three panels with their captions."""
    scale = SIDE / max(answer.pixels.shape)
    size = tuple(max(1, round(side * scale)) for side in answer.pixels.shape[::-1])
    grey = opencv().cvtColor(_scaled(display(answer.pixels), size, scale), opencv().COLOR_GRAY2RGB)
    truth = [_scaled(plane.astype(np.float32), size, scale) for plane in answer.truth]
    levels = [_scaled(plane.astype(np.float32), size, scale) for plane in answer.levels]
    unknown = _scaled((~answer.known).astype(np.float32), size, scale) > 0.5
    panels = [
        grey,
        _tinted(grey, [plane * _TINT for plane in truth], tints, [plane > 0.5 for plane in truth], unknown),
        _tinted(grey, [plane * 0.75 for plane in levels], tints, [plane > threshold for plane in levels], unknown),
    ]
    return _captioned(panels, (answer.name, "annotated", f"{answer.said}, outline at {threshold:.2f}"))


def _scaled(image: np.ndarray, size: tuple[int, int], scale: float) -> np.ndarray:
    cv2 = opencv()
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _tinted(
    grey: np.ndarray,
    strengths: Sequence[np.ndarray],
    tints: Sequence[Rgb],
    masks: Sequence[np.ndarray],
    unknown: np.ndarray,
) -> np.ndarray:
    """The picture with colours laid over it by strength (h, w) in 0..1, and the outlines of masks."""
    cv2, picture = opencv(), grey.astype(np.float32)
    for strength, tint in zip(strengths, tints, strict=True):
        picture += strength[..., None] * (np.array(tint, np.float32) - picture)
    picture = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    rows, columns = np.nonzero(unknown)
    lines = (rows + columns) % 7 == 0
    picture[rows[lines], columns[lines]] = _IGNORED
    for mask, tint in zip(masks, tints, strict=True):
        found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, found, -1, tint, 1, cv2.LINE_8)
    return picture


def _captioned(panels: Sequence[np.ndarray], captions: Sequence[str]) -> np.ndarray:
    writer = _writer(_LETTERS)
    height, width = panels[0].shape[:2]
    line = np.full((height + 2 * _LETTERS + _GAP, len(panels) * (width + _GAP) + _GAP, 3), _GROUND, np.uint8)
    for number, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        left = _GAP + number * (width + _GAP)
        line[:height, left : left + width] = panel
        part = line[height:, left : left + width]
        writer.write(part, caption, 0, _LETTERS, _DIM)
    return line


def _head(width: int, title: str, colours: Mapping[str, str], tints: Sequence[Rgb]) -> np.ndarray:
    """The title, and below it the classes with their colours."""
    writer, small = _writer(20), _writer(_LETTERS)
    head = np.full((72, width, 3), _GROUND, np.uint8)
    writer.write(head, title, _GAP, 22)
    x = _GAP
    for name, tint in zip(colours, tints, strict=True):
        head[52:56, x : x + 26] = tint
        small.write(head, name, x + 34, 54)
        x += 34 + small.width(name) + 24
    return head


def _writer(size: int) -> Writer:
    writer = Writer(0)
    writer.size = size
    return writer
