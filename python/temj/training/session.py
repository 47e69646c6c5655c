"""A run from its first step to its last: validation, checkpoints, early stopping, resuming, stopping."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from temj.training.interrupt import Interrupts
from temj.training.machine import Machine
from temj.training.options import EPOCHS, TrainingOptions
from temj.training.run import RunFolder
from temj.training.trainer import Trainer
from temj.training.validation import Answers, View, pixel_thresholds

Progress = Callable[[str, int, int], None]
_WARM_UP = 6


def _never() -> bool:
    """A validation is short: it is finished before a run stops."""
    return False


@dataclass(frozen=True)
class Length:
    """How long a run is; fixed before its first step.

    Attributes:
        steps: in all.
        epoch: steps of an epoch.
        every: steps between validations, whole epochs.
    """

    steps: int
    epoch: int
    every: int

    @classmethod
    def of(cls, epochs: int, epoch: int, validations: int) -> Length:
        """A run of whole epochs."""
        return cls(epochs * epoch, epoch, max(1, round(epochs / validations)) * epoch)


@dataclass
class Standing:
    """Where a run stands besides weights and optimiser; all of it goes into the checkpoint as JSON.

    Attributes:
        rows: of the training curve.
        best, best_step: highest validation score so far, and the step it was reached at.
        stale: validations since then.
        loss_sum, loss_count: of the steps since the last row.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    best: float = -1.0
    best_step: int = 0
    stale: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0

    def mean_loss(self) -> float:
        """Mean loss since the last row; 0 where every step was skipped."""
        return self.loss_sum / self.loss_count if self.loss_count else 0.0


class Session:
    """Trains ``trainer`` and keeps its best weights in ``folder``.

    Attributes:
        length: of the run, after :meth:`begin` or :meth:`resume`.
        standing: where it stands.
    """

    def __init__(
        self,
        trainer: Trainer,
        views: Sequence[View],
        folder: RunFolder,
        options: TrainingOptions,
        machine: Machine,
        identity: Mapping[str, Any],
    ):
        self._trainer, self._views, self._folder = trainer, tuple(views), folder
        self._options, self._machine, self._identity = options, machine, identity
        self.standing = Standing()
        self._saved = time.monotonic()

    def begin(self, epoch: int, progress: Progress) -> None:
        """Decide the length of a new run and write its first checkpoint."""
        options = self._options
        epochs = options.epochs or (EPOCHS if options.minutes is None else None)
        if options.minutes is not None:
            progress("measuring the speed of this machine", 0, 0)
            fitting = self._epochs_in(options.minutes * 60, epoch)
            epochs = fitting if epochs is None else min(epochs, fitting)
        self.length = Length.of(epochs, epoch, options.validations)
        self._trainer.plan(self.length.steps)
        self._save()

    def _epochs_in(self, seconds: float, epoch: int) -> int:
        """Whole epochs (at least 1) that fit into a time, from a few steps that are then forgotten."""
        start = time.monotonic()
        self._trainer.plan(_WARM_UP)
        with self._trainer.forgotten():
            times = []
            for _ in range(_WARM_UP):
                before = time.monotonic()
                self._trainer.advance()
                times.append(time.monotonic() - before)
            before = time.monotonic()
            self._answers()
            validation = time.monotonic() - before
        step = sorted(times[1:])[len(times[1:]) // 2]
        left = seconds - (time.monotonic() - start) - self._options.validations * validation
        return max(1, math.floor(left / (step * epoch)))

    def resume(self, tensors: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.length = Length(**state["length"])
        self.standing = Standing(**state["standing"])
        self._trainer.plan(self.length.steps)
        self._trainer.restore(tensors, state)

    def train(self, interrupts: Interrupts, progress: Progress) -> None:
        """Do the steps that are left; the last checkpoint is written before it returns.

        Raises:
            Cancelled: stopped from outside; a checkpoint was written.
            BadValue: the training diverged; the last good checkpoint is still there.
        """
        trainer, first, start = self._trainer, self._trainer.step, time.monotonic()
        while trainer.step < self.length.steps and not self._stale():
            if interrupts.stopped():
                self._save()
                raise interrupts.error(self._folder.output, "Run the same command again with --resume to go on.")
            self._count(trainer.advance())
            if trainer.step % self.length.every == 0 or trainer.step == self.length.steps:
                self._validate()
            pace = (time.monotonic() - start) / (trainer.step - first)
            progress(self._message(pace), trainer.step, self.length.steps)
        self._save()

    def _stale(self) -> bool:
        return self._options.patience is not None and self.standing.stale >= self._options.patience

    def _count(self, loss: float | None) -> None:
        if loss is not None:
            self.standing.loss_sum += loss
            self.standing.loss_count += 1

    def _answers(self) -> list[Answers]:
        network = self._machine.network(self._trainer.averaged)
        return [Answers.of(network, view, _never) for view in self._views]

    def _validate(self) -> None:
        """Add a row to the curve, keep the weights if they are the best, write a checkpoint if it is time."""
        standing, trainer = self.standing, self._trainer
        # At the threshold that fits best now, as the finished model will have: 0.5 only fits by chance.
        answers = self._answers()
        threshold = pixel_thresholds(answers)["iou"]
        scores = [answer.iou(threshold) for answer in answers]
        row = {
            "step": trainer.step,
            "epoch": trainer.step // self.length.epoch,
            "loss": standing.mean_loss(),
            "learning_rate": trainer.rate,
        }
        row |= {view.column: score for view, score in zip(self._views, scores, strict=True)}
        standing.rows.append(row | {"threshold": threshold, "skipped": trainer.skipped})
        standing.loss_sum, standing.loss_count = 0.0, 0
        score = sum(scores) / len(scores)
        if score > standing.best:
            standing.best, standing.best_step, standing.stale = score, trainer.step, 0
            self._folder.save_best(trainer.weights(), {"score": score, "step": trainer.step})
        else:
            standing.stale += 1
        if time.monotonic() - self._saved >= self._options.checkpoint_seconds:
            self._save()

    def _save(self) -> None:
        state = self._trainer.state() | {
            "length": vars(self.length),
            "standing": vars(self.standing),
            "identity": self._identity,
            "threads": self._machine.threads,
        }
        self._folder.save(self._trainer.tensors(), state)
        self._saved = time.monotonic()

    def _message(self, pace: float) -> str:
        """What a user reads while waiting."""
        trainer, standing, length = self._trainer, self.standing, self.length
        last = standing.rows[-1] if standing.rows else None
        loss = standing.mean_loss() if standing.loss_count or last is None else last["loss"]
        known = f", validation IoU {last[self._views[0].column]:.3f} (best {standing.best:.3f})" if last else ""
        minutes = pace * (length.steps - trainer.step) / 60
        left = f"{minutes:.0f} min" if minutes >= 2 else f"{60 * minutes:.0f} s"
        epoch, epochs = -(-trainer.step // length.epoch), length.steps // length.epoch
        return f"epoch {epoch} of {epochs}, loss {loss:.3f}{known}, {left} left"
