"""What happens in an in-situ film: drift of the stage, nucleation, growth, coalescence, disappearance.

Positions are those of the sample, in nm; the image's (0, 0) lies at sample position −drift.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from temj.synthetic.canvas import require_few
from temj.synthetic.random import log_normal

_MOST = 3000


@dataclass(frozen=True)
class Course:
    """How a film goes; lengths in nm, times in s, densities per m².

    ``power`` says what is kept when two objects become one: the sum of their diameters' 2nd power (loops: area) or 3rd
    (voids: volume).
    """

    frames: int
    interval: float
    field: float
    drift: tuple[float, float]
    drift_jitter: float
    density: float
    nucleation: float
    first_diameter: float
    diameter: float
    spread: float
    growth: float
    largest: float
    lifetime: float
    coalescence: bool
    thickness: float
    power: int


@dataclass
class _Object:
    track: int
    x: float
    y: float
    z: float
    diameter: float
    rate: float


@dataclass(frozen=True)
class Event:
    """Something that happened between the frame before and this one.

    Attributes:
        frame: from 1.
        kind: ``initial`` (there from the start), ``nucleation``, ``coalescence`` (the track ends in ``other``),
            ``disappearance``.
        track: whom it happened to.
        other: the track that took it up; 0 for none.
    """

    frame: int
    kind: str
    track: int
    other: int = 0


@dataclass(frozen=True)
class History:
    """The whole film: for each frame the drift (x, y in nm) and {track: (x, y, z, diameter)}; all events."""

    drift: np.ndarray
    frames: tuple[Mapping[int, tuple[float, float, float, float]], ...]
    events: tuple[Event, ...] = field(default=())


def drift_of(course: Course, rng: np.random.Generator) -> np.ndarray:
    """(frames, 2) nm: how far the sample has moved in the image since the first frame; a line and a random walk."""
    steps = np.array(course.drift) * course.interval + course.drift_jitter * rng.standard_normal((course.frames, 2))
    steps[0] = 0
    return np.cumsum(steps, axis=0)


def simulate(course: Course, rng: np.random.Generator) -> History:
    """Let it happen.

    Raises:
        BadValue: more than 3,000 objects are to be expected.
    """
    drift = drift_of(course, rng)
    low = -drift.max(axis=0) - course.largest
    high = course.field - drift.min(axis=0) + course.largest
    area = float(np.prod((high - low) * 1e-9))
    seconds = (course.frames - 1) * course.interval
    require_few(area * (course.density + course.nucleation * seconds), _MOST)
    objects: list[_Object] = []
    events: list[Event] = []
    frames = []
    tracks = 0
    for frame in range(1, course.frames + 1):
        if frame > 1:
            events += _age(course, objects, frame, rng)
        mean = course.density * area if frame == 1 else course.nucleation * area * course.interval
        for _ in range(rng.poisson(mean)):
            tracks += 1
            objects.append(_born(course, tracks, (low, high), frame, rng))
            events.append(Event(frame, "initial" if frame == 1 else "nucleation", tracks))
        if course.coalescence:
            events += _merge(course, objects, frame)
        frames.append({one.track: (one.x, one.y, one.z, one.diameter) for one in objects})
    return History(drift, tuple(frames), tuple(events))


def _born(
    course: Course, track: int, box: tuple[np.ndarray, np.ndarray], frame: int, rng: np.random.Generator
) -> _Object:
    x, y = (float(value) for value in rng.uniform(*box))
    z = float(rng.uniform(0, course.thickness))
    median = course.diameter if frame == 1 else course.first_diameter
    diameter = float(log_normal(rng, median, course.spread, 1)[0])
    rate = float(log_normal(rng, course.growth, 0.4, 1)[0]) if course.growth else 0.0
    return _Object(track, x, y, z, min(diameter, course.largest), rate)


def _age(course: Course, objects: list[_Object], frame: int, rng: np.random.Generator) -> list[Event]:
    """Growth, slower towards the largest size; and disappearance at a constant rate."""
    gone = []
    chance = 1 - np.exp(-course.interval / course.lifetime) if course.lifetime else 0.0
    for one in list(objects):
        one.diameter += one.rate * course.interval * max(1 - one.diameter / course.largest, 0)
        if rng.random() < chance:
            objects.remove(one)
            gone.append(Event(frame, "disappearance", one.track))
    return gone


def _merge(course: Course, objects: list[_Object], frame: int) -> list[Event]:
    """Objects that touch in space become one: the larger keeps its track and takes up the other."""
    events = []
    merged = True
    while merged:
        merged = False
        objects.sort(key=lambda one: (-one.diameter, one.track))
        places = np.array([(one.x, one.y, one.z) for one in objects]).reshape(-1, 3)
        radii = np.array([one.diameter for one in objects]) / 2
        far = np.linalg.norm(places[:, None] - places[None, :], axis=2)
        touching = np.argwhere(np.triu(far < radii[:, None] + radii[None, :], 1))
        if len(touching):
            keeper, other = (objects[index] for index in touching[0])
            _take_up(keeper, other, course)
            objects.remove(other)
            events.append(Event(frame, "coalescence", other.track, keeper.track))
            merged = True
    return events


def _take_up(keeper: _Object, other: _Object, course: Course) -> None:
    weights = keeper.diameter**course.power, other.diameter**course.power
    total = sum(weights)
    for axis in ("x", "y", "z"):
        mean = (getattr(keeper, axis) * weights[0] + getattr(other, axis) * weights[1]) / total
        setattr(keeper, axis, float(mean))
    keeper.diameter = min(total ** (1 / course.power), course.largest)
