"""Precision, recall and F1 of detection at every pair of confidence and match IoU, classes ignored; the best of them.

This is the grid search of M. Shen et al., Comput. Mater. Sci. 2021, whose lists are the defaults. A found object counts
where its score exceeds the confidence; it is matched one to one with an annotated one, of any class, with which its IoU
exceeds the match IoU (:func:`temj.evaluation.overlapping.one_to_one`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Column, Table
from temj.evaluation.compared import Compared
from temj.population.quotients import divided

DEFINITIONS = {
    "detection precision": "matched / found objects, whatever their classes; a match is one to one with IoU > 0.5",
    "detection recall": "matched / annotated objects, whatever their classes",
    "detection F1": "2 x matched / (found + annotated objects), whatever their classes",
}
At = Callable[[float], Compared]
"""Confidence → the objects of one image there."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Counts of objects in each cell, image by image.

    Attributes:
        confidences, ious: (c,) and (i,), ascending.
        matched: (n, c, i) int64, of each image.
        found: (n, c).
        true: (n,).
    """

    confidences: np.ndarray
    ious: np.ndarray
    matched: np.ndarray
    found: np.ndarray
    true: np.ndarray

    @classmethod
    def of(cls, images: Sequence[At], confidences: Sequence[float], ious: Sequence[float]) -> Grid:
        """Of all images.

        Args:
            images: each as its objects at a confidence.
            confidences, ious: in any order; each counts once.
        """
        levels, limits = np.unique(np.asarray(confidences, float)), np.unique(np.asarray(ious, float))
        matched = np.zeros((len(images), len(levels), len(limits)), np.int64)
        found, true = np.zeros(matched.shape[:2], np.int64), np.zeros(len(images), np.int64)
        for number, at in enumerate(images):
            for place, confidence in enumerate(levels.tolist()):
                image = at(confidence)
                found[number, place], true[number] = len(image.score), len(image.true_class)
                matched[number, place] = [len(image.matched(iou)) for iou in limits.tolist()]
        return cls(levels, limits, matched, found, true)

    def _f1(self, images: np.ndarray) -> np.ndarray:
        """(c, i) of the images where ``images`` (n,) bool is true."""
        total = self.found[images].sum(0)[:, None] + self.true[images].sum()
        return divided(2 * self.matched[images].sum(0), total)

    @property
    def f1(self) -> np.ndarray:
        """(c, i) 2 x matched / (found + annotated), all images together; NaN where there is neither."""
        return self._f1(np.ones(len(self.true), bool))

    @property
    def precision(self) -> np.ndarray:
        """(c, i) matched / found; NaN where nothing is found."""
        return divided(self.matched.sum(0), self.found.sum(0)[:, None])

    @property
    def recall(self) -> np.ndarray:
        """(c, i) matched / annotated; NaN where nothing is annotated."""
        return divided(self.matched.sum(0), self.true.sum())

    def best(self) -> tuple[int, int]:
        """The cell (place of its confidence, of its match IoU) with the highest F1: see :func:`best_of`."""
        return best_of(self.f1)

    def at_iou(self, place: int) -> Grid:
        """The same with the one match IoU of this place only."""
        part = slice(place, place + 1)
        return Grid(self.confidences, self.ious[part], self.matched[:, :, part], self.found, self.true)

    def judged_f1(self, place: int) -> float:
        """F1 at the match IoU of this place, each image judged at the confidence that is best on all others.

        With one image only it is that at its own best confidence; NaN where there is nothing.
        """
        alone = self.at_iou(place)
        count = len(self.true)
        matched = found = 0
        for number in range(count):
            others = np.arange(count) != number
            chosen = best_of(alone._f1(others if count > 1 else ~others))[0]
            matched, found = matched + alone.matched[number, chosen, 0], found + alone.found[number, chosen]
        total = found + self.true.sum()
        return float(2 * matched / total) if total else float("nan")

    def table(self) -> Table:
        """A row a cell: Confidence, Match IoU, Annotated, Found, Matched, Precision, Recall, F1."""
        confidence, iou = np.meshgrid(self.confidences, self.ious, indexing="ij")
        found = np.broadcast_to(self.found.sum(0)[:, None], confidence.shape)
        columns = {
            "Confidence": confidence, "Match IoU": iou, "Annotated": np.full(confidence.shape, self.true.sum()),
            "Found": found, "Matched": self.matched.sum(0), "Precision": self.precision, "Recall": self.recall,
            "F1": self.f1,
        }  # fmt: skip
        return Table(tuple(Column(name, np.ascontiguousarray(cells).ravel()) for name, cells in columns.items()))


def best_of(f1: np.ndarray) -> tuple[int, int]:
    """The cell of the highest F1 (c, i). Of equal ones that of the largest match IoU, then the middle confidence.

    A smaller match IoU never lowers F1: where several are equally good, the strictest says most.
    """
    known = np.where(np.isfinite(f1), f1, -1.0)
    rows, columns = np.nonzero(known == known.max())
    column = int(columns.max())
    rows = rows[columns == column]
    return int(rows[(len(rows) - 1) // 2]), column
