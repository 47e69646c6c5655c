"""Lengths as a user writes them: a number and its unit: ``4nm``, ``0.4um``, ``12px``."""

from __future__ import annotations

import re

from temj.data.calibration import NM_PER_UNIT, NUMBER, canonical_unit, round_size

NM, PIXELS = "nm", "px"
_LENGTH = re.compile(rf"\s*{NUMBER}\s*([^\s0-9.]*)\s*")
_PIXELS = ("px", "pixel", "pixels")


def parse_length(text: str, bare: str = NM, *, zero: bool = False) -> tuple[float, str]:
    """A length: (number, ``"nm"``), or (number, ``"px"``) where it is given in pixels.

    Args:
        text: as written.
        bare: what a number without a unit counts in; it comes back as it is given here.
        zero: whether 0 may be.

    Raises:
        ValueError: in words, what was expected.
    """
    match = _LENGTH.fullmatch(text)
    number = float(match[1]) if match else -1.0
    written = match[2] if match else ""
    known = None if not written else PIXELS if written.lower() in _PIXELS else canonical_unit(written)
    unit = known if written else bare
    if unit is None or not (0 < number < float("inf") or (zero and number == 0)):
        without = f" ({bare} where there is no unit)" if bare in (NM, PIXELS) else ""
        raise ValueError(f"a length {'of at least' if zero else 'above'} 0 such as 4nm, 0.4um or 12px{without}")
    return (round_size(number * NM_PER_UNIT[unit]), NM) if unit in NM_PER_UNIT else (number, unit)
