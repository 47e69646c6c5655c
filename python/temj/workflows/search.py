"""Search for good settings of a training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from temj.data import Table
from temj.datasets import open_dataset
from temj.training.recipes import with_recipe
from temj.training.search import Found, Objective, Plan, read_fixed, read_space, search, trials_table
from temj.training.search.running import MODEL, TRIALS_CSV, TRIALS_PNG
from temj.training.search.space import label
from temj.workflows import outputs, record
from temj.workflows.account import aligned
from temj.workflows.train import training_options

Progress = Callable[[str, int, int], None]
_OF_TRAINING = (
    "epochs", "minutes", "folds", "seed", "device", "threads", "augmentation", "area", "resume", "overwrite",
)  # fmt: skip
_SHOWN = 20


def search_settings(
    parameters: Mapping[str, Any],
    repeat: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """The command: search, write ``run.json``.

    Args:
        parameters: ``dataset``, ``output``, ``core``, ``space``, ``trials``, ``method``, ``objective``, ``drop``,
            ``final`` and options of the trainings.
        repeat: the lines that repeat it, for ``run.json``.
        progress: called with (message, current, maximum).
        cancelled: polled at every step.

    Returns:
        Tables ``trials`` (the best first), ``best`` (Setting, Value), ``notes``, ``failures`` (Trial, Message) and
        ``files``.

    Raises:
        TemjError: as :func:`temj.training.search.running` and :func:`temj.training.search.read_space`.
    """
    folder, started = Path(parameters["output"]), record.now()
    data, core = open_dataset(parameters["dataset"]), parameters["core"]
    objective, space = Objective(parameters["objective"]), read_space(parameters["space"], core, data.classes)
    given = {name: parameters[name] for name in _OF_TRAINING} | {"command": repeat["command_line"]}
    if parameters["recipe"]:
        given = with_recipe(parameters["recipe"], core, {name: v for name, v in given.items() if v is not None})
    base = training_options(given).model_dump(exclude_defaults=True)
    plan = Plan(
        space, parameters["trials"], parameters["method"], objective, parameters["drop"], parameters["seed"], base,
        read_fixed(parameters["final"], core, data.classes),
    )  # fmt: skip
    found = search(data, core, folder, plan, progress, cancelled)
    notes = _notes(found, plan)
    run = {
        "format": 1,
        "command": "search",
        **repeat,
        "space": space.as_json(),
        "best": {"trial": found.best.number, "value": found.best.value, "settings": dict(found.best.settings)},
        "model": {"name": found.model.card.name, "sha256": found.model.sha256},
        "versions": record.versions(),
        "started": started,
        "finished": record.now(),
        "notes": notes,
    }
    record.write(folder, run)
    return _tables(folder, found, plan, notes)


def _notes(found: Found, plan: Plan) -> list[str]:
    states = Counter(trial.state for trial in found.trials)
    told = ", ".join(f"{states[name]} {word}" for name, word in _WORDS.items() if states[name])
    trained = "was trained anew with the best settings" if plan.final else "is that of the best trial"
    return [
        f"{len(found.trials)} trials: {told}; the model {trained}",
        "tuned on the validation images: figures on these are better than on new images; the test images took no part",
    ]


_WORDS = {"finished": "finished", "dropped": "dropped early", "failed": "failed"}


def _tables(folder: Path, found: Found, plan: Plan, notes: list[str]) -> dict[str, Table]:
    table = trials_table(found.trials, list(plan.space.searched), plan.objective)
    values = table[plan.objective.title] * (-1 if plan.objective.higher else 1)
    finished = table["State"] == "finished"
    order = np.lexsort((np.arange(len(table)), values, ~finished))
    settings = plan.space.fixed | dict(found.best.settings) | dict(plan.final)
    written = {"trials": folder / TRIALS_CSV, "plot": folder / TRIALS_PNG, "model": folder / MODEL / "model.json"}
    failed = [trial for trial in found.trials if trial.state == "failed"]
    return {
        "trials": table.take(order),
        "best": outputs.text_table(("Setting", "Value"), [(name, label(value)) for name, value in settings.items()]),
        "notes": outputs.text_table(("Note",), [(note,) for note in notes]),
        "failures": outputs.text_table(
            ("Trial", "Message"), [(str(trial.number), f"trial {trial.number}: {trial.reason}") for trial in failed]
        ),
        "files": outputs.files_table(written),
    }


def search_account(tables: Mapping[str, Table]) -> str:
    """The trials, the best first, its settings, and where the files are."""
    trials = tables["trials"]
    shown = trials.take(np.arange(min(len(trials), _SHOWN)))
    lines = [aligned(Table(tuple(column for column in shown if column.name != "Reason")))]
    if len(trials) > _SHOWN:
        lines.append(f"… and {len(trials) - _SHOWN} more in {TRIALS_CSV}")
    best = zip(tables["best"]["Setting"], tables["best"]["Value"], strict=True)
    lines.append("Best settings: " + " ".join(f"{name}={value}" for name, value in best))
    lines += [f"  note: {note}" for note in tables["notes"]["Note"]]
    if len(tables["failures"]):
        lines += ["Failed:", *(f"  {message}" for message in tables["failures"]["Message"])]
    return "\n".join([*lines, "Written:", *(f"  {name}" for name in tables["files"]["File"])])
