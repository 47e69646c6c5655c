"""Boxes whose ellipses came out as one: two boxes around the same defect, which suppression of boxes left."""

from __future__ import annotations

import numpy as np

from temj.data import Instances
from temj.geometry.overlap import marks, overlaps
from temj.geometry.suppression import by_score, greedy


def distinct(ellipses: Instances, fitted: np.ndarray, iou: float) -> np.ndarray:
    """Which ellipses are objects of their own.

    Of two ellipses of one class with an IoU (of the pixels that they enclose) of at least ``iou`` the one with the
    higher score stays, of equal ones the first. Two ellipses that are only their boxes' own say nothing new about
    boxes that were told apart before, and both stay. What stays drops others; what is dropped does not.

    Args:
        ellipses: with class and score (none counts as the lowest).
        fitted: (n,) bool, which ones were fitted to grey values.
        iou: above 0, at most 1.

    Returns:
        (n,) bool.
    """
    order = by_score(np.nan_to_num(ellipses.score, nan=-1.0), len(ellipses))
    ranked = ellipses.take(order)
    of_shape = marks(ranked.shapes)
    pairs = overlaps(of_shape, of_shape)
    one, other = pairs.first, pairs.second
    alike = (one < other) & (pairs.iou >= iou) & (ranked.class_name[one] == ranked.class_name[other])
    alike &= fitted[order][one] | fitted[order][other]
    kept = np.empty(len(ellipses), bool)
    kept[order] = greedy(len(ellipses), one[alike], other[alike])
    return kept
