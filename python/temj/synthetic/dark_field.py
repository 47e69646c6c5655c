"""Loops and dots in weak-beam dark field: thin bright arcs and spots on a dark, speckled ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import model_validator

from temj.synthetic import lines, outlines
from temj.synthetic.background import background, coloured
from temj.synthetic.base import Drawn, Kind, ObjectClass, Scene, setting
from temj.synthetic.canvas import Canvas
from temj.synthetic.loops import LoopSettings, families, population
from temj.synthetic.random import Random, log_normal


class DarkFieldSettings(LoopSettings):
    """Loops as in bright field, but thin, bright and lit only in part; and bright dots."""

    zone_axis: tuple[int, int, int] = setting((0, 1, 1), "Direction of the beam in the crystal.")
    g: tuple[int, int, int] | None = setting((2, 0, 0), "Diffraction vector.")
    dose: float = setting(1.6, "Electrons that reach a pixel of the background.", "e/px", gt=0, le=1e5)
    detector_blur: float = setting(0.9, "Blur of detector and scan, which blurs the noise too (sd).", "px", ge=0, le=10)
    brightness: float = setting(0.13, "Grey value of the background, as a fraction of the largest.", gt=0, lt=1)
    texture: float = setting(0.2, "Relative sd of the background's speckle and surface structure.", ge=0, le=1)
    thickness_fringes: float = setting(260.0, "Period of thickness fringes; 0 for none.", "nm", ge=0, le=1e5)
    wedge: float = setting(0.4, "Relative change of brightness across the image by the wedge of the foil.", ge=0, le=2)
    density: float = setting(5e14, "Loops per area of the foil.", "m^-2", ge=0, le=1e18)
    diameter: float = setting(13.0, "Median diameter of the dislocation line.", "nm", gt=0, le=1e4)
    line_width: float = setting(2.2, "Width of a dislocation's image (FWHM).", "nm", gt=0, le=1e3)
    contrast: float = setting(6.0, "Brightness of a strong line relative to the background.", ge=0, le=100)
    fault_contrast: float = setting(0.12, "Strength inside a filled loop relative to its line.", ge=0, le=2)
    residual: float = setting(0.05, "Strength of loops with g·b = 0 relative to visible ones.", ge=0, le=1)
    strain: float = setting(0.1, "Strength of the soft strain contrast around a line.", ge=0, le=2)
    partial: float = setting(0.9, "0: rings equally bright all around; 1: two arcs, dark between them.", ge=0, le=1)
    dot_density: float = setting(8e14, "Bright dots per area of the foil.", "m^-2", ge=0, le=1e18)
    dot_diameter: float = setting(2.6, "Median diameter (FWHM) of the dots.", "nm", gt=0, le=1e3)
    speckle: float = setting(0.45, "Relative sd of the speckle of everything bright.", ge=0, le=2)
    speckle_length: float = setting(1.2, "Size of the speckle's grains.", "nm", gt=0, le=1e3)

    @model_validator(mode="after")
    def _two_beams(self) -> DarkFieldSettings:
        if self.g is None:
            raise ValueError("dark field needs a diffraction vector g")
        return self


def classes(settings: DarkFieldSettings) -> tuple[ObjectClass, ...]:
    """The two families, and dots."""
    edge = "half maximum of the bright spot, before the detector's blur"
    return (*families(settings), ObjectClass("dot", "#377eb8", "geometric", edge, "unresolved defect cluster"))


def draw(settings: DarkFieldSettings, random: Random) -> Scene:
    """The noise-free picture."""
    canvas = Canvas.of(settings.size, settings.pixel_size)
    pairs = population(settings, canvas, random)
    loops = [replace(loop, partial=settings.partial) for loop, _ in pairs]
    bright, dots = _dots(settings, canvas, random)
    if loops:
        width = canvas.pixels(settings.line_width)
        bright = bright + lines.line_image(loops, canvas, width)
        bright += settings.fault_contrast * lines.fault_image(loops, canvas, width / 2)
        bright += settings.strain * _soft(bright, width)
    empty = background(settings, canvas, random)
    grain = _speckle(settings, canvas, random)
    intensity = empty + settings.contrast * bright * grain
    facts = {"g": list(settings.g)}
    acquisition = {"mode": "TEM", "voltage_kV": 200.0, "detector": "weak-beam DF"}
    return Scene(intensity, empty, (*(drawn for _, drawn in pairs), *dots), facts, acquisition)


def _soft(picture: np.ndarray, width: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(picture, 1.5 * width, mode="constant")


def _speckle(settings: DarkFieldSettings, canvas: Canvas, random: Random) -> np.ndarray:
    """A factor of mean about 1 whose grains have the speckle's size; never negative."""
    sigma = canvas.pixels(settings.speckle_length) / lines.FWHM

    def power(kx: np.ndarray, ky: np.ndarray) -> np.ndarray:
        return np.exp(-((2 * np.pi * sigma) ** 2) * (kx**2 + ky**2))

    noise = coloured(random.stream("speckle"), canvas.total, power)
    return np.exp(settings.speckle * noise - settings.speckle**2 / 2)


def _dots(settings: DarkFieldSettings, canvas: Canvas, random: Random) -> tuple[np.ndarray, list[Drawn]]:
    """Gaussian spots, with the half maximum as outline; relative to the strength of lines."""
    rng = random.stream("dots")
    made = np.zeros((canvas.total, canvas.total))
    drawn = []
    for x, y in canvas.scatter(rng, settings.dot_density, canvas.pixels(4 * settings.dot_diameter)):
        diameter = float(log_normal(rng, settings.dot_diameter, 0.3, 1)[0])
        strength = float(rng.uniform(0.15, 1.0))
        radius = canvas.pixels(diameter) / 2
        where, dx, dy = canvas.window(x, y, 5 * radius + 2)
        made[where] += strength * np.exp(-np.log(2) * (dx**2 + dy**2) / radius**2)
        facts = {"Diameter (nm)": round(diameter, 4), "Strength": round(strength, 4)}
        drawn.append(Drawn(outlines.ellipse(float(x), float(y), radius, radius, 0.0), "dot", facts))
    return made, drawn


KIND = Kind("dark-field", "Loops and dots in weak-beam dark field", DarkFieldSettings, classes, draw)
