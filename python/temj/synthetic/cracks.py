"""The geometry of branching cracks: paths by lot, their distance field, their exact outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.data import Shape
from temj.opencv import opencv
from temj.synthetic import outlines

FINE = 3
"""Samples of the distance field along a pixel."""
_STEP = 4.0
_FAR = 1e3


@dataclass(frozen=True)
class Branch:
    """A bent line with a width that tapers: points (n, 2) in pixels and half width (n,) in pixels."""

    points: np.ndarray
    half: np.ndarray


def grow(
    rng: np.random.Generator, start: np.ndarray, length: float, half: float, wander: float, branching: float
) -> list[Branch]:
    """A crack with its branches.

    Args:
        rng: where it comes from.
        start: x, y of one end, in pixels.
        length: of the trunk in pixels.
        half: half width at its thickest, in pixels.
        wander: sd of the change of direction over 10 pixels, in radians.
        branching: mean number of branches for each 100 pixels.
    """
    direction = float(rng.uniform(0, 2 * np.pi))
    trunk = _path(rng, start, direction, length, half, wander, from_tip=True)
    found = [trunk]
    for _ in range(rng.poisson(branching * length / 100)):
        place = int(rng.integers(len(trunk.points) // 5, max(len(trunk.points) * 4 // 5, 1) + 1))
        place = min(place, len(trunk.points) - 2)
        heading = trunk.points[place + 1] - trunk.points[place]
        turn = rng.choice((-1, 1)) * rng.uniform(0.35, 1.1)
        angle = float(np.arctan2(heading[1], heading[0]) + turn)
        part = length * rng.uniform(0.12, 0.4)
        found.append(
            _path(rng, trunk.points[place], angle, part, float(trunk.half[place]) * 0.75, wander, from_tip=False)
        )
    return found


def _path(
    rng: np.random.Generator, start: np.ndarray, angle: float, length: float, half: float, wander: float, from_tip: bool
) -> Branch:
    count = max(int(length / _STEP), 4)
    kicks = rng.standard_normal(count) * wander * np.sqrt(_STEP / 10)
    jags = np.where(rng.random(count) < 0.06, rng.normal(0, 0.5, count), 0)
    bend = np.cumsum(kicks) * 0.35 + np.cumsum(jags - np.concatenate([[0], jags[:-1]]) * 0.8) + angle
    steps = _STEP * np.stack([np.cos(bend), np.sin(bend)], axis=1)
    points = np.asarray(start) + np.concatenate([[[0, 0]], np.cumsum(steps, axis=0)])
    s = np.linspace(0, 1, count + 1)
    profile = np.minimum(1, 4 * s) ** 0.7 * (1 - s) ** 0.5 if from_tip else (1 - s) ** 0.6
    uneven = np.exp(0.18 * np.convolve(rng.standard_normal(count + 9), np.ones(9) / 3, "valid"))
    return Branch(points, np.maximum(half * profile * uneven, 0.3))


def distance(branches: list[Branch], reach: float, fine: int = FINE) -> tuple[np.ndarray, np.ndarray]:
    """The signed distance to the crack's edge (negative inside) on a grid around it.

    The crack is the union of all segments, each the set of points nearer to it than its half width, which changes
    evenly from one end to the other.

    Args:
        branches: of one crack.
        reach: pixels around the crack in which the distance is right; farther away the field is 1000.
        fine: samples along a pixel.

    Returns:
        The field (h, w) float32, in pixels, and its origin: sample (0, 0) lies at image coordinates (x, y); the
        grid begins at the edge of a pixel.
    """
    points = np.concatenate([branch.points for branch in branches])
    widest = max(float(branch.half.max()) for branch in branches)
    low = np.floor(points.min(axis=0) - reach - widest)
    high = np.ceil(points.max(axis=0) + reach + widest)
    width, height = ((high - low) * fine).astype(int)
    field = np.full((height, width), _FAR, np.float32)
    origin = low + 0.5 / fine
    for branch in branches:
        for a, b, half_a, half_b in zip(
            branch.points[:-1], branch.points[1:], branch.half[:-1], branch.half[1:], strict=True
        ):
            _segment(field, (origin, fine), (a, b), (half_a, half_b), reach)
    return field, origin


def _segment(
    field: np.ndarray,
    grid: tuple[np.ndarray, int],
    ends: tuple[np.ndarray, np.ndarray],
    halves: tuple[float, float],
    reach: float,
) -> None:
    """Lower the field to the distance from one tapered segment, near it."""
    (origin, fine), (a, b) = grid, ends
    around = reach + max(halves)
    low = np.maximum(np.floor((np.minimum(a, b) - around - origin) * fine).astype(int), 0)
    high = np.ceil((np.maximum(a, b) + around - origin) * fine).astype(int) + 1
    columns, rows = (slice(low[k], high[k]) for k in (0, 1))
    part = field[rows, columns]
    x = (origin[0] + np.arange(low[0], low[0] + part.shape[1]) / fine)[None, :] - a[0]
    y = (origin[1] + np.arange(low[1], low[1] + part.shape[0]) / fine)[:, None] - a[1]
    dx, dy = b - a
    along = np.clip((x * dx + y * dy) / (dx * dx + dy * dy), 0, 1)
    far = np.hypot(x - along * dx, y - along * dy) - (halves[0] + along * (halves[1] - halves[0]))
    np.minimum(part, far.astype(np.float32), out=part)


def outline(field: np.ndarray, origin: np.ndarray) -> Shape:
    """Where the field is 0: one polygon, or several with even-odd filling where branches enclose islands."""
    from skimage.measure import find_contours

    found = []
    for contour in find_contours(field, 0.0):
        points = np.ascontiguousarray(contour[:-1, ::-1], np.float32)
        ring = opencv().approxPolyDP(points, 0.12, True).reshape(-1, 2)
        if len(ring) > 2:
            found.append(origin + ring.astype(float) / FINE)
    return outlines.rings(found)
