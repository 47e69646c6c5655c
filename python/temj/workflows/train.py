"""Train a model on a dataset folder."""

from __future__ import annotations

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
from temj.workflows import outputs, record

Progress = Callable[[str, int, int], None]
_CORE_SETTINGS = ("architecture", "encoder", "channels")
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
    chosen = _options(options)
    return run_training(open_dataset(dataset), core, Path(output), chosen, progress=progress, cancelled=cancelled)


def _options(given: Mapping[str, Any]) -> TrainingOptions:
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
    """The command: train, write ``run.json``, give tables ``metrics``, ``notes`` (of the dataset) and ``files``."""
    folder, started = Path(parameters["output"]), record.now()
    options = {name: value for name, value in parameters.items() if name not in _NOT_OPTIONS}
    options["settings"] = {name: parameters[name] for name in _CORE_SETTINGS}
    options["command"] = repeat["command_line"]
    chosen, data = _options(options), open_dataset(parameters["dataset"])
    model = run_training(data, parameters["core"], folder, chosen, progress=progress, cancelled=cancelled)
    notes = [*data.notes, *check(data).notes]  # what the training looked at before it began
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
        "metrics": _metrics(model),
        "notes": outputs.text_table(("Note",), [(note,) for note in notes]),
        "files": outputs.files_table({"model": folder / "model.json"}),
    }


def _metrics(model: Model) -> Table:
    metrics = model.card.metrics
    return Table(
        (
            Column("Metric", np.array([_with_unit(metric.name) for metric in metrics], object)),
            Column("Value", np.array([metric.value * (100 if _is_error(metric.name) else 1) for metric in metrics])),
            Column("Data", np.array([metric.data for metric in metrics], object)),
        )
    )


def _is_error(name: str) -> bool:
    """Whether a metric is a relative difference, which people read in percent."""
    return name.endswith(" error")


def _with_unit(name: str) -> str:
    return f"{name} (%)" if _is_error(name) else name
