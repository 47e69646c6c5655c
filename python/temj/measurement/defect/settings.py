"""How the ellipse of a detected defect is found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from temj.data import Calibration
from temj.data.calibration import NM_PER_UNIT, canonical_unit
from temj.errors import BadValue

Polarity = Literal["auto", "dark", "bright"]
POLARITIES = ("auto", "dark", "bright")
_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*(\S*)\s*")


@dataclass(frozen=True)
class DefectSettings:
    """How boxes become ellipses.

    Attributes:
        margin: what a box is enlarged by on each side: ``0.3`` is a part of the side itself, ``3nm``, ``0.01um``
            or ``8px`` a length.
        smoothing: sd in pixels of the Gaussian before the watershed (at most a tenth of the box's shorter side);
            edges are measured on the grey values as they are.
        polarity: whether defects are ``dark`` or ``bright`` against the rim of the crop; ``auto`` looks at each box.
        edge: class → which edge its ellipse follows (:mod:`temj.measurement.defect.edges`); the half
            maximum where nothing is said.
        smallest, largest: limits of the ellipse's width and height, as parts of the box's.

    Raises:
        BadValue: a value that cannot be.
    """

    margin: str | float = 0.3
    smoothing: float = 1.0
    polarity: Polarity = "auto"
    edge: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    smallest: float = 0.4
    largest: float = 1.5

    def __post_init__(self) -> None:
        self.margins(1.0, 1.0, Calibration(1.0, 1.0, "nm"))
        if self.polarity not in POLARITIES:
            raise BadValue("polarity", where="polarity", expected=", ".join(POLARITIES), found=self.polarity)
        if not 0 <= self.smoothing <= 50:
            raise BadValue("smoothing", where="smoothing", expected="0 to 50 pixels", found=self.smoothing)
        if not 0 <= self.smallest < 1 < self.largest <= 10:
            raise BadValue(
                "limits", where="smallest, largest", expected="smallest from 0 to 1, largest from 1 to 10",
                found=f"{self.smallest}, {self.largest}",
            )  # fmt: skip

    def margins(self, length: float, width: float, calibration: Calibration) -> tuple[float, float]:
        """What is added on each side of a box along its length and its width, in pixels.

        Args:
            length, width: sides of the box in pixels.
            calibration: for a margin in nm.

        Raises:
            BadValue: no such margin, or one in nm for an image whose pixel size is not known.
        """
        match = _LENGTH.fullmatch(str(self.margin))
        unit = match[2] if match else ""
        number = float(match[1]) if match else -1.0
        if match and not unit and number <= 5:
            return number * length, number * width
        if match and unit in ("px", "pixel", "pixels"):
            return number, number
        known = canonical_unit(unit) if unit else None
        if not match or known is None:
            raise BadValue(
                "margin", where="margin", expected="a part of the box (0.3, at most 5) or a length (3nm, 8px)",
                found=repr(self.margin),
            )  # fmt: skip
        if calibration.nm is None:
            raise BadValue(
                "margin", where="margin", expected="a part of the box (0.3) or pixels (8px), the image having no scale",
                found=repr(self.margin), remedy="Give the pixel size, or another margin.",
            )  # fmt: skip
        nm = number * NM_PER_UNIT[known]
        side = (calibration.nm[0] * calibration.nm[1]) ** 0.5
        return nm / side, nm / side
