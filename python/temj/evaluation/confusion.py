"""Which class matched objects were given: rows predicted, columns annotated; classes play no part in matching."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Column, Table
from temj.evaluation.compared import Compared

NOTHING = "(none)"


@dataclass(frozen=True, eq=False)
class Confusion:
    """Numbers of objects.

    Attributes:
        classes: the k names.
        matched: (k, k) int64, pairs; row: predicted class, column: annotated class.
        missed: (k,) annotated objects without a partner, by annotated class.
        extra: (k,) found objects without a partner, by predicted class.
    """

    classes: tuple[str, ...]
    matched: np.ndarray
    missed: np.ndarray
    extra: np.ndarray

    @classmethod
    def of(cls, images: Iterable[Compared], classes: Sequence[str], iou: float) -> Confusion:
        """Of all images, a match being one to one with IoU > ``iou``."""
        count = len(classes)
        matched, missed, extra = (
            np.zeros((count, count), np.int64),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
        )
        for image in images:
            pairs = image.matched(iou)
            np.add.at(matched, (image.found_class[pairs.first], image.true_class[pairs.second]), 1)
            extra += np.bincount(np.delete(image.found_class, pairs.first), minlength=count)
            missed += np.bincount(np.delete(image.true_class, pairs.second), minlength=count)
        return cls(tuple(classes), matched, missed, extra)

    def of_predicted(self) -> np.ndarray:
        """(k, k) percent of the matched objects of each predicted class (rows add up to 100); NaN where none is."""
        return _percent(self.matched, self.matched.sum(1, keepdims=True))

    def of_annotated(self) -> np.ndarray:
        """(k, k) percent of the matched objects of each annotated class (columns add up to 100); NaN where none is."""
        return _percent(self.matched, self.matched.sum(0, keepdims=True))

    def table(self) -> Table:
        """A row a cell: Predicted, Annotated, Objects, and both normalisations (%); what has no partner comes last.

        In rows of missed objects Predicted is ``(none)``, in rows of extra ones Annotated is.
        """
        pairs = [(row, column) for row in self.classes for column in self.classes]
        pairs += [(NOTHING, name) for name in self.classes] + [(name, NOTHING) for name in self.classes]
        counts = np.concatenate([self.matched.ravel(), self.missed, self.extra])
        blank = np.full(2 * len(self.classes), np.nan)
        shares = [np.concatenate([cells.ravel(), blank]) for cells in (self.of_predicted(), self.of_annotated())]
        return Table((
            Column("Predicted", np.array([row for row, _ in pairs], object)),
            Column("Annotated", np.array([column for _, column in pairs], object)),
            Column("Objects", counts),
            Column("Share of matched predicted (%)", shares[0], "%"),
            Column("Share of matched annotated (%)", shares[1], "%"),
        ))  # fmt: skip


def _percent(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    below = np.broadcast_to(below, above.shape)
    return np.divide(100.0 * above, below, out=np.full(above.shape, np.nan), where=below != 0)
