"""Text in pictures, in one font that every computer with TEMJ has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ImageFont

from temj.opencv import opencv
from temj.plots.colours import Rgb

WHITE: Rgb = (255, 255, 255)
_SHADE = 0.75
_ENOUGH = 0.6
_A_NUMBER = 1000
"""Objects that lie over each other are counted at each pixel; a number counts as many."""


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size)


class Writer:
    """Writes text of a size that suits a picture.

    Attributes:
        size: height of the letters in pixels, for legend and scale bar; numbers of objects are a little smaller.
    """

    def __init__(self, picture_width: int):
        self.size = int(np.clip(picture_width / 55, 12, 40))

    def width(self, text: str) -> int:
        """Pixels that a text takes."""
        return round(_font(self.size).getlength(text))

    def write(self, picture: np.ndarray, text: str, x: int, y: int, colour: Rgb = WHITE) -> None:
        """Write with the left end at x and the middle of the letters at y; what is outside is cut off."""
        font = _font(self.size)
        top = y - round(self.size * 0.62)
        _blend(picture, _letters(font, text), x, top, colour)

    def numbers(self, picture: np.ndarray, ends: np.ndarray, colours: Sequence[Rgb]) -> None:
        """Write 1, 2, 3 … beside objects, where no other number and no object is in the way.

        An object that has no such place, at its sides or corners, has its number in its middle if it is at least twice
        as wide and high, and no other object or number lies there; one inside another object has it beside that one;
        else it has none. In a crowd, where most of them find no place, none is written.

        Args:
            picture: (h, w, 3) uint8, changed in place.
            ends: (n, 4, 2), the leftmost, topmost, rightmost and lowest point of each object in the picture.
            colours: (n,).
        """
        font = _font(max(11, round(self.size * 0.75)))
        taken = np.zeros(picture.shape[:2], np.uint16)
        drawn = np.flatnonzero(np.isfinite(ends).all(axis=(1, 2)))
        whole = np.clip(np.nan_to_num(ends), -1, max(taken.shape)).astype(int)
        for index in drawn:
            (left, _), (_, top), (right, _), (_, bottom) = whole[index].tolist()
            taken[max(0, top) : bottom + 1, max(0, left) : right + 1] += 1
        written = []
        for index in drawn:
            letters = _letters(font, str(index + 1))
            place = _free_place(taken, whole[index], *letters.shape)
            around = None if place else _around(whole[drawn], whole[index])
            if around is not None:
                place = _free_place(taken, around, *letters.shape)
            if place is not None:
                x, y = place
                taken[y : y + letters.shape[0], x : x + letters.shape[1]] += _A_NUMBER
                written.append((letters, x, y, colours[index]))
        for letters, x, y, colour in written if len(written) >= _ENOUGH * len(drawn) else ():
            _blend(picture, letters, x, y, colour, shaded=True)


def _letters(font: ImageFont.FreeTypeFont, text: str) -> np.ndarray:
    """How much of each pixel is covered: (h, w) float32 in 0..1, with a rim of two pixels."""
    left, top, right, bottom = font.getbbox(text)
    mask = font.getmask(text, mode="L")
    letters = np.array(mask, np.float32).reshape(mask.size[::-1]) / 255
    above = top if bottom > top else 0
    return np.pad(letters, ((2 + above, 2), (2 + left, 2))) if letters.size else np.zeros((1, right + 1), np.float32)


def _around(ends: np.ndarray, own: np.ndarray) -> np.ndarray | None:
    """The (4, 2) ends of the smallest object whose box holds that of another one; None where none does."""
    boxes, box = (each[..., [0, 1, 2, 3], [0, 1, 0, 1]] for each in (ends, own))
    holds = (boxes[:, :2] <= box[:2]).all(axis=1) & (boxes[:, 2:] >= box[2:]).all(axis=1) & (boxes != box).any(axis=1)
    area = np.where(holds, (boxes[:, 2:] - boxes[:, :2]).prod(axis=1), np.iinfo(np.int64).max)
    return ends[area.argmin()] if holds.any() else None


def _free_place(taken: np.ndarray, ends: np.ndarray, height: int, width: int) -> tuple[int, int] | None:
    """x and y for a text at the right, the left, above, below, at a corner or in the middle of an object; None where
    all are taken."""
    left, top, right, bottom = ends.tolist()
    west, east, north, south = left[0] - width - 1, right[0] + 2, top[1] - height - 1, bottom[1] + 2
    middle = (left[0] + right[0] - width) // 2, (top[1] + bottom[1] - height) // 2
    roomy = right[0] - left[0] >= 2 * width and bottom[1] - top[1] >= 2 * height
    beside = (
        (east, right[1] - height // 2), (west, left[1] - height // 2), (top[0] - width // 2, north),
        (bottom[0] - width // 2, south), (east, north), (west, north), (east, south), (west, south),
    )  # fmt: skip
    for (x, y), allowed in (*((place, 0) for place in beside), *([(middle, 1)] if roomy else [])):
        inside = 0 <= x <= taken.shape[1] - width and 0 <= y <= taken.shape[0] - height
        if inside and (taken[y : y + height, x : x + width] <= allowed).all():
            return x, y
    return None


def _blend(picture: np.ndarray, letters: np.ndarray, x: int, y: int, colour: Rgb, shaded: bool = False) -> None:
    """Lay letters over a picture at x, y; ``shaded`` darkens the ground around them."""
    top, left = max(0, -y), max(0, -x)
    place = picture[max(0, y) : max(0, y + letters.shape[0]), max(0, x) : max(0, x + letters.shape[1])]
    letters = letters[top : top + place.shape[0], left : left + place.shape[1]]
    if not letters.size:
        return
    ground = place.astype(np.float32)
    if shaded:
        ground *= 1 - _SHADE * opencv().dilate(letters, np.ones((3, 3), np.uint8))[..., None]
    place[:] = np.rint(ground + letters[..., None] * (np.array(colour, np.float32) - ground))
