"""Tescan SEM: INI text ``[MAIN]`` and ``[SEM]`` in tag 50431, or in a file ``<stem>-tif.hdr`` or ``<stem>.hdr``.

``PixelSizeX`` and ``PixelSizeY`` are in metres, ``HV`` in volts.
"""

from __future__ import annotations

from pathlib import Path

import tifffile

from temj.data import Acquisition
from temj.readers.vendors import Told
from temj.readers.vendors.text import date, decoded, number, positive, sections, side_car

TAG = 50431


def tell(page: tifffile.TiffPage) -> Told | None:
    """What the tag says; None where there is none. Binary parts stand before and after the text."""
    value = page.tags.valueof(TAG)
    if not isinstance(value, bytes) or b"[MAIN]" not in value:
        return None
    return _told(decoded(value[value.index(b"[MAIN]") :]), "Tescan tag PixelSizeX")


def tell_side_car(path: Path, _size: tuple[int, int]) -> Told | None:
    """What the .hdr file says; None where there is none of Tescan's."""
    text = side_car(path, f"{path.stem}-{path.suffix[1:].lower()}.hdr", f"{path.stem}.hdr")
    return _told(text, "Tescan .hdr file PixelSizeX") if text and "[MAIN]" in text else None


def _told(text: str, source: str) -> Told:
    found = sections(text)
    main, sem = found.get("MAIN", {}), found.get("SEM", {})
    size = number(main.get("PixelSizeX")), number(main.get("PixelSizeY", main.get("PixelSizeX")))
    acquisition = Acquisition(
        microscope=main.get("Device") or None,
        mode="SEM",
        voltage_kV=positive(sem.get("HV"), 1e-3),
        magnification=positive(main.get("Magnification") or sem.get("Magnification")),
        tilt_alpha_deg=number(sem.get("StageTilt")),
        detector=sem.get("Detector") or sem.get("Detector0") or None,
        date=date(main.get("Date"), main.get("Time")),
    )
    known = {name: {key: text for key, text in keys.items() if text.isprintable()} for name, keys in found.items()}
    return Told(source, None if None in size else size, "m", acquisition, text=known)
