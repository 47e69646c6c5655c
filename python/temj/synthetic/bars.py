"""Info bar and scale bar burnt into the pixels, and the area that remains for analysis."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from temj.opencv import opencv
from temj.synthetic.base import Settings

_UNITS = (("mm", 1e6), ("um", 1e3), ("nm", 1.0), ("pm", 1e-3))  # OpenCV's letters have no µ


def burn(
    pixels: np.ndarray, settings: Settings, acquisition: Mapping[str, object]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw the bars that the settings ask for.

    Args:
        pixels: (h, w) uint8 or uint16; not changed.
        settings: ``info_bar``, ``scale_bar``, ``pixel_size``.
        acquisition: what the info bar tells.

    Returns:
        The new pixels, and the analysed area (h, w) bool: False on the bars and a rim of 2 px around the scale bar;
        None without bars.
    """
    if not settings.info_bar and not settings.scale_bar:
        return pixels, None
    drawn = np.array(pixels)
    area = np.ones(pixels.shape, bool)
    white = int(np.iinfo(pixels.dtype).max)
    rows = max(20, settings.size // 16) if settings.info_bar else 0
    if settings.info_bar:
        drawn[-rows:] = 0
        area[-rows:] = False
        _write(drawn, _telling(settings, acquisition), (6, settings.size - rows // 3), rows, white)
    if settings.scale_bar:
        height = max(20, settings.size // 16)
        _scale_bar(drawn, area, settings, height, white)
    return drawn, area


def round_length(longest: float) -> tuple[float, str]:
    """The largest length of 1, 2 or 5 times a power of ten that is not longer than ``longest`` nm, and its text."""
    power = 10.0 ** math.floor(math.log10(longest))
    length = max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9))
    name, unit = next(((name, unit) for name, unit in _UNITS if length >= unit * (1 - 1e-9)), _UNITS[-1])
    return length, f"{length / unit:.6g} {name}"


def _telling(settings: Settings, acquisition: Mapping[str, object]) -> str:
    field = settings.size * settings.pixel_size
    width = f"{field / 1e3:.3g} um" if field >= 1e3 else f"{field:.3g} nm"
    voltage = acquisition.get("voltage_kV")
    parts = ["SYNTHETIC", str(acquisition.get("detector", "")), f"{voltage:g} kV" if voltage else "", f"HFW {width}"]
    return "  ".join(part for part in parts if part)


def _scale_bar(drawn: np.ndarray, area: np.ndarray, settings: Settings, height: int, white: int) -> None:
    """A white bar with its length above it: in the info bar where there is one, else in the lower left corner."""
    length, text = round_length(0.25 * settings.size * settings.pixel_size)
    wide = max(round(length / settings.pixel_size), 1)
    left = settings.size - wide - 8 if settings.info_bar else 8
    bottom = settings.size - 4
    thick = max(2, height // 10)
    drawn[bottom - thick : bottom, left : left + wide] = white
    drawn_text = _write(drawn, text, (left, bottom - thick - 3), height, white)
    if not settings.info_bar:
        top = bottom - thick - 3 - drawn_text[1]
        area[max(0, top - 4) :, max(0, left - 4) : left + max(wide, drawn_text[0]) + 4] = False


def _write(drawn: np.ndarray, text: str, place: tuple[int, int], height: int, white: int) -> tuple[int, int]:
    """Write with the lower left corner of the letters at ``place``; gives the width and height that they take."""
    cv2 = opencv()
    size = height / 52
    (wide, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, white, 1, cv2.LINE_AA)
    return wide, tall
