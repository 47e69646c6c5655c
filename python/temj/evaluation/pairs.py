"""The objects of all images in a row: their sizes, who is whose partner, and how far the sizes of partners differ.

A pair is a match as everywhere: one to one, of the same class (found and classified correctly). Sizes are diameters by
the rule of the class, in the unit of the images. Differences are found less annotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Column, Table
from temj.evaluation.intervals import Interval, interval
from temj.evaluation.judging import Judged
from temj.evaluation.summary import NO_INTERVAL, Figure
from temj.population.quotients import divided

_AGREEMENT = 1.96
"""Limits of agreement: mean difference and so many standard deviations on both sides (95 % of normal differences)."""
_FEWEST = 2
DEFINITIONS = {
    "mean diameter difference": "mean of found - annotated diameter over matched pairs (bias of Bland and Altman)",
    "mean absolute diameter difference": "mean of |found - annotated| diameter over matched pairs",
    "lower limit of agreement": "mean - 1.96 standard deviations (n - 1) of the differences of matched pairs: 95 % of "
    "differences lie between the limits where they are normal (Bland and Altman, Lancet 327 (1986) 307)",
    "upper limit of agreement": "mean + 1.96 standard deviations of the differences of matched pairs",
    "diameter KS statistic": "largest difference of the cumulative distributions of all found and all annotated "
    "diameters (two-sample Kolmogorov-Smirnov)",
    "diameter KS p": "p of that statistic for distributions that are the same, objects taken as independent",
}
"""Name of a figure → how it is computed."""


@dataclass(frozen=True, eq=False)
class Sized:
    """The objects of one side that count.

    Attributes:
        image: (n,) int64, place of the image.
        label: (n,) int64, place of the class.
        diameter: (n,) float64.
        matched: (n,) bool, whether it has a partner.
    """

    image: np.ndarray
    label: np.ndarray
    diameter: np.ndarray
    matched: np.ndarray

    def of_class(self, number: int | None) -> Sized:
        """Those of one class; of all for None."""
        kept = np.ones(len(self.label), bool) if number is None else self.label == number
        return Sized(self.image[kept], self.label[kept], self.diameter[kept], self.matched[kept])


@dataclass(frozen=True, eq=False)
class Pairs:
    """The objects of several images.

    Attributes:
        images: how many images.
        found, true: the objects of both sides.
        image, label: (p,) int64, place of image and class of each pair.
        found_diameter, true_diameter, iou: (p,) float64.
    """

    images: int
    found: Sized
    true: Sized
    image: np.ndarray
    label: np.ndarray
    found_diameter: np.ndarray
    true_diameter: np.ndarray
    iou: np.ndarray

    @classmethod
    def of(cls, images: Sequence[Judged]) -> Pairs:
        """Of images judged by the same rules, lengths in one unit."""
        found, true, rows = [], [], []
        for place, image in enumerate(images):
            sides = _sized(image, place)
            found.append(sides[0])
            true.append(sides[1])
            label = np.full(len(image.true_diameter), -1, np.int64)
            label[np.isfinite(image.true_diameter)] = sides[1].label
            one, other = image.pairs.first, image.pairs.second
            at = np.full(len(one), place, np.int64)
            rows.append((at, label[other], image.found_diameter[one], image.true_diameter[other], image.pairs.iou))
        whole, number, reals = np.zeros(0, np.int64), np.zeros(0, np.int64), [np.zeros(0)] * 3
        columns = [np.concatenate(parts) for parts in zip((whole, number, *reals), *rows, strict=True)]
        return cls(len(images), _joined(found), _joined(true), *columns)

    def of_class(self, number: int | None) -> Pairs:
        """Those of one class; of all for None."""
        kept = np.ones(len(self.label), bool) if number is None else self.label == number
        arrays = (self.image, self.label, self.found_diameter, self.true_diameter, self.iou)
        return Pairs(self.images, self.found.of_class(number), self.true.of_class(number), *(a[kept] for a in arrays))

    @property
    def difference(self) -> np.ndarray:
        """(p,) found less annotated diameter."""
        return self.found_diameter - self.true_diameter

    def table(self, stems: Sequence[str], classes: Sequence[str], unit: str) -> Table:
        """``pairs.csv``: a row a pair."""
        return Table((
            Column("Image", np.array([stems[place] for place in self.image], object)),
            Column("Class", np.array([classes[place] for place in self.label], object)),
            Column("IoU", self.iou),
            Column(f"Diameter annotated ({unit})", self.true_diameter, unit),
            Column(f"Diameter found ({unit})", self.found_diameter, unit),
            Column(f"Difference ({unit})", self.difference, unit),
            Column("Difference (%)", 100 * divided(self.difference, self.true_diameter), "%"),
        ))  # fmt: skip


def _sized(image: Judged, place: int) -> tuple[Sized, Sized]:
    """Found and annotated objects of one image that count, in order."""
    compared = image.compared
    sides = (
        (image.found_diameter, compared.found_class, image.found_matched),
        (image.true_diameter, compared.true_class, image.true_matched),
    )
    made = []
    for diameter, label, matched in sides:
        counts = np.isfinite(diameter)
        made.append(Sized(np.full(counts.sum(), place, np.int64), label, diameter[counts], matched[counts]))
    return made[0], made[1]


def _joined(parts: Sequence[Sized]) -> Sized:
    empty = Sized(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool))
    every = [empty, *parts]
    return Sized(*(np.concatenate([getattr(part, name) for part in every]) for name in Sized.__dataclass_fields__))


def size_agreement(pairs: Pairs, class_name: str, unit: str) -> list[Figure]:
    """Agreement of sizes: of matched pairs (Bland and Altman), and of the distributions (Kolmogorov and Smirnov).

    Args:
        pairs: of one class, or of all.
        class_name: of the figures.
        unit: of the diameters.

    Returns:
        A figure for each name of :data:`DEFINITIONS`; the two means with an interval over images. What is not defined
        (no pair; one pair for limits of agreement; one side without objects for KS) is NaN.
    """
    difference = pairs.difference
    low = high = np.nan
    if len(difference) >= _FEWEST:
        middle, reach = difference.mean(), _AGREEMENT * difference.std(ddof=1)
        low, high = middle - reach, middle + reach
    mean, absolute = (mean_over_images(values, pairs) for values in (difference, np.abs(difference)))
    values = {
        "mean diameter difference": (*mean, unit),
        "mean absolute diameter difference": (*absolute, unit),
        "lower limit of agreement": (low, NO_INTERVAL, unit),
        "upper limit of agreement": (high, NO_INTERVAL, unit),
    }
    statistic, p = _kolmogorov_smirnov(pairs.found.diameter, pairs.true.diameter)
    values |= {"diameter KS statistic": (statistic, NO_INTERVAL, ""), "diameter KS p": (p, NO_INTERVAL, "")}
    return [
        Figure(class_name, name, float(value), known, its_unit, DEFINITIONS[name])
        for name, (value, known, its_unit) in values.items()
    ]


def mean_over_images(values: np.ndarray, pairs: Pairs) -> tuple[float, Interval]:
    """The mean of a value of each pair, all images together, and its interval over images."""
    units = np.stack([np.bincount(pairs.image, w, pairs.images) for w in (values, np.ones(len(values)))], axis=1)

    def mean(sums: np.ndarray) -> np.ndarray:
        return divided(sums[..., 0], sums[..., 1])

    return float(mean(units.sum(axis=0))), interval(units, mean)


def _kolmogorov_smirnov(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    if not (len(found) and len(true)):
        return np.nan, np.nan
    from scipy.stats import ks_2samp

    result = ks_2samp(found, true, method="auto")
    return float(result.statistic), float(result.pvalue)


def errors_by_image(
    pairs: Pairs, stems: Sequence[str], classes: Sequence[str], density: np.ndarray, unit: str, density_unit: str
) -> Table:
    """``image_errors.csv``: errors of the diameters of matched pairs, a row an image and class with annotated objects.

    Args:
        pairs: of all classes.
        stems, classes: names.
        density: (images, classes) annotated objects by area.
        unit: of the diameters.
        density_unit: of the densities.
    """
    rows = []
    for image, stem in enumerate(stems):
        for label, name in enumerate(classes):
            sizes = pairs.true.diameter[(pairs.true.image == image) & (pairs.true.label == label)]
            own = (pairs.image == image) & (pairs.label == label)
            if not len(sizes):
                continue
            mean = sizes.mean()
            error, absolute = (
                v[own].mean() if own.any() else np.nan for v in (pairs.difference, abs(pairs.difference))
            )
            rows.append((stem, name, len(sizes), int(own.sum()), density[image, label], mean, error, absolute,
                         100 * error / mean, 100 * absolute / mean))  # fmt: skip
    names = (
        ("Image", ""), ("Class", ""), ("Objects annotated", ""), ("Matched", ""),
        (f"Number density annotated ({density_unit})", density_unit), (f"Mean diameter annotated ({unit})", unit),
        (f"Mean error ({unit})", unit), (f"Mean absolute error ({unit})", unit), ("Mean error (%)", "%"),
        ("Mean absolute error (%)", "%"),
    )  # fmt: skip
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    kinds = (object, object, np.int64, np.int64)
    return Table(tuple(
        Column(name, np.array(cells, kinds[place] if place < len(kinds) else float), its_unit)
        for place, ((name, its_unit), cells) in enumerate(zip(names, columns, strict=True))
    ))  # fmt: skip
