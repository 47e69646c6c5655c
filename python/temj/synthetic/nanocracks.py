"""Nanocracks with pores beside them: thin, branching, tapered; as SEM shows them, or in Fresnel contrast (TEM)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from temj.synthetic import cracks
from temj.synthetic.background import shading, texture
from temj.synthetic.base import Drawn, Kind, ObjectClass, Scene, setting
from temj.synthetic.canvas import Canvas
from temj.synthetic.nanopores import NanoporeSettings, cavities, formed, missing, rough
from temj.synthetic.outlines import Blob
from temj.synthetic.random import Random, log_normal


@dataclass(frozen=True, eq=False)
class _Field:
    """(total, total) each: the part of a pixel that is open, and the distance to the edge (negative inside)."""

    opened: np.ndarray
    signed: np.ndarray


class NanocrackSettings(NanoporeSettings):
    """Cracks and pores, how many and how large; the settings of Fresnel contrast count in mode ``tem`` only."""

    mode: Literal["sem", "tem"] = setting("sem", "sem: dark with bright edges; tem: Fresnel contrast.")
    pixel_size: float = setting(1.5, "Size of a pixel.", "nm", ge=0.01, le=1000)
    dose: float = setting(60.0, "Electrons that reach a pixel of the background.", "e/px", gt=0, le=1e5)
    texture: float = setting(0.035, "Relative sd of the background's speckle and surface structure.", ge=0, le=1)
    texture_length: float = setting(60.0, "Longest wave of the texture; shorter ones are weaker.", "nm", gt=0, le=1e5)
    brightness: float = setting(0.45, "Grey value of the background, as a fraction of the largest.", gt=0, lt=1)
    bend_contours: float = setting(0.0, "Mean number of bend contours in an image.", ge=0, le=20)
    scan_jitter: float = setting(0.25, "Shift of scan lines to the side (sd).", "px", ge=0, le=5)
    scan_noise: float = setting(0.012, "Relative sd of the brightness of scan lines.", ge=0, le=0.5)
    grains: float = setting(0.06, "Relative sd of the brightness of grains.", ge=0, le=0.5)
    grain_size: float = setting(220.0, "Mean size of grains.", "nm", gt=0, le=1e6)
    crack_density: float = setting(6e12, "Cracks per area.", "m^-2", ge=0, le=1e18)
    crack_length: float = setting(320.0, "Median length of a crack's trunk.", "nm", gt=0, le=1e6)
    crack_width: float = setting(9.0, "Median width of a crack at its thickest.", "nm", gt=0, le=1e5)
    crack_spread: float = setting(0.35, "sd of ln(length) and ln(width).", ge=0, le=2)
    crack_depth: float = setting(25.0, "Depth of a crack in the foil (mode tem).", "nm", gt=0, le=1e4)
    wander: float = setting(0.3, "sd of the change of direction over 10 pixels.", "rad", ge=0, le=3)
    branching: float = setting(0.9, "Mean number of branches for each 100 pixels of a trunk.", ge=0, le=20)
    contrast: float = setting(0.8, "Darkness inside: 1 is black (mode sem).", ge=0, le=1)
    edge_brightness: float = setting(0.7, "Relative brightening at edges (mode sem).", ge=0, le=3)
    edge_width: float = setting(3.0, "Reach of the bright edge (mode sem).", "nm", gt=0, le=1e3)
    density: float = setting(1.5e13, "Pores per area.", "m^-2", ge=0, le=1e18)
    diameter: float = setting(22.0, "Median diameter of pores.", "nm", gt=0, le=1e4)


def classes(_settings: NanocrackSettings) -> tuple[ObjectClass, ...]:
    """Cracks and pores."""
    edge = "true edge of the opening in projection"
    return (
        ObjectClass("crack", "#e41a1c", "major", edge, "branching crack"),
        ObjectClass("pore", "#4daf4a", "equivalent", edge, "pore"),
    )


def draw(settings: NanocrackSettings, random: Random) -> Scene:
    """The noise-free picture."""
    canvas = Canvas.of(settings.size, settings.pixel_size)
    field, drawn = _cracks(settings, canvas, random)
    blobs = cavities(settings, canvas, random)
    pores = tuple(
        Drawn(blob.shape(), "pore", {"Diameter (nm)": round(2 * blob.radius * canvas.pixel_size, 4)}) for blob in blobs
    )
    shade = shading(settings, canvas, random) * np.maximum(
        1 + settings.texture * texture(settings, canvas, random), 0.02
    )
    if settings.mode == "sem":
        shade = shade * (1 + settings.grains * _grains(settings, canvas, random))
        acquisition = {"mode": "SEM", "voltage_kV": 5.0, "detector": "SE"}
        return Scene(shade * _sem(settings, canvas, field, blobs), shade, (*drawn, *pores), {}, acquisition)
    ground = rough(settings, canvas, random)
    open_part = field.opened * settings.crack_depth
    gone = np.minimum(np.maximum(missing(settings, canvas, blobs), open_part), settings.thickness)
    acquisition = {"mode": "TEM", "voltage_kV": settings.voltage, "defocus_nm": settings.defocus, "detector": "BF"}
    empty = shade * formed(settings, canvas, ground)
    return Scene(shade * formed(settings, canvas, ground - gone), empty, (*drawn, *pores), {}, acquisition)


def _cracks(settings: NanocrackSettings, canvas: Canvas, random: Random) -> tuple[_Field, tuple[Drawn, ...]]:
    """At each pixel the part that is open and the signed distance to the nearest crack; and the cracks' truth."""
    rng = random.stream("cracks")
    signed = np.full((canvas.total, canvas.total), 1e3)
    opened = np.zeros((canvas.total, canvas.total))
    drawn = []
    reach = min(canvas.pixels(settings.crack_length), canvas.size)
    for centre in canvas.scatter(rng, settings.crack_density, reach):
        factors = log_normal(rng, 1.0, settings.crack_spread, 2)
        length = min(canvas.pixels(settings.crack_length) * factors[0], 2.0 * canvas.size)
        half = min(canvas.pixels(settings.crack_width) * factors[1] / 2, canvas.size / 8)
        branches = cracks.grow(rng, centre, length, half, settings.wander, settings.branching)
        if not _near(branches, canvas):
            continue
        field, origin = cracks.distance(branches, 1.5)
        covered = np.clip(0.5 - cracks.FINE * field, 0, 1)
        _put(opened, canvas, -_coarse(covered), origin)
        _put(signed, canvas, *cracks.distance(branches, min(2 + 4 * canvas.pixels(settings.edge_width), 40.0), fine=1))
        facts = {"Length (nm)": round(length * canvas.pixel_size, 3), "Branches": len(branches) - 1}
        drawn.append(Drawn(cracks.outline(field, origin), "crack", facts))
    return _Field(-opened, signed), tuple(drawn)


def _near(branches: list[cracks.Branch], canvas: Canvas) -> bool:
    """Whether any point lies on the canvas."""
    points = np.concatenate([branch.points for branch in branches])
    return bool(((points > -canvas.margin) & (points < canvas.size + canvas.margin)).all(axis=1).any())


def _coarse(field: np.ndarray) -> np.ndarray:
    """The mean over each pixel of a fine field."""
    rows, columns = field.shape[0] // cracks.FINE, field.shape[1] // cracks.FINE
    return field.reshape(rows, cracks.FINE, columns, cracks.FINE).mean(axis=(1, 3))


def _put(picture: np.ndarray, canvas: Canvas, part: np.ndarray, origin: np.ndarray) -> None:
    """Lay a part over the picture where it is smaller."""
    left, top = (int(value) + canvas.margin for value in np.floor(origin))
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + part.shape[0], canvas.total), min(left + part.shape[1], canvas.total)
    if y1 > y0 and x1 > x0:
        place = picture[y0:y1, x0:x1]
        np.minimum(place, part[y0 - top : y1 - top, x0 - left : x1 - left], out=place)


def _sem(settings: NanocrackSettings, canvas: Canvas, field: _Field, blobs: list[Blob]) -> np.ndarray:
    """Dark where it is open, bright along the edges."""
    signed, opened = field.signed.copy(), field.opened.copy()
    edge_width = canvas.pixels(settings.edge_width)
    for blob in blobs:
        where, dx, dy = canvas.window(blob.x, blob.y, blob.reach + 4 * edge_width + 2)
        far, relative = np.hypot(dx, dy), blob.relative_radius(dx, dy)
        edge = np.where(relative > 1e-6, far / np.maximum(relative, 1e-6), blob.radius)  # in this direction
        np.minimum(signed[where], far - edge, out=signed[where])
        np.maximum(opened[where], np.clip(0.5 - (far - edge), 0, 1), out=opened[where])
    bright = settings.edge_brightness * np.exp(-np.maximum(signed, 0) / edge_width)
    dark = 0.7 + 0.3 * np.clip(-signed / (2 + edge_width), 0, 1)  # walls give some light
    return (1 - settings.contrast * opened * dark) * (1 + bright * (1 - opened))


def _grains(settings: NanocrackSettings, canvas: Canvas, random: Random) -> np.ndarray:
    """Polycrystal: every pixel has the (Gaussian) brightness of the nearest of random points."""
    from scipy.spatial import cKDTree

    rng = random.stream("grains")
    size = max(canvas.pixels(settings.grain_size), 8.0)
    count = max(int((canvas.total / size) ** 2), 2)
    points = rng.uniform(-canvas.margin, canvas.total - canvas.margin, (count, 2))
    x, y = np.broadcast_arrays(*canvas.grid())
    _, nearest = cKDTree(points).query(np.stack([x.ravel(), y.ravel()], axis=1))
    return rng.standard_normal(count)[nearest].reshape(canvas.total, canvas.total)


KIND = Kind("nanocracks", "Nanocracks and pores", NanocrackSettings, classes, draw)
