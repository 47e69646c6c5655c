"""The plots that a run has: which file each is, what it shows, and which table has its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from temj.report.run import Run


@dataclass(frozen=True)
class Plot:
    """What a plot shows: caption, words in place of the picture, tables with its numbers."""

    caption: str
    alt: str
    numbers: tuple[str, ...] = ()


_SIZES = (
    "Size distributions of every object found, by class: area, equivalent diameter and aspect ratio; the dashed line "
    "is the median."
)
KNOWN: Mapping[str, Plot] = MappingProxyType({
    "Histograms": Plot(_SIZES, "Histograms of area, equivalent diameter and aspect ratio, a row for each class"),
    "Histograms_pixels": Plot(
        f"{_SIZES} Images without pixel size, in pixels.", "The same histograms of the images without pixel size",
        ("Histograms.csv",),
    ),
    "Quantities": Plot(
        "The main quantities of each group, with 95 % intervals.", "Quantities of groups with error bars",
    ),
    "Sizes": Plot("Size distributions of each group and class.", "Histograms of diameter by group and class"),
    "Directions": Plot(
        "Directions of elongated objects (aspect ratio above 1.2), axial: 0 to 180 degrees.",
        "Roses of directions by group and class",
    ),
    "curve": Plot(
        "Figures against the threshold on these images: precision, recall and F1 of objects at the left, errors of "
        "area, count and diameter at the right; the thresholds of the model are marked.",
        "Curves of precision, recall, F1 and errors against the threshold",
    ),
    "detection": Plot(
        "Precision, recall and F1 of detection, classes ignored: against the IoU from which two objects are the same "
        "one, and against the confidence.",
        "Curves of precision, recall and F1 against match IoU and confidence", ("match_iou.csv", "confidence.csv"),
    ),
    "sizes": Plot(
        "Size distributions of what is annotated and found; recall, precision and error of the diameter by size.",
        "Histogram of diameters; curves of recall, precision and diameter error against size",
    ),
    "differences": Plot(
        "Diameters of matched pairs: found minus annotated as histogram, and against their mean (Bland-Altman).",
        "Histogram and scatter plot of diameter differences", ("pairs.csv",),
    ),
    "image_errors": Plot(
        "Errors of each image against its annotated density and mean diameter.", "Scatter plots of errors by image"
    ),
    "pairs": Plot(
        "Matched pairs from low to high IoU, annotated and found outlines.", "Strip of small pictures of matched pairs"
    ),
    "confusion": Plot(
        "Confusion of classes of the matched objects, with missed and extra ones.",
        "Matrix of predicted against annotated classes",
    ),
    "training_curve": Plot(
        "Loss and validation figures during the training.", "Curves of loss and validation figures against time"
    ),
    "threshold_curve": Plot(
        "Figures on the validation images against the threshold; the thresholds of the card are marked.",
        "Curves of precision, recall, F1 and errors against the threshold",
    ),
})  # fmt: skip
"""Stem of a plot's file → what it shows; of others the name says it."""
_NO_PLOTS = frozenset({"preview"})


def plots(run: Run) -> tuple[tuple[Path, Plot], ...]:
    """The plots of the run's folder and of those made for the report, by name; of an SVG and a PNG the SVG.

    The numbers are the tables of the same name, besides those that are known.
    """
    found: dict[str, Path] = {}
    for folder in filter(None, (run.folder, run.figures)):
        for path in sorted([*folder.glob("*.png"), *folder.glob("*.svg")]):
            if _is_plot(run, path) and path.is_file():
                found[path.stem] = path
    return tuple((path, _plot(path)) for _, path in sorted(found.items(), key=lambda item: _rank(item[0])))


def _is_plot(run: Run, path: Path) -> bool:
    """Beside predictions stand the pictures of many images: there only what is known is a plot."""
    return path.stem in KNOWN if run.kind == "prediction" else path.stem not in _NO_PLOTS


def numbers_of_plots(run: Run) -> set[str]:
    """The names of the tables that are the numbers of a plot."""
    return {name for _, plot in plots(run) for name in plot.numbers}


def _rank(stem: str) -> tuple[int, str]:
    order = list(KNOWN)
    return (order.index(stem) if stem in order else len(order)), stem


def _plot(path: Path) -> Plot:
    words = path.stem.replace("_", " ")
    known = KNOWN.get(path.stem, Plot(f"{words[:1].upper()}{words[1:]}.", f"Plot: {words}"))
    own = f"{path.stem}.csv"
    there = [name for name in dict.fromkeys([own, *known.numbers]) if (path.parent / name).is_file()]
    return Plot(known.caption, known.alt, tuple(there))
