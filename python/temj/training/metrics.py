"""How well predicted objects agree with annotated ones; NumPy, every definition in the docstring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from temj.opencv import opencv

cv2 = opencv()

DEFINITIONS = {
    "IoU": "pixels found and annotated / pixels found or annotated, over all validation images together",
    "Dice": "2 x pixels found and annotated / (pixels found + pixels annotated), over all validation images together",
    "object F1": "2 x matched / (found + annotated objects); a match is one to one with IoU > 0.5; annotated objects"
    " are 8-connected components of the masks",
    "area error": "(area found - area annotated) / area annotated",
    "count error": "(objects found - objects annotated) / objects annotated",
    "diameter error": "(mean diameter found - annotated) / annotated; major axis of the ellipse with the object's"
    " second moments",
}
"""Name of a metric → how it is computed."""


@dataclass(frozen=True)
class Agreement:
    """Sums over images, from which every metric follows; add them to join images."""

    both: int = 0
    found_pixels: int = 0
    true_pixels: int = 0
    matched: int = 0
    found: int = 0
    true: int = 0
    found_diameters: float = 0.0
    true_diameters: float = 0.0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @classmethod
    def total(cls, parts: Iterable[Agreement]) -> Agreement:
        """The sum of several."""
        return sum(parts, cls())

    def metrics(self) -> dict[str, float]:
        """Name (as in :data:`DEFINITIONS`) → value; NaN where nothing was annotated or found."""
        union = self.found_pixels + self.true_pixels - self.both
        return {
            "IoU": _ratio(self.both, union),
            "Dice": _ratio(2 * self.both, self.found_pixels + self.true_pixels),
            "object F1": _ratio(2 * self.matched, self.found + self.true),
            "area error": _ratio(self.found_pixels, self.true_pixels) - 1,
            "count error": _ratio(self.found, self.true) - 1,
            "diameter error": _ratio(_ratio(self.found_diameters, self.found), _ratio(self.true_diameters, self.true))
            - 1,
        }


def _ratio(above: float, below: float) -> float:
    return above / below if below else float("nan")


def components(mask: np.ndarray) -> np.ndarray:
    """Labels 1.. of the 8-connected components of a mask (h, w)."""
    return cv2.connectedComponents(np.ascontiguousarray(mask, np.uint8), connectivity=8)[1]


def compare(found: np.ndarray, true: np.ndarray, counts: np.ndarray | None = None) -> Agreement:
    """How the labels found agree with the true ones.

    Args:
        found: (h, w) int labels, 0 none.
        true: (h, w) int labels, 0 none.
        counts: (h, w) bool, where the truth is known; found objects mostly outside of it do not count.
    """
    if counts is not None:
        unknown = np.bincount(found.ravel(), weights=~counts.ravel()) > 0.5 * np.bincount(found.ravel())
        found = np.where(unknown[found] | ~counts, 0, found)
        true = np.where(counts, true, 0)
    return Agreement(
        both=int(np.count_nonzero((found > 0) & (true > 0))),
        found_pixels=int(np.count_nonzero(found)),
        true_pixels=int(np.count_nonzero(true)),
        matched=_matched(found, true),
        found=int(np.count_nonzero(np.bincount(found.ravel())[1:])),
        true=int(np.count_nonzero(np.bincount(true.ravel())[1:])),
        found_diameters=float(major_axes(found).sum()),
        true_diameters=float(major_axes(true).sum()),
    )


def _matched(found: np.ndarray, true: np.ndarray) -> int:
    """Pairs with IoU > 0.5; above one half no object can have two partners, so no assignment is needed."""
    width = int(true.max()) + 1
    pairs = np.bincount((found.astype(np.int64) * width + true).ravel(), minlength=(int(found.max()) + 1) * width)
    pairs = pairs.reshape(-1, width)
    union = pairs.sum(1, keepdims=True) + pairs.sum(0, keepdims=True) - pairs
    return int(np.count_nonzero(2 * pairs[1:, 1:] > union[1:, 1:]))


def major_axes(labels: np.ndarray) -> np.ndarray:
    """Major axis, pixels, of the ellipse with the second moments of every label that has pixels: (n,).

    A pixel is a unit square (1/12 is added to both variances), as in ImageJ's ellipse fit.
    """
    y, x = np.nonzero(labels)
    label = labels[y, x]
    area = np.bincount(label)
    keep = area > 0
    area = np.maximum(area, 1)
    mean_x, mean_y = (np.bincount(label, weights=values) / area for values in (x, y))
    dx, dy = x - mean_x[label], y - mean_y[label]
    xx, yy, xy = (np.bincount(label, weights=values) / area for values in (dx * dx, dy * dy, dx * dy))
    largest = (xx + yy) / 2 + np.hypot((xx - yy) / 2, xy) + 1 / 12
    return (4 * np.sqrt(largest))[keep]


def best_thresholds(probabilities: Sequence[np.ndarray], truths: Sequence[np.ndarray]) -> dict[str, float]:
    """The thresholds, in steps of 0.01, that fit validation images best.

    Args:
        probabilities: (h, w) each, of one class.
        truths: (h, w) each: bool, or float with NaN where the truth is not known.

    Returns:
        ``iou``: best IoU; ``area``: the area found comes nearest to the annotated area.
    """
    flat = [np.asarray(truth, np.float32).ravel() for truth in truths]
    truth = np.concatenate(flat)
    level = np.concatenate([np.asarray(p, np.float32).ravel() for p in probabilities])[np.isfinite(truth)]
    truth = truth[np.isfinite(truth)] > 0.5
    # A pixel is found at threshold t if its probability exceeds t: bin b holds those found at t = 0.01 * b.
    bins = np.clip(np.ceil(level.astype(np.float64) * 100) - 1, 0, 99).astype(int)
    found = np.bincount(bins, minlength=100)[::-1].cumsum()[::-1]
    both = np.bincount(bins[truth], minlength=100)[::-1].cumsum()[::-1]
    grid = np.arange(100) / 100
    allowed = (grid >= 0.05) & (grid <= 0.95)
    iou = both / np.maximum(found + truth.sum() - both, 1)
    bias = np.abs(found - truth.sum())
    return {
        "iou": float(grid[np.where(allowed, iou, -1).argmax()]),
        "area": float(grid[np.where(allowed, bias, np.inf).argmin()]),
    }
