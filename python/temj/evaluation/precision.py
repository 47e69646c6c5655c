"""Average precision of detections, as COCO defines it: from who overlaps whom and how sure each was.

Matching (COCO's): the surest detection first, each takes the free annotated object that it overlaps most, by at least
the match IoU. Precision at a recall is the largest at this or any higher recall; AP is its mean at the recalls 0, 0.01
… 1. There is no limit on the number of objects of an image.

What is in no figure (COCO's ``ignore``), such as objects of another size than that asked for: an annotated one is
nobody's miss, and a detection that has it as partner, or that is itself such and has no partner, is not looked at.

The rules are those of T.-Y. Lin et al., ECCV 2014 (evaluation code ``COCOeval``), which the tests compare with. It is
computed here since overlaps of any kind serve (rotated boxes too), no number ever reaches native code unchecked, and
no package is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.geometry.overlap import Overlaps

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""Match IoUs 0.5, 0.55 … 0.95."""
DEFINITIONS = {
    "AP50": "average precision (COCO, 101 recalls) at the match IoU 0.5, without a limit on objects",
    "AP50:95": "mean of the average precisions at the match IoUs 0.5, 0.55 … 0.95",
}
"""Name of a metric → how it is computed."""
_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class Ranked:
    """Detections of any number of images, and which of them are right; add them to join images.

    Attributes:
        score: (n,) float64.
        right: (t, n) bool, at each of the match IoUs.
        true: number of annotated objects.
        counts: (t, n) bool, which detections are looked at.
    """

    score: np.ndarray
    right: np.ndarray
    true: int
    counts: np.ndarray

    @classmethod
    def of(
        cls,
        found: Overlaps,
        score: np.ndarray,
        true: int,
        ious: Sequence[float] = IOUS,
        *,
        ignored: np.ndarray | None = None,
        true_ignored: np.ndarray | None = None,
    ) -> Ranked:
        """The detections of one image and class.

        Args:
            found: pairs (detection, annotated object) with their IoU.
            score: (n,) of all detections.
            true: how many annotated objects there are.
            ious: match IoUs.
            ignored, true_ignored: (n,) and (true,) bool, which are in no figure; None: all are.
        """
        nowhere = np.zeros(len(score), bool) if ignored is None else ignored
        free = np.zeros(true, bool) if true_ignored is None else true_ignored
        partner = np.array([partners(found, score, iou, free) for iou in ious], np.int64).reshape(len(ious), len(score))
        has = partner >= 0
        left_out = has & np.append(free, False)[partner]
        return cls(np.asarray(score, float), has & ~left_out, int(true - free.sum()), ~(left_out | (nowhere & ~has)))

    @classmethod
    def total(cls, parts: Sequence[Ranked]) -> Ranked:
        """Those of all parts (at least one) together."""
        return cls(
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.right for part in parts], axis=1),
            sum(part.true for part in parts),
            np.concatenate([part.counts for part in parts], axis=1),
        )

    def ap(self) -> np.ndarray:
        """(t,) average precision at each match IoU; NaN where nothing is annotated."""
        if not self.true:
            return np.full(len(self.right), np.nan)
        order = np.argsort(-self.score, kind="stable")
        right, looked_at = (flags[:, order].cumsum(1) for flags in (self.right, self.counts))
        precision = right / np.maximum(looked_at, 1)
        recall = right / self.true
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        return np.array([_at_recalls(*pair) for pair in zip(recall, best, strict=True)])

    def best_f1(self, place: int = 0) -> tuple[float, float]:
        """The largest F1 over all scores at the match IoU of this place, and the threshold that gives it.

        A detection counts where its score exceeds the threshold, which is halfway to the next lower score.
        """
        if not self.true or not len(self.score):
            return (0.0, 0.5) if self.true else (float("nan"), 0.5)
        order = np.argsort(-self.score, kind="stable")
        score, right, looked_at = self.score[order], self.right[place, order].cumsum(), self.counts[place, order]
        f1 = 2 * right / (looked_at.cumsum() + self.true)
        f1[:-1][score[:-1] == score[1:]] = -1  # equal scores are in or out together
        best = int(f1.argmax())
        below = score[best + 1] if best + 1 < len(score) else 0.0
        return float(f1[best]), float((score[best] + below) / 2)


def partners(found: Overlaps, score: np.ndarray, iou: float, last: np.ndarray) -> np.ndarray:
    """(n,) int64, which annotated object each detection is matched with at a match IoU; -1 for none.

    Args:
        found: pairs (detection, annotated object).
        score: (n,) of the detections; the surest chooses first.
        iou: the least IoU of a pair.
        last: (m,) bool, annotated objects that are taken only where there is no other.
    """
    partner = np.full(len(score), -1, np.int64)
    near = found.where(found.iou >= iou)
    if not len(near):
        return partner
    rank = np.empty(len(score), np.int64)
    rank[np.argsort(-np.asarray(score, float), kind="stable")] = np.arange(len(score))
    order = np.lexsort((-near.second, -near.iou, last[near.second], rank[near.first]))
    taken: set[int] = set()
    for one, other in zip(near.first[order].tolist(), near.second[order].tolist(), strict=True):
        if partner[one] < 0 and other not in taken:
            partner[one] = other
            taken.add(other)
    return partner


def _at_recalls(recall: np.ndarray, precision: np.ndarray) -> float:
    place = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.append(precision, 0.0)[place].mean())
