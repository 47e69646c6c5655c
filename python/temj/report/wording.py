"""Numbers, units, dates and lists as a reader of a paper expects them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

NOT_KNOWN = "–"
"""Stands where a number is not defined or not known; the page says so once."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LARGE, _SMALL = 1e6, 1e-3
_GROUPED = 10_000
_FAR = 1000
"""An end of an interval that is so many times the value does not share its power of ten."""
_NAMED = 3


def number(value: object, digits: int = 4) -> str:
    """A number with so many significant digits: ``412``, ``0.03910``, ``4.125 × 10¹⁴``; ``–`` for NaN and None.

    Whole numbers below 10⁹ are written out, and what has fewer digits has no zeros behind them.
    """
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return NOT_KNOWN if value is None else str(value)
    if not math.isfinite(value):
        return NOT_KNOWN if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == int(value) and abs(value) < 1e9:
        whole = f"{int(value):,}" if abs(value) >= _GROUPED else str(int(value))
        return whole.replace(",", "\N{NO-BREAK SPACE}").replace("-", "−")
    exact = float(f"{value:.{digits}g}") == value  # such as 0.35: zeros behind it would say nothing
    if abs(value) >= _LARGE or abs(value) < _SMALL:
        mantissa, power = f"{value:.{digits - 1}e}".split("e")
        mantissa = f"{float(mantissa):g}" if exact else mantissa
        return (
            f"{mantissa.replace('-', '−')}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10{str(int(power)).translate(_RAISED)}"
        )
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return (f"{value:.{digits}g}" if exact else f"{value:.{decimals}f}").replace("-", "−")


def interval(value: object, low: object, high: object, digits: int = 3) -> str:
    """``0.567 (0.42 to 0.71)``, ``4.1 (3.2 to 5.2) × 10¹⁴``; the value alone where there is no interval."""
    told = number(value, digits)
    ends = [number(end, digits) for end in (low, high)]
    if NOT_KNOWN in (told, *ends):
        return told
    power = ""
    if "×" in told and all(abs(end) < _FAR * abs(value) for end in (low, high)):
        exponent = math.floor(math.log10(abs(value)))
        parts = [f"{each / 10.0**exponent:.{digits - 1}f}".replace("-", "−") for each in (value, low, high)]
        told, *ends = parts
        power = f"\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10{str(exponent).translate(_RAISED)}"
    to = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"
    return f"{told} ({ends[0]}{to}{ends[1]}){power}"


def unit(text: str) -> str:
    """A unit with raised numbers: ``m^-2`` becomes ``m⁻²``."""
    return re.sub(r"\^(-?\d+)", lambda match: match[1].translate(_RAISED), text)


def named(name: str) -> tuple[str, str]:
    """A column's name and the unit in its brackets: ``N_A (m^-2)`` → (``N_A``, ``m⁻²``)."""
    match = re.fullmatch(r"(.+?)\s*\(([^()]+)\)", name)
    return (match[1], unit(match[2])) if match else (name, "")


def listed(items: Iterable[str], most: int = _NAMED) -> str:
    """``a, b and c``; of more than ``most`` the first, and how many more there are."""
    all_of = list(items)
    if len(all_of) > most:
        return f"{', '.join(all_of[:most])} and {len(all_of) - most} more"
    return " and ".join(filter(None, [", ".join(all_of[:-1]), *all_of[-1:]]))


def counted(count: int, word: str) -> str:
    """``1 image``, ``5 images``, ``2 classes``."""
    many = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{number(count)} {word if count == 1 else many}"


def spread(values: Sequence[float], digits: int = 4) -> str:
    """``0.39``, or ``0.39 to 0.78`` where they differ."""
    ends = dict.fromkeys(number(end, digits) for end in (min(values), max(values)))
    return " to ".join(ends)


def day(text: str) -> str:
    """``21 November 2026, 22:21 UTC`` of a time in ISO 8601; as it stands where it is none."""
    try:
        time = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return text
    return f"{time.day} {_MONTHS[time.month - 1]} {time.year}, {time:%H:%M} UTC"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
