"""Whether a micrograph can be predicted at all, and what about it is unusual for the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from temj.area import without_pinholes
from temj.data import Micrograph
from temj.errors import BadImage
from temj.models.card import Card

CONSTANT = "constant image"
"""The note for an image of one grey value, in which nothing can be found."""
NO_AREA = "nothing of the image is analysed: all of it is left out"
"""The note for an image whose analysed area is empty."""
NOTHING_TO_FIND = frozenset((CONSTANT, NO_AREA))

_BITS = {"uint8": "8-bit", "uint16": "16-bit", "float32": "32-bit float"}


def finite(micrograph: Micrograph, fill: bool) -> tuple[Micrograph, list[str]]:
    """The micrograph without NaN and infinite pixels, for which a network would answer "nothing there".

    Regions outside the analysed area may have any values, such as a blank border of NaN; single dead pixels may not.

    Args:
        micrograph: any.
        fill: whether such pixels take the median of the others, which a note then says; else they are refused.

    Raises:
        BadImage: ``nonfinite``, with their number and the first one.
    """
    pixels = micrograph.pixels
    bad = ~np.isfinite(pixels) if pixels.dtype.kind == "f" else np.zeros(1, bool)
    if bad.any() and micrograph.area is not None:
        bad &= without_pinholes(micrograph.area)
    if not bad.any():
        return micrograph, []
    y, x = np.unravel_index(int(bad.argmax()), bad.shape)
    found = f"{int(bad.sum())} px that are NaN or infinite, the first at x={x}, y={y}"
    known = np.isfinite(pixels)
    if not fill or not known.any():
        raise BadImage(
            "nonfinite",
            where=micrograph.name,
            expected="finite grey values",
            found=found,
            remedy="Fill them (--fill; in a macro: fill) or crop them (in ImageJ: Process > Noise > Remove NaNs).",
        )
    whole = np.where(bad, np.median(pixels[known]), pixels).astype(pixels.dtype)
    return replace(micrograph, pixels=whole), [f"{found}: predicted with the median of the others in their place"]


def nothing_to_find(micrograph: Micrograph) -> str:
    """:data:`CONSTANT` or :data:`NO_AREA` where nothing can be found in the analysed area, else ""."""
    pixels = _analysed(micrograph)
    if not pixels.size:
        return NO_AREA
    return CONSTANT if float(pixels.min()) == float(pixels.max()) else ""


def _analysed(micrograph: Micrograph) -> np.ndarray:
    """The grey values of the analysed area."""
    return micrograph.pixels if micrograph.area is None else micrograph.pixels[micrograph.area]


def grey_notes(micrograph: Micrograph, card: Card) -> list[str]:
    """Notes where type or range of the grey values (of the analysed area) are not those of the training data.

    Where nothing can be found that note alone: :data:`CONSTANT` or :data:`NO_AREA`.
    """
    nothing = nothing_to_find(micrograph)
    if nothing:
        return [nothing]
    pixels = _analysed(micrograph)
    low, high = float(pixels.min()), float(pixels.max())
    notes, dtype = [], micrograph.pixels.dtype.name
    rule = "normalised by its own mean and deviation" if card.input.mean == "image" else "check what it found"
    if dtype != card.input.dtype:
        notes.append(f"{_BITS[dtype]} image, the model was trained on {_BITS[card.input.dtype]}: {rule}")
    least, most = card.input.range
    if low < least or high > most:
        notes.append(f"grey values {low:g} to {high:g} are outside the training data's {least:g} to {most:g}: {rule}")
    return notes
