"""K-fold cross-validation: K trainings, each judged on the images that it did not see, and one model of all of them.

``<output>/folds/<i>`` is the model folder of fold i (while it trains with its checkpoints), and ``folds.json`` beside
them says what was begun, so that a run that was stopped goes on with the fold that it was in.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from temj import storage
from temj.cores import make_core
from temj.cores.detection import Detector
from temj.datasets import Dataset, Split, SplitRule, folds, make_split, require_sound
from temj.datasets.description import FILE
from temj.errors import BadValue, Cancelled, Refused
from temj.models import Model, open_model
from temj.models.card import CARD
from temj.training.alone import require_alone
from temj.training.files import file_hashes
from temj.training.fold_model import Fold, write_fold_model
from temj.training.interrupt import Interrupts
from temj.training.live import Progress, Update
from temj.training.options import TrainingOptions, default_threads
from temj.training.run import ANEW, GO_ON, require_same

FOLDS, STATE, FORMAT = "folds", "folds.json", 1
_GRAIN = 1000
_log = logging.getLogger("temj")


def fold_splits(dataset: Dataset, count: int, seed: int) -> tuple[Split, ...]:
    """The images for training and validation in K parts, each of which validates once; those for the test stay.

    The parts are those of ``dataset.json`` where it has folds, else they are drawn: each has its share of the objects
    of every class, and images of one group stay together where ``dataset.json`` has groups.

    Raises:
        BadValue: another number than ``dataset.json`` has.
        BadDataset: fewer images or groups than parts, or images without a group.
    """
    given = len(dataset.description.folds)
    if given:
        if given != count:
            raise BadValue(
                "folds", where=dataset.folder / FILE, expected=f"the {given} folds that stand there", found=count,
                remedy=f"Use --folds {given}, or make others with 'temj dataset split {dataset.folder} --folds {count} "
                "--overwrite'.",
            )  # fmt: skip
        return folds(dataset)
    pool = replace(dataset, items=(*dataset.subset("train"), *dataset.subset("validation")))
    rule = SplitRule(by_group=bool(dataset.description.groups), folds=count, stratify=True, seed=seed)
    parts = make_split(pool, rule).folds
    return tuple(
        Split(
            train=tuple(sorted(stem for other in parts if other is not part for stem in other)),
            validation=part,
            test=dataset.split.test,
        )
        for part in parts
    )


def train_folds(
    dataset: Dataset,
    core: str,
    output: Path,
    options: TrainingOptions,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    on_update: Callable[[Update], None] | None = None,
) -> Model:
    """Train a core ``options.folds`` times and write the model of all folds.

    Fold i has the seed ``options.seed + i - 1`` and the K-th part of the minutes; epochs are those of each fold.
    Everything else is as in :func:`temj.training.train`, which calls this.

    Args:
        dataset: whose images for training and validation are parted anew (:func:`fold_splits`).
        core: a name of :data:`temj.cores.CORES`.
        output: the model folder.
        options: of every training; ``members`` says which networks the model has. Of a classical method or a
            detector it is always that of the best fold.
        progress, cancelled, on_update: as for :func:`temj.training.train`, over all folds.

    Raises:
        BadValue, BadDataset, Refused, Cancelled, ResourceError, StorageError: as for :func:`temj.training.train`; also
            where ``dataset.json`` has another number of folds, or several processes train together.
    """
    require_alone("a training with folds")
    wanted = make_core(core, {**options.settings, "classes": dataset.classes})
    if hasattr(wanted, "fit") or isinstance(wanted, Detector):
        # What a classical method is fitted to also decides how it prepares an image, and objects have no mean.
        options = options.model_copy(update={"members": "best"})
    require_sound(dataset)
    splits = fold_splits(dataset, options.folds, options.seed)
    state = _State(output / FOLDS, output)
    state.check(options.resume, options.overwrite)
    identity = _identity(dataset, core, options, splits)
    if options.resume:
        threads = state.resume(identity)
    else:
        threads = options.threads or default_threads()
        state.begin(identity, threads)
    options = options.model_copy(update={"threads": options.threads or threads})
    report = progress or _silent
    with Interrupts(cancelled) as interrupts:
        try:
            done = [
                _trained(_Part(number, len(splits), report, on_update), dataset.with_split(split), core, state.folder,
                         options, interrupts)
                for number, split in enumerate(splits, start=1)
            ]  # fmt: skip
        except Cancelled:
            raise interrupts.error(output, "Run the same command again with --resume to go on.") from None
    report("judging all folds together and writing the model", _GRAIN * len(splits), _GRAIN * len(splits))
    model = write_fold_model(output, dataset, done, options)
    state.finish()
    return model


def _trained(
    told: _Part, part: Dataset, core: str, folders: Path, options: TrainingOptions, interrupts: Interrupts
) -> Fold:
    """A fold, trained or gone on with unless its model is there already.

    Raises:
        Cancelled: asked for before or during it.
    """
    from temj.training.loop import train  # it imports this module

    if interrupts.stopped():
        raise Cancelled()
    folder = folders / str(told.number)
    if not (folder / CARD).exists() or _unfinished(folder):
        asked = _options(options, told.number, _unfinished(folder))
        train(part, core, folder, asked, told.progress, interrupts.stopped, told.update)
    model = open_model(folder)
    model.verify()
    return Fold(told.number, part, model)


def _silent(message: str, current: int, maximum: int) -> None:
    """Progress for nobody."""


def _unfinished(folder: Path) -> bool:
    return (folder / "training" / "last.safetensors").exists()


def unfinished_folds(output: Path) -> bool:
    """Whether a training with folds was begun in a model folder, and can go on."""
    return _State(output / FOLDS, output).running


def _options(options: TrainingOptions, number: int, resume: bool) -> TrainingOptions:
    """Of one fold."""
    minutes = None if options.minutes is None else options.minutes / options.folds
    return options.model_copy(update={
        "folds": None, "minutes": minutes, "seed": options.seed + number - 1, "resume": resume,
        "overwrite": not resume,
    })  # fmt: skip


def _identity(dataset: Dataset, core: str, options: TrainingOptions, splits: Sequence[Split]) -> dict[str, Any]:
    """What a run must have in common with the one it resumes."""
    words = {"description", "licence", "protocol", "split", "folds", "split_rule"}
    return {
        "core": core,
        "parameters": options.recipe(),
        "folds": {str(number): list(split.validation) for number, split in enumerate(splits, start=1)},
        "dataset": dataset.description.model_dump(mode="json", exclude=words),
        "data": file_hashes(dataset),
    }


class _State:
    """What was begun in a folder: ``folds.json``."""

    def __init__(self, folder: Path, output: Path):
        self.folder, self._output, self._path = folder, output, folder / STATE

    def _read(self) -> dict[str, Any] | None:
        """None where there is no run that can go on."""
        try:
            values = json.loads(self._path.read_bytes())
            return values if values["format"] == FORMAT and values["state"] == "running" else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def running(self) -> bool:
        """Whether there is a run that can go on."""
        return self._read() is not None

    def check(self, resume: bool, overwrite: bool) -> None:
        """As :meth:`temj.training.run.RunFolder.check`."""
        finished, begun = (self._output / CARD).exists(), self.running
        begun_else = _unfinished(self._output)
        if resume and not begun:
            raise BadValue(
                "nothing-to-resume", where=self._output, expected=f"an unfinished run with folds ({FOLDS}/{STATE})",
                found="a finished model" if finished else "a training without folds" if begun_else else "none",
                remedy=f"It is finished, there is nothing to go on with. {ANEW}" if finished
                else "Check the path, or start without --resume.",
            )  # fmt: skip
        if (finished or begun or begun_else) and not (resume or overwrite):
            raise Refused(
                "exists", where=self._output, expected="a new or empty model folder",
                found="an unfinished training" if begun or begun_else else "a finished model",
                remedy=GO_ON if begun or begun_else else ANEW,
            )  # fmt: skip

    def begin(self, identity: dict[str, Any], threads: int) -> None:
        """Make room for a new run and write down what it is."""
        shutil.rmtree(self.folder, ignore_errors=True)
        storage.make_folder(self._output)
        storage.make_folder(self.folder)
        values = {"format": FORMAT, "state": "running", "threads": threads, "identity": identity}
        storage.write_json(self._path, values)

    def resume(self, identity: dict[str, Any]) -> int:
        """Prove that this is the run that was begun; the threads that it had.

        Raises:
            BadValue: it differs.
        """
        stored = self._read()
        require_same(stored["identity"], identity, self._output)
        return stored["threads"]

    def finish(self) -> None:
        """The model is written."""
        stored = self._read()
        storage.write_json(self._path, stored | {"state": "finished"})


class _Part:
    """What one fold tells, as a part of all; the steps of all are counted as if all had as many as this one."""

    def __init__(self, number: int, count: int, report: Progress, on_update: Callable[[Update], None] | None):
        self.number, self._count, self._report, self._on_update = number, count, report, on_update
        self.update = self._update if on_update else None

    def progress(self, message: str, current: int, maximum: int) -> None:
        """After a step."""
        done = _GRAIN * (self.number - 1) + _GRAIN * current // max(maximum, 1)
        self._report(f"fold {self.number} of {self._count}: {message}", done, _GRAIN * self._count)

    def _update(self, update: Update) -> None:
        left, before = self._count - self.number, self.number - 1
        pace = update.seconds_left / max(update.steps - update.step, 1)
        self._on_update(replace(
            update, step=before * update.steps + update.step, steps=self._count * update.steps,
            epoch=before * update.epochs + update.epoch, epochs=self._count * update.epochs,
            seconds_left=update.seconds_left + left * pace * update.steps,
        ))  # fmt: skip
