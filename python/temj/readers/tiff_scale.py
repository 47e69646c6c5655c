"""The pixel size of a TIFF file. ImageJ's text as ImageJ reads it (ij.io.TiffDecoder and FileOpener of 1.54p).

A file may tell it several times. The first of these that makes sense is used, and a note says where another differs
by more than 2 %: ImageJ's text (what the user saw and may have set), OME's text, the maker's tag, a text file beside
the image, the resolution per cm or inch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import tifffile

from temj.data import UNCALIBRATED, Calibration
from temj.data.calibration import LARGEST_NM, NM_PER_UNIT, SMALLEST_NM, canonical_unit, is_reciprocal, round_size
from temj.readers.tiff_text import imagej_properties, number
from temj.readers.vendors import Told

LARGEST_PLAIN_NM = 5e3
"""Above this a resolution per cm or inch is one for printing (72 to 4800 dots per inch), not a pixel size."""
TOLERANCE = 0.02

_INCH, _CENTIMETRE = 2, 3


def calibration_of(
    page: tifffile.TiffPage, ome: Mapping[str, str], makers: Iterable[Told], notes: list[str]
) -> tuple[Calibration, str]:
    """The calibration of a file by its first page, and where it came from ("" where it is not known).

    Args:
        page: the first page.
        ome: attributes of OME's ``Pixels`` element, empty where the file is not OME-TIFF.
        makers: what tags and text files of the makers say.
        notes: what the user must know about the pixel size is appended here.
    """
    properties = imagej_properties(page)
    found: list[tuple[str, Calibration]] = []
    base = UNCALIBRATED
    if properties:
        base = _imagej(page, properties, notes)
        found.append(("ImageJ's text", base))
    if ome:
        found.append(("OME's PhysicalSizeX", _ome(ome, notes)))
    found += [(told.source, told_calibration(told, notes)) for told in makers]
    known = [(source, calibration) for source, calibration in found if calibration.known]
    if not properties:
        printing: list[str] = []
        plain = _plain(page, printing)
        notes += [] if known else printing
        known += [("TIFF resolution", plain)] if plain.known else []
    if not known:
        return base, ""
    source, used = known[0]
    for other, calibration in known[1:]:
        if any(abs(a / b - 1) > TOLERANCE for a, b in zip(used.nm, calibration.nm, strict=True)):
            told = f"pixel size {used.size_text} ({source}) is used; {other} says {calibration.size_text}"
            notes.append(told)
    return replace(used, x_origin=base.x_origin, y_origin=base.y_origin), source


def told_calibration(told: Told, notes: list[str]) -> Calibration:
    """The calibration that a maker's tag or text file gives; with a note and not known where it makes no sense.

    Metres and picometres, which suit no reader of a table, become nm.
    """
    notes += told.notes
    if told.size is None:
        return UNCALIBRATED
    unit = known_unit(told.unit, told.source, notes)
    if unit is None:
        return UNCALIBRATED
    found = checked(*told.size, unit, notes, source=told.source)
    return Calibration(*found.nm, "nm") if found.unit in ("m", "pm") else found


def known_unit(text: str, source: str, notes: list[str]) -> str | None:
    """The unit of length, or None and a note: a diffraction pattern, or nothing that is known."""
    unit = canonical_unit(text)
    if unit is None and is_reciprocal(text):
        notes.append(f"this is a diffraction pattern ({source}: '{text}'): its pixel size is not a length, not used")
    elif unit is None and text not in ("", "pixel", "pixels"):
        notes.append(f"the unit '{text[:40]}' ({source}) is no length that is known here: pixel size not used")
    return unit


def _resolution(page: tifffile.TiffPage, tag: str) -> float:
    """Pixels per unit of a resolution tag; 0 where it is missing or its denominator is 0."""
    value = page.tags.valueof(tag)
    if not isinstance(value, tuple) or len(value) != 2 or value[1] == 0:
        return 0.0
    return value[0] / value[1]


def _imagej(page: tifffile.TiffPage, properties: Mapping[str, str], notes: list[str]) -> Calibration:
    """ImageJ: 1 / XResolution in the unit of the description; ``unit=um`` with resolutions per cm is known to it.

    As in plain files, a resolution for printing is no pixel size.
    """
    origin = number(properties.get("xorigin")), number(properties.get("yorigin"))
    uncalibrated = Calibration(x_origin=origin[0], y_origin=origin[1])
    unit = known_unit(properties.get("unit", ""), "ImageJ's text", notes)
    if unit is None:
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
    if unit in ("inch", "cm") and _for_printing(width, height, unit, notes):
        return uncalibrated
    return checked(width, height, unit, notes, uncalibrated)


def _ome(ome: Mapping[str, str], notes: list[str]) -> Calibration:
    """OME: PhysicalSizeX and Y, in µm where no unit is given; square where there is only one of them."""
    axes = [axis for axis in "XY" if f"PhysicalSize{axis}" in ome]
    if not axes:
        return UNCALIBRATED
    units = [known_unit(ome.get(f"PhysicalSize{axis}Unit", "µm"), "OME's text", notes) for axis in axes]
    if None in units:
        return UNCALIBRATED
    sizes = [number(ome[f"PhysicalSize{axis}"]) for axis in axes]
    height = sizes[-1] * NM_PER_UNIT[units[-1]] / NM_PER_UNIT[units[0]] if units[-1] != units[0] else sizes[-1]
    return checked(sizes[0], height, units[0], notes)


def _plain(page: tifffile.TiffPage, notes: list[str]) -> Calibration:
    """Any other TIFF: resolution per cm or inch, where it can be that of a microscope; given in µm, as ImageJ does."""
    scales = [_resolution(page, "XResolution"), _resolution(page, "YResolution")]
    unit = {_INCH: "inch", _CENTIMETRE: "cm"}.get(page.tags.valueof("ResolutionUnit", _INCH))
    if unit is None or not all(scale > 0 for scale in scales):
        return UNCALIBRATED
    if _for_printing(*(1.0 / scale for scale in scales), unit, notes):
        return UNCALIBRATED
    return checked(*(NM_PER_UNIT[unit] / 1000 / scale for scale in scales), "µm", notes)


def _for_printing(width: float, height: float, unit: str, notes: list[str]) -> bool:
    """Whether a pixel of this size in ``unit`` (inch, cm) comes of a resolution for printing; a note says so.

    ImageJ gives each image with 72 dots per inch the unit inch, and writes it into its own text.
    """
    if max(width, height) * NM_PER_UNIT[unit] <= LARGEST_PLAIN_NM:
        return False
    notes.append(f"{1 / width:.6g} pixels per {unit} is a resolution for printing, not a pixel size: not used")
    return True


def checked(
    width: float,
    height: float,
    unit: str,
    notes: list[str],
    otherwise: Calibration = UNCALIBRATED,
    source: str = "the file",
) -> Calibration:
    """A calibration with 9 significant digits, or ``otherwise`` and a note where no microscope has such pixels."""
    sizes = [size * NM_PER_UNIT[unit] for size in (width, height)]
    if not all(SMALLEST_NM <= size <= LARGEST_NM for size in sizes):
        notes.append(f"{source}'s pixel size of {width:.6g} x {height:.6g} {unit} cannot be right: not used")
        return otherwise
    return Calibration(round_size(width), round_size(height), unit, otherwise.x_origin, otherwise.y_origin)
