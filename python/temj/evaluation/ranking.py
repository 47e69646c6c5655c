"""How well probabilities rank pixels: PR-AUC and ROC-AUC over many images in a fixed amount of memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

DEFINITIONS = {
    "PR-AUC": "area under precision against recall of pixels over all thresholds: sum of the gains in recall, each"
    " times the precision there (scikit-learn's average_precision_score)",
    "ROC-AUC": "share of pairs of an annotated and another pixel in which the annotated one has the higher probability,"
    " ties being half (scikit-learn's roc_auc_score)",
}
"""Name of a metric → how it is computed."""
_SHIFT = 13
_HALF = int(np.float32(0.5).view(np.int32)) >> _SHIFT
BINS = 2 * _HALF + 1
"""258,049. Probabilities that differ by less than a thousandth of their distance to the nearer of 0 and 1 are alike."""


def bins_of(probabilities: np.ndarray) -> np.ndarray:
    """The bin 0 … :data:`BINS` - 1 of each probability, ascending; what is outside of 0..1 counts as the limit.

    Networks give many values near 0 and 1, so that bins of equal width would throw them together: these are as fine as
    float32 with a 10-bit mantissa, counted from both ends.
    """
    level = np.clip(np.asarray(probabilities, np.float32), 0, 1)
    upper = level > 0.5
    distance = np.where(upper, np.float32(1) - level, level)
    place = np.maximum(distance, np.float32(0)).view(np.int32) >> _SHIFT
    return np.where(upper, BINS - 1 - place, place)


def _none() -> np.ndarray:
    return np.zeros(BINS, np.int64)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Pixels by probability and truth, counted in bins; add them to join images.

    Attributes:
        positive, negative: (:data:`BINS`,) int64, pixels that are and are not annotated as the class.
    """

    positive: np.ndarray = field(default_factory=_none)
    negative: np.ndarray = field(default_factory=_none)

    @classmethod
    def of(cls, probabilities: np.ndarray, truth: np.ndarray, counts: np.ndarray | None = None) -> Ranking:
        """The pixels of one image.

        Args:
            probabilities: (h, w) float, 0..1, of one class.
            truth: (h, w) bool, whether a pixel is of the class.
            counts: (h, w) bool, where the truth is known; None: everywhere.
        """
        known = slice(None) if counts is None else np.asarray(counts, bool)
        place, is_true = bins_of(np.asarray(probabilities)[known]).ravel(), np.asarray(truth, bool)[known].ravel()
        return cls(np.bincount(place[is_true], minlength=BINS), np.bincount(place[~is_true], minlength=BINS))

    def __add__(self, other: Ranking) -> Ranking:
        return Ranking(self.positive + other.positive, self.negative + other.negative)

    @property
    def share(self) -> float:
        """Annotated pixels / all: the PR-AUC of probabilities that say nothing. NaN without pixels."""
        count = int(self.positive.sum() + self.negative.sum())
        return float(self.positive.sum() / count) if count else float("nan")

    def pr_auc(self) -> float:
        """Area under precision against recall, as scikit-learn's ``average_precision_score``: sum of the gains in
        recall, each times the precision there. NaN where no pixel is annotated."""
        if not self.positive.any():
            return float("nan")
        found, right = self._found()
        return float((right / np.maximum(found, 1) * self.positive[::-1]).sum() / right[-1])

    def roc_auc(self) -> float:
        """Area under the receiver operating characteristic, as scikit-learn's ``roc_auc_score``: the share of pairs of
        an annotated and another pixel in which the annotated one has the higher probability, ties being half. NaN
        where all pixels are annotated, or none."""
        positives, negatives = int(self.positive.sum()), int(self.negative.sum())
        if not positives or not negatives:
            return float("nan")
        below = np.cumsum(self.negative) - self.negative
        pairs = (self.positive * (below + 0.5 * self.negative)).sum()
        return float(pairs / positives / negatives)

    def _found(self) -> tuple[np.ndarray, np.ndarray]:
        """Pixels, and annotated pixels, from the highest bin down to each."""
        right = np.cumsum(self.positive[::-1])
        return right + np.cumsum(self.negative[::-1]), right
