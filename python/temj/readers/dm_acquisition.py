"""How a Gatan image was taken: the tags that DigitalMicrograph writes beside the pixels.

The places of the tags are those of GMS 1 to 3 as found in real files; a number that cannot be true (inf, NaN, text)
is left out and told.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from temj.data import Acquisition
from temj.data.calibration import round_size
from temj.readers.dm_tree import Group

_MICROSCOPE = ("Microscope Info/Name", "Microscope Info/Microscope", "Session Info/Microscope")
_VOLTAGE = ("Microscope Info/Voltage",)
_MAGNIFICATION = ("Microscope Info/Indicated Magnification", "DataBar/Magnification")
_CAMERA_LENGTH = ("Microscope Info/STEM Camera Length", "Microscope Info/Camera Length")
_EXPOSURE = (
    "DataBar/Exposure Time (s)", "Acquisition/Parameters/High Level/Exposure (s)",
    "Acquisition/Parameters/Detector/exposure (s)",
)  # fmt: skip
_DETECTOR = ("DataBar/Signal Name", "DataBar/Device Name", "Acquisition/Device/Name", "Acquisition/Device/Source")
_BINNING = ("Acquisition/Parameters/High Level/Binning", "DataBar/Binning")
_DEFOCUS = {
    "Microscope Info/Defocus (nm)": 1.0, "Microscope Info/Defocus_nm": 1.0, "Microscope Info/Defocus (um)": 1e3,
    "Microscope Info/Defocus (µm)": 1e3, "Microscope Info/Defocus (m)": 1e9,
}  # fmt: skip
"""Only tags that say their unit."""

_DATES = ("%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y")
_TIMES = ("%I:%M:%S %p", "%H:%M:%S", "%I:%M %p", "%H:%M")


def acquisition_of(tags: Group, shape: tuple[int, int], diffraction: bool, notes: list[str]) -> Acquisition:
    """The settings of the microscope.

    Args:
        tags: the image's ``ImageTags``.
        shape: (height, width), for the exposure of a scanned image: dwell time of a pixel times their number.
        diffraction: whether the pixel size says that it is a diffraction pattern.
        notes: what is left out is told here.
    """
    source = tags.at("source/Tags at creation")
    tags = source if isinstance(source, Group) and "Microscope Info" not in tags else tags
    mode = _mode(tags, diffraction)
    voltage, magnification = _number(tags, _VOLTAGE, notes), _number(tags, _MAGNIFICATION, notes)
    camera_length = _number(tags, _CAMERA_LENGTH, notes) if mode not in ("TEM", "SEM") else None
    if mode == "diffraction" and _text(tags, ("Microscope Info/Imaging Mode",)).upper() == "DIFFRACTION":
        magnification, camera_length = None, magnification  # so DigitalMicrograph itself uses the tag
    defocus = [(_number(tags, (path,), notes, allow_zero=True), factor) for path, factor in _DEFOCUS.items()]
    return Acquisition(
        microscope=_text(tags, _MICROSCOPE) or None,
        mode=mode,
        voltage_kV=None if voltage is None else voltage / 1000,
        magnification=magnification,
        defocus_nm=next((value * factor for value, factor in defocus if value is not None), None),
        tilt_alpha_deg=_number(tags, ("Microscope Info/Stage Position/Stage Alpha",), notes, allow_zero=True),
        tilt_beta_deg=_number(tags, ("Microscope Info/Stage Position/Stage Beta",), notes, allow_zero=True),
        exposure_s=_exposure(tags, shape, notes),
        camera_length_mm=camera_length,
        binning=_binning(tags),
        detector=_text(tags, _DETECTOR) or None,
        date=_date(tags, notes),
    )


def _number(tags: Group, paths: tuple[str, ...], notes: list[str], allow_zero: bool = False) -> float | None:
    """The first of the tags that holds a finite number; 0 means "not known" but for angles and focus."""
    for path in paths:
        value = tags.at(path)
        if value is None or isinstance(value, Group):
            continue
        if not isinstance(value, int | float) or not math.isfinite(value):
            notes.append(f"the tag '{path}' holds {str(value)[:40]!r} and is left out")
        elif value or allow_zero:
            return round_size(value)
    return None


def _text(tags: Group, paths: tuple[str, ...]) -> str:
    """The first of the tags that holds text; "" where none does."""
    return next(filter(None, (tags.text(path)[:200] for path in paths)), "")


def _mode(tags: Group, diffraction: bool) -> str | None:
    """``STEM``, ``TEM`` or ``diffraction``."""
    illumination = _text(tags, ("Microscope Info/Illumination Mode",)).upper()
    operation = _text(tags, ("Microscope Info/Operation Mode",)).upper()
    imaging = _text(tags, ("Microscope Info/Imaging Mode",)).upper()
    scanned = "STEM" in illumination or (not illumination and ("SCANNING" in operation or "DigiScan" in tags))
    if diffraction or (not scanned and "DIFF" in imaging):
        return "diffraction"
    if illumination == "SEM":
        return "SEM"
    if scanned:
        return "STEM"
    return "TEM" if illumination or operation or imaging else None


def _exposure(tags: Group, shape: tuple[int, int], notes: list[str]) -> float | None:
    """Seconds; of a scanned image the dwell time (in µs) times the number of pixels."""
    exposure = _number(tags, _EXPOSURE, notes)
    dwell = _number(tags, ("DigiScan/Sample Time",), notes)
    if exposure is None and dwell is not None:
        exposure = round_size(dwell * 1e-6 * shape[0] * shape[1])
    return exposure


def _binning(tags: Group) -> int | None:
    """Binning where it is the same in both directions."""
    for path in _BINNING:
        value = tags.at(path)
        pair = value if isinstance(value, tuple) else (value, value)
        if len(pair) == 2 and pair[0] == pair[1] and isinstance(pair[0], int) and 0 < pair[0] <= 64:
            return pair[0]
    return None


def _date(tags: Group, notes: list[str]) -> str | None:
    """The local date and time of the microscope in ISO 8601.

    DigitalMicrograph writes them in the manner of the computer's country: 3/4/2021 is in March or in April. The
    system's time, where it is there too, tells which (in UTC, so a day apart at most); where it is not, a date that
    can be read in two ways is left out.
    """
    day, time = _text(tags, ("DataBar/Acquisition Date",)), _text(tags, ("DataBar/Acquisition Time",))
    system = _system_time(tags)
    days = dict.fromkeys(filter(None, (_parsed(day, pattern) for pattern in _DATES)))
    if system is not None:
        near = [found for found in days if abs(found - system) < timedelta(days=2)]
        days = near or [system.replace(hour=0, minute=0, second=0, microsecond=0)]
    if len(days) != 1:
        if day:
            notes.append(f"the date {day[:40]!r} can be read in several ways and is left out")
        return None
    clock = next(filter(None, (_parsed(time, pattern) for pattern in _TIMES)), None)
    found = next(iter(days)).date().isoformat()
    return found if clock is None else f"{found}T{clock.time().isoformat()}"


def _system_time(tags: Group) -> datetime | None:
    """When the image was taken in UTC by the system's clock: 100 ns since 1601, or ms since 1970."""
    clocks = (
        ("DataBar/Acquisition Time (OS)", datetime(1601, 1, 1), 0.1, 1e17, 2e17),
        ("Acquisition/Frame/Sequence/Acquisition Start Time (epoch)", datetime(1970, 1, 1), 1e3, 1e11, 1e13),
    )
    for path, begin, microseconds, smallest, largest in clocks:
        stamp = tags.at(path)
        if isinstance(stamp, int | float) and smallest < stamp < largest:
            return begin + timedelta(microseconds=stamp * microseconds)
    return None


def _parsed(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(" ".join(text.split()), pattern)
    except ValueError:
        return None
