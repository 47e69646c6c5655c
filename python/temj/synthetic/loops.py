"""Dislocation loops in bright field: two Burgers-vector families, seen along a zone axis."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import model_validator

from temj.synthetic import black_dots, crystal, lines
from temj.synthetic.background import background
from temj.synthetic.base import Drawn, Kind, ObjectClass, Scene, Settings, setting
from temj.synthetic.canvas import Canvas
from temj.synthetic.random import Random, log_normal

WIDTHS = (0.8, 1.0, 1.25)
"""Widths of the lines' images relative to the setting: they depend on the depth in the foil."""


class LoopSettings(Settings):
    """Which loops lie in the foil, how it is looked at, and how strong they are."""

    crystal: Literal["fcc", "bcc"] = setting("fcc", "fcc: a/3<111> and a/2<110> loops; bcc: a<100> and a/2<111>.")
    zone_axis: tuple[int, int, int] = setting((1, 1, 2), "Direction of the beam in the crystal.")
    g: tuple[int, int, int] | None = setting(None, "Diffraction vector (two-beam); none: zone axis, all are seen.")
    rotation: float | None = setting(None, "Rotation of the crystal in the image; none: by lot.", "degrees")
    density: float = setting(3.2e14, "Loops per area of the foil.", "m^-2", ge=0, le=1e18)
    first_family: float = setting(0.6, "Share of the first family (a/3<111>, a<100>).", ge=0, le=1)
    diameter: float = setting(9.0, "Median diameter of the dislocation line.", "nm", gt=0, le=1e4)
    diameter_spread: float = setting(0.45, "sd of ln(diameter).", ge=0, le=2)
    plane_spread: float = setting(7.0, "sd of the tilt of loops out of their planes.", "degrees", ge=0, le=90)
    line_width: float = setting(5.0, "Width of a dislocation's image (FWHM).", "nm", gt=0, le=1e3)
    contrast: float = setting(0.66, "Absorbance ln(background/line) at the middle of a strong line.", ge=0, le=10)
    depth_spread: float = setting(0.85, "Share of its strength that a loop can lose by its depth.", ge=0, le=1)
    fill: Literal["auto", "ring", "filled"] = setting("auto", "auto: only faulted loops are filled.")
    fault_contrast: float = setting(0.5, "Strength inside a filled loop relative to its line.", ge=0, le=2)
    strain: float = setting(0.7, "Strength of the soft strain contrast around a line.", ge=0, le=2)
    residual: float = setting(0.12, "Strength of loops with g·b = 0 relative to visible ones.", ge=0, le=1)
    edge: Literal["outer", "middle"] = setting("outer", "Which edge of the ring the outline is.")
    dot_density: float = setting(0.0, "Black dots among the loops, per area of the foil.", "m^-2", ge=0, le=1e18)
    dot_diameter: float = setting(3.2, "Median diameter (FWHM) of the dots.", "nm", gt=0, le=1e3)

    @model_validator(mode="after")
    def _directions(self) -> LoopSettings:
        if not any(self.zone_axis) or (self.g is not None and not any(self.g)):
            raise ValueError("zone_axis and g must not be 0,0,0")
        if self.g is not None and np.dot(self.g, self.zone_axis) != 0:
            raise ValueError(f"g must be at right angles to the zone axis {self.zone_axis}: g·z must be 0")
        return self


EDGES = {
    "outer": "outer edge of the ring: half maximum of the line's image on its outside",
    "middle": "middle of the ring: the projected dislocation line itself, at least as wide as its image",
}


def families(settings: LoopSettings) -> tuple[ObjectClass, ...]:
    """One class a family."""
    return tuple(
        ObjectClass(family.name, colour, "major", EDGES[settings.edge], f"{family.burgers} dislocation loop")
        for family, colour in zip(crystal.FAMILIES[settings.crystal], ("#ffd92f", "#e41a1c"), strict=True)
    )


def classes(settings: LoopSettings) -> tuple[ObjectClass, ...]:
    """One class a family, and black dots where there are any."""
    return (*families(settings), *(black_dots.classes(_dots(settings)) if settings.dot_density else ()))


def _dots(settings: LoopSettings) -> black_dots.BlackDotSettings:
    return black_dots.BlackDotSettings(diameter=settings.dot_diameter, depth_spread=settings.depth_spread)


def population(settings: LoopSettings, canvas: Canvas, random: Random) -> list[tuple[lines.Loop, Drawn]]:
    """Loops by lot, each with its true outline."""
    rng = random.stream("objects")
    largest = canvas.pixels(settings.diameter * np.exp(3 * settings.diameter_spread)) / 2
    reach = min(largest, canvas.size) + canvas.pixels(settings.line_width)
    centres = canvas.scatter(rng, settings.density, reach)
    axes = crystal.image_axes(settings.zone_axis, crystal_rotation(settings, random))
    return [one_loop(settings, canvas, axes, centre, rng) for centre in centres]


def crystal_rotation(settings: LoopSettings, random: Random) -> float:
    """Radians."""
    drawn = random.stream("rotation").uniform(0, 360)
    return float(np.radians(drawn if settings.rotation is None else settings.rotation))


def one_loop(
    settings: LoopSettings, canvas: Canvas, axes: np.ndarray, centre: np.ndarray, rng: np.random.Generator
) -> tuple[lines.Loop, Drawn]:
    """One loop by lot at a place."""
    family = crystal.FAMILIES[settings.crystal][int(rng.random() >= settings.first_family)]
    variants = family.variants()
    variant = variants[rng.integers(len(variants))]
    normal = np.array(variant, float) / np.linalg.norm(variant)
    normal = normal + np.tan(np.radians(settings.plane_spread)) * rng.standard_normal(3) / np.sqrt(2)
    angle, ratio = crystal.projected(normal, axes)
    diameter = float(log_normal(rng, settings.diameter, settings.diameter_spread, 1)[0])
    diameter = min(diameter, canvas.size * canvas.pixel_size)
    depth, width = rng.random(), WIDTHS[rng.integers(len(WIDTHS))]
    seen = crystal.is_visible(family, variant, settings.g)
    strength = (1 - settings.depth_spread * depth) * (1.0 if seen else settings.residual)
    lit, partial = float(rng.uniform(0, np.pi)), 0.0
    if settings.g is not None:
        direction = axes @ np.array(settings.g, float)
        lit, partial = float(np.arctan2(direction[1], direction[0])), 0.7
    waves = tuple(
        (float(a), float(p)) for a, p in zip(rng.normal(0, 0.25, 3), rng.uniform(0, 2 * np.pi, 3), strict=True)
    )
    faulted = settings.fill == "filled" or (settings.fill == "auto" and family.faulted)
    x, y = (float(value) for value in centre)
    radius = canvas.pixels(diameter) / 2
    loop = lines.Loop(x, y, radius, ratio, angle, strength, width, partial, lit, waves, faulted)
    facts = {
        "Burgers": family.burgers,
        "Plane": "{}{}{}".format(*variant),
        "Diameter (nm)": round(diameter, 4),
        "Ratio": round(ratio, 4),
        "Angle (deg)": round(float(np.degrees(-angle) % 180), 3),
        "Strength": round(strength, 4),
        "g.b visible": int(seen),
    }
    return loop, Drawn(loop.outline(canvas.pixels(settings.line_width), settings.edge), family.name, facts)


def absorbance(settings: LoopSettings, canvas: Canvas, loops: list[lines.Loop]) -> np.ndarray:
    """ln(background / intensity) of all loops: lines, faults and the soft strain field around them."""
    if not loops:
        return np.zeros((canvas.total, canvas.total))
    from scipy.ndimage import gaussian_filter

    width = canvas.pixels(settings.line_width)
    made = lines.line_image(loops, canvas, width)
    made += settings.fault_contrast * lines.fault_image(loops, canvas, width / 2)
    made += settings.strain * gaussian_filter(made, width, mode="constant")
    return settings.contrast * made


def draw(settings: LoopSettings, random: Random) -> Scene:
    """The noise-free picture."""
    canvas = Canvas.of(settings.size, settings.pixel_size)
    pairs = population(settings, canvas, random)
    empty = background(settings, canvas, random)
    dark = absorbance(settings, canvas, [loop for loop, _ in pairs])
    dots = _dots_by_lot(settings, canvas, random)
    spots = np.zeros_like(dark)
    for dot in dots:
        dot.draw(spots, canvas)
    dark += settings.contrast * spots
    facts = {"rotation_degrees": round(float(np.degrees(crystal_rotation(settings, random))), 6)}
    acquisition = {"mode": "TEM", "voltage_kV": 200.0, "detector": "BF"}
    drawn = (*(drawn for _, drawn in pairs), *(dot.drawn() for dot in dots))
    return Scene(empty * np.exp(-dark), empty, drawn, facts, acquisition)


def _dots_by_lot(settings: LoopSettings, canvas: Canvas, random: Random) -> list[black_dots.Dot]:
    """Black dots among the loops."""
    if not settings.dot_density:
        return []
    rng = random.stream("dots")
    centres = canvas.scatter(rng, settings.dot_density, canvas.pixels(4 * settings.dot_diameter))
    return [black_dots.Dot(_dots(settings), canvas, centre, rng) for centre in centres]


KIND = Kind("loops", "Dislocation loops in bright field", LoopSettings, classes, draw)
