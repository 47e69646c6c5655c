"""The bar below a picture: legend at the left, scale bar at the right."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from temj.data import Micrograph
from temj.plots.colours import Rgb
from temj.plots.text import WHITE, Writer

_LONGEST_PART = 0.22
_GROUND = 20
_UNITS = (("mm", 1e6), ("µm", 1e3), ("nm", 1.0), ("pm", 1e-3))


def round_length(longest: float) -> tuple[float, str]:
    """The largest length of 1, 2 or 5 times a power of ten that is not longer than ``longest`` nm.

    Returns:
        The length in nm, and as text in the unit that suits it.
    """
    power = 10.0 ** math.floor(math.log10(longest))
    length = max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9))
    name, unit = next(((name, unit) for name, unit in _UNITS if length >= unit * (1 - 1e-9)), _UNITS[-1])
    return length, f"{length / unit:.6g} {name}"


def bar(
    width: int, entries: Sequence[tuple[str, Rgb]], micrograph: Micrograph, scale: float, writer: Writer
) -> np.ndarray:
    """Draw the bar.

    Args:
        width: of the picture.
        entries: texts and colours of the legend.
        micrograph: its calibration gives the scale bar; without a pixel size it says so instead.
        scale: pixels of the picture for each pixel of the micrograph.
        writer: of the picture.

    Returns:
        (rows, width, 3) uint8. Entries that do not fit beside the scale bar go to further lines.
    """
    line = round(writer.size * 2)
    scale_bar = _scale_bar(width, micrograph, scale, writer)
    rows, x = 0, line // 2
    places = []
    room = width - (0 if scale_bar is None else scale_bar.shape[1])
    for text, colour in entries:
        needed = round(writer.size * 2.2) + writer.width(text) + line // 2
        if x + needed > room and x > line // 2:
            rows, x, room = rows + 1, line // 2, width
        places.append((text, colour, x, rows))
        x += needed
    picture = np.full(((rows + 1) * line, width, 3), _GROUND, np.uint8)
    for text, colour, left, row in places:
        middle, sample = row * line + line // 2, round(writer.size * 1.5)
        thick = max(1, writer.size // 8)
        picture[middle - thick : middle + thick, left : left + sample] = colour
        writer.write(picture, text, left + round(writer.size * 2), middle)
    if scale_bar is not None:
        picture[: scale_bar.shape[0], width - scale_bar.shape[1] :] = scale_bar
    return picture


def has_room(width: int, micrograph: Micrograph, scale: float) -> bool:
    """Whether a picture of this width has room for a scale bar, or for the words that say why there is none."""
    return _scale_bar(width, micrograph, scale, Writer(width)) is not None


def _scale_bar(width: int, micrograph: Micrograph, scale: float, writer: Writer) -> np.ndarray | None:
    """The bar and its length as a picture, or words where the pixel size is not known; None where there is no room."""
    if micrograph.calibration.nm is None:
        return _words("pixel size unknown", width, writer)
    nm_per_pixel = micrograph.calibration.nm[0] / scale
    length, text = round_length(_LONGEST_PART * width * nm_per_pixel)
    pixels, line = max(1, round(length / nm_per_pixel)), round(writer.size * 2)
    gap = writer.size // 2
    whole = pixels + 3 * gap + writer.width(text)
    if whole > width:
        return None
    picture = np.full((line, whole, 3), _GROUND, np.uint8)
    thick = max(2, writer.size // 4)
    picture[line // 2 - thick // 2 : line // 2 - thick // 2 + thick, gap : gap + pixels] = WHITE
    writer.write(picture, text, pixels + 2 * gap, line // 2)
    return picture


def _words(text: str, width: int, writer: Writer) -> np.ndarray | None:
    needed = writer.width(text) + writer.size
    if needed > width:
        return None
    picture = np.full((round(writer.size * 2), needed, 3), _GROUND, np.uint8)
    writer.write(picture, text, writer.size // 2, writer.size)
    return picture
