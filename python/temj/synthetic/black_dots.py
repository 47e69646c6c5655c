"""Black dots: clusters of point defects too small to show as loops, in bright field."""

from __future__ import annotations

import numpy as np

from temj.synthetic import outlines
from temj.synthetic.background import background
from temj.synthetic.base import Drawn, Kind, ObjectClass, Scene, Settings, setting
from temj.synthetic.canvas import Canvas
from temj.synthetic.random import Random, log_normal

LN2 = float(np.log(2))


class BlackDotSettings(Settings):
    """How many dots, how large, how strong."""

    pixel_size: float = setting(0.25, "Size of a pixel.", "nm", ge=0.01, le=1000)
    dose: float = setting(6.0, "Electrons that reach a pixel of the background.", "e/px", gt=0, le=1e5)
    texture: float = setting(0.08, "Relative sd of the background's speckle and surface structure.", ge=0, le=1)
    density: float = setting(4e15, "Dots per area of the foil.", "m^-2", ge=0, le=1e18)
    diameter: float = setting(3.2, "Median diameter (FWHM of the dark spot).", "nm", gt=0, le=1e3)
    diameter_spread: float = setting(0.35, "sd of ln(diameter).", ge=0, le=2)
    aspect: float = setting(1.25, "Mean ratio of the axes.", ge=1, le=5)
    contrast: float = setting(0.85, "Absorbance ln(background/dot) at the middle of a strong dot.", ge=0, le=10)
    depth_spread: float = setting(0.75, "Share of its strength that a dot can lose by its depth.", ge=0, le=1)
    lobes: float = setting(
        0.25, "Share of dots with a bright lobe beside the dark one (black-white contrast).", ge=0, le=1
    )


class Dot:
    """A dark spot with a Gaussian profile, elliptical, perhaps with a bright lobe beside it.

    Its outline is the half maximum of the dark spot: an ellipse.
    """

    def __init__(self, settings: BlackDotSettings, canvas: Canvas, centre: np.ndarray, rng: np.random.Generator):
        self.x, self.y = (float(value) for value in centre)
        diameter = float(log_normal(rng, settings.diameter, settings.diameter_spread, 1)[0])
        self.diameter = min(diameter, 20 * settings.diameter)
        self.aspect = 1 + (settings.aspect - 1) * float(rng.gamma(2.0, 0.5))
        self.angle = float(rng.uniform(0, np.pi))
        self.strength = 1 - settings.depth_spread * float(rng.random())
        self.bright = bool(rng.random() < settings.lobes)
        self.major = canvas.pixels(self.diameter) / 2 * np.sqrt(self.aspect)
        self.minor = canvas.pixels(self.diameter) / 2 / np.sqrt(self.aspect)

    def draw(self, made: np.ndarray, canvas: Canvas) -> None:
        """Add its absorbance (1 at the middle of a dot of strength 1)."""
        where, dx, dy = canvas.window(self.x, self.y, 4.5 * self.major + 2)
        c, s = np.cos(self.angle), np.sin(self.angle)
        along, across = (dx * c + dy * s) / self.major, (dy * c - dx * s) / self.minor
        spot = np.exp(-LN2 * (along**2 + across**2))
        if self.bright:
            spot = spot - 0.6 * np.exp(-LN2 * (along**2 + (across - 1.9) ** 2))
        made[where] += self.strength * spot

    def drawn(self) -> Drawn:
        """Its truth."""
        facts = {
            "Diameter (nm)": round(self.diameter, 4),
            "Aspect": round(self.aspect, 4),
            "Strength": round(self.strength, 4),
            "Bright lobe": int(self.bright),
        }
        return Drawn(outlines.ellipse(self.x, self.y, self.major, self.minor, self.angle), "black_dot", facts)


def classes(_settings: BlackDotSettings) -> tuple[ObjectClass, ...]:
    """One class."""
    edge = "half maximum of the dark spot, before the detector's blur"
    return (ObjectClass("black_dot", "#377eb8", "geometric", edge, "unresolved defect cluster"),)


def draw(settings: BlackDotSettings, random: Random) -> Scene:
    """The noise-free picture."""
    canvas = Canvas.of(settings.size, settings.pixel_size)
    rng = random.stream("objects")
    reach = canvas.pixels(settings.diameter * np.exp(3 * settings.diameter_spread))
    centres = canvas.scatter(rng, settings.density, min(reach, canvas.size))
    dots = [Dot(settings, canvas, centre, rng) for centre in centres]
    dark = np.zeros((canvas.total, canvas.total))
    for dot in dots:
        dot.draw(dark, canvas)
    empty = background(settings, canvas, random)
    acquisition = {"mode": "TEM", "voltage_kV": 200.0, "detector": "BF"}
    intensity = empty * np.exp(-settings.contrast * dark)
    return Scene(intensity, empty, tuple(dot.drawn() for dot in dots), {}, acquisition)


KIND = Kind("black-dots", "Black dots in bright field", BlackDotSettings, classes, draw)
