"""Loops of two Burgers-vector families, and how their planes are seen along a zone axis."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

Vector = tuple[int, int, int]
VISIBLE = 1 / 3 + 1e-9
"""|g·b| at or below 1/3 is taken as invisible."""


@dataclass(frozen=True)
class Family:
    """Variants of one kind of loop.

    Attributes:
        name: class of the loops.
        burgers: as people write it.
        direction: of the Burgers vector, which is the normal of the loop's plane.
        length: the Burgers vector is ``length`` times the direction (in lattice parameters).
        faulted: whether the loop encloses a stacking fault.
    """

    name: str
    burgers: str
    direction: Vector
    length: float
    faulted: bool

    def variants(self) -> list[Vector]:
        """All crystallographically equal directions, one of each ± pair."""
        found: list[Vector] = []
        for order in sorted(set(itertools.permutations(self.direction))):
            for signs in itertools.product((1, -1), repeat=3):
                vector = tuple(int(s * v) for s, v in zip(signs, order, strict=True))
                opposite = tuple(-v for v in vector)
                if vector not in found and opposite not in found:
                    found.append(vector)
        return found


FAMILIES = {
    "fcc": (
        Family("faulted_111", "a/3<111>", (1, 1, 1), 1 / 3, True),
        Family("perfect_110", "a/2<110>", (1, 1, 0), 1 / 2, False),
    ),
    "bcc": (
        Family("loop_100", "a<100>", (1, 0, 0), 1.0, False),
        Family("loop_111", "a/2<111>", (1, 1, 1), 1 / 2, False),
    ),
}
"""crystal -> its two families."""


def is_visible(family: Family, variant: Vector, g: Vector | None) -> bool:
    """Whether |g·b| > 1/3; without g (zone-axis imaging) every loop is."""
    return g is None or abs(family.length * float(np.dot(g, variant))) > VISIBLE


def image_axes(zone_axis: Vector, rotation: float) -> np.ndarray:
    """(3, 3): rows are the image's x, y and the beam as unit vectors of the crystal; ``rotation`` in radians."""
    beam = np.array(zone_axis, float) / np.linalg.norm(zone_axis)
    helper = np.eye(3)[int(np.argmin(np.abs(beam)))]
    first = np.cross(helper, beam)
    first /= np.linalg.norm(first)
    second = np.cross(beam, first)
    c, s = np.cos(rotation), np.sin(rotation)
    return np.stack([c * first + s * second, c * second - s * first, beam])


def projected(normal: np.ndarray, axes: np.ndarray) -> tuple[float, float]:
    """How a circle of radius 1 with this normal is seen: (angle of its major axis in the image, minor/major).

    The angle is in radians from x towards y (clockwise on the screen, y is down); the ratio is |n·beam|.
    """
    seen = axes @ (np.asarray(normal, float) / np.linalg.norm(normal))
    ratio = float(min(abs(seen[2]), 1.0))
    angle = float(np.arctan2(seen[0], -seen[1])) if ratio < 1 - 1e-12 else 0.0
    return angle % np.pi, ratio
