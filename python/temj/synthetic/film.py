"""In-situ films of loops or voids: drift, nucleation, growth, coalescence, disappearance; truth with tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import model_validator

from temj.data import Column, Film, Instances, Micrograph, Table
from temj.synthetic import crystal, fresnel, lines, outlines, truth
from temj.synthetic.background import background, coloured, moved
from temj.synthetic.base import Drawn, Kind, Made, ObjectClass, Settings, setting
from temj.synthetic.canvas import MARGIN, Canvas
from temj.synthetic.exposure import expose
from temj.synthetic.history import Course, History, simulate
from temj.synthetic.random import Random

_LARGEST_MARGIN = 2048


class FilmSettings(Settings):
    """What the film shows and what happens in it."""

    size: int = setting(384, "Width and height of the image.", "px", ge=64, le=4096)
    dose: float = setting(5.0, "Electrons that reach a pixel of the background.", "e/px", gt=0, le=1e5)
    bend_contours: float = setting(0.4, "Mean number of bend contours in an image.", ge=0, le=20)
    feature: Literal["loops", "voids"] = setting("loops", "What grows.")
    training_frames: int = setting(
        4, "Frames, evenly spaced, that a dataset gets as images of its own.", ge=1, le=10000
    )
    frames: int = setting(24, "Number of frames.", ge=1, le=10000)
    frame_interval: float = setting(0.5, "Time from frame to frame.", "s", gt=0, le=1e5)
    drift_x: float = setting(1.0, "Speed of the drift to the right.", "nm/s", ge=-1e4, le=1e4)
    drift_y: float = setting(0.4, "Speed of the drift downwards.", "nm/s", ge=-1e4, le=1e4)
    drift_jitter: float = setting(0.25, "sd of the irregular drift from frame to frame.", "nm", ge=0, le=1e3)
    density: float = setting(5e14, "Objects per area in the first frame.", "m^-2", ge=0, le=1e17)
    nucleation: float = setting(1.5e14, "New objects per area and second.", "m^-2 s^-1", ge=0, le=1e17)
    first_diameter: float = setting(3.0, "Median diameter of new objects.", "nm", gt=0, le=1e3)
    diameter: float = setting(6.0, "Median diameter of those of the first frame.", "nm", gt=0, le=1e3)
    diameter_spread: float = setting(0.3, "sd of ln(diameter).", ge=0, le=2)
    growth: float = setting(0.6, "Median speed of growth of the diameter.", "nm/s", ge=0, le=1e3)
    largest: float = setting(25.0, "Diameter that growth does not exceed.", "nm", gt=0, le=1e4)
    lifetime: float = setting(60.0, "Mean time to disappearance; 0: never.", "s", ge=0, le=1e6)
    coalescence: bool = setting(True, "Whether objects that touch in space become one.")
    thickness: float = setting(60.0, "Thickness of the foil.", "nm", gt=0, le=1e4)
    contrast: float = setting(0.7, "Absorbance ln(background/line) at the middle of a line (loops).", ge=0, le=10)
    line_width: float = setting(3.5, "Width of a dislocation's image, FWHM (loops).", "nm", gt=0, le=1e3)
    defocus: float = setting(-1000.0, "Defocus; negative is underfocus (voids).", "nm", ge=-1e5, le=1e5)

    @model_validator(mode="after")
    def _sizes(self) -> FilmSettings:
        if self.largest < max(self.diameter, self.first_diameter):
            raise ValueError("largest must not be below diameter and first_diameter")
        way = np.hypot(self.drift_x, self.drift_y) * self.frames * self.frame_interval / self.pixel_size
        if way > _LARGEST_MARGIN / 2:
            raise ValueError(f"the drift over the film must stay under {_LARGEST_MARGIN // 2} pixels")
        return self


def classes(settings: FilmSettings) -> tuple[ObjectClass, ...]:
    """Loops or voids."""
    if settings.feature == "voids":
        return (ObjectClass("void", "#4daf4a", "equivalent", "true edge of the cavity in projection", "void"),)
    edge = "outer edge of the ring: half maximum of the line's image on its outside"
    return (ObjectClass("loop", "#ff7f0e", "major", edge, "a/3<111> dislocation loop"),)


@dataclass(frozen=True)
class Projector:
    """Draws any frame of a film when it is asked for; equal frames have equal bytes."""

    settings: FilmSettings
    random: Random
    history: History
    name: str

    @cached_property
    def canvas(self) -> Canvas:
        """Wide enough for the drift."""
        farthest = float(np.abs(self.history.drift).max(initial=0.0)) / self.settings.pixel_size
        return Canvas.of(self.settings.size, self.settings.pixel_size, MARGIN + int(np.ceil(farthest)))

    @cached_property
    def _ground(self) -> np.ndarray:
        """The sample without objects in the first frame: (total, total)."""
        return background(self.settings, self.canvas, self.random)

    @cached_property
    def _grain(self) -> np.ndarray:
        """Thickness of an amorphous layer in nm."""
        atom = self.canvas.pixels(0.3) / 2.35
        return 0.3 * coloured(
            self.random.stream("grain"),
            self.canvas.total,
            lambda kx, ky: np.exp(-((2 * np.pi * atom) ** 2) * (kx**2 + ky**2)),
        )

    def shift(self, frame: int) -> np.ndarray:
        """Drift of a frame (from 1) in pixels: x, y."""
        return self.history.drift[frame - 1] / self.settings.pixel_size

    def objects(self, frame: int) -> list[Drawn]:
        """The truth of a frame (from 1), by track."""
        made = []
        for track, (_, _, z, diameter) in sorted(self.history.frames[frame - 1].items()):
            facts = {"Diameter (nm)": round(diameter, 4), "Depth (nm)": round(z, 3)}
            name = classes(self.settings)[0].name
            made.append(Drawn(self._shape(track, frame), name, facts, track))
        return made

    def pictures(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Noise-free, with and without objects: (total, total) each."""
        ground = np.maximum(moved(self._ground, self.shift(frame)), 0.02)
        if self.settings.feature == "loops":
            loops = [self._loop(track, frame) for track in sorted(self.history.frames[frame - 1])]
            width = self.canvas.pixels(self.settings.line_width)
            dark = lines.line_image(loops, self.canvas, width)
            dark += 0.4 * lines.fault_image(loops, self.canvas, width / 2)
            return ground * np.exp(-self.settings.contrast * dark), ground
        grain = moved(self._grain, self.shift(frame))
        return ground * self._focused(grain - self._missing(frame)), ground * self._focused(grain)

    def __call__(self, index: int) -> Micrograph:
        """Frame ``index`` (from 0) as a camera gives it."""
        from temj.synthetic.bars import burn
        from temj.synthetic.making import calibration_of

        intensity, _ = self.pictures(index + 1)
        pixels = expose(intensity, self.settings, self.canvas, self.random, index + 1)
        pixels, area = burn(pixels, self.settings, self.acquisition)
        metadata = {
            "notes": (f"synthetic: film, seed {self.random.seed}, film {self.random.index + 1}",),
            "pixel_size_source": "made with it",
            "acquisition": dict(self.acquisition),
        }
        position = (1, 1, index + 1) if self.settings.frames > 1 else (0, 0, 0)
        calibration = calibration_of(self.settings)
        return Micrograph(pixels, calibration, self.name, position, metadata=metadata, area=area)

    @cached_property
    def area(self) -> np.ndarray | None:
        """The analysed area of every frame; None for all of it."""
        from temj.synthetic.bars import burn

        return burn(np.zeros((self.settings.size, self.settings.size), np.uint8), self.settings, self.acquisition)[1]

    @property
    def acquisition(self) -> Mapping[str, object]:
        """For the metadata."""
        given = {"mode": "TEM", "voltage_kV": 200.0, "detector": "BF"}
        return given | ({"defocus_nm": self.settings.defocus} if self.settings.feature == "voids" else {})

    def _place(self, track: int, frame: int) -> tuple[float, float, float]:
        """x, y and radius in pixels of the image."""
        x, y, _, diameter = self.history.frames[frame - 1][track]
        drift = self.history.drift[frame - 1]
        size = self.settings.pixel_size
        return (x + drift[0]) / size, (y + drift[1]) / size, diameter / 2 / size

    def _loop(self, track: int, frame: int) -> lines.Loop:
        """A loop keeps its plane and strength through the film."""
        rng = self.random.stream("track", track)
        family = crystal.FAMILIES["fcc"][0]
        variants = family.variants()
        rotation = float(self.random.stream("rotation").uniform(0, 2 * np.pi))
        normal = np.array(variants[rng.integers(len(variants))], float) + 0.1 * rng.standard_normal(3)
        angle, ratio = crystal.projected(normal, crystal.image_axes((1, 1, 2), rotation))
        x, y, radius = self._place(track, frame)
        return lines.Loop(x, y, radius, ratio, angle, float(rng.uniform(0.5, 1.0)), faulted=True)

    def _shape(self, track: int, frame: int) -> object:
        if self.settings.feature == "loops":
            return self._loop(track, frame).outline(self.canvas.pixels(self.settings.line_width), "outer")
        x, y, radius = self._place(track, frame)
        return outlines.ellipse(x, y, radius, radius, 0.0)

    def _missing(self, frame: int) -> np.ndarray:
        """Thickness of the voids in nm."""
        made = np.zeros((self.canvas.total, self.canvas.total))
        for track in sorted(self.history.frames[frame - 1]):
            x, y, radius = self._place(track, frame)
            where, dx, dy = self.canvas.window(x, y, radius + 1)
            made[where] += 2 * self.settings.pixel_size * np.sqrt(np.maximum(radius**2 - dx**2 - dy**2, 0))
        return np.minimum(made, self.settings.thickness)

    def _focused(self, thickness: np.ndarray) -> np.ndarray:
        optics = fresnel.Optics(200.0, self.settings.defocus, 22.0, 110.0, convergence=0.2)
        return fresnel.image(thickness, self.settings.pixel_size, optics)


def film(settings: FilmSettings, random: Random, name: str) -> Made:
    """A lazy film and its truth."""
    projector = Projector(settings, random, simulate(course_of(settings), random.stream("history")), name)
    found, objects, seen = _truth(projector)
    from temj.synthetic.making import facts_of

    facts = facts_of(settings, random, {"tracks": len(np.unique(found.track))})
    info = {**found.info, "synthetic": facts, "buried": [str(n) for n in found.name[seen["buried"]]]}
    tables = {
        "objects": truth.objects_table(found, objects, seen),
        "events": _events(projector, found),
        "drift": _drift(projector),
    }
    made = Film(name, (1, 1, settings.frames), projector, settings.frame_interval)
    return Made(None, made, found.with_columns(info=info), facts, tables)


def course_of(settings: FilmSettings) -> Course:
    """What the simulation needs of the settings."""
    return Course(
        settings.frames, settings.frame_interval, settings.size * settings.pixel_size,
        (settings.drift_x, settings.drift_y), settings.drift_jitter, settings.density, settings.nucleation,
        settings.first_diameter, settings.diameter, settings.diameter_spread, settings.growth, settings.largest,
        settings.lifetime, settings.coalescence, settings.thickness, 2 if settings.feature == "loops" else 3,
    )  # fmt: skip


def _truth(projector: Projector) -> tuple[Instances, list[Drawn], dict[str, np.ndarray]]:
    """All objects of all frames, by frame, y, x; and how well they are seen."""
    from temj.geometry import in_reading_order

    settings = projector.settings
    parts, objects, seen = [], [], []
    for frame in range(1, settings.frames + 1):
        found, drawn = truth.instances_of(projector.objects(frame), classes(settings), settings, frame)
        found, drawn = truth.uncovered(found, drawn, projector.area)
        found = found.with_columns(position=(1, 1, frame) if settings.frames > 1 else 0)
        intensity, empty = (projector.canvas.crop(part) for part in projector.pictures(frame))
        parts.append(found)
        objects += drawn
        seen.append(truth.visibility(found, intensity, empty, settings.dose))
    together = {key: np.concatenate([part[key] for part in seen]) for key in seen[0]}
    return in_reading_order(Instances.concatenate(parts)), objects, together


def _events(projector: Projector, found: Instances) -> Table:
    """What happened to tracks that are seen at least once, and when they entered or left the picture by drift."""
    settings = projector.settings
    frames: dict[int, list[int]] = {}
    for track, frame in zip(found.track.tolist(), np.maximum(found.position[:, 2], 1).tolist(), strict=True):
        frames.setdefault(track, []).append(frame)
    rows = [
        (event.frame, event.kind, event.track, event.other)
        for event in projector.history.events
        if event.track in frames or event.other in frames
    ]
    ends = {
        event.track: event.frame for event in projector.history.events if event.kind in ("coalescence", "disappearance")
    }
    births = {event.track: event.frame for event in projector.history.events if event.kind in ("initial", "nucleation")}
    for track, present in frames.items():
        for before, after in zip(
            [births[track] - 1, *present], [*present, ends.get(track, settings.frames + 1)], strict=True
        ):
            if after > before + 1:
                rows += [(before + 1, "leaves", track, 0)] if before >= births[track] else []
                rows += [(after, "enters", track, 0)] if after in present else []
    rows.sort(key=lambda row: (row[0], row[2], row[1]))
    frame, kind, track, other = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Table(
        (
            Column("Frame", np.array(frame, np.int64)),
            Column("Time (s)", (np.array(frame, float) - 1) * settings.frame_interval, "s"),
            Column("Event", np.array(kind, object)),
            Column("Track", np.array(track, np.int64)),
            Column("Into", np.array(other, np.int64)),
        )
    )


def _drift(projector: Projector) -> Table:
    """How far the sample has moved since the first frame."""
    settings, drift = projector.settings, projector.history.drift
    frame = np.arange(1, settings.frames + 1)
    shift = drift / settings.pixel_size
    return Table(
        (
            Column("Frame", frame),
            Column("Time (s)", (frame - 1) * settings.frame_interval, "s"),
            Column("X (nm)", drift[:, 0], "nm"),
            Column("Y (nm)", drift[:, 1], "nm"),
            Column("X (px)", shift[:, 0], "px"),
            Column("Y (px)", shift[:, 1], "px"),
        )
    )


KIND = Kind("film", "In-situ film of growing loops or voids", FilmSettings, classes, film=film)
