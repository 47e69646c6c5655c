"""Vesicles: large and pale, small and dark, and small bright holes, in bright field."""

from __future__ import annotations

import numpy as np

from temj.synthetic.background import background
from temj.synthetic.base import Drawn, Kind, ObjectClass, Scene, Settings, setting
from temj.synthetic.canvas import Canvas
from temj.synthetic.outlines import Blob
from temj.synthetic.random import Random, log_normal


class VesicleSettings(Settings):
    """How many of each of the three classes, how large, how strong."""

    pixel_size: float = setting(1.2, "Size of a pixel.", "nm", ge=0.01, le=1000)
    dose: float = setting(25.0, "Electrons that reach a pixel of the background.", "e/px", gt=0, le=1e5)
    detector_blur: float = setting(0.8, "Blur of detector and scan, which blurs the noise too (sd).", "px", ge=0, le=10)
    texture: float = setting(0.06, "Relative sd of the background's speckle and surface structure.", ge=0, le=1)
    texture_aspect: float = setting(1.1, "How much longer the texture is along its direction than across.", ge=1, le=10)
    texture_length: float = setting(80.0, "Longest wave of the texture; shorter ones are weaker.", "nm", gt=0, le=1e5)
    texture_slope: float = setting(2.4, "Power with which the texture's spectrum falls.", ge=0, le=6)
    bend_contours: float = setting(0.0, "Mean number of bend contours in an image.", ge=0, le=20)
    large_density: float = setting(3.5e13, "Large vesicles per area.", "m^-2", ge=0, le=1e18)
    large_diameter: float = setting(95.0, "Their median diameter.", "nm", gt=0, le=1e5)
    large_contrast: float = setting(0.09, "Relative brightness of their inside above the background.", ge=0, le=2)
    membrane_contrast: float = setting(0.2, "Relative darkness of their membrane.", ge=0, le=1)
    membrane_width: float = setting(5.0, "Width of the membrane inside the outline (FWHM).", "nm", gt=0, le=1e3)
    small_density: float = setting(1.3e14, "Small vesicles per area.", "m^-2", ge=0, le=1e18)
    small_diameter: float = setting(21.0, "Their median diameter.", "nm", gt=0, le=1e5)
    small_contrast: float = setting(0.42, "Relative darkness of a strong one.", ge=0, le=1)
    hole_density: float = setting(3.5e13, "Holes per area.", "m^-2", ge=0, le=1e18)
    hole_diameter: float = setting(19.0, "Their median diameter.", "nm", gt=0, le=1e5)
    hole_contrast: float = setting(0.5, "Relative brightness of holes above the background.", ge=0, le=5)
    fringe: float = setting(0.2, "Relative darkness of the fringe around a hole.", ge=0, le=1)
    diameter_spread: float = setting(0.28, "sd of ln(diameter).", ge=0, le=2)
    aspect: float = setting(1.15, "Mean ratio of the axes.", ge=1, le=10)
    irregularity: float = setting(0.035, "Relative sd of the radius around the outline.", ge=0, le=0.5)


NAMES = ("large_vesicle", "small_vesicle", "hole")


def classes(_settings: VesicleSettings) -> tuple[ObjectClass, ...]:
    """Three."""
    edges = ("outer edge of the membrane", "edge of the dark body", "edge of the opening, inside its fringe")
    colours = ("#377eb8", "#e41a1c", "#ffd92f")
    texts = ("large pale vesicle with a membrane", "small dark vesicle", "hole in the film")
    return tuple(
        ObjectClass(name, colour, "equivalent", edge, text)
        for name, colour, edge, text in zip(NAMES, colours, edges, texts, strict=True)
    )


def draw(settings: VesicleSettings, random: Random) -> Scene:
    """The noise-free picture: large ones first, small ones over them, holes through all."""
    canvas = Canvas.of(settings.size, settings.pixel_size)
    empty = background(settings, canvas, random)
    factor = np.ones_like(empty)
    objects = []
    painters = (_large, _small, _hole)
    sizes = (
        (settings.large_density, settings.large_diameter),
        (settings.small_density, settings.small_diameter),
        (settings.hole_density, settings.hole_diameter),
    )
    for name, paint, (density, median) in zip(NAMES, painters, sizes, strict=True):
        rng = random.stream(name)
        placed: list[Blob] = []
        reach = min(canvas.pixels(median * np.exp(3 * settings.diameter_spread)), 2.0 * canvas.size)
        for centre in canvas.scatter(rng, density, reach):
            diameter = float(log_normal(rng, median, settings.diameter_spread, 1)[0])
            aspect = 1 + (settings.aspect - 1) * float(rng.gamma(2.0, 0.5))
            radius = min(canvas.pixels(diameter) / 2, 2.0 * canvas.size)
            blob = Blob(centre, radius, aspect, settings.irregularity, rng)
            strength = float(rng.uniform(0.5, 1.0))
            if any(_coincide(blob, other) for other in placed):
                continue
            placed.append(blob)
            paint(factor, canvas, blob, strength, settings)
            facts = {"Diameter (nm)": round(2 * radius * canvas.pixel_size, 4), "Strength": round(strength, 4)}
            objects.append(Drawn(blob.shape(), name, facts))
    acquisition = {"mode": "TEM", "voltage_kV": 120.0, "detector": "BF"}
    return Scene(empty * factor, empty, tuple(objects), {}, acquisition)


def _coincide(blob: Blob, other: Blob) -> bool:
    """Whether two of one class would be the same one: nearly the same place and size."""
    small, large = sorted((blob.radius, other.radius))
    return bool(np.hypot(blob.x - other.x, blob.y - other.y) < 0.4 * large and small > 0.7 * large)


def _inside(depth: np.ndarray, softness: float) -> np.ndarray:
    """1 inside, 0 outside, 1/2 on the outline; ``depth`` is the way inwards from the outline in pixels."""
    return 0.5 * (1 + np.tanh(depth / softness))


def _large(factor: np.ndarray, canvas: Canvas, blob: Blob, strength: float, settings: VesicleSettings) -> None:
    width = canvas.pixels(settings.membrane_width)
    where, dx, dy = canvas.window(blob.x, blob.y, blob.reach + 3 * width + 4)
    depth = (1 - blob.relative_radius(dx, dy)) * blob.radius
    rim = np.exp(-4 * np.log(2) * ((depth - width / 2) / width) ** 2)
    pale = settings.large_contrast * strength * _inside(depth - width, max(width / 2, 0.8))
    factor[where] *= (1 + pale) * (1 - settings.membrane_contrast * strength * rim)


def _small(factor: np.ndarray, canvas: Canvas, blob: Blob, strength: float, settings: VesicleSettings) -> None:
    where, dx, dy = canvas.window(blob.x, blob.y, blob.reach + 6)
    relative = blob.relative_radius(dx, dy)
    depth = (1 - relative) * blob.radius
    body = 0.55 + 0.45 * np.sqrt(np.maximum(1 - relative**2, 0))
    factor[where] *= 1 - settings.small_contrast * strength * body * _inside(depth, 0.9)


def _hole(factor: np.ndarray, canvas: Canvas, blob: Blob, strength: float, settings: VesicleSettings) -> None:
    where, dx, dy = canvas.window(blob.x, blob.y, blob.reach + 10)
    depth = (1 - blob.relative_radius(dx, dy)) * blob.radius
    fringe = settings.fringe * strength * np.exp(-(((depth + 2.2) / 1.6) ** 2))
    factor[where] *= (1 + settings.hole_contrast * strength * _inside(depth, 0.8)) * (1 - fringe)


KIND = Kind("vesicles", "Vesicles and holes in bright field", VesicleSettings, classes, draw)
