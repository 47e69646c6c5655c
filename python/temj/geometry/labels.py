"""Label images: each pixel has the number of the object it belongs to."""

from __future__ import annotations

import numpy as np

from temj.data import Shapes
from temj.geometry.raster import Runs, rasterise


def paint(shapes: Shapes, scores: np.ndarray, width: int, height: int) -> tuple[np.ndarray, int]:
    """A label image in which object i has the number i + 1 and the background 0.

    Where objects overlap the one with the higher score wins; NaN counts as the lowest score, and among equal
    scores the earlier object wins.

    Args:
        shapes: outlines; parts outside the image are left out.
        scores: (n,) float.
        width: of the image in pixels.
        height: of the image in pixels.

    Returns:
        (height, width) uint16, or uint32 for more than 65535 objects; and how many pixels are claimed by more
        than one object.
    """
    runs = rasterise(shapes, width, height)
    count = len(shapes)
    score = np.nan_to_num(np.broadcast_to(np.asarray(scores, float), (count,)), nan=-np.inf)
    weakest_first = np.lexsort((-np.arange(count), score))
    rank = np.empty(count, np.int64)
    rank[weakest_first] = np.arange(count)
    order = np.argsort(rank[runs.object], kind="stable")
    owner, index = runs.where(order).pixels(width)
    labels = np.zeros(height * width, np.uint16 if count <= np.iinfo(np.uint16).max else np.uint32)
    labels[index] = (owner + 1).astype(labels.dtype)  # the last value written to a pixel stays
    return labels.reshape(height, width), _overlapped(runs, width)


def _overlapped(runs: Runs, width: int) -> int:
    """Pixels that are in more than one run, by sweeping over the ends of the runs."""
    ends = np.concatenate([runs.y * width + runs.start, runs.y * width + runs.stop])
    step = np.repeat([1, -1], len(runs))
    order = np.argsort(ends, kind="stable")
    depth = np.cumsum(step[order])
    return int(np.diff(ends[order])[depth[:-1] > 1].sum())
