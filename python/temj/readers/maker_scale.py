"""Axes as the makers of microscopes describe them -> a calibration, or a note why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from temj.data import UNCALIBRATED, Calibration
from temj.data.calibration import LARGEST_NM, NM_PER_UNIT, SMALLEST_NM, canonical_unit, is_reciprocal, round_size

SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9, "min": 60.0,
}  # fmt: skip
"""Units of time -> seconds."""

ENERGIES = ("ev", "kev", "mev")


@dataclass(frozen=True)
class Axis:
    """One axis of an image.

    Attributes:
        scale: size of one pixel in ``unit``; the sign is of no matter.
        unit: as the file has it; "" where there is none.
        origin: the pixel coordinate at which the calibrated coordinate is 0 (ImageJ's xOrigin and yOrigin).
    """

    scale: float = 1.0
    unit: str = ""
    origin: float = 0.0

    @property
    def is_energy(self) -> bool:
        """Whether this is the axis of a spectrum."""
        return self.unit.strip().lower() in ENERGIES

    @property
    def seconds(self) -> float | None:
        """The step in seconds where this is an axis of time, else None."""
        factor = SECONDS.get(self.unit.strip().replace("μ", "µ"))
        step = None if factor is None else self.scale * factor
        return step if step is not None and math.isfinite(step) and step > 0 else None


def calibration_of(x: Axis, y: Axis, notes: list[str]) -> Calibration:
    """The calibration of an image whose columns go along ``x`` and rows along ``y``, with 9 significant digits.

    The unit of the calibration is that of ``x``. Uncalibrated, with a note where there is something to say, if the
    units are no lengths (a diffraction pattern) or no microscope has such pixels.
    """
    origins = [round_size(origin) + 0.0 if math.isfinite(origin) else 0.0 for origin in (x.origin, y.origin)]
    if is_reciprocal(x.unit) or is_reciprocal(y.unit):
        unit = x.unit.strip() or y.unit.strip()
        notes.append(f"this is a diffraction pattern (a pixel is {abs(x.scale):.6g} {unit}): pixel size not used")
        return UNCALIBRATED
    units = [canonical_unit(axis.unit) for axis in (x, y)]
    if None in units:
        strange = [axis.unit for axis in (x, y) if axis.unit.strip() not in ("", "pixel", "pixels", "px")]
        if any(canonical_unit(unit) is None for unit in strange):
            notes.append(f"the unit '{strange[0][:40]}' is no length that is known here: pixel size not used")
        elif strange:
            notes.append("only one axis of the image has a unit: pixel size not used")
        return UNCALIBRATED
    sizes = [abs(axis.scale) * NM_PER_UNIT[unit] for axis, unit in zip((x, y), units, strict=True)]
    if not all(SMALLEST_NM <= size <= LARGEST_NM for size in sizes):
        told = f"{x.scale:.6g} {units[0]} x {y.scale:.6g} {units[1]}"
        notes.append(f"the file's pixel size of {told} cannot be right: not used")
        return UNCALIBRATED
    width, height = (size / NM_PER_UNIT[units[0]] for size in sizes)
    return Calibration(round_size(width), round_size(height), units[0], *origins)


def is_diffraction(axes: Sequence[Axis]) -> bool:
    """Whether the units are those of a diffraction pattern."""
    return any(is_reciprocal(axis.unit) for axis in axes)


def in_microscope_units(x: Axis, y: Axis) -> tuple[Axis, Axis]:
    """Axes in metres as axes in nm or µm, whichever gives a number that people write, and 1/m as 1/nm."""
    units = {x.unit.strip(), y.unit.strip()}
    if not math.isfinite(x.scale) or len(units) > 1:
        return x, y
    if units == {"1/m"}:
        unit, factor = "1/nm", 1e-9
    elif {canonical_unit(unit) for unit in units} == {"m"}:
        unit, factor = ("nm", 1e9) if abs(x.scale) < 1e-6 else ("µm", 1e6)
    else:
        return x, y
    return Axis(x.scale * factor, unit, x.origin), Axis(y.scale * factor, unit, y.origin)
