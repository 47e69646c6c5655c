"""A bound on how many objects are read from an answer: noise above a low threshold would take hours."""

from __future__ import annotations

import numpy as np

from temj.cores.detection import Detections
from temj.opencv import opencv

MOST = 500_000
"""Objects that are read from one image at most."""


def limited(answer: np.ndarray, classes: int, threshold: float) -> tuple[np.ndarray, list[str]]:
    """An answer in which at most :data:`MOST` connected pieces exceed the threshold: the largest ones.

    Args:
        answer: float32 (r, h, w), the first ``classes`` channels are probabilities.
        classes: number of classes.
        threshold: a pixel belongs to a piece if its probability exceeds this.

    Returns:
        The answer itself and no note; or a copy with 0 in place of the smallest pieces, and the note that says so.
    """
    masks = [channel > threshold for channel in answer[:classes]]
    # each piece begins with a run of pixels in some row: without many runs there are not many pieces
    if sum(_runs(mask) for mask in masks) <= MOST:
        return answer, []
    cv2 = opencv()
    found = [cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)[1:3] for mask in masks]
    areas = np.concatenate([stats[1:, cv2.CC_STAT_AREA] for _labels, stats in found])
    if len(areas) <= MOST:
        return answer, []
    order = np.argsort(-areas, kind="stable")
    kept = np.zeros(len(areas), bool)
    kept[order[:MOST]] = True
    answer, first = answer.copy(), 0
    for number, (labels, stats) in enumerate(found):
        own = np.concatenate([[True], kept[first : first + len(stats) - 1]])
        answer[number][~own[labels]] = 0
        first += len(stats) - 1
    note = (
        f"WARNING: too many objects: {len(areas)} pieces above the threshold, the {MOST} largest are taken; check the "
        "threshold, the pixel size and whether this model fits the image"
    )
    return answer, [note]


def surest(found: Detections) -> tuple[Detections, list[str]]:
    """At most :data:`MOST` of the candidates of a detector, those of the highest scores; and a note where there are
    more."""
    if len(found) <= MOST:
        return found, []
    note = (
        f"WARNING: too many objects: {len(found)} above the threshold, the {MOST} of the highest scores are taken; "
        "check the threshold, the pixel size and whether this model fits the image"
    )
    return found.take(slice(0, MOST)), [note]


def _runs(mask: np.ndarray) -> int:
    """How many runs of true pixels its rows have."""
    return int(np.count_nonzero(mask[:, 0]) + np.count_nonzero(mask[:, 1:] & ~mask[:, :-1]))
