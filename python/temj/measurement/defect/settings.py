"""How the ellipse of a detected defect is found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from temj.data import Calibration
from temj.data.lengths import NM, PIXELS, parse_length
from temj.errors import BadValue

Polarity = Literal["auto", "dark", "bright"]
POLARITIES = ("auto", "dark", "bright")
_PART, _MOST_PART = "part", 5.0
"""What a margin without a unit is: a part of the side."""


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
        same: IoU from which on the ellipses of two boxes of one class are one object, of which the higher score stays
            (:mod:`temj.measurement.defect.same`); None keeps all.

    Raises:
        BadValue: a value that cannot be.
    """

    margin: str | float = 0.3
    smoothing: float = 1.0
    polarity: Polarity = "auto"
    edge: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    smallest: float = 0.4
    largest: float = 1.5
    same: float | None = None

    def __post_init__(self) -> None:
        self.margins(np.ones((1, 2)), Calibration(1.0, 1.0, "nm"))
        if self.polarity not in POLARITIES:
            raise BadValue("polarity", where="polarity", expected=", ".join(POLARITIES), found=self.polarity)
        if not 0 <= self.smoothing <= 50:
            raise BadValue("smoothing", where="smoothing", expected="0 to 50 pixels", found=self.smoothing)
        if not 0 <= self.smallest < 1 < self.largest <= 10:
            raise BadValue(
                "limits", where="smallest, largest", expected="smallest from 0 to 1, largest from 1 to 10",
                found=f"{self.smallest}, {self.largest}",
            )  # fmt: skip
        if self.same is not None and not 0 < self.same <= 1:
            raise BadValue("same", where="same", expected="an IoU above 0, at most 1, or None", found=self.same)

    def margins(self, sides: np.ndarray, calibration: Calibration) -> np.ndarray:
        """What is added on each side of boxes along their length and their width, (n, 2) in pixels.

        Args:
            sides: (n, 2) length and width of each box in pixels.
            calibration: for a margin in nm.

        Raises:
            BadValue: no such margin, or one in nm for an image whose pixel size is not known.
        """
        try:
            number, unit = parse_length(str(self.margin), _PART, zero=True)
        except ValueError:
            number, unit = math.inf, _PART
        if unit == _PART and number > _MOST_PART:
            raise BadValue(
                "margin", where="margin", expected="a part of the box (0.3, at most 5) or a length (3nm, 8px)",
                found=repr(self.margin),
            )  # fmt: skip
        if unit == NM and calibration.nm is None:
            raise BadValue(
                "margin", where="margin", expected="a part of the box (0.3) or pixels (8px), the image having no scale",
                found=repr(self.margin), remedy="Give the pixel size, or another margin.",
            )  # fmt: skip
        if unit == _PART:
            return number * sides
        return np.full_like(sides, number if unit == PIXELS else number / math.sqrt(math.prod(calibration.nm)))
