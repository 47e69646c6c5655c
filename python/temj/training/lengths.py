"""Lengths as a user writes them: a number in nm, or a number with its unit: ``4nm``, ``0.4um``, ``12px``."""

from __future__ import annotations

import math
import re

from temj.data.calibration import NM_PER_UNIT, canonical_unit

PIXELS = "px"
_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([^\s0-9.]*)\s*")


def parse_length(text: str) -> tuple[float, str]:
    """A positive length: (number, ``"nm"``), or (number, ``"px"``) where it is given in pixels.

    Raises:
        ValueError: in words, what was expected.
    """
    match = _LENGTH.fullmatch(text)
    number = float(match[1]) if match else 0.0
    written = match[2] if match else ""
    unit = PIXELS if written.lower() in ("px", "pixel", "pixels") else canonical_unit(written or "nm")
    if unit is None or not (number > 0 and math.isfinite(number)):
        raise ValueError("a length above 0 such as 4nm, 0.4um or 12px (nm where there is no unit)")
    return (number, PIXELS) if unit == PIXELS else (float(f"{number * NM_PER_UNIT[unit]:.9g}"), "nm")
