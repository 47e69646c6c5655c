"""Training: a dataset in, a model folder out."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from temj.cores import Trainable, make_core
from temj.datasets import Dataset, check, require_sound
from temj.errors import ResourceError
from temj.models import Model, open_model, starting
from temj.models.starting import Start
from temj.training import chance, distributed
from temj.training.distributed import World
from temj.training.fitting import fit_model
from temj.training.folds import train_folds
from temj.training.following import begin, follow
from temj.training.interrupt import Interrupts
from temj.training.job import Job
from temj.training.live import Live, Progress, Update, board, require_board
from temj.training.machine import Machine
from temj.training.options import TrainingOptions
from temj.training.run import RunFolder, require_same
from temj.training.session import Session
from temj.training.suited import suited
from temj.training.trainer import Trainer

_log = logging.getLogger("temj")


def train(
    dataset: Dataset,
    core: str,
    output: Path,
    options: TrainingOptions | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    on_update: Callable[[Update], None] | None = None,
) -> Model:
    """Train a core on a dataset and write a model folder.

    Args:
        dataset: with at least one training and one validation image.
        core: a name of :data:`temj.cores.CORES`; classical ones are fitted (:func:`temj.training.fitting.fit_model`).
        output: the model folder; while the training runs its checkpoints are in ``output/training``, and beside them
            ``training_curve.csv``, ``training_curve.png`` and ``validation.png`` as they are now.
        options: length and recipe; the defaults where None.
        progress: called after every step with (message, steps done, steps in all).
        cancelled: polled at every step. Where it is None, Ctrl-C, SIGTERM and SIGHUP stop the run in order, and a
            second one at once; a caller that gives it hears the signals itself.
        on_update: called after every step with where the run stands; what it raises ends the run, which can be resumed
            from its last checkpoint.

    Returns:
        The model with the weights of the best validation, its thresholds and metrics in the card.

    Raises:
        BadDataset: problems of the dataset, all of them.
        BadValue: an unknown core or setting, nothing to resume, a resumed run that differs, or a training
            that diverged.
        Refused: the folder holds a model or an unfinished run, and neither resume nor overwrite is asked for.
        Cancelled: by ``cancelled`` or a signal; a checkpoint was written and the run can be resumed.
        ResourceError: out of memory.
        StorageError: the disk is full or fails; the checkpoint before it is intact.
    """
    started = time.monotonic()
    options = suited(options or TrainingOptions(), core, dataset)
    wanted = make_core(core, {**options.settings, "classes": dataset.classes})
    if options.folds:
        return train_folds(dataset, core, output, options, progress, cancelled, on_update)
    if hasattr(wanted, "fit"):
        with Interrupts(cancelled) as interrupts:
            return fit_model(dataset, core, wanted, output, options, interrupts, progress or _silent)
    told = _Told(progress or _silent, cancelled, on_update)
    with distributed.joined(options.device) as world:
        if world.leads:
            return _lead(world, dataset, core, output, options, told, started)
        _follow(world, dataset, core, options)
    return open_model(output)


@dataclasses.dataclass(frozen=True)
class _Told:
    """Who is told of a run, and who may end it."""

    progress: Progress
    cancelled: Callable[[], bool] | None
    on_update: Callable[[Update], None] | None


def _lead(
    world: World, dataset: Dataset, core: str, output: Path, options: TrainingOptions, told: _Told, started: float
) -> Model:
    """The run, alone or as the first of several processes."""
    if options.tensorboard:
        require_board()
    wanted = make_core(core, {**options.settings, "classes": dataset.classes})
    wanted.check()
    require_sound(dataset)
    for problem in check(dataset).of("warning"):
        if problem.code == "classes/no-validation":  # afterwards would be too late
            _log.warning(problem.text)
    folder = RunFolder(output)
    folder.check(options.resume, options.overwrite)
    stored = folder.load() if options.resume else None
    before = time.monotonic()
    start = _start(wanted, options, stored and stored[1]["identity"], told)
    started += time.monotonic() - before  # a download is no part of the minutes
    if stored and options.threads is None:
        options = options.model_copy(update={"threads": stored[1]["threads"]})
    machine = Machine.of(options, world)
    with _controlled(wanted, options, machine), Interrupts(told.cancelled) as interrupts:
        job = Job(dataset, core, options)
        job.begin_from(start)
        if stored:
            require_same(stored[1]["identity"], job.identity(), output)
        begin(world, job.data, options.batch)
        trainer, validator = job.trainer(machine), job.validator(machine)
        folder.begin(options.resume)
        step = stored[1]["step"] if stored else 0
        with board(folder.board, options.tensorboard, step) as shown, _memory_in_words(machine):
            live = Live(folder.live, told.progress, told.on_update, shown)
            constant = {"identity": job.identity(), "threads": machine.threads}
            session = Session(trainer, validator, folder, options, constant, live)
            if stored:
                session.resume(*stored)
            else:
                session.begin(job.batches.steps_per_epoch, job.validation_share, started)
            session.train(interrupts)
            live.progress("choosing thresholds and writing the model", session.length.steps, session.length.steps)
            return job.write(folder, session, machine)


def _follow(world: World, dataset: Dataset, core: str, options: TrainingOptions) -> None:
    """The part of a process that is not the first of several: its share of the crops of every step."""
    machine = Machine.of(options, world)

    def make() -> tuple[Trainer, str]:
        job = Job(dataset, core, options)
        return job.trainer(machine), job.data

    wanted = make_core(core, {**options.settings, "classes": dataset.classes})
    with _controlled(wanted, options, machine), _memory_in_words(machine):
        follow(world, make)


def _controlled(core: Trainable, options: TrainingOptions, machine: Machine) -> contextlib.AbstractContextManager:
    return chance.controlled(options.seed, machine.threads, machine.repeats(core, options))


def _start(core: Trainable, options: TrainingOptions, identity: Mapping[str, Any] | None, told: _Told) -> Start:
    """The start weights; a resumed run has them in its checkpoint."""
    if identity is not None:
        return starting.of_run(identity.get("start"))
    start = starting.prepare(options.start, core, told.progress, told.cancelled)
    if options.freeze and start.state is None:
        note = "the encoder is frozen although its weights are random: it keeps what nobody taught it"
        start = dataclasses.replace(start, notes=(note,))
    for note in start.notes:
        _log.warning(note)
    return start


def _silent(message: str, current: int, maximum: int) -> None:
    """Progress for nobody."""


@contextlib.contextmanager
def _memory_in_words(machine: Machine) -> Iterator[None]:
    """Turn an exhausted memory of the device or the host into a ResourceError."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ResourceError(
            "memory",
            where=machine.device.type,
            expected="memory for a batch of crops",
            found=str(error).splitlines()[0] if str(error) else "not enough",
            remedy="Close other programs that use it and resume, or train anew with a smaller batch or crop.",
        ) from error
