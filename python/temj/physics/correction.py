"""Counts corrected for what a detector misses and invents: N = (N_pred - f A) / R.

f is the number of false objects per area and R the recall, by class of size, from validation images taken in the same
way. Never N P / R: precision P is no constant of the detector, it changes with the density of true objects, and turns
constant false objects per area into a false trend. Nothing here is done unasked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from temj.errors import BadValue, Refused
from temj.physics.values import NM2_PER_M2, Number, ratio
from temj.population.intervals import Interval, interval, poisson

ENOUGH_RECALL = 0.5
"""Classes of size are corrected from that one on from which all have at least this recall."""


@dataclass(frozen=True, eq=False)
class Validation:
    """What a detector found and missed on annotated images, by class of size, and how these were taken.

    Attributes:
        edges: (k + 1,) float64, limits of the classes of size in nm, increasing; the last may be infinite. A class
            holds sizes from its lower limit on, below its upper one.
        annotated, matched: (images, k) annotated objects of that true size, and how many of them were found.
        extra: (images, k) found objects of that found size that match none.
        area: (images,) analysed area in nm².
        mode: imaging mode, e.g. ``BF``; "" where not known.
        pixel_size_nm: smallest and largest pixel size of the images, nm.

    Raises:
        BadValue: shapes that do not fit, edges that do not increase, or more matched than annotated.
    """

    edges: np.ndarray
    annotated: np.ndarray
    matched: np.ndarray
    extra: np.ndarray
    area: np.ndarray
    mode: str = ""
    pixel_size_nm: tuple[float, float] = (math.nan, math.nan)

    def __post_init__(self):
        shape = (len(self.area), len(self.edges) - 1)
        right = all(np.shape(part) == shape for part in (self.annotated, self.matched, self.extra)) and shape[1] > 0
        if not right or not (np.diff(self.edges) > 0).all() or (self.matched > self.annotated).any():
            raise BadValue(
                "validation", expected="for each image and class of size: annotated, matched (no more), extra; edges "
                f"that increase; {shape[0]} images and {shape[1]} classes of size", found="something else",
            )  # fmt: skip

    @property
    def sums(self) -> np.ndarray:
        """(images, 3 k + 1) float64: annotated, matched, extra, area, to be added over images."""
        return np.column_stack([self.annotated, self.matched, self.extra, self.area]).astype(float)

    @property
    def recall(self) -> np.ndarray:
        """(k,) R, pooled over images; NaN where nothing of that size is annotated."""
        return _rates(self.sums.sum(0))[0]

    @property
    def false_density(self) -> np.ndarray:
        """(k,) f, false objects per nm², pooled over images."""
        return _rates(self.sums.sum(0))[1]

    @property
    def first_class(self) -> int:
        """The first class from which on all have a recall of :data:`ENOUGH_RECALL`; k where the last has not.

        Classes without annotated objects, of which nothing is known, do not count.
        """
        poor = np.flatnonzero(self.recall < ENOUGH_RECALL)
        good = np.flatnonzero(self.recall >= ENOUGH_RECALL)
        good = good[good > poor.max(initial=-1)]
        return int(good[0]) if len(good) else len(self.recall)

    @property
    def used(self) -> np.ndarray:
        """Indices of the classes that are corrected: from the first one on those with annotated objects."""
        classes = np.arange(len(self.recall))
        return classes[(classes >= self.first_class) & np.isfinite(self.recall)]

    def unknown(self, found: np.ndarray) -> str:
        """Which classes are left out since nothing of their size is annotated, as a sentence; "" without any.

        Args:
            found: (k,) objects found in each class.
        """
        lacking = np.setdiff1d(np.arange(self.first_class, len(self.recall)), self.used)
        if not len(lacking):
            return ""
        limits = ", ".join(_limits(*self.edges[place : place + 2]) for place in lacking)
        return (
            f"Left out, since the validation images have no annotated object of that size: {limits} "
            f"({found[lacking].sum():g} found)."
        )


def _rates(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(..., k) recall and false objects per area of sums as :attr:`Validation.sums`."""
    annotated, matched, extra = np.split(sums[..., :-1], 3, axis=-1)
    return ratio(matched, annotated), ratio(extra, sums[..., -1:])


def _limits(low: float, high: float) -> str:
    return f"{low:g} to {high:g} nm" if math.isfinite(high) else f"{low:g} nm and more"


def why_not(validation: Validation, mode: str | None, pixel_size_nm: float | None) -> str:
    """Why a count of an image must not be corrected with this validation, as a sentence; "" where it may.

    Args:
        validation: of the model.
        mode: imaging mode of the image; None where not known.
        pixel_size_nm: of the image; None where not known.
    """
    if not (mode and validation.mode):
        whose = "image" if not mode else "validation"
        return f"The imaging mode of the {whose} is not known."
    if _plain(mode) != _plain(validation.mode):
        return f"The image was taken in the mode {mode}, the model was validated in {validation.mode}."
    low, high = validation.pixel_size_nm
    if pixel_size_nm is None or not low <= high:
        return f"The pixel size of the {'image' if pixel_size_nm is None else 'validation'} is not known."
    if not low * (1 - 1e-6) <= pixel_size_nm <= high * (1 + 1e-6):
        return f"The pixel size is {pixel_size_nm:g} nm, the model was validated at {low:g} to {high:g} nm."
    return ""


def require_fitting(validation: Validation, mode: str | None, pixel_size_nm: float | None) -> None:
    """Nothing, where counts of such an image may be corrected.

    Raises:
        Refused: another imaging mode or pixel size than those of the validation, or one that is not known.
    """
    reason = why_not(validation, mode, pixel_size_nm)
    if reason:
        raise Refused(
            "correction", expected="images taken as those that the model was validated on", found=reason.rstrip("."),
            remedy="Validate the model on such images, or leave the correction for the detector out.",
        )  # fmt: skip


def _plain(mode: str) -> str:
    return re.sub(r"[\s_-]+", "", mode.casefold())


def corrected(found: Number, false_density: Number, recall: Number) -> Number:
    """(n - f) / R: density of true objects from that of found ones, by class of size; all are broadcast.

    Args:
        found: n, found objects per area.
        false_density: f, false objects per area, in the same unit.
        recall: R, 0 to 1.

    Returns:
        In that unit. It may be below 0 where fewer were found than false ones are expected: cut off at 0 it would be
        biased. NaN where the recall is 0 or not known.
    """
    return ratio(np.asarray(found, float) - false_density, recall)


@dataclass(frozen=True)
class Corrected:
    """A number density corrected for the detector, beside the raw one.

    Attributes:
        value, low, high: of true objects of at least ``smallest_nm``, m⁻², with a 95 % interval; may be below 0.
        raw: of the found objects of that size, m⁻².
        smallest_nm: objects below it are left out, since too few of them are found.
        method: how the interval was found.
        notes: what a reader must know.
    """

    value: float
    low: float
    high: float
    raw: float
    smallest_nm: float
    method: str = ""
    notes: tuple[str, ...] = ()


def corrected_density(found: np.ndarray, area: np.ndarray, validation: Validation) -> Corrected:
    """Number density of true objects of all sizes that are found well enough, with interval.

    The classes of size are those of the validation from :attr:`Validation.first_class` on; nothing is said of smaller
    objects, nor of classes without annotated objects, which a note names. Classes should be wide against the error of
    the diameters, as the recall is by true and the count by found size.

    The interval holds two errors: that of the counts (:func:`temj.population.intervals.interval` over fields; of one
    field, or where nothing was found, Poisson's for a weighted sum, A.J. Dobson et al., Stat. Med. 10 (1991) 457) and
    that of recall and false objects (over validation images). What they reach below and above the value adds as the
    root of the sum of squares (G.Y. Zou, A. Donner, Stat. Med. 27 (2008) 1693).

    Args:
        found: (fields, k) objects found in each field, by class of found size; fields are independent of each other.
        area: (fields,) analysed area in nm².
        validation: fitting to the fields (:func:`require_fitting`).

    Raises:
        BadValue: another number of classes of size than the validation's.
    """
    counts, areas = np.asarray(found, float), np.asarray(area, float)
    if counts.shape != (len(areas), len(validation.edges) - 1):
        raise BadValue(
            "value", where="found objects", expected=f"(fields, {len(validation.edges) - 1} classes of size)",
            found=str(counts.shape),
        )  # fmt: skip
    first, used = validation.first_class, validation.used
    smallest = float(validation.edges[first])
    if first == counts.shape[1] or not areas.sum() > 0:
        told = "no analysed area" if first < counts.shape[1] else f"no class of size has a recall of {ENOUGH_RECALL:g}"
        return Corrected(math.nan, math.nan, math.nan, math.nan, smallest, "", (f"Not corrected: {told}.",))
    fields, known = np.column_stack([counts, areas]), validation.sums
    total = fields.sum(0)

    def density(fields: np.ndarray, sums: np.ndarray) -> np.ndarray:
        recall, false = _rates(sums)
        return corrected(ratio(fields[..., :-1], fields[..., -1:]), false, recall)[..., used].sum(-1) * NM2_PER_M2

    value = float(density(total, known.sum(0)))
    counted = _of_counts(fields, total, validation, lambda sums: density(sums, known.sum(0)))
    validated = interval(known, lambda sums: density(total, sums))
    low = value - math.hypot(value - counted.low, value - validated.low)
    high = value + math.hypot(counted.high - value, validated.high - value)
    limits = math.isfinite(low)
    told = "" if limits else "No interval: with so few validation images the error of the recall is not known."
    notes = tuple(filter(None, (told, validation.unknown(total[:-1]))))
    raw = float(total[used].sum() / total[-1]) * NM2_PER_M2
    method = f"counts: {counted.method}; recall and false objects: {validated.method}" if limits else ""
    return Corrected(value, low, high, raw, smallest, method, notes)


def _of_counts(fields: np.ndarray, total: np.ndarray, validation: Validation, statistic: Callable) -> Interval:
    """The interval of the density, m⁻², as far as the counts alone make it."""
    counts = total[validation.used]
    number = float(counts.sum())
    if len(fields) > 1 and number > 0:
        return interval(fields, statistic)
    weight = NM2_PER_M2 / total[-1] / validation.recall[validation.used]
    spread = math.sqrt(counts @ weight**2 / number) if number else float(weight.max())
    value, counted = float(statistic(total)), poisson(number)
    return Interval(value - spread * (number - counted.low), value + spread * (counted.high - number), counted.method)
