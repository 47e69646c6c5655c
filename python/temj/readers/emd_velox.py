"""What stands in Thermo Fisher's (FEI's) Velox EMD files: images of several detectors, with settings in JSON.

``/Data/Image/<name>/Data`` is (height, width, frames); ``Metadata`` beside it has one column of bytes for each frame,
JSON ended by a zero byte, all values as text in SI units. Found in real files of Velox 2.9 to 3.16.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime

import h5py
import numpy as np

from temj.data import Acquisition
from temj.data.calibration import round_size
from temj.readers.emd_hdf5 import dataset, group
from temj.readers.maker_scale import Axis

IMAGES = "Data/Image"
_LARGEST_TEXT = 2**24
_SCANNED, _DIFFRACTION = "2", "1"
"""Velox' numbers for OperatingMode (STEM) and ProjectorMode (diffraction)."""


def is_velox(file: h5py.File) -> bool:
    """Whether Velox wrote the file."""
    return group(file, "Data") is not None and ("Version" in file or group(file, IMAGES) is not None)


def facts_of(file: h5py.File, name: str, frame: int) -> Mapping[str, object]:
    """The JSON of a frame of an image; that of the first where it has none of its own, {} where there is none."""
    found = dataset(file, f"{IMAGES}/{name}/Metadata")
    if found is None or found.ndim != 2 or found.dtype != np.uint8 or found.shape[0] > _LARGEST_TEXT:
        return {}
    column = frame if frame < found.shape[1] else 0
    if not found.size:
        return {}
    try:
        facts = json.loads(found[:, column].tobytes().split(b"\0")[0].decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def at(facts: object, path: str) -> object:
    """The value at ``path`` ("Optics/Defocus"), or None."""
    for name in path.split("/"):
        facts = facts.get(name) if isinstance(facts, Mapping) else None
    return facts


def said(facts: object, path: str) -> str:
    """The text at ``path``, or ""."""
    value = at(facts, path)
    return value.strip()[:200] if isinstance(value, str) else ""


def number(facts: object, path: str, factor: float = 1.0) -> float | None:
    """The finite number at ``path`` times ``factor``, or None."""
    value = at(facts, path)
    try:
        result = float(value) * factor if isinstance(value, str | int | float) else math.nan
    except ValueError:
        return None
    return round_size(result) + 0.0 if math.isfinite(result) else None


def detector(facts: Mapping[str, object]) -> Mapping[str, object]:
    """The detector that took the image: by its number, else by its name; {} where the file does not tell."""
    index = said(facts, "BinaryResult/DetectorIndex")
    listed = at(facts, "Detectors")
    found = at(listed, f"Detector-{index}") if index else None
    if found is None and isinstance(listed, Mapping):
        name = said(facts, "BinaryResult/Detector")
        found = next((one for one in listed.values() if name and said(one, "DetectorName") == name), None)
    return found if isinstance(found, Mapping) else {}


def detector_name(facts: Mapping[str, object]) -> str:
    """Its name, or ""."""
    return said(facts, "BinaryResult/Detector") or said(detector(facts), "DetectorName")


def axes_of(facts: Mapping[str, object]) -> tuple[Axis, Axis]:
    """The axes x and y of an image."""
    axes = []
    for side, name in (("width", "x"), ("height", "y")):
        scale = number(facts, f"BinaryResult/PixelSize/{side}")
        offset = number(facts, f"BinaryResult/Offset/{name}") or 0.0
        unit = said(facts, f"BinaryResult/PixelUnit{name.upper()}")
        axes.append(Axis(scale, unit, -offset / scale) if scale else Axis())
    return axes[0], axes[1]


def is_scanned(facts: Mapping[str, object]) -> bool:
    """Whether the image was scanned, point by point."""
    kind = said(detector(facts), "DetectorType")
    return kind != "ImagingDetector" and said(facts, "Optics/OperatingMode") == _SCANNED


def frame_time(facts: Mapping[str, object]) -> float | None:
    """Seconds from frame to frame of a scan; of a camera only the exposure is known, which is less."""
    time = number(facts, "Scan/FrameTime") if is_scanned(facts) else None
    return time if time and time > 0 else None


def acquisition_of(facts: Mapping[str, object]) -> Acquisition:
    """The settings of the microscope."""
    scanned, camera = is_scanned(facts), detector(facts)
    diffraction = said(facts, "Optics/ProjectorMode") == _DIFFRACTION and not scanned
    degrees = 180 / math.pi
    magnification = "CustomProperties/StemMagnification/value" if scanned else "Optics/NominalMagnification"
    binning = {number(camera, f"Binning/{side}") for side in ("width", "height")}
    known = bool(facts.get("Optics"))
    return Acquisition(
        microscope=said(facts, "Instrument/InstrumentModel") or said(facts, "Instrument/InstrumentClass") or None,
        mode=("STEM" if scanned else "diffraction" if diffraction else "TEM") if known else None,
        voltage_kV=number(facts, "Optics/AccelerationVoltage", 1e-3) or None,
        magnification=None if diffraction else number(facts, magnification) or None,
        defocus_nm=number(facts, "Optics/Defocus", 1e9),
        tilt_alpha_deg=number(facts, "Stage/AlphaTilt", degrees),
        tilt_beta_deg=number(facts, "Stage/BetaTilt", degrees),
        exposure_s=frame_time(facts) if scanned else number(camera, "ExposureTime") or None,
        camera_length_mm=number(facts, "Optics/CameraLength", 1e3) or None if scanned or diffraction else None,
        binning=int(next(iter(binning))) if len(binning) == 1 and None not in binning and not scanned else None,
        detector=detector_name(facts) or None,
        date=_date(facts),
    )


def _date(facts: Mapping[str, object]) -> str | None:
    """Begin of the acquisition in universal time."""
    seconds = number(facts, "Acquisition/AcquisitionStartDatetime/DateTime")
    if not seconds or not 0 < seconds < 4e9:
        return None
    return datetime.fromtimestamp(int(float(at(facts, "Acquisition/AcquisitionStartDatetime/DateTime"))), UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
