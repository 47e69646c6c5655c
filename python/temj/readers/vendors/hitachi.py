"""Hitachi SEM and TEM: a text file of the image's name beside it, ``[SemImageFile]`` and ``Key=value`` lines.

``PixelSize`` is in nm; ``ImageName`` names the image, ``DataSize`` its size (1280x960).
"""

from __future__ import annotations

import re
from pathlib import Path

from temj.data import Acquisition
from temj.readers.vendors import Told
from temj.readers.vendors.text import date, number, positive, quantity, sections, side_car

HEADS = ("SemImageFile", "TemImageFile")


def tell_side_car(path: Path, size: tuple[int, int]) -> Told | None:
    """What ``<stem>.txt`` says about an image of (height, width) pixels; None where there is none of Hitachi's."""
    text = side_car(path, f"{path.stem}.txt", f"{path.stem}.TXT")
    found = sections(text) if text and any(f"[{head}]" in text for head in HEADS) else {}
    facts = next((found[head] for head in HEADS if head in found), None)
    if facts is None:
        return None
    pixel, notes = number(facts.get("PixelSize")), ()
    declared = re.match(r"\s*(\d+)\s*[xX*]\s*(\d+)", facts.get("DataSize", ""))
    if declared and int(declared[1]) != size[1] and pixel is not None:
        notes = (f"Hitachi's text file is for an image {declared[1]} pixels wide, this one is {size[1]}: "
                 "its pixel size is not used",)  # fmt: skip
        pixel = None
    volts = quantity(facts.get("AcceleratingVoltage", ""))
    acquisition = Acquisition(
        microscope=facts.get("InstructName") or facts.get("Instrument name"),
        mode="SEM" if "SemImageFile" in found else "TEM",
        voltage_kV=positive(volts[0], 1.0 if volts[1].lower().startswith("k") else 1e-3) if volts else None,
        magnification=positive(facts.get("Magnification")),
        detector=facts.get("SignalName") or None,
        date=date(facts.get("Date"), facts.get("Time")),
    )
    return Told("Hitachi text file PixelSize", pixel and (pixel, pixel), "nm", acquisition, notes, facts)
