"""The settings of the microscope that TIA keeps in an ``.emi`` file beside its ``.ser`` files.

The ``.emi`` is an unknown binary file with pieces of XML in it, one ``<ObjectInfo>`` for each ``.ser``
(``name_1.ser`` belongs to the first of ``name.emi``). What cannot be read is left: the pixels do not need it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

from temj.data import Acquisition

_LARGEST_FILE = 256 * 2**20
_LARGEST_XML = 2**20
_UM, _M_IN_MM = 1e3, 1e3


@dataclass(frozen=True)
class Settings:
    """What an ``<ObjectInfo>`` says.

    Attributes:
        facts: "label [unit]" or the name of an element → its text.
    """

    facts: Mapping[str, str] = field(default_factory=dict)

    def number(self, *names: str) -> float | None:
        """The first of the facts that is a finite number other than 0; None where none is."""
        for name in names:
            try:
                value = float(self.facts.get(name, "").split()[0])
            except (ValueError, IndexError):
                continue
            if math.isfinite(value) and value:
                return value
        return None

    @property
    def frame_time(self) -> float | None:
        """Seconds of a scanned frame."""
        time = self.number("FrameTime")
        return time if time is not None and time > 0 else None

    def acquisition(self, diffraction: bool) -> Acquisition:
        """The settings; ``diffraction``: whether the calibration says that these are diffraction patterns."""
        voltage, camera_length = self.number("High tension [kV]"), self.number("Camera length [m]")
        defocus, binning = self.number("Defocus [um]"), self.number("Binning")
        mode = self._mode(diffraction)
        return Acquisition(
            microscope=self.facts.get("Microscope", "").removeprefix("Microscope ").strip() or None,
            mode=mode,
            voltage_kV=voltage,
            magnification=self.number("Magnification [x]"),
            defocus_nm=None if defocus is None else defocus * _UM,
            tilt_alpha_deg=self._angle("Stage A [deg]"),
            tilt_beta_deg=self._angle("Stage B [deg]"),
            exposure_s=self.number("FrameTime", "DwellTimePath"),
            camera_length_mm=None if camera_length is None or mode == "TEM" else camera_length * _M_IN_MM,
            binning=int(binning) if binning and 0 < binning <= 64 else None,
            detector=self.facts.get("CameraNamePath") or None,
            date=self._date(),
        )

    def _angle(self, name: str) -> float | None:
        """An angle, 0 being one."""
        try:
            angle = float(self.facts[name]) + 0.0
        except (KeyError, ValueError):
            return None
        return angle if math.isfinite(angle) else None

    def _mode(self, diffraction: bool) -> str | None:
        said = self.facts.get("Mode", "").upper()
        if diffraction or ("DIFFRACTION" in said and "STEM" not in said):
            return "diffraction"
        if "STEM" in said:
            return "STEM"
        return "TEM" if said else None

    def _date(self) -> str | None:
        try:
            return datetime.strptime(self.facts.get("AcquireDate", ""), "%a %b %d %H:%M:%S %Y").isoformat()
        except ValueError:
            return None


def settings_of(path: Path, notes: list[str]) -> Settings:
    """The settings for a ``.ser`` file, as far as an ``.emi`` beside it has them."""
    stem, _, number = path.stem.rpartition("_")
    emi = path.with_name(f"{stem}.emi")
    if not number.isdigit() or not stem or not emi.is_file():
        return Settings()
    try:
        if emi.stat().st_size > _LARGEST_FILE:
            raise ValueError("it is larger than any such file")
        pieces = re.findall(rb"<ObjectInfo>.*?</ObjectInfo>", emi.read_bytes(), re.DOTALL)
        return Settings(_facts(pieces[int(number) - 1])) if 0 < int(number) <= len(pieces) else Settings()
    except (OSError, ValueError, ElementTree.ParseError) as error:
        notes.append(f"the settings in {emi.name} cannot be read and are left out ({str(error)[:100]})")
        return Settings()


def _facts(xml: bytes) -> dict[str, str]:
    """The texts of an ``<ObjectInfo>``. XML that defines entities is not read: they can grow without bound."""
    if len(xml) > _LARGEST_XML or b"<!" in xml:
        raise ValueError("it is no plain XML")
    root = ElementTree.fromstring(xml)
    facts = {name: (root.findtext(name) or "").strip() for name in ("AcquireDate", "Manufacturer")}
    for element in root.findall("AcquireInfo/*"):
        facts[element.tag] = (element.text or "").strip()[:200]
    for data in root.findall("ExperimentalDescription/Root/Data"):
        label, value, unit = ((data.findtext(name) or "").strip()[:200] for name in ("Label", "Value", "Unit"))
        facts[f"{label} [{unit}]" if unit else label] = value
    return facts
