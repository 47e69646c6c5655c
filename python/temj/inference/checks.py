"""Whether a micrograph can be predicted at all, and what about it is unusual for the model."""

from __future__ import annotations

import numpy as np

from temj.data import Micrograph
from temj.errors import BadImage
from temj.models.card import Card

CONSTANT = "constant image"
"""The note for an image of one grey value, in which nothing can be found."""

_BITS = {"uint8": "8-bit", "uint16": "16-bit", "float32": "32-bit float"}


def require_finite(micrograph: Micrograph) -> None:
    """Refuse NaN and infinite pixels: a network would answer "nothing there".

    Raises:
        BadImage: ``nonfinite``, with their number and the first one.
    """
    pixels = micrograph.pixels
    if pixels.dtype.kind != "f":
        return
    bad = ~np.isfinite(pixels)
    if bad.any():
        y, x = np.unravel_index(int(bad.argmax()), bad.shape)
        raise BadImage(
            "nonfinite",
            where=micrograph.name,
            expected="finite grey values",
            found=f"{int(bad.sum())} px that are NaN or infinite, the first at x={x}, y={y}",
            remedy="Fill or crop them, e.g. in ImageJ: Process > Noise > Remove NaNs.",
        )


def grey_notes(micrograph: Micrograph, card: Card) -> list[str]:
    """Notes where type or range of the grey values are not those of the training data; :data:`CONSTANT` alone."""
    low, high = float(micrograph.pixels.min()), float(micrograph.pixels.max())
    if low == high:
        return [CONSTANT]
    notes, dtype = [], micrograph.pixels.dtype.name
    rule = "normalised by its own mean and deviation" if card.input.mean == "image" else "check what it found"
    if dtype != card.input.dtype:
        notes.append(f"{_BITS[dtype]} image, the model was trained on {_BITS[card.input.dtype]}: {rule}")
    least, most = card.input.range
    if low < least or high > most:
        notes.append(f"grey values {low:g} to {high:g} are outside the training data's {least:g} to {most:g}: {rule}")
    return notes
