"""Pixel size and unit of a micrograph, and lengths written by people."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from temj.errors import BadValue

NM_PER_UNIT = {"pm": 1e-3, "Å": 0.1, "nm": 1.0, "µm": 1e3, "mm": 1e6, "cm": 1e7, "m": 1e9, "inch": 2.54e7}
_SPELLINGS = {
    "a": "Å", "å": "Å", "angstrom": "Å", "ångström": "Å", "nanometer": "nm", "nanometre": "nm", "um": "µm", "μm": "µm",
    "\\u00b5m": "µm", "micron": "µm", "microns": "µm", "micrometer": "µm", "micrometre": "µm", "in": "inch",
}  # fmt: skip


def canonical_unit(text: str) -> str | None:
    """The unit of length that ``text`` means (``um``, ``micron``, ``\\u00B5m`` → ``µm``), or None if it is none."""
    unit = text.strip()
    unit = _SPELLINGS.get(unit.lower(), unit)
    return unit if unit in NM_PER_UNIT else None


def round_size(value: float) -> float:
    """A pixel size with 9 significant digits, so that every file format gives back the same number."""
    return float(f"{value:.9g}")


@dataclass(frozen=True)
class Calibration:
    """What one pixel is: ImageJ's Calibration without its colour of grey values.

    ``width`` and ``height`` are the size of a pixel in ``unit``; ``x_origin`` and ``y_origin`` the pixel
    coordinates of the point that has the calibrated coordinates (0, 0). Where nothing is known both are
    1 and the unit is ``pixel``, as in ImageJ.
    """

    width: float = 1.0
    height: float = 1.0
    unit: str = "pixel"
    x_origin: float = 0.0
    y_origin: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(size) and size > 0 for size in (self.width, self.height)):
            raise BadValue(
                "pixel-size",
                found=f"{self.width} x {self.height}",
                expected="two positive numbers",
                remedy="Give the pixel size in nm.",
            )

    @property
    def known(self) -> bool:
        """Whether the pixel size is a length."""
        return self.unit in NM_PER_UNIT

    @property
    def nm(self) -> tuple[float, float] | None:
        """Pixel width and height in nm with 9 significant digits; None where they are not known."""
        if not self.known:
            return None
        factor = NM_PER_UNIT[self.unit]
        return round_size(self.width * factor), round_size(self.height * factor)

    @property
    def size_text(self) -> str:
        """``0.39 nm``, or ``0.39 x 0.41 nm``."""
        sizes = dict.fromkeys(f"{size:.6g}" for size in (self.width, self.height))
        return f"{' x '.join(sizes)} {self.unit}"


UNCALIBRATED = Calibration()

SMALLEST_NM, LARGEST_NM = 1e-4, 1e6
"""Sizes of a pixel that a microscope can have; what lies outside is a mistake of units."""

_NUMBER = r"([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


def parse_pixel_size(text: str | float) -> Calibration:
    """``0.39`` (nm), ``0.39nm``, ``0.0004um`` or ``0.39x0.41`` (width x height) as a calibration.

    The unit of the calibration is the one given, nm where none is.

    Raises:
        BadValue: not a positive length.
    """
    match = re.fullmatch(rf"\s*{_NUMBER}\s*(?:x\s*{_NUMBER})?\s*(\S*)\s*", str(text))
    unit = canonical_unit(match[3] or "nm") if match else None
    sizes = [float(number) for number in match.group(1, 2) if number] if match else []
    plausible = unit is not None and all(SMALLEST_NM <= size * NM_PER_UNIT[unit] <= LARGEST_NM for size in sizes)
    if not plausible:
        raise BadValue(
            "pixel-size",
            found=repr(text),
            expected="a length such as 0.39 (nm), 0.39nm, 0.0004um or 0.39x0.41, between 0.0001 nm and 1 mm",
            remedy="Give the size of one pixel, in nm unless a unit is written; leave it out where it is unknown.",
        )
    return Calibration(round_size(sizes[0]), round_size(sizes[-1]), unit)


def as_calibration(pixel_size: Calibration | str | float) -> Calibration:
    """A pixel size however it is given (:func:`parse_pixel_size` for text and numbers)."""
    return pixel_size if isinstance(pixel_size, Calibration) else parse_pixel_size(pixel_size)
