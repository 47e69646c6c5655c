"""Dislocation loops as projected lines: geometry and their dark or bright image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.data import Shape
from temj.synthetic import outlines
from temj.synthetic.canvas import Canvas

FWHM = 2.3548200450309493
_STEP = 0.3


@dataclass(frozen=True)
class Loop:
    """A circular loop in projection; lengths in pixels, angles in radians (from x towards y, y down).

    Attributes:
        x, y: centre.
        radius: of the dislocation line itself.
        ratio: |n·beam|: minor/major axis of the projection; 0 is seen edge-on.
        angle: of the major axis.
        strength: peak of the line's image relative to the setting ``contrast``.
        width: of the line's image (FWHM) relative to the setting ``line_width``.
        partial: 0 for a ring that is equally strong all around, 1 for two lit arcs with nothing between them.
        lit: direction in which the strong arcs lie.
        waves: (3, 2) relative amplitudes and phases of unevenness around the ring.
        faulted: whether it encloses a stacking fault.
    """

    x: float
    y: float
    radius: float
    ratio: float
    angle: float
    strength: float = 1.0
    width: float = 1.0
    partial: float = 0.0
    lit: float = 0.0
    waves: tuple[tuple[float, float], ...] = ()
    faulted: bool = False

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """The projected line as points of equal steps along the loop: (n, 2) x, y, and the strength at each (n,)."""
        count = max(24, int(np.ceil(2 * np.pi * self.radius / _STEP)))
        phi = np.arange(count) * (2 * np.pi / count)
        along, across = self.radius * np.cos(phi), self.radius * self.ratio * np.sin(phi)
        c, s = np.cos(self.angle), np.sin(self.angle)
        where = np.stack([self.x + along * c - across * s, self.y + along * s + across * c], axis=1)
        arcs = np.cos(phi + self.angle - self.lit) ** 2
        strength = (1 - self.partial) + self.partial * arcs**2
        for order, (amplitude, phase) in enumerate(self.waves, start=1):
            strength = strength * (1 + amplitude * np.cos(order * phi + phase))
        step = 2 * np.pi * self.radius / count
        return where, np.maximum(strength, 0) * (self.strength * step)

    def outline(self, line_width: float, edge: str) -> Shape:
        """Its true outline.

        ``outer``: the half maximum of the line's image on the outside, an ellipse whose semi-axes are those of the
        projected line plus half the width of the image. ``middle``: the projected line itself, but nowhere thinner
        than the line's image (a loop seen edge-on is a streak of that width).

        Args:
            line_width: FWHM of the line's image in pixels.
            edge: ``outer`` or ``middle``.
        """
        half = line_width * self.width / 2
        major, minor = self.radius, self.radius * self.ratio
        if edge == "outer":
            return outlines.ellipse(self.x, self.y, major + half, minor + half, self.angle)
        return outlines.ellipse(self.x, self.y, max(major, half), max(minor, half), self.angle)


def line_image(loops: list[Loop], canvas: Canvas, line_width: float) -> np.ndarray:
    """The sum of all lines' images: (total, total); the middle of a straight line of strength 1 has the value 1.

    Where lines of a loop lie over each other (edge-on, or at the ends of a narrow ellipse) they add up, as they do
    in projection.
    """
    from scipy.ndimage import gaussian_filter

    made = np.zeros((canvas.total, canvas.total))
    for width in sorted({loop.width for loop in loops}):
        sigma = max(line_width * width / FWHM, 0.3)
        part = [loop.points() for loop in loops if loop.width == width]
        splat = _splat(np.concatenate([p for p, _ in part]), np.concatenate([w for _, w in part]), canvas)
        made += gaussian_filter(splat, sigma, mode="constant") * (sigma * np.sqrt(2 * np.pi))
    return made


def fault_image(loops: list[Loop], canvas: Canvas, softness: float) -> np.ndarray:
    """The area inside faulted loops: (total, total), ``strength`` inside, falling off over ``softness`` pixels."""
    made = np.zeros((canvas.total, canvas.total))
    for loop in loops:
        if loop.faulted:
            where, dx, dy = canvas.window(loop.x, loop.y, loop.radius + 4 * softness)
            c, s = np.cos(loop.angle), np.sin(loop.angle)
            minor = max(loop.radius * loop.ratio, 0.5)
            far = np.hypot((dx * c + dy * s) / loop.radius, (dy * c - dx * s) / minor)
            made[where] += loop.strength / (1 + np.exp(np.clip((far - 1) * minor / (softness / 2), -40, 40)))
    return made


def _splat(points: np.ndarray, weights: np.ndarray, canvas: Canvas) -> np.ndarray:
    """Weights shared out over the four pixels around each point (keeps sums and centres)."""
    place = points + canvas.margin - 0.5
    low = np.floor(place).astype(int)
    part = place - low
    total = canvas.total
    made = np.zeros(total * total)
    for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = low[:, 0] + right, low[:, 1] + below
        share = np.abs(1 - right - part[:, 0]) * np.abs(1 - below - part[:, 1]) * weights
        inside = (x >= 0) & (x < total) & (y >= 0) & (y < total)
        made += np.bincount(y[inside] * total + x[inside], share[inside], minlength=total * total)
    return made.reshape(total, total)
