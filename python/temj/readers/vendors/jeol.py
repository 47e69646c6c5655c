"""JEOL: a text file ``<stem>.txt`` with ``$CM_…`` lines beside SEM images; XML in the description of SightX TEM images.

The SEM text has no pixel size but the length of the bar it drew: ``$$SM_MICRON_MARKER 5um`` is
``$$SM_MICRON_BAR 160`` pixels long, in an image as wide as ``$CM_FULL_SIZE`` says. SightX writes resolution tags of
the camera; the magnification brings them to the sample (RosettaSciIO's guide of TIFF).
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import tifffile

from temj.data import Acquisition
from temj.readers.vendors import Told
from temj.readers.vendors.text import date, number, positive, quantity, side_car

_CENTIMETRES_PER = {2: 2.54, 3: 1.0}


def tell_side_car(path: Path, size: tuple[int, int]) -> Told | None:
    """What ``<stem>.txt`` says about an image of (height, width) pixels; None where there is none of JEOL's."""
    text = side_car(path, f"{path.stem}.txt", f"{path.stem}.TXT")
    if not text or "$CM_" not in text:
        return None
    facts = {key: value.strip() for key, _, value in (line.partition(" ") for line in text.splitlines())
             if key.startswith("$")}  # fmt: skip
    bar, marker = number(facts.get("$$SM_MICRON_BAR")), quantity(facts.get("$$SM_MICRON_MARKER", ""))
    pixel, unit = (marker[0] / bar, marker[1]) if bar and marker and bar > 0 else (None, "")
    wide = number(facts.get("$CM_FULL_SIZE") or facts.get("$CM_IMAGE_SIZE"))
    notes = ()
    if pixel is not None and wide and wide != size[1]:
        notes = (f"JEOL's text file is for an image {wide:.0f} pixels wide, this one is {size[1]}: "
                 "its pixel size is not used",)  # fmt: skip
        pixel = None
    acquisition = Acquisition(
        microscope=facts.get("$CM_INSTRUMENT") or None,
        mode="SEM",
        voltage_kV=positive(facts.get("$CM_ACCEL_VOLT")),
        magnification=positive(facts.get("$CM_MAG")),
        detector=facts.get("$CM_SIGNAL") or facts.get("$CM_SIGNAL_NAME") or None,
        date=date(facts.get("$CM_DATE"), facts.get("$CM_TIME")),
    )
    return Told("JEOL text file $$SM_MICRON_BAR", pixel and (pixel, pixel), unit, acquisition, notes, facts)


def tell(page: tifffile.TiffPage) -> Told | None:
    """What the XML of a SightX TEM image says; None where the file is not of one."""
    text = (page.description or "").strip("\0\x01 \r\n\t")
    if "TemReporter" not in text[:2000]:
        return None
    root = ElementTree.fromstring(text[text.index("<") :])
    facts = {
        node.tag.rpartition("}")[2]: (node.text or "").strip() for node in root.iter() if (node.text or "").strip()
    }
    diffraction = facts.get("ModeString") == "DIFF"
    selected = positive(facts.get("SelectorValue"))
    factor = {"cm": 10.0, "m": 1000.0}.get(facts.get("SelectorUnitString", ""), 1.0)
    acquisition = Acquisition(
        microscope=facts.get("Instruments") or "JEOL",
        mode="diffraction" if diffraction else "STEM" if "ASID" in facts.get("EosMode", "") else "TEM",
        voltage_kV=positive(facts.get("AccelerationVoltage"), 1e-3),
        magnification=None if diffraction else selected,
        camera_length_mm=selected * factor if diffraction and selected else None,
        tilt_alpha_deg=number(facts.get("TX")),
        tilt_beta_deg=number(facts.get("TY")),
    )
    if diffraction:
        note = "this is a diffraction pattern (JEOL text): its pixel size is not a length and is not used"
        return Told("JEOL text", None, "cm", acquisition, (note,), facts)
    size = _on_sample(page, selected) if facts.get("ModeString") == "MAG" and acquisition.mode == "TEM" else None
    return Told("JEOL magnification and camera resolution", size, "cm", acquisition, text=facts)


def _on_sample(page: tifffile.TiffPage, magnification: float | None) -> tuple[float, float] | None:
    """Width and height of a camera pixel over the magnification, in cm."""
    unit = _CENTIMETRES_PER.get(page.tags.valueof("ResolutionUnit", 2))
    scales = [page.tags.valueof(tag) for tag in ("XResolution", "YResolution")]
    if not (unit and magnification and all(isinstance(scale, tuple) and all(scale) for scale in scales)):
        return None
    return tuple(unit * scale[1] / scale[0] / magnification for scale in scales)
