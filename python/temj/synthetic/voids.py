"""Voids and bubbles in irradiated metal, in Fresnel contrast: small, round, often many."""

from __future__ import annotations

from temj.synthetic.base import Kind, ObjectClass, Scene, setting
from temj.synthetic.nanopores import POLYGON_EDGE, NanoporeSettings, draw_cavities
from temj.synthetic.random import Random


class VoidSettings(NanoporeSettings):
    """Spherical voids in a metal foil."""

    pixel_size: float = setting(0.15, "Size of a pixel.", "nm", ge=0.01, le=1000)
    dose: float = setting(10.0, "Electrons that reach a pixel of the background.", "e/px", gt=0, le=1e5)
    voltage: float = setting(200.0, "Accelerating voltage.", "kV", ge=20, le=1500)
    defocus: float = setting(-700.0, "Defocus; negative is underfocus.", "nm", ge=-1e5, le=1e5)
    potential: float = setting(22.0, "Mean inner potential of the matrix.", "V", ge=0, le=100)
    density: float = setting(9e15, "Voids per area of the foil.", "m^-2", ge=0, le=1e18)
    diameter: float = setting(3.0, "Median diameter.", "nm", gt=0, le=1e4)
    diameter_spread: float = setting(0.3, "sd of ln(diameter).", ge=0, le=2)
    aspect: float = setting(1.0, "Mean ratio of the axes.", ge=1, le=10)
    irregularity: float = setting(0.0, "Relative sd of the radius around the outline.", ge=0, le=0.5)
    filling: float = setting(1.0, "Depth of a void relative to its width.", gt=0, le=1)


def classes(_settings: VoidSettings) -> tuple[ObjectClass, ...]:
    """One class."""
    return (ObjectClass("void", "#4daf4a", "equivalent", POLYGON_EDGE, "void or bubble"),)


def draw(settings: VoidSettings, random: Random) -> Scene:
    """The noise-free picture."""
    return draw_cavities(settings, random, "void")


KIND = Kind("voids", "Voids in Fresnel contrast", VoidSettings, classes, draw, polarity="both")
