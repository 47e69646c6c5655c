"""The pixel size of a TIFF file, as ImageJ reads it (ij.io.TiffDecoder and FileOpener of 1.54p)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import tifffile

from temj.data import UNCALIBRATED, Calibration
from temj.data.calibration import NM_PER_UNIT, canonical_unit, round_size

SMALLEST_NM, LARGEST_NM = 1e-4, 1e6
LARGEST_PLAIN_NM = 5e3
"""Above this a resolution per cm or inch is one for printing (72 to 4800 dots per inch), not a pixel size."""

_INCH, _CENTIMETRE = 2, 3


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


def calibration_of(page: tifffile.TiffPage, ome: Mapping[str, str], notes: list[str]) -> Calibration:
    """The calibration of a file by its first page.

    Args:
        page: the first page.
        ome: attributes of OME's ``Pixels`` element, empty where the file is not OME-TIFF.
        notes: what the user must know about the pixel size is appended here.
    """
    properties = imagej_properties(page)
    if properties:
        return _imagej(page, properties, notes)
    if ome:
        return _ome(ome, notes)
    return _plain(page, notes)


def _resolution(page: tifffile.TiffPage, tag: str) -> float:
    """Pixels per unit of a resolution tag; 0 where it is missing or its denominator is 0."""
    value = page.tags.valueof(tag)
    if not isinstance(value, tuple) or len(value) != 2 or value[1] == 0:
        return 0.0
    return value[0] / value[1]


def _imagej(page: tifffile.TiffPage, properties: Mapping[str, str], notes: list[str]) -> Calibration:
    """ImageJ: 1 / XResolution in the unit of the description; ``unit=um`` with resolutions per cm is known to it."""
    origin = number(properties.get("xorigin")), number(properties.get("yorigin"))
    uncalibrated = Calibration(x_origin=origin[0], y_origin=origin[1])
    unit = canonical_unit(properties.get("unit", ""))
    if unit is None:
        if properties.get("unit", "") not in ("", "pixel", "pixels"):
            notes.append(f"the unit '{properties['unit']}' is no length that is known here: pixel size not used")
        return uncalibrated
    scales = [_resolution(page, "XResolution"), _resolution(page, "YResolution")]
    if not any(scales):
        notes.append("pixel size missing: the file has a unit but no resolution")
        return uncalibrated
    width, height = (1.0 / scale if scale else 1.0 for scale in scales)
    if properties.get("unit") == "um" and page.tags.valueof("ResolutionUnit") == _CENTIMETRE:
        width, height = width * 10000, height * 10000
    unit_of_y = canonical_unit(properties.get("yunit", "")) or unit
    height *= NM_PER_UNIT[unit_of_y] / NM_PER_UNIT[unit] if unit_of_y != unit else 1.0
    if properties.get("inverty") == "true":
        notes.append("the file's y axis points upwards (invert Y of ImageJ); positions here count downwards")
    return checked(width, height, unit, notes, uncalibrated)


def _ome(ome: Mapping[str, str], notes: list[str]) -> Calibration:
    """OME: PhysicalSizeX and Y, in µm where no unit is given."""
    if "PhysicalSizeX" not in ome:
        return UNCALIBRATED
    units = [canonical_unit(ome.get(f"PhysicalSize{axis}Unit", "µm")) for axis in "XY"]
    sizes = [number(ome.get(f"PhysicalSize{axis}", ome["PhysicalSizeX"])) for axis in "XY"]
    if None in units:
        notes.append("the unit of the pixel size is no length that is known here: pixel size not used")
        return UNCALIBRATED
    return checked(sizes[0], sizes[1] * NM_PER_UNIT[units[1]] / NM_PER_UNIT[units[0]], units[0], notes)


def _plain(page: tifffile.TiffPage, notes: list[str]) -> Calibration:
    """Any other TIFF: resolution per cm or inch, where it can be that of a microscope; given in µm, as ImageJ does."""
    scales = [_resolution(page, "XResolution"), _resolution(page, "YResolution")]
    unit = {_INCH: "inch", _CENTIMETRE: "cm"}.get(page.tags.valueof("ResolutionUnit", _INCH))
    if unit is None or not all(scale > 0 for scale in scales):
        return UNCALIBRATED
    micrometres = [NM_PER_UNIT[unit] / 1000 / scale for scale in scales]
    if max(micrometres) * 1000 > LARGEST_PLAIN_NM:
        notes.append(f"{scales[0]:.6g} pixels per {unit} is a resolution for printing, not a pixel size: not used")
        return UNCALIBRATED
    return checked(*micrometres, "µm", notes)


def checked(
    width: float, height: float, unit: str, notes: list[str], otherwise: Calibration = UNCALIBRATED
) -> Calibration:
    """A calibration with 9 significant digits, or ``otherwise`` and a note where no microscope has such pixels."""
    sizes = [size * NM_PER_UNIT[unit] for size in (width, height)]
    if not all(SMALLEST_NM <= size <= LARGEST_NM for size in sizes):
        notes.append(f"the file's pixel size of {width:.6g} x {height:.6g} {unit} cannot be right: not used")
        return otherwise
    return Calibration(round_size(width), round_size(height), unit, otherwise.x_origin, otherwise.y_origin)
