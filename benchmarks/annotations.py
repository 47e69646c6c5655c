"""How fast annotations are read and converted: a RoiSet.zip against roifile alone, and 10,000 objects between formats.

    python benchmarks/annotations.py [--polygons 5000] [--objects 10000] [--repeats 5]

CPU seconds of one process; the two readers take turns and the medians are compared. roifile parses the members of the
archive and nothing else; TEMJ checks every number, and finds classes, scores and positions too.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import roifile

from temj import annotations
from temj.annotations import AnnotatedImage, AnnotationSet, Context, masks, roiset
from temj.data import UNCALIBRATED, Instances, RoiType, Shape

SIZE = 4096


def polygons(count: int, corners: int, whole: bool) -> Instances:
    """Polygons of so many corners, at whole coordinates or between them."""
    rng = np.random.default_rng(0)
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    shapes = []
    for _ in range(count):
        radius = rng.uniform(5, 30) * (1 + 0.2 * rng.standard_normal(corners))
        points = np.stack([np.cos(turn), np.sin(turn)], 1) * radius[:, None] + rng.uniform(60, SIZE - 60, 2)
        shapes.append(Shape(RoiType.POLYGON, np.rint(points) if whole else np.float32(points), subpixel=not whole))
    names = np.array([f"loop-{number:04d}" for number in range(1, count + 1)], object)
    return Instances.of(shapes, class_name="loop", name=names, score=0.5)


def discs(count: int) -> np.ndarray:
    """An instance mask (SIZE, SIZE) of so many discs side by side."""
    labels, side = np.zeros((SIZE, SIZE), np.int32), SIZE // int(np.ceil(count**0.5))
    y, x = np.mgrid[:side, :side] - side // 2
    disc = x**2 + y**2 < (side // 2 - 2) ** 2
    for number in range(count):
        row, column = divmod(number, SIZE // side)
        labels[row * side : (row + 1) * side, column * side : (column + 1) * side][disc] = number + 1
    return labels


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def reading(folder: Path, count: int, repeats: int) -> None:
    """TEMJ against roifile on archives of few and many corners; the median of the ratios of each turn."""
    path = folder / "RoiSet.zip"
    for whole, corners in itertools.product((True, False), (5, 40, 200)):
        roiset.write(path, polygons(count, corners, whole))
        theirs, ours = [], []
        for _ in range(repeats + 1):
            theirs.append(seconds(lambda: roifile.roiread(path)))
            ours.append(seconds(lambda: roiset.read(path)))
        ratio = statistics.median(one / other for one, other in zip(ours[1:], theirs[1:], strict=True))
        what = f"{count:,} {'integer' if whole else 'sub-pixel'} polygons of {corners} corners"
        times = f"TEMJ {statistics.median(ours[1:]):.3f} s, roifile {statistics.median(theirs[1:]):.3f} s"
        print(f"{what:44} {times}, ratio {ratio:.2f}")


def converting(folder: Path, count: int) -> None:
    """10,000 objects into each format and back."""
    masks.write_labels(folder / "image.tif", discs(count), UNCALIBRATED)
    context = Context({"image.tif": folder / "image.tif"}, ("loop",), "instances")
    found = [AnnotatedImage("image.tif", (SIZE, SIZE), masks.read(folder / "image.tif", "instances", ("loop",)))]
    given = AnnotationSet(tuple(found), ("loop",))
    for name in annotations.FORMATS:
        extension = annotations.format_named(name).extension
        target = folder / f"out-{name}{extension}" if extension else folder / f"out-{name}"
        try:
            write = seconds(lambda: annotations.write_set(target, given, name, context))  # noqa: B023
        except annotations.base.BadAnnotation:  # a format that is always a folder
            target = folder / f"out-{name}"
            write = seconds(lambda: annotations.write_set(target, given, name, context))  # noqa: B023
        read = seconds(lambda: annotations.read_set(target, name, context))  # noqa: B023
        print(f"{count:,} objects as {name:8} write {write:6.2f} s, read {read:6.2f} s")


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--polygons", type=int, default=5000)
    parser.add_argument("--objects", type=int, default=10000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reading(Path(folder), given.polygons, given.repeats)
        converting(Path(folder), given.objects)


if __name__ == "__main__":
    main()
