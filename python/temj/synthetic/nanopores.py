"""Nanopores in Fresnel contrast: bright with a dark fringe in underfocus, the reverse in overfocus."""

from __future__ import annotations

import numpy as np

from temj.synthetic import fresnel
from temj.synthetic.background import coloured, shading, texture
from temj.synthetic.base import Drawn, Kind, ObjectClass, Scene, Settings, setting
from temj.synthetic.canvas import Canvas
from temj.synthetic.outlines import Blob
from temj.synthetic.random import Random, log_normal

POLYGON_EDGE = "true edge of the cavity in projection (not the fringe, which moves with the defocus)"


class NanoporeSettings(Settings):
    """Pores in an oxide: how many, how large, and how the microscope is set."""

    dose: float = setting(12.0, "Electrons that reach a pixel of the background.", "e/px", gt=0, le=1e5)
    detector_blur: float = setting(0.8, "Blur of detector and scan, which blurs the noise too (sd).", "px", ge=0, le=10)
    texture: float = setting(0.06, "Relative sd of the background's speckle and surface structure.", ge=0, le=1)
    bend_contours: float = setting(0.3, "Mean number of bend contours in an image.", ge=0, le=20)
    voltage: float = setting(300.0, "Accelerating voltage.", "kV", ge=20, le=1500)
    defocus: float = setting(-3000.0, "Defocus; negative is underfocus.", "nm", ge=-1e5, le=1e5)
    convergence: float = setting(0.12, "Semi-angle of illumination.", "mrad", ge=0, le=10)
    focal_spread: float = setting(8.0, "sd of the focus.", "nm", ge=0, le=1e3)
    potential: float = setting(18.0, "Mean inner potential of the matrix.", "V", ge=0, le=100)
    absorption: float = setting(110.0, "Thickness over which the intensity falls to 1/e.", "nm", gt=0, le=1e5)
    thickness: float = setting(60.0, "Thickness of the foil; no pore is deeper.", "nm", gt=0, le=1e4)
    grain: float = setting(0.35, "sd of the projected thickness of an amorphous layer.", "nm", ge=0, le=100)
    density: float = setting(9e14, "Pores per area of the foil.", "m^-2", ge=0, le=1e18)
    diameter: float = setting(8.0, "Median diameter.", "nm", gt=0, le=1e4)
    diameter_spread: float = setting(0.4, "sd of ln(diameter).", ge=0, le=2)
    aspect: float = setting(1.35, "Mean ratio of the axes.", ge=1, le=10)
    irregularity: float = setting(0.07, "Relative sd of the radius around the outline.", ge=0, le=0.5)
    filling: float = setting(0.75, "Depth of a pore relative to its width.", gt=0, le=1)


def classes(_settings: NanoporeSettings) -> tuple[ObjectClass, ...]:
    """One class."""
    return (ObjectClass("pore", "#4daf4a", "equivalent", POLYGON_EDGE, "nanopore"),)


def draw(settings: NanoporeSettings, random: Random) -> Scene:
    """The noise-free picture of pores."""
    return draw_cavities(settings, random, "pore")


def cavities(settings: NanoporeSettings, canvas: Canvas, random: Random) -> list[Blob]:
    """Outlines by lot."""
    rng = random.stream("objects")
    reach = min(canvas.pixels(settings.diameter * np.exp(3 * settings.diameter_spread)), canvas.size)
    made = []
    for centre in canvas.scatter(rng, settings.density, reach):
        diameter = float(log_normal(rng, settings.diameter, settings.diameter_spread, 1)[0])
        radius = canvas.pixels(min(diameter, canvas.size * canvas.pixel_size)) / 2
        aspect = 1 + (settings.aspect - 1) * float(rng.gamma(2.0, 0.5))
        made.append(Blob(centre, radius, aspect, settings.irregularity, rng))
    return made


def missing(settings: NanoporeSettings, canvas: Canvas, blobs: list[Blob]) -> np.ndarray:
    """Thickness that is missing, in nm: cavities of elliptical section, no deeper than the foil."""
    made = np.zeros((canvas.total, canvas.total))
    for blob in blobs:
        where, dx, dy = canvas.window(blob.x, blob.y, blob.reach + 1)
        inside = np.maximum(1 - blob.relative_radius(dx, dy) ** 2, 0)
        made[where] += 2 * blob.radius * canvas.pixel_size * settings.filling * np.sqrt(inside)
    return np.minimum(made, settings.thickness)


def formed(settings: NanoporeSettings, canvas: Canvas, thickness: np.ndarray) -> np.ndarray:
    """The intensity of a foil of this relative thickness (nm) as the settings' microscope images it."""
    names = ("voltage", "defocus", "potential", "absorption", "convergence", "focal_spread")
    optics = fresnel.Optics(**{name: getattr(settings, name) for name in names})
    return fresnel.image(thickness, canvas.pixel_size, optics)


def rough(settings: NanoporeSettings, canvas: Canvas, random: Random) -> np.ndarray:
    """Thickness of the amorphous layer, in nm: white noise down to atoms, which defocus turns into speckle."""
    atom = canvas.pixels(0.3) / 2.35
    noise = coloured(
        random.stream("grain"),
        canvas.total,
        lambda kx, ky: np.exp(-((2 * np.pi * atom) ** 2) * (kx**2 + ky**2)),
    )
    return settings.grain * noise


def draw_cavities(settings: NanoporeSettings, random: Random, name: str) -> Scene:
    """The noise-free picture of cavities of one class."""
    canvas = Canvas.of(settings.size, settings.pixel_size)
    blobs = cavities(settings, canvas, random)
    ground = rough(settings, canvas, random)
    shade = shading(settings, canvas, random) * np.maximum(
        1 + settings.texture * texture(settings, canvas, random), 0.02
    )
    intensity = shade * formed(settings, canvas, ground - missing(settings, canvas, blobs))
    objects = tuple(
        Drawn(blob.shape(), name, {"Diameter (nm)": round(2 * blob.radius * canvas.pixel_size, 4)}) for blob in blobs
    )
    fringe = fresnel.fringe_width(settings.voltage, settings.defocus)
    acquisition = {"mode": "TEM", "voltage_kV": settings.voltage, "defocus_nm": settings.defocus, "detector": "BF"}
    facts = {"fringe_width_nm": round(fringe, 6)}
    return Scene(intensity, shade * formed(settings, canvas, ground), objects, facts, acquisition)


KIND = Kind("nanopores", "Nanopores in Fresnel contrast", NanoporeSettings, classes, draw, polarity="both")
