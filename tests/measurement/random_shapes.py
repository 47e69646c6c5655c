"""Random shapes of all area types and images, for the tests against the real ImageJ."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from temj.data import CLOSE, CUBIC, LINE_TO, MOVE, QUADRATIC, RoiType, Shape
from temj.geometry.trace import trace

WIDTH, HEIGHT = 211, 173
KINDS = (
    "rect", "rect_sub", "rounded", "rounded_sub", "oval", "oval_sub", "ellipse", "rotated", "polygon", "polygon_sub",
    "stairs", "stairs_sub", "freehand", "freehand_sub", "traced", "traced_sub", "holes", "holes_sub", "curves",
    "quadratics", "open",
)  # fmt: skip


def path(*pieces: tuple[int, list]) -> Shape:
    """A composite from (code, points of the segment)."""
    points = np.concatenate([np.reshape(coordinates, (-1, 2)) for _, coordinates in pieces]).astype(float)
    codes = np.concatenate([[code] * (np.size(coordinates) // 2) for code, coordinates in pieces])
    return Shape(RoiType.COMPOSITE, points, codes=codes)


def subpath(points: np.ndarray, closed: bool = True) -> list:
    lines = [(MOVE, points[0]), *((LINE_TO, point) for point in points[1:])]
    return [*lines, (CLOSE, points[0])] if closed else lines


def loop(rng, x, y, a, b, count) -> np.ndarray:
    """A star-shaped or, at times, self-crossing polygon."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    if rng.random() < 0.2:
        rng.shuffle(angle)
    radius = rng.uniform(0.5, 1.2, count)
    return np.stack([x + a * radius * np.cos(angle), y + b * radius * np.sin(angle)], axis=1)


def stairs(rng, x, y) -> np.ndarray:
    points, at = [(0, 0)], 0
    for height in rng.integers(1, 25, rng.integers(1, 8)):
        points.append((at, height))
        at += int(rng.integers(1, 12))
        points.append((at, height))
    return np.array([*points, (at, 0)], float) + np.floor([x, y])


def blob(rng, x, y, holes: bool) -> Shape:
    from scipy.ndimage import gaussian_filter, label

    size = rng.integers(6, 50, 2)
    smooth = gaussian_filter(rng.normal(size=size), rng.uniform(0.5, 3))
    mask = np.zeros((HEIGHT, WIDTH), bool)
    top, left = int(np.clip(y, 0, HEIGHT - size[0])), int(np.clip(x, 0, WIDTH - size[1]))
    mask[top : top + size[0], left : left + size[1]] = smooth > np.quantile(smooth, 0.6)
    if not holes:
        mask = label(mask)[0] == 1
    return trace(mask.astype(np.int32))[0]


def arc(x, y, a, b, sign) -> list:
    """Half of an ellipse from its right to its left end (sign 1: through the bottom) as one cubic curve."""
    return [(x + a, y + sign * b * 4 / 3), (x - a, y + sign * b * 4 / 3), (x - a, y)]


def make(kind: str, rng: np.random.Generator) -> Shape:
    x, y = rng.uniform(40, WIDTH - 40), rng.uniform(40, HEIGHT - 40)
    if rng.random() < 0.15:
        x, y = rng.choice([rng.uniform(-10, 10), WIDTH + rng.uniform(-10, 10)]), rng.uniform(-10, HEIGHT + 10)
    most = 35 if rng.random() < 0.8 else 4
    a, b = rng.uniform(0.8, most, 2)
    turn = rng.choice([rng.uniform(0, np.pi), 0, np.pi / 2, np.pi / 4])
    rest = Random(rng, x, y, a, b, a * math.cos(turn), a * math.sin(turn))
    return MAKERS[kind](rest)


@dataclass
class Random:
    rng: np.random.Generator
    x: float
    y: float
    a: float
    b: float
    dx: float
    dy: float

    @property
    def box(self) -> tuple:
        return (self.x - self.a, self.y - self.b, 2 * self.a, 2 * self.b)

    @property
    def whole_box(self) -> tuple:
        return tuple(np.floor([self.x - self.a, self.y - self.b, 2 * self.a + 1, 2 * self.b + 1]))

    @property
    def axis(self) -> tuple:
        return (self.x - self.dx, self.y - self.dy, self.x + self.dx, self.y + self.dy)

    @property
    def arc(self) -> int:
        return int(self.rng.integers(1, 30))

    def loop(self, shift: float = 0.0) -> np.ndarray:
        count = int(self.rng.integers(3, 40))
        return loop(self.rng, self.x + shift * self.a, self.y, max(self.a, 2), max(self.b, 2), count)

    def free(self, kind: RoiType) -> Shape:
        points = self.loop()
        return Shape(kind, np.round(points * 2) / 2 if self.rng.random() < 0.3 else points)

    def whole(self, kind: RoiType) -> Shape:
        return Shape(kind, np.round(self.loop()), subpixel=False)

    def curves(self) -> Shape:
        outer = [(MOVE, (self.x + self.a, self.y)), (CUBIC, arc(self.x, self.y, self.a, self.b, 1))]
        outer += [(CUBIC, [(2 * self.x - px, py) for px, py in arc(self.x, self.y, self.a, self.b, -1)])]
        inner = subpath(self.loop(0.3)) if self.rng.random() < 0.6 else []
        pieces = [*outer, (CLOSE, (0, 0)), *inner]
        return path(*([*inner, *outer, (CLOSE, (0, 0))] if self.rng.random() < 0.3 else pieces))

    def quadratics(self) -> Shape:
        points = self.loop()
        return path(
            (MOVE, points[0]),
            (QUADRATIC, points[1:3]),
            (LINE_TO, points[0] + 3),
            (CLOSE, (0, 0)),
            *subpath(self.loop(1)),
        )


MAKERS: dict[str, Callable[[Random], Shape]] = {
    "rect": lambda r: Shape(RoiType.RECT, params=r.whole_box, subpixel=False),
    "rect_sub": lambda r: Shape(RoiType.RECT, params=r.box),
    "rounded": lambda r: Shape(RoiType.RECT, params=(*r.whole_box, r.arc), subpixel=False),
    "rounded_sub": lambda r: Shape(RoiType.RECT, params=(*r.box, r.arc)),
    "oval": lambda r: Shape(RoiType.OVAL, params=r.whole_box, subpixel=False),
    "oval_sub": lambda r: Shape(RoiType.OVAL, params=r.box),
    "ellipse": lambda r: Shape(RoiType.ELLIPSE, params=(*r.axis, min(1.0, r.b / max(r.a, r.b)))),
    "rotated": lambda r: Shape(RoiType.ROTATED_RECT, params=(*r.axis, 2 * r.b)),
    "polygon": lambda r: r.whole(RoiType.POLYGON),
    "polygon_sub": lambda r: r.free(RoiType.POLYGON),
    "stairs": lambda r: Shape(RoiType.POLYGON, stairs(r.rng, max(r.x, 0), max(r.y, 0)), subpixel=False),
    "stairs_sub": lambda r: Shape(RoiType.POLYGON, stairs(r.rng, r.x, r.y) + r.rng.choice([0, 0.5, 0.25])),
    "freehand": lambda r: r.whole(RoiType.FREEROI),
    "freehand_sub": lambda r: r.free(RoiType.FREEROI),
    "traced": lambda r: blob(r.rng, r.x, r.y, holes=False),
    "traced_sub": lambda r: Shape(RoiType.TRACED, np.round(r.loop())),
    "holes": lambda r: blob(r.rng, r.x, r.y, holes=True),
    "holes_sub": lambda r: path(*subpath(r.loop()), *subpath(r.loop(0.7))),
    "curves": Random.curves,
    "quadratics": Random.quadratics,
    "open": lambda r: path(*subpath(r.loop(), closed=False), *subpath(r.loop(0.5), r.rng.random() < 0.5)),
}


def pixels(dtype: type, rng: np.random.Generator, uneven: bool) -> np.ndarray:
    """Noise; where uneven with constant, black and (32-bit) not finite parts."""
    values = rng.normal(0.5, 0.1, (HEIGHT, WIDTH)) * (255 if dtype == np.uint8 else 4000)
    if uneven:
        values *= rng.uniform(-0.3 if dtype == np.float32 else 0, 1, values.shape)
        values[:, : WIDTH // 3] = 0
        values[: HEIGHT // 3] = 7
    if dtype == np.float32:
        if uneven:
            values[rng.random(values.shape) < 0.02] = np.nan
            values[5, 5] = np.inf
        return values.astype(np.float32)
    return np.clip(values, 0, np.iinfo(dtype).max).astype(dtype)
