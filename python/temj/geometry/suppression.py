"""Of objects that overlap, keep the best ones: non-maximum suppression on pairs of any kind of object.

The objects are known by their IoUs only (:class:`temj.geometry.overlap.Overlaps`); for boxes see
:func:`temj.geometry.rotated.nms` and :func:`temj.geometry.rotated.soft_nms`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from temj.errors import BadValue
from temj.geometry.overlap import Overlaps

Decay = Literal["linear", "gaussian"]


def by_score(scores: np.ndarray, count: int) -> np.ndarray:
    """Indices from the highest score to the lowest; of equal ones the first comes first.

    Raises:
        BadValue: not one finite score for each of ``count`` objects.
    """
    scores = np.asarray(scores, float)
    if scores.shape != (count,) or not np.isfinite(scores).all():
        found = f"shape {scores.shape}" if scores.shape != (count,) else f"{scores[~np.isfinite(scores)][0]}"
        raise BadValue("scores", expected=f"{count} finite scores, one for each box", found=found)
    return np.argsort(-scores, kind="stable")


def greedy(count: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """What is left when each object, from the best to the worst, drops the worse ones of its pairs.

    Args:
        count: number of objects, the best one being number 0.
        first: (p,) int64, the better object of each pair, ascending.
        second: (p,) int64, the worse one.

    Returns:
        (count,) bool, true for those that are kept.
    """
    kept = np.full(count, True)
    better, start = np.unique(first, return_index=True)
    ends = np.append(start, len(first)).tolist()
    for index, begin, end in zip(better.tolist(), ends[:-1], ends[1:], strict=True):
        if kept[index]:
            kept[second[begin:end]] = False
    return kept


def softly(
    scores: np.ndarray, pairs: Overlaps, decay: Decay, *, iou: float, sigma: float, floor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Soft-NMS (N. Bodla et al., ICCV 2017): the best object lowers the scores of what overlaps it, and so on.

    Args:
        scores: (n,) float64, finite, >= 0.
        pairs: all pairs of different objects, each in one direction.
        decay: ``linear``: × (1 - IoU) where IoU >= ``iou``; ``gaussian``: × exp(-IoU² / ``sigma``).
        iou: from which IoU on ``linear`` acts.
        sigma: of ``gaussian``, > 0.
        floor: objects whose score falls below it are dropped; > -inf.

    Returns:
        Indices (k,) int64 of the objects that are kept, and their new scores (k,), descending.
    """
    if decay == "linear":
        factor = np.where(pairs.iou >= iou, 1 - pairs.iou, 1.0)
    else:
        factor = np.exp(-np.square(pairs.iou) / sigma)
    one, other = np.concatenate([pairs.first, pairs.second]), np.concatenate([pairs.second, pairs.first])
    order = np.argsort(one, kind="stable")
    start = np.searchsorted(one[order], np.arange(len(scores) + 1))
    other, factor = other[order], np.tile(factor, 2)[order]
    left = np.array(scores, float)
    chosen: list[int] = []
    final: list[float] = []
    for _ in range(len(left)):
        best = int(left.argmax())
        if left[best] < floor:
            break
        chosen.append(best)
        final.append(float(left[best]))
        left[best] = -np.inf
        part = slice(start[best], start[best + 1])
        waiting = left[other[part]] > -np.inf
        left[other[part][waiting]] *= factor[part][waiting]
    return np.array(chosen, np.int64), np.array(final)
