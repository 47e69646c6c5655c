"""The search itself: trial after trial, the best one's model kept, everything written down after each."""

from __future__ import annotations

import hashlib
import logging
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from temj import storage
from temj.datasets import Dataset, require_sound
from temj.errors import BadDataset, BadValue, Cancelled, MissingSoftware, Refused, StorageError, TemjError
from temj.models import Card, Model, open_model
from temj.models.card import CARD
from temj.models.copying import copy_model
from temj.training.alone import require_alone
from temj.training.curve import CURVE_CSV, CURVE_PNG
from temj.training.folds import FOLDS, fold_splits, unfinished_folds
from temj.training.interrupt import Interrupts
from temj.training.live import Progress
from temj.training.loop import train
from temj.training.options import TrainingOptions
from temj.training.run import require_same
from temj.training.search.plan import Found, Plan
from temj.training.search.space import options_of
from temj.training.search.study import Draw, Study, library
from temj.training.search.trials import SEARCH, Trial, best_of, load, save, trials_table
from temj.training.search.watch import Dropped, Watch
from temj.training.tables import csv_bytes

TRIALS_CSV, TRIALS_PNG, MODEL, TRIALS = "trials.csv", "trials.png", "model", "trials"
_GRAIN = 1000
_KEPT = (CURVE_CSV, CURVE_PNG)
"""What stays of a trial that is not the best."""
_log = logging.getLogger("temj")


def search(
    dataset: Dataset,
    core: str,
    output: Path,
    plan: Plan,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Found:
    """Train with many settings and keep the best model.

    ``<output>`` gets ``trials.csv``, ``trials.png`` and ``search.json``, new after each trial, ``model`` (that of the
    best trial so far) and ``trials/<n>`` with the training curve of each. The images for the test take no part.

    Args:
        dataset: as for a training.
        core: a name of :data:`temj.cores.CORES`.
        output: the folder.
        plan: what and how; ``resume`` and ``overwrite`` of ``plan.base`` mean the whole search.
        progress: called with (message, done, in all).
        cancelled: polled at every step; as :func:`temj.training.train`.

    Raises:
        BadValue: a wrong setting, nothing to resume, a resumed search that differs, or all trials failed.
        MissingSoftware: Optuna is not installed.
        Refused: the folder holds a search.
        Cancelled: it can be resumed; the trial goes on from its last checkpoint.
        BadDataset, StorageError: as :func:`temj.training.train`.
    """
    library()
    require_alone("a search")
    plan.objective.require_of(core)
    require_sound(dataset)
    if plan.base.get("folds"):
        fold_splits(dataset, plan.base["folds"], plan.base.get("seed", 0))  # before the first trial, not in it
    with Interrupts(cancelled) as interrupts:
        run = _Search(dataset, core, output, plan, progress or _silent, interrupts.stopped)
        try:
            return run.run()
        except Cancelled:
            raise interrupts.error(output, "Run the same command again with --resume to go on.") from None


def _silent(message: str, current: int, maximum: int) -> None:
    """Progress for nobody."""


class _Search:
    """One sitting of a search."""

    def __init__(
        self, dataset: Dataset, core: str, output: Path, plan: Plan, progress: Progress, stopped: Callable[[], bool]
    ):
        self._dataset, self._core, self._output, self._plan = dataset, core, output, plan
        self._progress, self._stopped = progress, stopped
        self._identity = plan.identity(core, dataset)
        self._trials: list[Trial] = []
        self._final: int | None = None
        self._study = Study(plan.space, plan.method, plan.seed, plan.drop, plan.objective.higher)

    def run(self) -> Found:
        self._open()
        for number in range(1 + len(self._ended()), self._plan.trials + 1):
            if self._stopped():
                raise Cancelled()
            self._study.run(number, self._work)
        best = best_of(self._trials, self._plan.objective)
        if best is None:
            reasons = [trial.reason for trial in self._trials if trial.reason]
            raise BadValue(
                "no-trial", where=self._output / TRIALS_CSV, expected="a trial that ends well",
                found=f"{len(self._trials)} that failed; the first: {reasons[0] if reasons else 'no reason known'}",
                remedy="Correct what is searched, then search again with --overwrite.",
            )  # fmt: skip
        if self._plan.final and self._final != best.number:
            self._train_final(best)
        shutil.rmtree(self._output / MODEL / "training", ignore_errors=True)  # a kill may have left the final's marker
        return Found(tuple(self._trials), best, open_model(self._output / MODEL))

    def _open(self) -> None:
        """Begin a new search, or take up the one that is there."""
        resume, overwrite = (bool(self._plan.base.get(name)) for name in ("resume", "overwrite"))
        if resume:
            stored, self._trials, self._final = load(self._output)
            require_same(stored, self._identity, self._output)
            for trial in self._ended():
                self._study.add(trial)
            self._write()
            return
        if (self._output / SEARCH).exists() and not overwrite:
            raise Refused(
                "exists", where=self._output / SEARCH, expected="a new or empty folder", found="a search",
                remedy="Choose another folder, go on with --resume, or replace it with --overwrite.",
            )  # fmt: skip
        if (self._output / MODEL / CARD).exists() and not overwrite:
            raise Refused("exists", where=self._output / MODEL, remedy="Choose another folder, or --overwrite.")
        storage.make_folder(self._output)
        for old in (SEARCH, TRIALS_CSV, TRIALS_PNG, f"{MODEL}/{CARD}"):
            (self._output / old).unlink(missing_ok=True)
        shutil.rmtree(self._output / TRIALS, ignore_errors=True)
        self._save()

    def _ended(self) -> list[Trial]:
        return [trial for trial in self._trials if trial.state != "running"]

    def _keep(self, trial: Trial) -> None:
        """Put a trial into the list, in place of what was known of it."""
        self._trials[trial.number - 1 :] = [trial]

    def _save(self) -> None:
        save(self._output, self._identity, self._trials, self._final)

    def _write(self) -> None:
        """All that a reader sees of the search so far."""
        from temj import plots

        self._save()
        names = list(self._plan.space.searched)
        table = trials_table(self._trials, names, self._plan.objective)
        storage.write_bytes(self._output / TRIALS_CSV, csv_bytes(table))
        logs = {name for name, entry in self._plan.space.searched.items() if getattr(entry, "log", False)}
        picture = plots.trials_plot(table, self._plan.objective.title, names, self._plan.objective.higher, logs)
        storage.write_bytes(self._output / TRIALS_PNG, picture)

    def _passed(self, trial: Trial) -> None:
        """A trial that runs has passed another tenth of its run."""
        self._keep(trial)
        self._save()

    def _reporter(self, number: int) -> Progress:
        """Progress of a trial as a part of that of all."""
        trials = self._plan.trials

        def report(message: str, current: int, maximum: int) -> None:
            done = _GRAIN * (number - 1) + _GRAIN * current // max(maximum, 1)
            self._progress(f"trial {number} of {trials}: {message}", done, _GRAIN * trials)

        return report

    def _work(self, draw: Draw) -> Trial:
        """One trial from its settings to its record."""
        before = self._trials[draw.number - 1] if draw.number <= len(self._trials) else None
        trial = before or Trial(draw.number, draw.settings)
        for tenth, value in sorted(trial.reached.items()):
            draw.report(tenth, value)
        self._passed(trial)
        watch = Watch(draw, trial, self._plan.objective, self._passed)
        folder = self._output / TRIALS / f"{draw.number:03d}"
        try:
            model = self._train(trial, folder, watch)
            trial = self._finished(watch.trial, model)
        except Dropped:
            value = watch.trial.reached[max(watch.trial.reached)]
            tenth = 10 * max(watch.trial.reached)
            trial = replace(
                watch.trial, state="dropped", value=value, reason=f"behind the others at {tenth} % of the run"
            )
        except (Cancelled, StorageError, MissingSoftware, BadDataset):
            raise
        except (TemjError, RuntimeError, MemoryError) as error:
            reason = error.message if isinstance(error, TemjError) else f"{type(error).__name__}: {error}"
            trial = replace(watch.trial, state="failed", value=None, reason=reason)
            _log.warning("trial %d failed: %s", draw.number, reason)
        trial = replace(trial, seconds=watch.trial.seconds, drawn=draw.drawn)
        self._keep(trial)
        self._write()
        _thin(folder)
        return trial

    def _train(self, trial: Trial, folder: Path, watch: Watch) -> Model:
        """Train a trial, or go on with it; one that was ended before it could be written down is there already."""
        if (folder / CARD).exists():
            return open_model(folder)
        options = self._options(trial, {}, _unfinished(folder))
        return train(self._dataset, self._core, folder, options, self._reporter(trial.number), self._stopped, watch)

    def _options(self, trial: Trial, more: Mapping[str, Any], resume: bool) -> TrainingOptions:
        """Of a training with the settings of a trial."""
        base = dict(self._plan.base) | {"resume": resume, "overwrite": not resume}
        chosen = self._plan.space.fixed | dict(trial.settings) | dict(more)
        return options_of(base, chosen, self._core, self._dataset.classes)

    def _finished(self, trial: Trial, model: Model) -> Trial:
        """A trial with its value; where it is the best so far its model becomes that of the search."""
        value = self._plan.objective.of_card(model.card)
        if not math.isfinite(value):
            return replace(trial, state="failed", reason=f"its model has no {self._plan.objective.metric}")
        trial = replace(trial, state="finished", value=value)
        best = best_of(self._ended(), self._plan.objective)
        if self._plan.objective.better(value, best and best.value):
            copy_model(model, self._output / MODEL, self._card(model, trial))
        return trial

    def _card(self, model: Model, trial: Trial) -> Card:
        """The card of a trial's model, as that of the search."""
        name = (self._output / MODEL).resolve().parent.name
        return model.card.model_copy(update={
            "name": name,
            "calibration": model.card.calibration | {"search": self._told(trial)},
        })  # fmt: skip

    def _told(self, trial: Trial) -> str:
        goal = "highest" if self._plan.objective.higher else "smallest"
        return (
            f"settings tuned on the validation images: trial {trial.number} of a {self._plan.method} search over "
            f"{', '.join(self._plan.space.searched)} for the {goal} {self._plan.objective.title}. The figures on these "
            "images are better than those on new ones."
        )

    def _train_final(self, best: Trial) -> None:
        """Train the best settings anew, for longer."""
        folder = self._output / MODEL
        marker = folder / "training" / f"trial-{best.number:03d}"
        going = marker.exists() and _unfinished(folder)
        if not going and marker.exists() and marker.read_bytes() != _card_hash(folder):
            model = open_model(folder)  # a kill came after the training, before it was written down
            model.verify()
        else:
            if not going:
                for old in (marker.parent, folder / FOLDS):
                    shutil.rmtree(old, ignore_errors=True)
                storage.make_folder(marker.parent)
                storage.write_bytes(marker, _card_hash(folder))
            model = self._of_final(best, folder, going)
            storage.write_bytes(marker, b"trained")
        copy_model(model, folder, self._card(model, best))
        self._final = best.number
        self._save()

    def _of_final(self, best: Trial, folder: Path, going: bool) -> Model:
        options = self._options(best, {"epochs": None, "steps": None, "minutes": None, **self._plan.final}, going)

        def told(message: str, current: int, maximum: int) -> None:
            self._progress(f"the best settings anew: {message}", current, maximum)

        return train(self._dataset, self._core, folder, options, told, self._stopped)


def _unfinished(folder: Path) -> bool:
    return (folder / "training" / "last.safetensors").exists() or unfinished_folds(folder)


def _card_hash(folder: Path) -> bytes:
    """Of the card that is in a folder: it is another one as soon as a training there has ended."""
    card = folder / CARD
    return hashlib.sha256(card.read_bytes()).hexdigest().encode() if card.exists() else b""


def _thin(folder: Path) -> None:
    """Leave only the training curve of a trial: the model of the best one is copied by now."""
    live = folder / "training"
    for name in _KEPT:
        if (live / name).exists() and not (folder / name).exists():
            storage.write_bytes(folder / name, (live / name).read_bytes())
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in _KEPT:
            path.unlink(missing_ok=True)
