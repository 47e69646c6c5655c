"""How well predicted objects agree with annotated ones; NumPy, every definition in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np

from temj.evaluation.creme import p1, p2, ratio
from temj.evaluation.objects import DEFAULT_IOU, Objects, match
from temj.opencv import opencv
from temj.population.quotients import divided

cv2 = opencv()

Diameter = Literal["major", "geometric", "equivalent"]
Lengths = tuple[np.ndarray, np.ndarray, np.ndarray]

DEFINITIONS = {
    "IoU": "pixels found and annotated / pixels found or annotated, over all images together",
    "Dice": "2 x pixels found and annotated / (pixels found + pixels annotated), over all images together; the F1 of "
    "pixels",
    "pixel precision": "pixels found and annotated / pixels found",
    "pixel recall": "pixels found and annotated / pixels annotated",
    "object F1": "2 x matched / (found + annotated objects); a match is one to one with IoU > 0.5",
    "object precision": "matched / found objects",
    "object recall": "matched / annotated objects",
    "area error": "(area found - area annotated) / area annotated; F of CREME",
    "count error": "(objects found - objects annotated) / objects annotated; N of CREME",
    "diameter error": "(mean diameter found - annotated) / annotated, of all objects, with the diameter of the class",
    "major axis error": "(mean found - annotated) / annotated of the major axes of the ellipses with the second moments"
    " and the area of the objects; D of CREME",
    "minor axis error": "the same of the minor axes; Dm of CREME",
    "P1": "100 - 6 / (1/(1+|F|) + 1/(1+|N|) + 4/(1+S)) with errors in percent, S the mean of |D| and |Dm|; for "
    "comparison with CREME only",
    "r": "(1+N) (1+D) (1+Dm) of the errors, not in percent; for comparison with CREME only",
    "P2": "100 x the smaller of r and 1/r; errors cancel in it; for comparison with CREME only",
}
"""Name of a metric → how it is computed."""

SHARES = (
    "IoU", "Dice", "pixel precision", "pixel recall", "object F1", "object precision", "object recall",
)  # fmt: skip
_LENGTHS = (
    "found_diameters", "true_diameters", "found_majors", "true_majors", "found_minors", "true_minors",
)  # fmt: skip
ERRORS = ("area error", "count error", "diameter error", "major axis error", "minor axis error")
"""Relative errors, as fractions (0.05 is 5 % too much); :data:`SHARES` are from 0 to 1, the higher the better."""
_NOISE, _LEAST_NOISE = 20, 1000


@dataclass(frozen=True)
class Agreement:
    """Sums over images, from which every metric follows; add them to join images, views or classes.

    Attributes:
        both, found_pixels, true_pixels: pixels found and annotated, found, annotated.
        matched, found, true: pairs of objects, objects found, annotated.
        found_diameters, true_diameters: sums over the objects, pixels (or any other length, the same in all parts).
        found_majors, true_majors, found_minors, true_minors: the same of the axes of their ellipses.
    """

    both: float = 0
    found_pixels: float = 0
    true_pixels: float = 0
    matched: float = 0
    found: float = 0
    true: float = 0
    found_diameters: float = 0.0
    true_diameters: float = 0.0
    found_majors: float = 0.0
    true_majors: float = 0.0
    found_minors: float = 0.0
    true_minors: float = 0.0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @classmethod
    def total(cls, parts: Iterable[Agreement]) -> Agreement:
        """The sum of several."""
        return sum(parts, cls())

    def scaled(self, factor: float) -> Agreement:
        """The same with all lengths times a factor."""
        return replace(self, **{name: factor * getattr(self, name) for name in _LENGTHS})

    def metrics(self) -> dict[str, float]:
        """Name (as in :data:`DEFINITIONS`) → value; NaN where nothing was annotated or found."""
        return {name: float(value) for name, value in figures(np.array(self.sums)).items()}

    @property
    def sums(self) -> tuple[float, ...]:
        """The sums in the order of the fields."""
        return tuple(float(getattr(self, field.name)) for field in fields(self))


def figures(sums: np.ndarray) -> dict[str, np.ndarray]:
    """The metrics of many sums at once.

    Args:
        sums: (…, 12) float64, as :attr:`Agreement.sums`.

    Returns:
        Name (as in :data:`DEFINITIONS`) → (…) float64, NaN where the denominator is 0.
    """
    s = {field.name: np.asarray(sums, float)[..., place] for place, field in enumerate(fields(Agreement))}

    def mean_error(name: str) -> np.ndarray:
        found, true = divided(s[f"found_{name}"], s["found"]), divided(s[f"true_{name}"], s["true"])
        return divided(found, true) - 1

    found = {
        "IoU": divided(s["both"], s["found_pixels"] + s["true_pixels"] - s["both"]),
        "Dice": divided(2 * s["both"], s["found_pixels"] + s["true_pixels"]),
        "pixel precision": divided(s["both"], s["found_pixels"]),
        "pixel recall": divided(s["both"], s["true_pixels"]),
        "object F1": divided(2 * s["matched"], s["found"] + s["true"]),
        "object precision": divided(s["matched"], s["found"]),
        "object recall": divided(s["matched"], s["true"]),
        "area error": divided(s["found_pixels"], s["true_pixels"]) - 1,
        "count error": divided(s["found"], s["true"]) - 1,
        "diameter error": mean_error("diameters"),
        "major axis error": mean_error("majors"),
        "minor axis error": mean_error("minors"),
    }
    percent = [100 * found[name] for name in ("area error", "count error", "major axis error", "minor axis error")]
    r = ratio(*percent[1:])
    return found | {"P1": p1(*percent), "r": r, "P2": p2(r)}


def components(mask: np.ndarray) -> np.ndarray:
    """Labels 1.. of the 8-connected components of a mask (h, w)."""
    return cv2.connectedComponents(np.ascontiguousarray(mask, np.uint8), connectivity=8)[1]


def compare(
    found: np.ndarray,
    true: np.ndarray,
    counts: np.ndarray | None = None,
    *,
    iou: float = DEFAULT_IOU,
    diameter: Diameter = "major",
) -> Agreement:
    """How the labels found agree with the true ones.

    Args:
        found: (h, w) int labels, 0 none.
        true: (h, w) int labels, 0 none: numbers of objects, or :func:`components` of a mask.
        counts: (h, w) bool, where the truth is known; found objects mostly outside of it do not count, and of the
            others only the pixels inside.
        iou: a pair with more than this is a match (:func:`temj.evaluation.objects.match`).
        diameter: which length is the diameter: the major axis, the geometric mean of the axes, or the diameter of the
            circle of the same area.
    """
    return compare_objects(
        Objects.of_labels(np.asarray(found)), Objects.of_labels(np.asarray(true)), counts, iou=iou, diameter=diameter
    )


def compare_objects(
    found: Objects,
    true: Objects,
    counts: np.ndarray | None = None,
    *,
    iou: float = DEFAULT_IOU,
    diameter: Diameter = "major",
    pixel: tuple[float, float] = (1.0, 1.0),
) -> Agreement:
    """As :func:`compare`, of objects that may overlap; lengths are in the unit of ``pixel`` (width, height)."""
    found, true = found.inside(counts, mostly=True), true.inside(counts)
    sizes = lengths(found, diameter, pixel), lengths(true, diameter, pixel)
    return agreement_of(found, true, len(match(found, true, iou)), *sizes)


def agreement_of(found: Objects, true: Objects, matched: int, found_sizes: Lengths, true_sizes: Lengths) -> Agreement:
    """The sums for objects that all count, of which so many are matched; sizes as of :func:`lengths`."""
    sums = [
        [float(np.nansum(values[objects.present])) for values in sizes]
        for objects, sizes in ((found, found_sizes), (true, true_sizes))
    ]
    masks = found.mask, true.mask
    return Agreement(
        both=int(np.count_nonzero(masks[0] & masks[1])),
        found_pixels=int(np.count_nonzero(masks[0])),
        true_pixels=int(np.count_nonzero(masks[1])),
        matched=matched,
        found=int(np.count_nonzero(found.present)),
        true=int(np.count_nonzero(true.present)),
        found_diameters=sums[0][0],
        true_diameters=sums[1][0],
        found_majors=sums[0][1],
        true_majors=sums[1][1],
        found_minors=sums[0][2],
        true_minors=sums[1][2],
    )


def lengths(objects: Objects, rule: Diameter | Sequence[Diameter], pixel: tuple[float, float]) -> Lengths:
    """Diameter, major and minor axis of each object: (n,) float64 each, NaN without pixels.

    Args:
        objects: which.
        rule: which length is the diameter, of all or of each.
        pixel: width and height of a pixel, in the unit of the result.
    """
    major, minor = objects.axes(pixel)
    area = np.where(objects.present, objects.area, np.nan) * pixel[0] * pixel[1]
    rules = np.broadcast_to(np.asarray(rule, object), major.shape)
    diameter = np.where(rules == "geometric", np.sqrt(major * minor), major)
    return np.where(rules == "equivalent", 2 * np.sqrt(area / np.pi), diameter), major, minor


def is_noise(pieces: int, objects: int) -> bool:
    """Whether what is found is noise, not worth reading: 20 times as many pieces as annotated objects, and over 1000.

    Args:
        pieces: connected pieces above a threshold.
        objects: that are annotated in the same images.
    """
    return pieces > max(_LEAST_NOISE, _NOISE * objects)
