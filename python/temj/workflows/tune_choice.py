"""The point of the grid that is chosen, and thresholds class by class at its match IoU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Column, Table
from temj.evaluation.grid import At, Grid, best_of

ALL = "all, classes ignored"


@dataclass(frozen=True, eq=False)
class Choice:
    """What a grid search chose.

    Attributes:
        grid: all cells, classes ignored.
        place: of the chosen one.
        by_class: class → its grid at the chosen match IoU alone; empty where classes have no thresholds of their own.
    """

    grid: Grid
    place: tuple[int, int]
    by_class: Mapping[str, Grid]

    @property
    def confidence(self) -> float:
        """The chosen one."""
        return float(self.grid.confidences[self.place[0]])

    @property
    def iou(self) -> float:
        """The chosen match IoU."""
        return float(self.grid.ious[self.place[1]])

    @property
    def of_class(self) -> dict[str, float]:
        """Class → its own confidence; the common one for a class of which nothing is annotated."""
        return {
            name: float(grid.confidences[best_of(grid.f1)[0]]) if grid.true.sum() else self.confidence
            for name, grid in self.by_class.items()
        }

    @property
    def judged_f1(self) -> float:
        """F1 at the chosen match IoU, each image judged at the confidence that is best on the others."""
        return self.grid.judged_f1(self.place[1])

    def table(self) -> Table:
        """The chosen point, and those of classes: Class, Confidence, Match IoU, Annotated … F1."""
        rows = [(ALL, self.grid.at_iou(self.place[1]), self.place[0])]
        rows += [
            (name, grid, int(np.searchsorted(grid.confidences, self.of_class[name])))
            for name, grid in self.by_class.items()
        ]
        names = Column("Class", np.array([name for name, _, _ in rows], object))
        parts = [(grid.table(), row) for _, grid, row in rows]
        return Table((names, *(
            Column(column.name, np.array([part[column.name][row] for part, row in parts])) for column in parts[0][0]
        )))  # fmt: skip

    def best_of_each_iou(self) -> Table:
        """The best confidence at each match IoU, for who wants another one: columns as of the grid."""
        tables = [self.grid.at_iou(place) for place in range(len(self.grid.ious))]
        parts = [(grid.table(), best_of(grid.f1)[0]) for grid in tables]
        return Table(tuple(
            Column(column.name, np.array([part[column.name][row] for part, row in parts])) for column in parts[0][0]
        ))  # fmt: skip


def choose(images: Sequence[At], confidences: Sequence[float], ious: Sequence[float], classes: Sequence[str]) -> Choice:
    """The cell with the highest F1 (:func:`temj.evaluation.grid.best_of`), and the confidences of classes.

    Args:
        images: each as its objects at a confidence.
        confidences, ious: of the grid.
        classes: in the order of their numbers, for thresholds of their own; empty for none.
    """
    grid = Grid.of(images, confidences, ious)
    place = grid.best()
    iou = [float(grid.ious[place[1]])]
    by_class = {
        name: Grid.of([_only(at, number) for at in images], confidences, iou) for number, name in enumerate(classes)
    }
    return Choice(grid, place, by_class)


def _only(at: At, number: int) -> At:
    return lambda confidence: at(confidence).of_class(number)
