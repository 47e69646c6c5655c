"""What is known of the objects of an image at other thresholds than the one they were found with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.data import Instances
from temj.evaluation.calibration import GRID
from temj.evaluation.compared import Compared
from temj.evaluation.grid import At
from temj.evaluation.judging import Judged, Rules, compare_instances
from temj.evaluation.tried import CONFIDENCES
from temj.workflows.evaluate_guess import Guess

LEVELS = tuple(sorted({*CONFIDENCES, *GRID}))
"""Confidences of the curve of a detector: 0.001, 0.005, 0.01, 0.05, 0.1 … 0.95."""


@dataclass(frozen=True, eq=False)
class Scored:
    """One image.

    Attributes:
        compared: all objects with their scores: those of a detector down to the lowest score that it was asked for.
        levels: confidences at which it is known what there is, ascending.
        at: one of these → the objects there.
    """

    compared: Compared
    levels: tuple[float, ...]
    at: At

    def scaled(self, factor: float) -> Scored:
        """With all sizes times a factor."""
        return Scored(self.compared.scaled(factor), self.levels, self.at)


def scored(
    guess: Guess, judged: Judged, parts: Sequence[Judged], true: Instances, counts: np.ndarray, rules: Rules
) -> Scored | None:
    """What is known; None where some object has no score.

    Args:
        guess: what was found.
        judged: the same, judged.
        parts: judged at the thresholds of :data:`temj.evaluation.calibration.GRID`; empty where they are not known.
        true, counts, rules: as of :func:`temj.evaluation.judging.judge`.
    """
    if guess.candidates is not None:
        found = compare_instances(guess.candidates, true, counts, rules)
        return Scored(found, tuple(level for level in LEVELS if level >= guess.floor), found.above)
    found = judged.compared
    if not found.scored:
        return None
    if parts:
        by_level = {threshold: part.compared for threshold, part in zip(GRID, parts, strict=True)}
        return Scored(found, GRID, by_level.__getitem__)
    lowest = found.score.min(initial=1.0)
    return Scored(found, tuple(level for level in LEVELS if level >= lowest), found.above)
