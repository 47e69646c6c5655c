"""Anchors from the training data: sizes and aspect ratios of its boxes, clustered."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.cores.detection.settings import DetectionSettings

ROTATED_RATIOS = 2
SMALLEST = 4.0
"""Objects smaller than this, in pixels of the model, are looked for with anchors of this size."""
_TRIED = (2, 3)
_SQUARE = 1.15
"""Aspect ratios nearer to 1 than this need no anchors of their own."""
_DEFAULT = 16.0
"""Size of the anchors where there is no object to learn it from, pixels."""


@dataclass(frozen=True)
class Anchors:
    """What is tried at every place.

    Attributes:
        sizes: for each level, fine to coarse, square roots of areas, pixels.
        ratios: height / width; for rotated boxes width / length.
    """

    sizes: tuple[tuple[float, ...], ...]
    ratios: tuple[float, ...]


def fitted(boxes: np.ndarray, settings: DetectionSettings, rotated: bool = False) -> Anchors:
    """Anchors for the boxes of the training data.

    The sizes are the centres of clusters (k-means) of their logarithms, shared out to the levels from fine to coarse:
    a level has sizes of at least its stride, so that small objects alone need no coarse level. The ratios are centres
    of clusters too; those of upright boxes stand for both directions, since crops are turned.

    Args:
        boxes: (n, 2) width and height in pixels of the model (length and width of rotated ones).
        settings: of the core; sizes or ratios that they give stay.
        rotated: whether the boxes are rotated ones.
    """
    sides = np.maximum(np.asarray(boxes, float).reshape(-1, 2), 1.0)
    sides = sides if len(sides) else np.full((1, 2), _DEFAULT)
    sizes = settings.anchor_sizes or _sizes(np.sqrt(sides.prod(1)), settings)
    return Anchors(sizes, settings.aspect_ratios or _ratios(sides, rotated))


def spread(sizes: Sequence[float], settings: DetectionSettings) -> tuple[tuple[float, ...], ...]:
    """Given sizes, shared out to the levels from fine to coarse: equally many each, neighbours may share some.

    There are as many levels as the largest size needs (a level is for boxes of about 4 of its pixels and more), but
    not more than sizes.

    Args:
        sizes: pixels of the model, at least one.
        settings: of the core.
    """
    ordered = sorted({float(size) for size in sizes})
    levels = 1 if not settings.pyramid else min(_levels_for(math.log(ordered[-1]), settings), len(ordered))
    each = -(-len(ordered) // levels)
    starts = np.round(np.linspace(0, len(ordered) - each, levels)).astype(int)
    return tuple(tuple(ordered[start : start + each]) for start in starts)


def _levels_for(largest: float, settings: DetectionSettings) -> int:
    """How many levels there are where boxes of this logarithm of a size are about 4 pixels wide on the coarsest."""
    first = settings.finest.bit_length() - 1
    return 1 + int(np.clip(math.floor(largest / math.log(2)) - 2 - first, 0, settings.levels - 1))


def _sizes(found: np.ndarray, settings: DetectionSettings) -> tuple[tuple[float, ...], ...]:
    """For each level as many sizes; objects of the smallest and the largest sizes are within a factor 1.5 of one."""
    logs = np.log(np.maximum(found, SMALLEST))
    if not settings.pyramid:
        low, high = np.quantile(logs, [0.02, 0.98])
        return (_rounded(np.exp(_centres(logs, min(9, 2 + math.ceil((high - low) / math.log(2)))))),)
    levels = _levels_for(float(np.quantile(logs, 0.98)), settings)
    spread = (np.quantile(logs, 0.98) - np.quantile(logs, 0.02)) / math.log(2)
    each = _TRIED[0] if spread <= levels * 1.5 else _TRIED[1]
    centres = _rounded(np.exp(_centres(logs, levels * each)))
    return tuple(centres[level * each : (level + 1) * each] for level in range(levels))


def _ratios(sides: np.ndarray, rotated: bool) -> tuple[float, ...]:
    """Clusters of how long boxes are: two for rotated ones; for upright ones 1 and one in both directions."""
    long = np.log(sides.max(1) / sides.min(1))
    if rotated:
        return tuple(sorted({float(f"{1 / ratio:.3g}") for ratio in np.exp(_centres(long, ROTATED_RATIOS))}))
    longest = float(np.exp(_centres(long, 2)[-1]))
    if longest < _SQUARE:
        return (1.0,)
    return float(f"{1 / longest:.3g}"), 1.0, float(f"{longest:.3g}")


def _centres(values: np.ndarray, count: int) -> np.ndarray:
    """``count`` centres of clusters of one-dimensional values, ascending; quantiles where there are too few values."""
    from scipy.cluster.vq import kmeans2

    # a little apart, so that no two are the same
    start = np.quantile(values, (np.arange(count) + 0.5) / count) + np.linspace(-1e-3, 1e-3, count)
    if len(np.unique(values)) <= count:
        return np.sort(start)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty", UserWarning)
        centres, _ = kmeans2(values[:, None], start[:, None], minit="matrix")
    return np.sort(centres[:, 0])


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(f"{value:.3g}") for value in values)
