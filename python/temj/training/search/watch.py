"""Following the training of one trial: its value at each tenth of the run, and whether it is worth going on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from temj.training.live import Update
from temj.training.search.objective import Objective
from temj.training.search.study import Draw
from temj.training.search.trials import Trial

TENTHS = 10


class Dropped(Exception):
    """The trial that runs is not worth going on; raised within its training, which it ends."""


class Watch:
    """What a training tells of itself, for one trial.

    Args:
        draw: of the trial.
        trial: what is known of it from before.
        objective: of the search.
        passed: called with the trial when it has passed another tenth of its run.
    """

    def __init__(self, draw: Draw, trial: Trial, objective: Objective, passed: Callable[[Trial], None]):
        self._draw, self._objective, self._passed = draw, objective, passed
        self._trial, self._value, self._started = trial, math.nan, time.monotonic()

    @property
    def trial(self) -> Trial:
        """What is known of it now."""
        seconds = self._trial.seconds + time.monotonic() - self._started
        return replace(self._trial, seconds=round(seconds, 1))

    def __call__(self, update: Update) -> None:
        """After a step.

        Raises:
            Dropped: its validations are worse than those of the others.
        """
        if not update.validated:
            return
        value = self._objective.of_update(update.metrics)
        tenth, last = math.floor(TENTHS * update.step / update.steps), max(self._trial.reached, default=0)
        # Trials are validated at different steps: the value of a tenth is what was known when it was passed.
        reached = dict.fromkeys(range(last + 1, tenth), self._value) | ({tenth: value} if tenth > last else {})
        reached = {place: known for place, known in reached.items() if math.isfinite(known)}
        self._value = value
        if not reached:
            return
        for place, known in reached.items():
            self._draw.report(place, known)
        self._trial = replace(self._trial, reached={**self._trial.reached, **reached})
        self._passed(self.trial)
        if tenth < TENTHS and self._draw.is_bad():
            raise Dropped
