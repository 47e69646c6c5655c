"""Train a model on a dataset folder."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from temj import registry
from temj.data import Column, Table
from temj.datasets import check, open_dataset
from temj.errors import BadValue
from temj.models import Model
from temj.training import TrainingOptions
from temj.training import train as run_training
from temj.training.distributed import follows
from temj.training.fold_model import FOLDS_CSV
from temj.workflows import outputs, record
from temj.workflows.training_tables import comparison, shown, thresholds, with_unit

Progress = Callable[[str, int, int], None]
_CORE_SETTINGS = {
    "architecture": "Unet", "encoder": "resnet18", "encoder_depth": 5, "channels": "gray", "mode": "exclusive",
    "instances": "split", "loss": "bce+dice", "min_pixels": 0, "method": "auto", "polarity": "auto",
}  # fmt: skip
"""Settings of cores that the command offers, with what they are where nothing else is asked."""
_NOT_OPTIONS = ("dataset", "core", "output", *_CORE_SETTINGS)


def train(
    dataset: str | os.PathLike,
    output: str | os.PathLike,
    core: str = "semantic",
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> Model:
    """Train a core on a dataset folder and write a model folder.

    Args:
        dataset: folder with ``images/``, masks or ROI sets, and ``dataset.json``.
        output: the model folder to make.
        core: a name of :data:`temj.cores.CORES`.
        progress: called with (message, current, maximum).
        cancelled: polled; true stops in order, and ``resume=True`` goes on from there. Where it is None, Ctrl-C,
            SIGTERM and SIGHUP do so.
        options: fields of :class:`temj.training.TrainingOptions` (``epochs``, ``minutes``, ``seed`` …).

    Returns:
        The trained model.

    Raises:
        BadValue: an option that is unknown (with the nearest known one) or has a wrong value.
        TemjError: as :func:`temj.training.train` says.
    """
    chosen = training_options(options)
    return run_training(open_dataset(dataset), core, Path(output), chosen, progress=progress, cancelled=cancelled)


def training_options(given: Mapping[str, Any]) -> TrainingOptions:
    """Options of a training from what a user gave.

    Raises:
        BadValue: an option that is unknown (with the nearest known one) or has a wrong value.
    """
    known = TrainingOptions.model_fields
    for name in given:
        if name not in known:
            raise registry.unknown("option", name, known)
    try:
        return TrainingOptions(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        rule = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        raise BadValue(
            "option",
            where=name or "training",
            expected=rule[0].lower() + rule[1:],
            # Without a name it is a rule over several options, and what was given is all of them.
            found=repr(first["input"])[:80] if name else None,
            remedy="See 'temj train --help', or temj.training.TrainingOptions in Python.",
        ) from None


def train_model(
    parameters: Mapping[str, Any],
    repeat: Mapping[str, str],
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """The command: train, write ``run.json``; tables comparison, thresholds, metrics, notes, files, and folds."""
    folder, started = Path(parameters["output"]), record.now()
    options = {name: value for name, value in parameters.items() if name not in _NOT_OPTIONS}
    asked = {name: parameters[name] for name in _CORE_SETTINGS}
    options["settings"] = {name: value for name, value in asked.items() if value != _CORE_SETTINGS[name]}
    options["command"] = repeat["command_line"]
    chosen, data = training_options(options), open_dataset(parameters["dataset"])
    model = run_training(data, parameters["core"], folder, chosen, progress=progress, cancelled=cancelled)
    if follows():  # the first of several processes writes and tells
        return {}
    # what the training looked at before it began, and what came of it
    notes = [*data.notes, *check(data).notes, *model.card.trained.notes]
    run = {
        "format": 1,
        "command": "train",
        "parameters": {name: str(value) if isinstance(value, Path) else value for name, value in parameters.items()},
        **repeat,
        "model": {"name": model.card.name, "sha256": model.sha256},
        "versions": record.versions(),
        "started": started,
        "finished": record.now(),
        "notes": notes,
    }
    record.write(folder, run)
    return {
        **({"folds": _folds(model)} if chosen.folds else {}),
        "comparison": comparison(model.card),
        "thresholds": thresholds(model.card),
        "metrics": _metrics(model),
        "notes": outputs.text_table(("Note",), [(note,) for note in notes]),
        "files": outputs.files_table({"model": folder / "model.json"}),
    }


def _folds(model: Model) -> Table:
    """``folds.csv`` of a model as people read it: 3 digits behind the point, 1 of errors in percent."""
    header, *lines = csv.reader(model.read(FOLDS_CSV).decode().splitlines())
    cells = [tuple(map(_as_read, header, line)) for line in lines]
    return outputs.text_table(header, cells)


def _as_read(column: str, cell: str) -> str:
    if column in ("Fold", "Class", "Images") or not cell:
        return cell
    return f"{float(cell):.1f}" if column.endswith("(%)") else f"{float(cell):.3f}"


def _metrics(model: Model) -> Table:
    metrics = model.card.metrics
    return Table(
        (
            Column("Metric", np.array([with_unit(metric.name) for metric in metrics], object)),
            Column("Value", np.array([shown(metric) for metric in metrics])),
            Column("Data", np.array([metric.data for metric in metrics], object)),
        )
    )
