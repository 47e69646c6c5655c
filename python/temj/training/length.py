"""How long a run is: epochs or minutes become a number of steps, before the first one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

SHARE = 0.05
"""Of the time of a run that its validations may take."""
_FEWEST = 3
_JUDGING, _LEAST_JUDGED = 0.1, 4
"""Share of the time that may go into thresholds, and images that are judged in any case."""
FEW_STEPS = 50
"""A run of fewer steps is said to be too short to learn anything."""


@dataclass(frozen=True)
class Length:
    """How long a run is; fixed before its first step.

    Attributes:
        steps: in all.
        epoch: steps of an epoch.
        every: steps between validations; there is always one after the last step.
        judged: validation images that thresholds are chosen on at the end; None for all.
    """

    steps: int
    epoch: int
    every: int
    judged: int | None = None

    @property
    def epochs(self) -> float:
        """Epochs in all, also parts of one."""
        return self.steps / self.epoch

    @classmethod
    def of_epochs(cls, epochs: int, epoch: int, validations: int, share: float = 0.0) -> Length:
        """A run of whole epochs, with whole epochs between validations.

        Args:
            epochs, epoch: how many, and their steps.
            validations: about how many.
            share: time of one validation for that of an epoch; where all would take more than :data:`SHARE` of the
                run, there are fewer, but three if it has as many epochs.
        """
        count = _affordable(validations, epochs, share)
        return cls(epochs * epoch, epoch, math.ceil(epochs / count) * epoch)

    @classmethod
    def of_steps(cls, steps: int, epoch: int, validations: int, share: float = 0.0) -> Length:
        """A run of any number of steps; ``share`` as in :meth:`of_epochs`."""
        return cls(steps, epoch, max(1, math.ceil(steps / _affordable(validations, steps / epoch, share))))


def _affordable(validations: int, epochs: float, share: float) -> int:
    """How many validations a run of so many epochs has: at most those that are asked for."""
    return math.floor(min(validations, max(float(_FEWEST), SHARE * epochs / max(share, 1e-9))))


@dataclass(frozen=True)
class Pace:
    """What was measured on this machine before the first step, in seconds.

    Attributes:
        step: of training.
        validation: one, with writing what it found.
        checkpoint: one.
        judging: choosing thresholds and computing metrics for one validation image.
        end: what else is done after the last step: asking the network again, writing the model.
    """

    step: float
    validation: float
    checkpoint: float
    judging: float
    end: float

    def length(self, seconds: float, epoch: int, validations: int, checkpoint_every: float, images: int) -> Length:
        """The longest run that ends within ``seconds``, at least one step.

        Args:
            seconds: that are left for the steps and all that comes after them.
            epoch: steps of an epoch.
            validations: at most so many; fewer where they would take more than :data:`SHARE` of the time.
            checkpoint_every: seconds between checkpoints.
            images: for validation; thresholds are chosen on fewer where that would take more than a tenth of the time.
        """
        judged = min(images, max(_LEAST_JUDGED, math.floor(_JUDGING * seconds / self.judging)))
        left = max(seconds - self.end - judged * self.judging, 0.0)
        fitting = math.floor(SHARE * left / max(self.validation, 1e-9))
        # Three are worth more than the share, but never a quarter of the time.
        dear = max(1, math.floor(0.25 * left / max(self.validation, 1e-9)))
        count = min(validations, max(fitting, min(_FEWEST, dear)))
        left -= count * self.validation + (1 + left / max(checkpoint_every, self.step)) * self.checkpoint
        steps = max(1, math.floor(left / self.step))
        length = Length.of_steps(steps, epoch, min(count, steps))
        return length if judged == images else replace(length, judged=judged)
