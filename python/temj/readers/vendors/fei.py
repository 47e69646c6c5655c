"""FEI and Thermo Fisher: INI text in tag 34682 (34680 of the oldest), XML in tag 34683 of TEM images.

The sections and units (metre, volt, second) are those of xT microscope control; Bio-Formats' FEITiffReader names the
same keys, and tells that Titan files carry an empty tag 34682 beside their XML.
"""

from __future__ import annotations

from xml.etree import ElementTree

import tifffile

from temj.data import Acquisition
from temj.readers.vendors import Told
from temj.readers.vendors.text import date, decoded, number, positive, sections

SFEG, HELIOS, TITAN = 34680, 34682, 34683


def tell(page: tifffile.TiffPage) -> Told | None:
    """What the tags say, XML before INI; None where there is no text in any."""
    for code in (TITAN, HELIOS, SFEG):
        text = tag_text(page, code).strip()
        if text.startswith("<"):
            return from_xml(text)
        if text:
            found = sections(text)
            if any(found):
                return from_sections(found)
    return None


def tag_text(page: tifffile.TiffPage, code: int) -> str:
    """The bytes of a tag as text, "" where there is none."""
    tag = page.tags.get(code)
    if tag is None:
        return ""
    if isinstance(tag.value, bytes | str):
        return tag.value.strip("\0") if isinstance(tag.value, str) else decoded(tag.value).strip("\0")
    page.parent.filehandle.seek(tag.valueoffset)
    return decoded(page.parent.filehandle.read(tag.valuebytecount)).strip("\0")


def from_sections(found: dict[str, dict[str, str]]) -> Told:
    """What an INI text says. ``[Beam] Beam`` names the section of the beam that was used."""
    get = lambda section, key: found.get(section, {}).get(key)  # noqa: E731
    beam = get("Beam", "Beam") or "EBeam"
    scan = get("Beam", "Scan") or "EScan"
    size = (number(get("Scan", "PixelWidth") or get(scan, "PixelWidth")),
            number(get("Scan", "PixelHeight") or get(scan, "PixelHeight")))  # fmt: skip
    source = "FEI tag PixelWidth"
    if None in size:
        fields = [number(get(beam, key)) or number(get("IRBeam", key)) for key in ("HFW", "VFW")]
        pixels = [number(get("Image", key)) for key in ("ResolutionX", "ResolutionY")]
        size = tuple(a / b if a and b else None for a, b in zip(fields, pixels, strict=True))
        source = "FEI tag field width / Image resolution"
    detector = " ".join(text for text in (get("Detectors", "Name"), get("Detectors", "Mode")) if text)
    acquisition = Acquisition(
        microscope=get("System", "SystemType"),
        mode="SEM",
        voltage_kV=positive(get("Beam", "HV") or get(beam, "HV"), 1e-3),
        magnification=positive(get("Vector", "Magnification")),
        exposure_s=positive(get("Scan", "FrameTime") or get(scan, "FrameTime")),
        tilt_alpha_deg=_degrees(get("Stage", "StageT")),
        detector=detector or None,
        date=date(get("User", "Date"), get("User", "Time")),
    )
    return Told(source, None if None in size else size, "m", acquisition, text=found)


def _degrees(radians: object) -> float | None:
    value = number(radians)
    return None if value is None else float(f"{value * 180 / 3.141592653589793:.6g}")


def from_xml(text: str) -> Told:
    """What the XML of Thermo's TEM software says: elements by their names, or Label, Value, Unit triples of TIA."""
    root = ElementTree.fromstring(text)
    facts, units = _elements(root)
    size = number(facts.get("PixelSize/X")), number(facts.get("PixelSize/Y"))
    labelled = lambda *keys: next((facts[key] for key in keys if facts.get(key)), None)  # noqa: E731
    acquisition = Acquisition(
        microscope=labelled("Instrument/InstrumentModel", "Instrument/InstrumentClass", "Microscope"),
        mode=labelled("Optics/IlluminationMode", "Mode"),
        voltage_kV=_kilovolts(facts, units),
        magnification=positive(labelled("Optics/NominalMagnification", "TemMagnification/NominalMagnification",
                                        "Magnification")),
        defocus_nm=_metres_as_nm(labelled("Optics/Defocus")),
        exposure_s=positive(labelled("BinaryResult/ExposureTime", "camera/ExposureTime", "Exposure time")),
        tilt_alpha_deg=_degrees(labelled("StagePosition/AlphaTilt", "Position/A")),
        tilt_beta_deg=_degrees(labelled("StagePosition/BetaTilt", "Position/B")),
        camera_length_mm=positive(labelled("Optics/CameraLength"), 1e3),
        detector=labelled("BinaryResult/Detector", "Detector/DetectorName", "Camera"),
        date=(labelled("Acquisition/AcquisitionDatetime", "AcquisitionDateTime") or "")[:19] or None,
    )  # fmt: skip
    size = None if None in size else size
    return Told("FEI tag PixelSize", size, units.get("PixelSize/X", "m"), acquisition, text=facts)


def _kilovolts(facts: dict[str, str], units: dict[str, str]) -> float | None:
    """The voltage; of TIA's triples in the unit they give."""
    volts = positive(facts.get("Optics/AccelerationVoltage"), 1e-3)
    if volts is not None:
        return volts
    label = next((key for key in ("High tension", "Accelerating voltage", "HT") if key in facts), "")
    return positive(facts.get(label), 1.0 if units.get(label, "kV").lower() == "kv" else 1e-3)


def _metres_as_nm(text: object) -> float | None:
    value = number(text)
    return None if value is None else float(f"{value * 1e9:.6g}")


def _elements(root: ElementTree.Element) -> tuple[dict[str, str], dict[str, str]]:
    """``parent/name`` and TIA's labels → text, and the same keys → unit."""
    facts: dict[str, str] = {}
    units: dict[str, str] = {}
    for parent in root.iter():
        above = _plain(parent.tag)
        children = {_plain(child.tag): (child.text or "").strip() for child in parent}
        if children.get("Label"):
            facts.setdefault(children["Label"], children.get("Value", ""))
            units.setdefault(children["Label"], children.get("Unit", ""))
            continue
        for child in parent:
            name, text = f"{above}/{_plain(child.tag)}", (child.text or "").strip()
            if text:
                facts.setdefault(name, text)
                if child.get("unit"):
                    units.setdefault(name, child.get("unit"))
    return facts, units


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]
