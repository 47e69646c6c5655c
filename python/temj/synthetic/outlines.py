"""True outlines as shapes, in image coordinates (pixels)."""

from __future__ import annotations

import numpy as np

from temj.data import MOVE, RoiType, Shape
from temj.data.shapes import CLOSE, LINE_TO

VERTICES = 90


def ellipse(x: float, y: float, major: float, minor: float, angle: float) -> Shape:
    """An ellipse: centre, semi-axes and the angle of the major axis in radians (from x towards y, y down)."""
    dx, dy = major * np.cos(angle), major * np.sin(angle)
    return Shape(RoiType.ELLIPSE, params=(x - dx, y - dy, x + dx, y + dy, min(minor / major, 1.0)))


def rectangle(x: float, y: float, length: float, width: float, angle: float) -> Shape:
    """A rotated rectangle: centre, full length, full width and the angle of its length in radians."""
    dx, dy = length / 2 * np.cos(angle), length / 2 * np.sin(angle)
    return Shape(RoiType.ROTATED_RECT, params=(x - dx, y - dy, x + dx, y + dy, width))


def polygon(points: np.ndarray) -> Shape:
    """A polygon of (n, 2) points."""
    return Shape(RoiType.POLYGON, points)


def rings(parts: list[np.ndarray]) -> Shape:
    """One polygon, or several (holes, separate pieces) as a path with even-odd filling."""
    if len(parts) == 1:
        return polygon(parts[0])
    points, codes = [], []
    for part in parts:
        points += [part, part[:1]]
        codes += [MOVE, *[LINE_TO] * (len(part) - 1), CLOSE]
    return Shape(RoiType.COMPOSITE, np.concatenate(points), codes=np.array(codes, np.uint8))


class Blob:
    """A closed outline that is an ellipse, or one whose radius is disturbed by a few waves.

    Attributes:
        x, y: centre in pixels.
        radius: of the circle with the ellipse's area, in pixels.
        aspect: major / minor axis.
        angle: of the major axis in radians.
        irregularity: relative sd of the radius; 0 is the plain ellipse.
    """

    def __init__(self, centre: np.ndarray, radius: float, aspect: float, irregularity: float, rng: np.random.Generator):
        self.x, self.y = (float(value) for value in centre)
        self.radius, self.aspect, self.irregularity = radius, aspect, irregularity
        self.angle = float(rng.uniform(0, np.pi))
        orders = np.arange(2, 7)
        self._orders = orders
        self._waves = irregularity * rng.standard_normal(len(orders)) / orders * 2.0
        self._phases = rng.uniform(0, 2 * np.pi, len(orders))

    @property
    def reach(self) -> float:
        """No point of the outline is farther from the centre than this."""
        return self.radius * np.sqrt(self.aspect) * (1 + float(np.abs(self._waves).sum()))

    def _bump(self, theta: np.ndarray) -> np.ndarray:
        if not self.irregularity:
            return np.ones_like(theta)
        waves = sum(a * np.cos(k * theta + p) for k, a, p in zip(self._orders, self._waves, self._phases, strict=True))
        return np.maximum(1 + waves, 0.3)

    def relative_radius(self, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Distance from the centre in units of the outline's: 0 at the centre, 1 on the outline."""
        along = (dx * np.cos(self.angle) + dy * np.sin(self.angle)) / np.sqrt(self.aspect)
        across = (dy * np.cos(self.angle) - dx * np.sin(self.angle)) * np.sqrt(self.aspect)
        plain = np.hypot(along, across) / self.radius
        return plain / self._bump(np.arctan2(across, along)) if self.irregularity else plain

    def shape(self) -> Shape:
        """Its outline: an ELLIPSE where it is one, else a POLYGON."""
        major, minor = self.radius * np.sqrt(self.aspect), self.radius / np.sqrt(self.aspect)
        if not self.irregularity:
            return ellipse(self.x, self.y, major, minor, self.angle)
        theta = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
        along, across = self._bump(theta) * np.array([np.cos(theta) * major, np.sin(theta) * minor])
        c, s = np.cos(self.angle), np.sin(self.angle)
        return polygon(np.stack([self.x + along * c - across * s, self.y + along * s + across * c], axis=1))
