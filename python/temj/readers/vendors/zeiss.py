"""Zeiss (and LEO) SEM: tag 34118, lines of ``AP_NAME`` and ``Name = value unit`` after a list of unnamed numbers.

tifffile takes the lines apart. The fourth unnamed number is the pixel size in metres on a screen of 1024 pixels
(Gwyddion's mailing list, message 29275000); it is used where the named one is missing.
"""

from __future__ import annotations

import tifffile

from temj.data import Acquisition
from temj.readers.vendors import Told
from temj.readers.vendors.text import date, positive, quantity

TAG = 34118


def tell(page: tifffile.TiffPage) -> Told | None:
    """What the tag says; None where there is none."""
    facts = page.tags.valueof(TAG)
    if not isinstance(facts, dict):
        return None
    named = {key: [str(part) for part in value[1:]] for key, value in facts.items() if key and len(value) > 1}
    text = lambda key: " ".join(named.get(key, ()))  # noqa: E731
    size, unit, source = None, "m", "Zeiss tag"
    for key in ("ap_image_pixel_size", "ap_pixel_size"):
        found = quantity(text(key))
        if found and size is None:
            size, unit, source = (found[0], found[0]), found[1], f"Zeiss tag {key.upper()}"
    unnamed = facts.get("", ())
    if size is None and len(unnamed) > 3 and isinstance(unnamed[3], float):
        size = (unnamed[3] * 1024 / page.imagewidth,) * 2
        source = "Zeiss tag (unnamed pixel size)"
    acquisition = Acquisition(
        microscope=text("dp_sem") or text("sv_serial_number") or None,
        mode="SEM",
        voltage_kV=_kilovolts(text("ap_actualkv") or text("ap_manualkv") or text("ap_eht")),
        magnification=_magnification(text("ap_mag")),
        tilt_alpha_deg=_tilt(text("ap_stage_at_t")),
        exposure_s=_seconds(text("ap_frame_time")),
        detector=text("dp_detector_channel") or text("dp_detector_type") or None,
        date=date(text("ap_date"), text("ap_time")),
    )
    return Told(source, size, unit, acquisition, text={key: " ".join(parts) for key, parts in named.items()})


def _kilovolts(text: str) -> float | None:
    found = quantity(text)
    return positive(found[0], 1e-3 if found[1].lower() == "v" else 1.0) if found else None


def _magnification(text: str) -> float | None:
    """``"10.00 K X"`` is ten thousand."""
    found = quantity(text)
    factor = {"k": 1e3, "m": 1e6}.get(found[1][:1].lower(), 1.0) if found else 1.0
    return positive(found[0], factor) if found else None


def _tilt(text: str) -> float | None:
    found = quantity(text)
    return found[0] if found else None


def _seconds(text: str) -> float | None:
    found = quantity(text)
    factor = {"s": 1.0, "secs": 1.0, "sec": 1.0, "ms": 1e-3, "µs": 1e-6, "min": 60.0, "mins": 60.0}
    key = found[1].rstrip(".").lower() if found else ""
    return positive(found[0], factor[key]) if found and key in factor else None
