"""How many objects have which size: counts in bins that are the same for all images of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Column, Table
from temj.measurement.populations import Field, in_common_units, pooled

QUANTITIES = ("Area", "EquivalentDiameter", "AR")
_FEWEST, _MOST = 5, 40
_PER_DECADE, _MANY = 8, 100
_SLACK = 1e-9
_WIDE = 50.0
"""Largest / smallest value from which on bins of an area grow by a constant factor."""
_STARTS = {"AR": 1.0}


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts of the objects of one class in one image, or in all of a run.

    Attributes:
        image: its name, or ``all images``.
        class_name: which objects.
        quantity: of :data:`QUANTITIES`.
        unit: of the quantity; "" for AR.
        edges: (bins + 1,) float64, ascending; a bin holds its lower edge, the last one also its upper edge.
        counts: (bins,) int64.
        values: (n,) float64, what was counted; NaN left out.
        left_out: objects without this quantity.
        images: number of images.
        calibrated: whether they have a pixel size.
    """

    image: str
    class_name: str
    quantity: str
    unit: str
    edges: np.ndarray
    counts: np.ndarray
    values: np.ndarray
    left_out: int
    images: int = 1
    calibrated: bool = True


def histograms(fields: Sequence[Field], classes: Sequence[str]) -> list[Histogram]:
    """Histograms of every class and quantity: of all images together, then of each one, in the same bins.

    Images with and without a pixel size are not put together.
    """
    found = []
    for group in in_common_units(fields):
        whole = pooled(group)
        shown = [whole, *group] if len(fields) > 1 else group
        for quantity in QUANTITIES:
            growing = _is_wide(whole, classes, quantity)
            for name in classes:
                edges = bin_edges(_known(whole, name, quantity), quantity, growing)
                found += [_counted(one, name, quantity, edges) for one in shown]
    return found


def _known(one: Field, name: str, quantity: str) -> np.ndarray:
    """The values of a class without NaN."""
    values = one.objects[quantity][one.objects["Class"] == name]
    return values[np.isfinite(values)]


def _is_wide(one: Field, classes: Sequence[str], quantity: str) -> bool:
    """Whether bins grow: for areas of all classes where those of one differ much, so that they can be compared."""
    if quantity != "Area":
        return False
    each = [values for name in classes if len(values := _known(one, name, quantity))]
    if any(values.min() <= 0 for values in each):
        return False
    return any(values.max() / values.min() > _WIDE for values in each)


def _counted(one: Field, name: str, quantity: str, edges: np.ndarray) -> Histogram:
    known = _known(one, name, quantity)
    counts, _ = np.histogram(known, edges)
    unit = next(column.unit for column in one.objects if column.name == quantity)
    left_out = int((one.objects["Class"] == name).sum()) - len(known)
    return Histogram(
        one.image, name, quantity, unit, edges, counts, known, left_out, one.images, one.calibration.known
    )  # fmt: skip


def bin_edges(values: np.ndarray, quantity: str, growing: bool = False) -> np.ndarray:
    """Edges at round numbers that hold all values: a width of 1, 2 or 5 times a power of ten near that of Freedman and
    Diaconis (1981), with 5 to about 40 bins.

    Args:
        values: (n,) finite, none below 0.
        quantity: AR begins at 1, the others at 0, where the values come near it.
        growing: bins grow by a constant factor, 8 (of fewer than 100 values: 4) for each factor of ten; none of the
            values is 0.
    """
    start = _STARTS.get(quantity, 0.0)
    if not len(values):
        return np.array([start, start + 1.0])
    low, high = float(values.min()), float(values.max())
    if growing:
        each = _PER_DECADE if len(values) >= _MANY else _PER_DECADE // 2
        first = math.floor(each * math.log10(low) + _SLACK)
        last = math.floor(each * math.log10(high) + _SLACK) + 1
        return 10.0 ** (np.arange(first, last + 1) / each)
    q1, q3 = np.quantile(values, (0.25, 0.75))
    span = max(high - start, abs(high) * 1e-9, 1e-12)
    width = 2 * (q3 - q1) / len(values) ** (1 / 3)
    step = _round(span / _FEWEST if low == high else min(max(width, span / _MOST), span / _FEWEST))
    near = low == high or low - start < (high - low) / 2 + step
    first = math.floor((start if near else low) / step)
    return np.array([round(number * step, 12) for number in range(first, math.floor(high / step) + 2)])


def _round(width: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above ``width``."""
    power = 10.0 ** math.floor(math.log10(width))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= width * (1 + 1e-9))


def histogram_table(found: Sequence[Histogram]) -> Table:
    """A row for each bin: Image, Class, Quantity, Unit, Low, High, Count, Share (%) of the objects counted."""
    rows = [
        (one.image, one.class_name, one.quantity, one.unit, low, high, count, 100.0 * count / max(len(one.values), 1))
        for one in found
        for low, high, count in zip(one.edges[:-1], one.edges[1:], one.counts, strict=True)
    ]
    names = ("Image", "Class", "Quantity", "Unit", "Low", "High", "Count", "Share (%)")
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    kinds = (object, object, object, object, float, float, np.int64, float)
    return Table(
        tuple(Column(name, np.array(cells, kind)) for name, cells, kind in zip(names, columns, kinds, strict=True))
    )
