"""How often 95 % intervals of populations hold the truth, and how far estimates are off, on simulated fields.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py [--sets 1000] [--plots docs/images]

Discs lie at random in a plane (60 a field on the average, lognormal diameters, sd of the logarithm 0.3, mean 27 in a
frame of 512), overlapping where they happen to; a frame, or a free-form area in it, cuts them. The density of all
fields is the same, or scatters by 25 % (gamma) from field to field. A set is 1, 3, 5 or 12 fields; its truth is that of
the plane. The truth of one field whose density scatters is that field's own expected density: one field cannot know of
others. The tables are those of docs/statistics.md; ``--plots`` draws its pictures.
"""

from __future__ import annotations

import argparse
import itertools
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from temj.population.edges import Edges, edges
from temj.population.estimates import QUANTITIES, estimates
from temj.population.intervals import Statistic, bca, student, studentised, without_each
from temj.population.sums import AREA, COUNT, COVERED, SUMS, Objects, Population

FRAME, OBJECTS, MEDIAN, SPREAD = 256, 60.0, 12.5, 0.3
"""Pixels; objects a field; median diameter in pixels and sd of its logarithm. One pixel is 2 of a frame of 512."""
PIXEL = 2.0
SIZES, SCATTERS = (1, 3, 5, 12), (0.0, 0.25)
ASKED = ("number density", "mean diameter", "area fraction", "median of diameter", "sd of diameter")
BOOTSTRAPS = (bca, studentised)
NOTHING = (math.nan, math.nan)
_AT_ONCE = 60


@dataclass(frozen=True, eq=False)
class Fields:
    """Discs of ``count`` fields, those that a frame shows; lengths in pixels; ``factor``: of each field's density."""

    count: int
    field: np.ndarray
    x: np.ndarray
    y: np.ndarray
    diameter: np.ndarray
    factor: np.ndarray
    frame: int


def simulate(
    count: int,
    seed: int,
    scatter: float = 0.0,
    objects: float = OBJECTS,
    median: float = MEDIAN,
    spread: float = SPREAD,
) -> Fields:
    """Fields of a frame of 256 pixels in an endless plane of discs."""
    rng = np.random.default_rng(seed)
    factor = rng.gamma(1 / scatter**2, scatter**2, count) if scatter else np.ones(count)
    rim = median * math.exp(4 * spread) / 2
    side = FRAME + 2 * rim
    number = rng.poisson(objects * factor * (side / FRAME) ** 2)
    field = np.repeat(np.arange(count), number)
    x, y = rng.uniform(-rim, FRAME + rim, (2, len(field)))
    diameter = median * np.exp(spread * np.clip(rng.standard_normal(len(field)), -4, 4))
    off = np.hypot(np.clip(x, 0, FRAME) - x, np.clip(y, 0, FRAME) - y)
    seen = off < diameter / 2
    return Fields(count, field[seen], x[seen], y[seen], diameter[seen], factor, FRAME)


def free_form() -> np.ndarray:
    """(256, 256) bool: a frame without a scale bar, a hole and a slanted side of vacuum; two thirds of it."""
    y, x = np.mgrid[:FRAME, :FRAME] + 0.5
    bar = (x > 0.62 * FRAME) & (y > 0.88 * FRAME)
    hole = np.hypot(x - 0.55 * FRAME, y - 0.35 * FRAME) < 0.1 * FRAME
    return ~(bar | hole | (x + 0.5 * y < 0.42 * FRAME))


def seen_pixels(fields: Fields, area: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(n,) pixels of the analysed area that each disc covers, and (count,) those that all of a field cover."""
    side, radius = fields.frame, fields.diameter / 2
    low = np.clip(np.ceil(fields.y - radius - 0.5), 0, side).astype(np.int64)
    high = np.clip(np.floor(fields.y + radius - 0.5) + 1, low, side).astype(np.int64)
    disc = np.repeat(np.arange(len(low)), high - low)
    row = np.arange(len(disc)) - np.repeat(np.cumsum(high - low) - high, high - low)
    half = np.sqrt(np.maximum(radius[disc] ** 2 - (row + 0.5 - fields.y[disc]) ** 2, 0))
    start = np.clip(np.ceil(fields.x[disc] - half - 0.5), 0, side).astype(np.int64)
    stop = np.clip(np.floor(fields.x[disc] + half - 0.5) + 1, start, side).astype(np.int64)
    counts = np.ones((side, side), bool) if area is None else area
    inside = np.concatenate([np.zeros((side, 1), np.int64), np.cumsum(counts, axis=1)], axis=1)
    own = np.bincount(disc, inside[row, stop] - inside[row, start], minlength=len(low))
    covered = np.zeros(fields.count)
    line = side * (side + 1)
    owner = fields.field[disc]
    for first in range(0, fields.count, _AT_ONCE):
        part = slice(*np.searchsorted(owner, [first, first + _AT_ONCE]))
        place = (owner[part] - first) * line + row[part] * (side + 1)
        most = _AT_ONCE * line
        change = np.bincount(place + start[part], minlength=most) - np.bincount(place + stop[part], minlength=most)
        level = np.cumsum(change.reshape(_AT_ONCE, side, side + 1), axis=2)[:, :, :-1] > 0
        covered[first : first + _AT_ONCE] = (level & counts).sum(axis=(1, 2))[: fields.count - first]
    return own, covered


def edges_of(fields: Fields, area: np.ndarray | None) -> Edges:
    """The edge rules of all discs."""
    corner = np.stack([fields.x, fields.y], axis=1) - fields.diameter[:, None] / 2
    box = np.concatenate([corner, np.repeat(fields.diameter[:, None], 2, axis=1)], axis=1)
    return edges(box, (fields.frame, fields.frame), area)


def measured(fields: Fields, area: np.ndarray | None) -> tuple[Objects, np.ndarray]:
    """The objects, and the sums of the fields (count, 1, len(SUMS)); 2 nm a pixel."""
    rules, (own, covered) = edges_of(fields, area), seen_pixels(fields, area)
    diameter = np.where(rules.whole, fields.diameter, np.sqrt(4 * own / math.pi)) * PIXEL
    nothing = np.zeros(len(own))
    objects = Objects(
        fields.field, np.zeros(len(own), np.int64), rules.counted, rules.whole, rules.weight, diameter, own * PIXEL**2,
        nothing + 1, nothing,
    )  # fmt: skip
    rows, sums = objects.rows(), np.zeros((fields.count, 1, len(SUMS)))
    for place in range(len(SUMS)):
        sums[:, 0, place] = np.bincount(fields.field, rows[:, place], minlength=fields.count)
    sums[:, 0, AREA] = (fields.frame**2 if area is None else np.count_nonzero(area)) * PIXEL**2
    sums[:, 0, COVERED] = covered * PIXEL**2
    return objects, sums


def part(objects: Objects, sums: np.ndarray, first: int, count: int) -> Population:
    """Some of the fields as a population of their own."""
    chosen = objects.take(slice(*np.searchsorted(objects.field, [first, first + count])))
    chosen = replace(chosen, field=chosen.field - first)
    return Population(("disc",), "nm", sums[first : first + count], np.full(count, "", object), chosen)


def truths(factor: float | None, scatter: float, objects: float = OBJECTS) -> dict[str, float]:
    """What is true of the plane, or of one field's own expected density; units as the estimates'."""
    density = objects / (FRAME * PIXEL) ** 2
    disc = math.pi / 4 * (MEDIAN * PIXEL) ** 2 * math.exp(2 * SPREAD**2)
    load = density * disc
    empty = (1 + load * scatter**2) ** (-1 / scatter**2) if scatter else math.exp(-load)
    if factor is not None:
        density, empty = density * factor, math.exp(-load * factor)
    mean = MEDIAN * PIXEL * math.exp(SPREAD**2 / 2)
    return {
        "number density": density * 1e18, "area fraction": 100 * (1 - empty), "mean diameter": mean,
        "median of diameter": MEDIAN * PIXEL, "sd of diameter": mean * math.sqrt(math.exp(SPREAD**2) - 1),
    }  # fmt: skip


def coverage(
    sets: int, size: int, scatter: float, area: np.ndarray | None, seed: int = 1, objects: float = OBJECTS
) -> dict[str, tuple[float, float, float, float]]:
    """Of sets of ``size`` fields: for each estimate the share (%) of intervals that hold the truth, median width (% of
    the truth), bias (%) of the mean of all sets and its standard error."""
    fields = simulate(sets * size, seed, scatter, objects)
    found, sums = measured(fields, area)
    told: dict[str, list[tuple[float, ...]]] = {name: [] for name in ASKED}
    for number in range(sets):
        truth = truths(float(fields.factor[number]) if size == 1 else None, scatter, objects)
        for one in estimates(part(found, sums, number * size, size), names=ASKED):
            held = one.low <= truth[one.name] <= one.high
            told[one.name].append((held, (one.high - one.low) / truth[one.name], one.value / truth[one.name] - 1))
    return {name: _told(np.array(rows)) for name, rows in told.items()}


def _told(rows: np.ndarray) -> tuple[float, float, float, float]:
    known = rows[np.isfinite(rows).all(axis=1)]
    error = 100 * known[:, 2].std(ddof=1) / math.sqrt(len(known))
    return 100 * float(rows[:, 0].mean()), 100 * float(np.median(known[:, 1])), 100 * float(known[:, 2].mean()), error


def bias(median: float, fields: int, seed: int, area: np.ndarray | None = None) -> dict[str, float]:
    """Relative errors (%) of means over many fields under each rule; median diameter in pixels of a frame of 256."""
    some = simulate(fields, seed, median=median, objects=min(OBJECTS, 0.3 * (FRAME / median) ** 2))
    found, _ = measured(some, area)
    truth = median * PIXEL * math.exp(SPREAD**2 / 2)
    expected = fields * min(OBJECTS, 0.3 * (FRAME / median) ** 2) * (1 if area is None else area.mean())
    seen, whole = found.area > 0, found.whole
    means = {
        "all objects, cut ones as seen": found.diameter[seen].mean(),
        "counted by two forbidden edges, cut ones as seen": found.diameter[found.counted & seen].mean(),
        "whole objects, without weights": found.diameter[whole].mean(),
        "whole objects, weighed (ours)": np.average(found.diameter[whole], weights=found.weight[whole]),
    }
    counts = {
        "density: all objects": seen.sum(), "density: whole objects": whole.sum(),
        "density: two forbidden edges (ours)": found.counted.sum(), "density: weights": found.weight[whole].sum(),
    }  # fmt: skip
    return {name: 100 * (value / truth - 1) for name, value in means.items()} | {
        name: 100 * (value / expected - 1) for name, value in counts.items()
    }


Row = tuple[str, float, int, str, float, float, float, float]
"""Area, scatter, fields, estimate; held, width, bias and its standard error, %."""


def print_coverage(sets: int) -> list[Row]:
    """The table of coverage."""
    rows: list[Row] = []
    print("| area | scatter | fields | estimate | held, % | width, % | bias, % |\n|---|---|---|---|---|---|---|")
    for word, area in (("frame", None), ("free-form", free_form())):
        for scatter, size in itertools.product(SCATTERS, SIZES):
            for name, told in coverage(sets, size, scatter, area).items():
                rows.append((word, scatter, size, name, *told))
                held, width, off, error = told
                words = f"| {word} | {100 * scatter:.0f} % | {size} | {name} | {held:.1f} | {width:.1f} "
                print(f"{words}| {off:+.2f} ± {error:.2f} |", flush=True)
    return rows


def print_methods(sets: int) -> None:
    """How often other intervals of the pooled density hold the truth."""
    print("\n| fields | scatter | t | t of the logarithm | percentile | BCa | studentised |\n" + 7 * "|---" + "|")
    statistic = QUANTITIES["number density"].statistic
    for size, scatter in itertools.product((3, 5, 12, 20), (0.0, 0.25, 0.6)):
        fields = simulate(sets * size, 2, scatter)
        units = np.zeros((fields.count, len(SUMS)))
        units[:, COUNT] = np.bincount(fields.field, edges_of(fields, None).counted, minlength=fields.count)
        units[:, AREA] = FRAME**2
        held = np.mean([_held(one, statistic) for one in units.reshape(sets, size, len(SUMS))], axis=0)
        print(
            f"| {size} | {100 * scatter:.0f} % | " + " | ".join(f"{100 * each:.1f}" for each in held) + " |", flush=True
        )


def _held(units: np.ndarray, statistic: Statistic) -> list[bool]:
    """Whether intervals of t, its logarithm, percentile, BCa and studentised bootstrap hold the density."""
    value, without = float(statistic(units.sum(axis=0))), without_each(units, statistic)
    drawn = np.random.default_rng(0).multinomial(len(units), np.full(len(units), 1 / len(units)), 2000)
    bootstraps = [make(units, statistic, value) or NOTHING for make in BOOTSTRAPS]
    found = [
        student(value, without, log=False)[0], student(value, without, log=True)[0],
        np.quantile(statistic(drawn @ units), [0.025, 0.975]), *bootstraps,
    ]  # fmt: skip
    return [low <= OBJECTS / FRAME**2 <= high for low, high in found]


def main() -> None:
    """Print the tables, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--plots", type=Path, help="folder for the pictures; without it they are not drawn")
    options = parser.parse_args()
    rows = print_coverage(options.sets)
    print_methods(options.sets)
    if options.plots:
        import coverage_plots

        coverage_plots.draw(rows, options.plots)


if __name__ == "__main__":
    main()
