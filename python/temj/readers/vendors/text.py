"""Numbers, dates and ``key=value`` texts as the makers write them."""

from __future__ import annotations

import math
import re
from datetime import datetime
from pathlib import Path

_NUMBER = r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%m/%d/%Y", "%d/%m/%Y")
_TIMES = ("%H:%M:%S", "%I:%M:%S %p", "%H:%M", "%H:%M:%S.%f", "%H:%M:%S %p")
LARGEST_TEXT = 1 << 20
"""Bytes of a text file beside an image; what is longer is something else."""


def number(text: object) -> float | None:
    """A finite number at the beginning of ``text`` (``"15.00 kV"``); None where there is none."""
    if isinstance(text, str):
        match = re.match(rf"\s*({_NUMBER})", text.replace(",", ".") if text.count(",") == 1 else text)
        text = match[1] if match else None
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def quantity(text: str) -> tuple[float, str] | None:
    """``"558.2 pm"`` or ``"5um"`` as number and unit, None where it is no number."""
    match = re.match(rf"\s*({_NUMBER})\s*(.*?)\s*$", text, re.DOTALL)
    return (float(match[1]), match[2]) if match and math.isfinite(float(match[1])) else None


def positive(text: object, factor: float = 1.0) -> float | None:
    """A number above 0 times ``factor``, with 9 significant digits; None where there is none."""
    value = number(text)
    return float(f"{value * factor:.9g}") if value is not None and value > 0 else None


def date(day: object, time: object = "") -> str | None:
    """ISO 8601 of a day and a time as the makers write them; None where the day is in no known form.

    FEI, Hitachi and JEOL write month/day/year; where the first number is above 12 it is the day.
    """
    day, time = str(day or "").strip(), str(time or "").strip()
    for form in _DATES:
        try:
            known = datetime.strptime(day, form)
        except ValueError:
            continue
        break
    else:
        return None
    for form in _TIMES:
        try:
            clock = datetime.strptime(time, form).time()
        except ValueError:
            continue
        return datetime.combine(known.date(), clock).isoformat(timespec="seconds")
    return known.date().isoformat()


def sections(text: str) -> dict[str, dict[str, str]]:
    """An INI text as section → key → value; keys before the first section are in ``""``. Lines of no sense are left."""
    found: dict[str, dict[str, str]] = {}
    current = found.setdefault("", {})
    for line in text.replace("\0", "").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            current = found.setdefault(line[1:-1], {})
        elif "=" in line:
            key, _, value = line.partition("=")
            current[key.strip()] = value.strip()
    return {name: keys for name, keys in found.items() if keys}


def decoded(data: bytes) -> str:
    """The text of bytes in UTF-8, UTF-16 (with its mark) or Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def side_car(image: Path, *names: str) -> str | None:
    """The text of the first of ``names`` that stands beside ``image``; None where none does or it is no text."""
    for name in names:
        path = image.with_name(name)
        if path.is_file() and 0 < path.stat().st_size <= LARGEST_TEXT:
            return decoded(path.read_bytes())
    return None
