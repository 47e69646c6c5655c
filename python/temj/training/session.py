"""A run from its first step to its last: validation, checkpoints, early stopping, resuming, stopping."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from temj.training.interrupt import Interrupts
from temj.training.length import FEW_STEPS, Length, Pace
from temj.training.live import Live, Update
from temj.training.options import EPOCHS, TrainingOptions
from temj.training.run import RunFolder
from temj.training.trainer import Trainer
from temj.training.validator import Outcome, Validator

_WARM_UP, _WARM_SHARE = 6, 0.03
_log = logging.getLogger("temj")


@dataclass
class Standing:
    """Where a run stands besides weights and optimiser; all of it goes into the checkpoint as JSON.

    Attributes:
        rows: of the training curve; None where something is not known.
        metrics: of the last validation, by name (:class:`temj.training.live.Update`).
        best, best_step: highest validation score so far, and the step it was reached at.
        stale: validations since then.
        loss_sum, loss_count: of the steps since the last row.
    """

    rows: list[dict[str, float | None]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    best: float = -1.0
    best_step: int = 0
    stale: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0

    def mean_loss(self) -> float | None:
        """Mean loss since the last row, just after a row that of before; None where every step was skipped."""
        if self.loss_count:
            return self.loss_sum / self.loss_count
        return self.rows[-1]["loss"] if self.rows else None


class Session:
    """Trains ``trainer`` and keeps its best weights in ``folder``.

    Args:
        trainer: does the steps.
        validator: judges its mean weights.
        folder: for checkpoints.
        options: of the run.
        constant: what goes into every checkpoint besides: ``identity`` and ``threads``.
        live: tells what happens.

    Attributes:
        length: of the run, after :meth:`begin` or :meth:`resume`.
        standing: where it stands.
    """

    def __init__(
        self,
        trainer: Trainer,
        validator: Validator,
        folder: RunFolder,
        options: TrainingOptions,
        constant: Mapping[str, Any],
        live: Live,
    ):
        self._trainer, self._validator, self._folder = trainer, validator, folder
        self._options, self._constant, self._live = options, constant, live
        self.standing = Standing()
        self._saved, self._said = time.monotonic(), 0

    def begin(self, epoch: int, share: float, started: float) -> None:
        """Decide the length of a new run and write its first checkpoint.

        Args:
            epoch: steps of one.
            share: time of a validation for that of an epoch, as far as it can be told without a clock.
            started: reading of :func:`time.monotonic` when the run began: its minutes count from there.
        """
        options = self._options
        endless = options.minutes is None and options.steps is None
        epochs = options.epochs or (EPOCHS if endless else None)
        known = []
        if epochs is not None:
            known.append(Length.of_epochs(epochs, epoch, options.validations, share))
        if options.steps is not None:
            known.append(Length.of_steps(options.steps, epoch, options.validations, share))
        if known:
            self.length = min(known, key=lambda length: length.steps)
        if options.minutes is not None:
            self._live.progress("measuring the speed of this machine", 0, 0)
            pace = self._pace(60 * options.minutes)
            seconds = 60 * options.minutes - (time.monotonic() - started)
            images = self._validator.images
            fitting = pace.length(seconds, epoch, options.validations, options.checkpoint_seconds, images)
            if not known or fitting.steps < self.length.steps:
                self.length = fitting
        self._warn()
        self._trainer.plan(self.length.steps)
        self._save()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the length of the run and of its steps."""
        minutes, steps = self._options.minutes, self.length.steps
        if minutes is None or steps >= FEW_STEPS:
            return self._trainer.notes
        return (
            f"{minutes:g} minutes buy only {steps} step{'' if steps == 1 else 's'} "
            f"({self.length.epochs:.2g} epochs) on this machine: too few to learn much. Give it more time, or a "
            "smaller batch, crop or encoder.",
            *self._trainer.notes,
        )

    def _warn(self) -> None:
        """Say at once what is new among the notes."""
        notes = self.notes
        for note in notes[self._said :]:
            _log.warning(note)
        self._said = len(notes)

    def _pace(self, seconds: float) -> Pace:
        """How long everything takes, from a few steps and a validation that are then forgotten."""
        trainer, validator = self._trainer, self._validator
        trainer.plan(_WARM_UP)
        with trainer.forgotten():
            times: list[float] = []
            # Of a short run a few steps tell enough; the first one also loads libraries and makes buffers.
            while len(times) < 2 or (len(times) < _WARM_UP and sum(times) < _WARM_SHARE * seconds):
                before = time.monotonic()
                trainer.advance()
                times.append(time.monotonic() - before)
            validation = self._timed_validation()
            if validation < 0.02 * seconds:  # the first one also loads libraries
                validation = min(validation, self._timed_validation())
            state = trainer.state() | self._state_of(Length(1, 1, 1))
            checkpoint = self._folder.seconds_to_save(trainer.tensors(), state)
            judging = validator.seconds_to_judge()
        end = 2 * validation + validator.seconds_to_write(validation) + checkpoint
        return Pace(sorted(times[1:])[len(times[1:]) // 2], validation + checkpoint / 3, checkpoint, judging, end)

    def _timed_validation(self) -> float:
        before = time.monotonic()
        self._validator.validate().picture("")
        return time.monotonic() - before

    def resume(self, tensors: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.length = Length(**state["length"])
        self.standing = Standing(**state["standing"])
        self._trainer.plan(self.length.steps)
        self._trainer.restore(tensors, state)

    def train(self, interrupts: Interrupts) -> None:
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
            self._warn()
            validated = trainer.step % self.length.every == 0 or trainer.step == self.length.steps
            if validated:
                self._validate()
            pace = (time.monotonic() - start) / (trainer.step - first)
            self._live.tell(self._update(validated, pace * (self.length.steps - trainer.step)))
        self._save()

    def _stale(self) -> bool:
        return self._options.patience is not None and self.standing.stale >= self._options.patience

    def _count(self, loss: float | None) -> None:
        if loss is not None:
            self.standing.loss_sum += loss
            self.standing.loss_count += 1

    def _validate(self) -> None:
        """Add a row to the curve, keep the weights if they are the best, write a checkpoint if it is time."""
        standing, trainer = self.standing, self._trainer
        outcome = self._validator.validate()
        row = {"step": trainer.step, "epoch": trainer.step / self.length.epoch, "loss": standing.mean_loss()}
        row |= {"learning_rate": trainer.rate} | outcome.columns() | {"skipped": trainer.skipped}
        standing.rows.append(row)
        standing.metrics = outcome.metrics()
        standing.loss_sum, standing.loss_count = 0.0, 0
        if outcome.score > standing.best:
            standing.best, standing.best_step, standing.stale = outcome.score, trainer.step, 0
            self._folder.save_best(trainer.weights(), {"score": outcome.score, "step": trainer.step})
        else:
            standing.stale += 1
        self._live.show(standing.rows, self._picture(outcome))
        if time.monotonic() - self._saved >= self._options.checkpoint_seconds:
            self._save()

    def _picture(self, outcome: Outcome) -> bytes:
        length, step = self.length, self._trainer.step
        return outcome.picture(f"epoch {step / length.epoch:.3g} of {length.epochs:.3g}, {outcome.told}")

    def _update(self, validated: bool, seconds_left: float) -> Update:
        trainer, standing, length = self._trainer, self.standing, self.length
        return Update(
            step=trainer.step,
            steps=length.steps,
            epoch=trainer.step / length.epoch,
            epochs=length.epochs,
            loss=standing.mean_loss(),
            learning_rate=trainer.rate,
            metrics=standing.metrics,
            best=standing.best if standing.rows else None,
            seconds_left=seconds_left,
            picture=str(self._live.picture) if standing.rows else None,
            validated=validated,
        )

    def _state_of(self, length: Length) -> dict[str, Any]:
        return {"length": vars(length), "standing": vars(self.standing), **self._constant}

    def _save(self) -> None:
        self._folder.save(self._trainer.tensors(), self._trainer.state() | self._state_of(self.length))
        self._saved = time.monotonic()
