"""Which upright boxes of two sets overlap, for many boxes at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from temj.geometry.overlap import beginnings_in

_MOST_STRIPS = 1 << 20


def touching(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All pairs of upright boxes that overlap, each once, in no order and in blocks, so that memory stays bounded.

    Each box stands in the horizontal strips that it crosses, all as high as a box is on average. So only boxes that
    are near each other in both directions are ever looked at.

    Args:
        first: (n, 4) float64 x1, y1, x2, y2, finite, x1 <= x2 and y1 <= y2.
        second: (m, 4), likewise.

    Yields:
        Indices (p,) int64 into both. Boxes that have only an edge in common are not among them; one without height or
        width within another may be.
    """
    if not len(first) or not len(second):
        return
    sets = first, second
    top = min(boxes[:, 1].min() for boxes in sets)
    high = max(boxes[:, 3].max() for boxes in sets) - top
    mean = sum((boxes[:, 3] - boxes[:, 1]).sum() for boxes in sets) / (len(first) + len(second))
    height = max(mean, high / _MOST_STRIPS) or 1.0
    strips = [np.floor((boxes[:, 1::2] - top) / height).astype(np.int64) for boxes in sets]
    # ranks in place of coordinates: a strip and a rank together are one integer, without rounding
    values, rank = np.unique(np.concatenate([boxes[:, 0::2].ravel() for boxes in sets]), return_inverse=True)
    ranks = rank[: 2 * len(first)].reshape(-1, 2), rank[2 * len(first) :].reshape(-1, 2)
    (row, begin, end), (other_row, other_begin, other_end) = (
        _in_strips(strip, rank, len(values)) for strip, rank in zip(strips, ranks, strict=True)
    )
    in_first = beginnings_in(other_begin, begin, end, "left")
    in_second = ((inside, outer) for outer, inside in beginnings_in(begin, other_begin, other_end, "right"))
    for one, other in chain(in_first, in_second):
        i, j, strip = row[one], other_row[other], begin[one] // len(values)
        # of the strips that both are in, the first one counts
        kept = strip == np.maximum(strips[0][i, 0], strips[1][j, 0])
        kept &= (first[i, 1] < second[j, 3]) & (second[j, 1] < first[i, 3])
        yield i[kept], j[kept]


def _in_strips(strip: np.ndarray, rank: np.ndarray, ranks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (n, 2) of strips and ranks, repeated for each strip: index, begin and end of each as one integer."""
    count = strip[:, 1] - strip[:, 0] + 1
    row = np.repeat(np.arange(len(strip)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    base = (strip[row, 0] + within) * ranks
    return row, base + rank[row, 0], base + rank[row, 1]
