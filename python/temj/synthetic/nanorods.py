"""Overlapping nanorods in HAADF-STEM: bright, brighter where they lie over each other; truth as rotated boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.data import Shape
from temj.synthetic import outlines
from temj.synthetic.background import background
from temj.synthetic.base import Drawn, Kind, ObjectClass, Scene, Settings, setting
from temj.synthetic.canvas import Canvas
from temj.synthetic.random import Random, log_normal


class NanorodSettings(Settings):
    """How many rods, in which heaps, how large and how bright."""

    pixel_size: float = setting(0.6, "Size of a pixel.", "nm", ge=0.01, le=1000)
    dose: float = setting(5.0, "Electrons that a pixel of the background counts.", "e/px", gt=0, le=1e5)
    detector_blur: float = setting(
        0.75, "Blur of detector and scan, which blurs the noise too (sd).", "px", ge=0, le=10
    )
    brightness: float = setting(0.055, "Grey value of the background, as a fraction of the largest.", gt=0, lt=1)
    texture: float = setting(0.1, "Relative sd of the background's speckle and surface structure.", ge=0, le=1)
    texture_aspect: float = setting(1.0, "How much longer the texture is along its direction than across.", ge=1, le=10)
    bend_contours: float = setting(0.0, "Mean number of bend contours in an image.", ge=0, le=20)
    scan_jitter: float = setting(0.35, "Shift of scan lines to the side (sd).", "px", ge=0, le=5)
    scan_noise: float = setting(0.015, "Relative sd of the brightness of scan lines.", ge=0, le=0.5)
    density: float = setting(7e14, "Rods per area.", "m^-2", ge=0, le=1e18)
    heap: float = setting(5.0, "Mean number of rods in a heap; 1: all lie alone.", ge=1, le=1000)
    parallel: float = setting(0.6, "Share of rods in a heap that lie side by side with the one before.", ge=0, le=1)
    length: float = setting(46.0, "Median length of a rod with its ends.", "nm", gt=0, le=1e5)
    width: float = setting(13.0, "Median width of a rod.", "nm", gt=0, le=1e5)
    spread: float = setting(0.13, "sd of ln(length) and ln(width).", ge=0, le=2)
    rod_intensity: float = setting(4.5, "Signal of a rod's middle relative to the background.", ge=0, le=1e3)
    orientation_spread: float = setting(0.12, "Relative sd of the brightness of rods by their orientation.", ge=0, le=1)


@dataclass(frozen=True)
class Rod:
    """A cylinder with rounded ends: centre, full length and width in pixels, angle in radians, brightness."""

    x: float
    y: float
    length: float
    width: float
    angle: float
    strength: float

    def draw(self, made: np.ndarray, canvas: Canvas) -> None:
        """Add its projected thickness relative to its own width: 1 on its axis, 0 on its outline."""
        where, dx, dy = canvas.window(self.x, self.y, self.length / 2 + 2)
        c, s = np.cos(self.angle), np.sin(self.angle)
        along, across = dx * c + dy * s, dy * c - dx * s
        straight = max(self.length - self.width, 0) / 2
        far = np.hypot(np.maximum(np.abs(along) - straight, 0), across) / (self.width / 2)
        made[where] += self.strength * np.sqrt(np.maximum(1 - far**2, 0))

    def coincides(self, other: Rod) -> bool:
        """Whether both would lie in the same place, which two rods cannot."""
        turn = abs((self.angle - other.angle + np.pi / 2) % np.pi - np.pi / 2)
        near = np.hypot(self.x - other.x, self.y - other.y) < 0.75 * (self.width + other.width) / 2
        return bool(near and turn < 0.35)

    def shape(self) -> Shape:
        """The rotated rectangle that the rod just fills (its rounded ends leave the corners)."""
        return outlines.rectangle(self.x, self.y, self.length, self.width, self.angle)


def classes(_settings: NanorodSettings) -> tuple[ObjectClass, ...]:
    """One class."""
    edge = "rotated rectangle that the rod just fills, from end to end and from side to side"
    return (ObjectClass("nanorod", "#ff7f0e", "major", edge, "nanorod"),)


def draw(settings: NanorodSettings, random: Random) -> Scene:
    """The noise-free picture: thicknesses add up."""
    canvas = Canvas.of(settings.size, settings.pixel_size)
    rods = _rods(settings, canvas, random)
    signal = np.zeros((canvas.total, canvas.total))
    for rod in rods:
        rod.draw(signal, canvas)
    empty = background(settings, canvas, random)
    objects = tuple(
        Drawn(
            rod.shape(),
            "nanorod",
            {
                "Length (nm)": round(rod.length * canvas.pixel_size, 4),
                "Width (nm)": round(rod.width * canvas.pixel_size, 4),
                "Angle (deg)": round(float(np.degrees(-rod.angle) % 180), 3),
            },
        )
        for rod in rods
    )
    acquisition = {"mode": "STEM", "voltage_kV": 200.0, "detector": "HAADF"}
    return Scene(empty + settings.rod_intensity * signal, empty, objects, {}, acquisition)


def _rods(settings: NanorodSettings, canvas: Canvas, random: Random) -> list[Rod]:
    """Heaps by lot; in a heap each rod lies beside or across the one before."""
    rng = random.stream("objects")
    length, width = canvas.pixels(settings.length), canvas.pixels(settings.width)
    made: list[Rod] = []
    for centre in canvas.scatter(rng, settings.density / settings.heap, min(3 * length, canvas.size)):
        place, angle = np.array(centre), float(rng.uniform(0, np.pi))
        for _ in range(rng.geometric(1 / settings.heap)):
            rod = _rod(settings, (length, width), place, angle, rng)
            if not any(rod.coincides(other) for other in made):
                made.append(rod)
            if rng.random() < settings.parallel:
                side = rng.choice((-1, 1)) * rng.uniform(0.75, 1.25) * rod.width
                slip = rng.normal(0, 0.2) * rod.length
                angle = rod.angle + float(rng.normal(0, 0.12))
            else:
                side, slip = rng.normal(0, 0.45, 2) * rod.length
                angle = float(rng.uniform(0, np.pi))
            c, s = np.cos(rod.angle), np.sin(rod.angle)
            place = place + np.array([slip * c - side * s, slip * s + side * c])
    return made


def _rod(
    settings: NanorodSettings, size: tuple[float, float], place: np.ndarray, angle: float, rng: np.random.Generator
) -> Rod:
    factors = log_normal(rng, 1.0, settings.spread, 2)
    limit = 3.0 * settings.size
    length, width = min(size[0] * factors[0], limit), min(size[1] * factors[1], limit)
    strength = max(1 + settings.orientation_spread * float(rng.standard_normal()), 0.05)
    return Rod(float(place[0]), float(place[1]), max(length, width), width, angle, strength * width / size[1])


KIND = Kind("nanorods", "Overlapping nanorods in HAADF-STEM", NanorodSettings, classes, draw)
