"""Texts in TIFF files: ImageJ's properties, OME's XML, and times and numbers in both."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import tifffile

SECONDS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "msec": 1e-3, "µs": 1e-6,
    "μs": 1e-6, "us": 1e-6, "usec": 1e-6, "ns": 1e-9, "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0,
}  # fmt: skip
"""Unit of time → seconds."""


def imagej_properties(page: tifffile.TiffPage) -> dict[str, str]:
    """The ``key=value`` lines of ImageJ's image description; empty where another program wrote the file.

    They are Java properties: ``\\uXXXX`` stands for a character and a backslash escapes the next one.
    """
    text = page.description or ""
    if not text.startswith("ImageJ"):
        return {}
    pairs = (line.partition("=")[::2] for line in text.split("\0")[0].splitlines() if "=" in line)
    return {key.strip(): _unescape(value.strip()) for key, value in pairs}


def _unescape(text: str) -> str:
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    return re.sub(r"\\(.)", r"\1", text)


def number(text: object, default: float = 0.0) -> float:
    """``text`` as a finite float, ``default`` where it is none."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return default
    return value if math.isfinite(value) else default


def ome_root(text: str | None) -> ElementTree.Element | None:
    """The root of OME's XML, None where the text is none."""
    if not text or "OME" not in text[:4096]:
        return None
    try:
        root = ElementTree.fromstring(text.strip("\0 \r\n\t"))
    except (ElementTree.ParseError, ValueError):
        return None
    return root if root.tag.rpartition("}")[2] == "OME" else None


def frame_interval(properties: dict[str, str], ome: dict[str, str]) -> float | None:
    """Seconds from one frame to the next; None where the file does not say.

    ImageJ: ``finterval`` in ``tunit`` (seconds where that is missing). Its ``fps`` is how fast the film is played in
    ImageJ, not how fast it was taken, and is not used. OME: ``TimeIncrement`` in ``TimeIncrementUnit`` (seconds).
    """
    for value, unit in (
        (properties.get("finterval"), properties.get("tunit", "")),
        (ome.get("TimeIncrement"), ome.get("TimeIncrementUnit", "")),
    ):
        seconds = number(value) * SECONDS.get(unit.strip().rstrip(".").lower() or "s", 0.0)
        if 0 < seconds < 1e9:
            return float(f"{seconds:.9g}")
    return None
