"""What estimates with intervals cost: many images, many objects, 2000 resamples.

    OMP_NUM_THREADS=1 python benchmarks/populations.py [--images 100] [--objects 2000] [--classes 3]

Made-up fields with all columns; CPU time of one thread for the sums and for all estimates of all classes (12 of them
have an interval), and how far the process's memory grew. And the edge rules of as many objects in one image of 4096 x
4096 with a free-form area.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from temj.data import Calibration, Column, Table
from temj.measurement.populations import ALL_CLASSES, Field
from temj.population.edges import edges
from temj.population.estimates import estimates
from temj.population.sums import population


def field(number: int, objects: int, classes: list[str], rng: np.random.Generator) -> Field:
    """One image of 2048 x 2048 pixels of 0.5 nm."""
    diameter = rng.lognormal(2.0, 0.3, objects)
    box = np.concatenate([rng.uniform(-10, 2048, (objects, 2)), np.repeat(2 * diameter[:, None], 2, axis=1)], axis=1)
    rules = edges(box, (2048, 2048))
    area = np.pi / 4 * diameter**2
    table = Table((
        Column("Class", rng.choice(classes, objects)), Column("Diameter", diameter), Column("Area", area),
        Column("SkeletonLength", np.full(objects, np.nan)), Column("Counted", rules.counted),
        Column("Whole", rules.whole), Column("Weight", rules.weight), Column("Inside", rules.inside),
    ))  # fmt: skip
    covered = {name: int(4 * area[table["Class"] == name].sum()) for name in classes} | {
        ALL_CLASSES: int(4 * area.sum())
    }
    return Field(f"{number}.tif", table, Calibration(0.5, 0.5, "nm"), 2048**2, covered)


def peak() -> float:
    """The most memory that this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--classes", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    classes = [f"class {number}" for number in range(1, options.classes + 1)]
    fields = [field(number, options.objects, classes, rng) for number in range(options.images)]
    before, start = peak(), time.thread_time()
    whole = population(fields, classes)
    after = time.thread_time()
    found = estimates(whole)
    print(
        f"{options.images} images x {options.objects} objects, {options.classes} classes and all: sums "
        f"{after - start:.2f} s, {len(found)} estimates {time.thread_time() - after:.2f} s, "
        f"memory +{peak() - before:.0f} MB"
    )
    y, x = np.mgrid[:4096, :4096]
    area = np.hypot(x - 2000, y - 2000) < 2300
    area[3900:, 3000:] = False
    span = rng.lognormal(4, 0.4, (options.objects, 2))
    start = time.thread_time()
    edges(np.concatenate([rng.uniform(0, 4000, span.shape), span], axis=1), (4096, 4096), area)
    took = time.thread_time() - start
    print(f"edge rules of {options.objects} objects in a free-form area of 4096 x 4096: {took:.2f} s")


if __name__ == "__main__":
    main()
