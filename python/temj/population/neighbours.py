"""How far each object is from its nearest neighbour, and whether a random pattern would look the same.

An object near the border may have its nearest neighbour outside, unseen. So only objects count that are farther from
the border than from their nearest neighbour, each with the weight 1 / area of the places that are as far from it (K.-H.
Hanisch, Math. Operationsforsch. Statist. Ser. Statist. 15 (1984) 409): a correction for the border without a bias.

*Clark-Evans ratio* (P. J. Clark, F. C. Evans, Ecology 35 (1954) 445): mean distance to the nearest neighbour / what it
would be at random; 1 random, below 1 clustered, above 1 regular. At random among n points in the area A it is
sqrt(A) Γ(n) / (2 Γ(n + 1/2)), for many points 1 / (2 sqrt(n / A)).

*G(r)*: the share of objects with a neighbour within r; at random 1 - exp(-π r² n / A).

Points are centres. Objects that have a size and do not overlap keep a distance, which looks regular without any force
between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from temj.data import Column, Instances
from temj.geometry.order import centroids
from temj.measurement.populations import ALL_CLASSES, NEAREST, Field
from temj.opencv import opencv
from temj.population.intervals import TAILS, Interval, interval
from temj.population.quotients import divided

SUMS = ("count", "weight", "distance", "expected")
"""Sums of a field, before those of G: points, their weights, weight x distance, weight x distance expected."""
_COUNT, _WEIGHT, _DISTANCE, _EXPECTED = range(len(SUMS))
_STEPS = 31
_FEW = 20
"""Points a field below which the ratio of a random pattern is below 1."""


@dataclass(frozen=True, eq=False)
class Border:
    """An analysed area seen from its border.

    Attributes:
        size: width and height of the image in pixels.
        area: (height, width) bool; None for all of the image.
        pixel: width and height of a pixel in the unit of lengths.
    """

    size: tuple[int, int]
    area: np.ndarray | None = None
    pixel: tuple[float, float] = (1.0, 1.0)
    _depth: np.ndarray | None = field(init=False, repr=False, default=None)
    _depths: np.ndarray | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.area is not None:
            depth = np.maximum(_depth(np.pad(self.area, 1), self.pixel)[1:-1, 1:-1] - min(self.pixel) / 2, 0.0)
            object.__setattr__(self, "_depth", depth)
            object.__setattr__(self, "_depths", np.sort(depth[self.area]))

    @property
    def measure(self) -> float:
        """The analysed area in unit²."""
        pixels = self.size[0] * self.size[1] if self.area is None else np.count_nonzero(self.area)
        return float(pixels * self.pixel[0] * self.pixel[1])

    def holds(self, points: np.ndarray) -> np.ndarray:
        """(n,) bool, which points (n, 2) in pixels lie in the area."""
        inside = ((points >= 0) & (points < self.size)).all(axis=1)
        if self.area is not None:
            inside[inside] = self.area[self._places(points[inside])]
        return inside

    def depth(self, points: np.ndarray) -> np.ndarray:
        """(n,) how far points in the area are from its border; to half a pixel in a free-form area."""
        if self.area is not None:
            return self._depth[self._places(points)]
        return (np.minimum(points, np.array(self.size) - points) * self.pixel).min(axis=1)

    def eroded(self, distance: np.ndarray) -> np.ndarray:
        """(n,) the area of the places that are farther from the border than distances (n,)."""
        if self.area is not None:
            left = len(self._depths) - np.searchsorted(self._depths, distance, side="right")
            return left * (self.pixel[0] * self.pixel[1])
        sides = np.array(self.size) * self.pixel - 2 * np.asarray(distance)[:, None]
        return np.maximum(sides, 0.0).prod(axis=1)

    def random(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """(number, 2) independent points in the area, pixels."""
        if self.area is None:
            return rng.uniform(0, self.size, (number, 2))
        places = rng.choice(np.flatnonzero(self.area), number)
        corner = np.stack([places % self.size[0], places // self.size[0]], axis=1)
        return corner + rng.uniform(0, 1, (number, 2))

    @staticmethod
    def _places(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = np.floor(points).astype(np.int64).T
        return y, x


def _depth(area: np.ndarray, pixel: tuple[float, float]) -> np.ndarray:
    """How far each pixel's centre is from the nearest one that is not of the area."""
    if pixel[0] == pixel[1]:
        cv2 = opencv()
        return cv2.distanceTransform(area.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * pixel[0]
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(area, sampling=pixel[::-1])


def nearest(points: np.ndarray, pixel: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """(n,) the distance of each point to the nearest other one; NaN where there is no other.

    Args:
        points: (n, 2) x, y in pixels.
        pixel: width and height of a pixel.
    """
    from scipy.spatial import cKDTree

    if len(points) < 2:
        return np.full(len(points), np.nan)
    placed = np.asarray(points, float) * pixel
    return cKDTree(placed).query(placed, k=2)[0][:, 1]


def neighbour_sums(points: np.ndarray, border: Border, distances: np.ndarray | None = None) -> np.ndarray:
    """The sums of one field; sums of several fields add up.

    Args:
        points: (n, 2) centres in pixels; those outside of the area are left out.
        border: of the analysed area.
        distances: (k,) at which G is wanted, in the unit of the pixel size; None for none.

    Returns:
        (4 + k,) float64: :data:`SUMS`, then weights of the points with a neighbour within each distance.
    """
    points = points[border.holds(points)]
    steps = np.zeros(0) if distances is None else distances
    found = np.zeros(len(SUMS) + len(steps))
    found[_COUNT] = len(points)
    if len(points) < 2:
        return found
    distance = nearest(points, border.pixel)
    room = border.eroded(distance)
    kept = (distance < border.depth(points)) & (room > 0)
    distance, weight = distance[kept], 1 / room[kept]
    found[_WEIGHT], found[_DISTANCE] = weight.sum(), (weight * distance).sum()
    found[_EXPECTED] = found[_WEIGHT] * expected(len(points), border.measure)
    found[len(SUMS) :] = (weight[:, None] * (distance[:, None] <= steps)).sum(axis=0)
    return found


def with_neighbours(one: Field, instances: Instances, size: tuple[int, int], area: np.ndarray | None = None) -> Field:
    """A field with the distance of each object to the nearest one of its class (column NearestNeighbour, in its unit;
    NaN where there is no other), and the sums of each class.

    Args:
        one: of :func:`temj.measurement.populations.field`.
        instances: of the same image, as they were given to it.
        size: width and height of the image in pixels.
        area: (height, width) bool, the analysed area; None for all of it.
    """
    pixel = one.calibration.width, one.calibration.height
    centres, classes = centroids(instances.take(~instances.ignored).shapes), one.objects["Class"]
    border, distance, sums = Border(size, area, pixel), np.full(len(centres), np.nan), {}
    for name in dict.fromkeys(str(name) for name in classes):
        mine = np.flatnonzero(classes == name)
        distance[mine] = nearest(centres[mine], pixel)
        sums[name] = neighbour_sums(centres[mine], border)
    sums[ALL_CLASSES] = neighbour_sums(centres, border)
    column = Column(NEAREST, distance, one.calibration.unit)
    return replace(one, objects=one.objects.with_columns(column), neighbours=sums)


def expected(count: int, area: float) -> float:
    """The mean distance to the nearest neighbour among so many random points (2 or more) in an area without border."""
    from scipy.special import gammaln

    return float(np.sqrt(area) / 2 * np.exp(gammaln(count) - gammaln(count + 0.5)))


def clark_evans(sums: np.ndarray) -> np.ndarray:
    """The Clark-Evans ratio of sums (…, 4 + k): (…); NaN where no field has a pair to tell."""
    return divided(sums[..., _DISTANCE], sums[..., _EXPECTED])


def mean_distance(sums: np.ndarray) -> np.ndarray:
    """The mean distance to the nearest neighbour of sums (…, 4 + k): (…); NaN where no field has a pair to tell."""
    return divided(sums[..., _DISTANCE], sums[..., _WEIGHT])


def scaled(sums: np.ndarray, factor: float) -> np.ndarray:
    """:data:`SUMS` (…, 4) with all lengths times a factor; weights are 1 / area."""
    return sums * factor ** np.array([0.0, -2.0, -1.0, -1.0])


def few_objects(number: float, fields: int) -> str:
    """What to know of the ratio of so many objects in so many fields; "" where there is nothing."""
    if number >= _FEW * fields:
        return ""
    return f"fewer than {_FEW} objects a field: at random too the ratio is below 1; compare it with random patterns"


@dataclass(frozen=True, eq=False)
class Pattern:
    """What the nearest neighbours say of several fields.

    Attributes:
        objects: centres in the analysed areas.
        mean: distance to the nearest neighbour, corrected for borders, in the unit of the pixel size; NaN if undefined.
        ratio: of Clark and Evans.
        interval: of the ratio, over fields; none for one field.
        random: the middle 95 % of the ratios of random patterns with as many points in the same areas.
        p: of a random pattern's ratio being as far from that of random ones, both sides.
        distances: (k,) r.
        g: (k,) G(r), and g_low, g_high: (k,) the middle 95 % of random patterns at each r.
        p_g: of a random pattern's G being as far from the mean of random ones anywhere: one test of the whole curve,
            which the limits at each r are not.
        note: why there is no answer, or what to know of it.
    """

    objects: int
    mean: float
    ratio: float
    interval: Interval
    random: tuple[float, float]
    p: float
    distances: np.ndarray
    g: np.ndarray
    g_low: np.ndarray
    g_high: np.ndarray
    p_g: float
    note: str = ""


def pattern(fields: Sequence[tuple[np.ndarray, Border]], simulations: int = 199, seed: int = 0) -> Pattern:
    """Nearest neighbours in several fields against complete spatial randomness.

    Random patterns have, in each field, as many points as it has, so that densities may differ from field to field.

    Args:
        fields: points (n, 2) in pixels and border of each; one unit of lengths.
        simulations: random patterns; 199 give p to 0.005.
        seed: of the random patterns.

    Returns:
        Without two objects in any field all numbers are NaN, and the note says so.
    """
    measure = sum(border.measure for _, border in fields)
    numbers = [int(border.holds(points).sum()) for points, border in fields]
    total = sum(numbers)
    steps = np.linspace(0, 1.5 * np.sqrt(measure / max(total, 1)), _STEPS)
    units = np.array([neighbour_sums(points, border, steps) for points, border in fields])
    sums = units.sum(axis=0) if len(units) else np.zeros(len(SUMS) + _STEPS)
    nothing = np.full(_STEPS, np.nan)
    if sums[_WEIGHT] == 0:
        few = max(numbers, default=0) < 2
        note = "fewer than 2 objects in each field" if few else "all objects are nearer to the edge than to another"
        none = float("nan")
        return Pattern(total, none, none, Interval(), (none, none), none, steps, nothing, nothing, nothing, none, note)
    rng = np.random.default_rng(seed)
    random = np.array([_random(fields, numbers, steps, rng) for _ in range(simulations)])
    ratio, ratios = float(clark_evans(sums)), clark_evans(random)
    known = np.isfinite(ratios)
    curve, curves = _g(sums), _g(random[known])
    middle = curves.mean(axis=0)
    low, high = np.quantile(ratios[known], TAILS)
    g_low, g_high = np.quantile(curves, TAILS, axis=0)
    told = interval(units, clark_evans, (0.0, np.inf), log=True)
    p = _rank(abs(ratio - ratios[known].mean()), abs(ratios[known] - ratios[known].mean()))
    p_g = _rank(abs(curve - middle).max(), abs(curves - middle).max(axis=1))
    mean, note = float(mean_distance(sums)), few_objects(total, len(fields))
    return Pattern(total, mean, ratio, told, (float(low), float(high)), p, steps, curve, g_low, g_high, p_g, note)


def _random(
    fields: Sequence[tuple[np.ndarray, Border]], numbers: Sequence[int], steps: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The sums of one random pattern in all fields."""
    return sum(
        neighbour_sums(border.random(number, rng), border, steps)
        for (_, border), number in zip(fields, numbers, strict=True)
    )


def _g(sums: np.ndarray) -> np.ndarray:
    return divided(sums[..., len(SUMS) :], sums[..., _WEIGHT, None])


def _rank(found: float, random: np.ndarray) -> float:
    """The share of random patterns, this one among them, that are as far off."""
    return float((1 + (random >= found).sum()) / (1 + len(random)))
