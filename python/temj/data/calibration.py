"""Pixel size and unit of a micrograph, and lengths written by people."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from temj.errors import BadValue

NM_PER_UNIT = {"pm": 1e-3, "Å": 0.1, "nm": 1.0, "µm": 1e3, "mm": 1e6, "cm": 1e7, "m": 1e9, "inch": 2.54e7}
_SYMBOLS = {
    "A": "Å", "Å": "Å", "å": "Å", "a": "Å", "Nm": "nm", "NM": "nm", "um": "µm", "Um": "µm", "UM": "µm", "uM": "µm",
    "CM": "cm", "Cm": "cm", "in": "inch", "IN": "inch", "In": "inch", '"': "inch", "″": "inch", "''": "inch",
}  # fmt: skip
"""Other ways to write a symbol. The case counts only where another unit would be meant: a capital M or P before the
``m`` stands for mega and peta, so ``MM``, ``Mm``, ``PM``, ``Pm`` and a lone ``M`` are no lengths here."""
_NAMES = {
    "picometer": "pm", "angstrom": "Å", "angstroem": "Å", "ångström": "Å", "angström": "Å", "ångstrom": "Å",
    "nanometer": "nm", "micron": "µm", "micrometer": "µm", "millimeter": "mm", "centimeter": "cm", "meter": "m",
    "inch": "inch", "inche": "inch", "mikron": "µm", "mikrometer": "µm",
}  # fmt: skip
_FOLDS = (
    (r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16))),  # as ImageJ writes it into a TIFF
    ("\u00c2(?=\u00b5)", ""),  # UTF-8 that was read as Latin-1
    ("\u00c3[\u0085\u2026]", "\u00c5"),
    (r"\s*(?:/|\b[pP]er\b)\s*(?:px|pix|[pP]ixels?)\s*$", ""),
)


def canonical_unit(text: str) -> str | None:
    """The unit of length that ``text`` means, one of :data:`NM_PER_UNIT`, or None if it is none.

    Symbols (``nm``, ``µm`` with either of the two characters, ``um``, ``\\u00B5m``, ``Å`` of either, ``A``, ``pm``,
    ``mm``, ``cm``, ``m``, ``in``, ``"``), names in any case, singular or plural, British or American (``nanometres``,
    ``Microns``, ``Ångström``), with ``/px`` behind them or not.
    """
    unit = _folded(text)
    if unit in _SYMBOLS:
        return _SYMBOLS[unit]
    if unit in NM_PER_UNIT:
        return unit
    name = unit.lower()
    for plain in (name, name.removesuffix("s")):
        plain = re.sub("metre$", "meter", plain)
        if plain in _NAMES:
            return _NAMES[plain]
    return None


def is_reciprocal(text: str) -> bool:
    """Whether ``text`` is a unit of diffraction patterns: one over a length (``1/nm``, ``nm^-1``, ``Å⁻¹``), an angle.

    The pixel size of such an image is no length.
    """
    unit = _folded(text)
    if unit.lower() in ("mrad", "rad", "µrad", "urad", "milliradian", "milliradians", "radian", "radians"):
        return True
    over = re.fullmatch(r"(?:1\s*/|/|reciprocal\s|inverse\s)\s*(\S+)", unit, re.IGNORECASE)
    raised = re.fullmatch(r"(\S+?)\s*(?:\^|\*\*)?\s*[({]?\s*[-\u2212]\s*1\s*[)}]?", unit)
    base = over or raised
    return base is not None and canonical_unit(base[1]) is not None


def _folded(text: str) -> str:
    """One spelling for what looks the same: both micro signs and ring characters, escapes, raised minus one."""
    unit = text[:64]
    for pattern, by in _FOLDS:
        unit = re.sub(pattern, by, unit)
    unit = unicodedata.normalize("NFKC", unit).replace("\u03bc", "µ").strip(" \t\r\n\0")
    return unit if len(unit) < 2 else unit.removesuffix(".")


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

NUMBER = r"([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
"""Pattern of a number that is not negative, as a group."""


def parse_pixel_size(text: str | float) -> Calibration:
    """``0.39`` (nm), ``0.39nm``, ``0.0004um`` or ``0.39x0.41`` (width x height) as a calibration.

    The unit of the calibration is the one given, nm where none is.

    Raises:
        BadValue: not a positive length.
    """
    match = re.fullmatch(rf"\s*{NUMBER}\s*(?:x\s*{NUMBER})?\s*(\S*)\s*", str(text))
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
