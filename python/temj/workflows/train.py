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
from temj.cores import CORES, DETECTORS, make_core
from temj.cores.detection import DetectionSettings
from temj.data import Column, Table
from temj.datasets import check, open_dataset
from temj.errors import BadValue
from temj.models import Model
from temj.training import TrainingOptions
from temj.training import train as run_training
from temj.training.asked import require_core
from temj.training.distributed import follows
from temj.training.fold_model import FOLDS_CSV
from temj.training.recipes import with_recipe
from temj.wording import first_fault
from temj.workflows import outputs, record
from temj.workflows.swapped import require_dataset
from temj.workflows.training_tables import comparison, shown, thresholds, with_unit

Progress = Callable[[str, int, int], None]
_CORE_SETTINGS = (
    "architecture", "encoder", "encoder_depth", "channels", "mode", "instances", "loss", "min_pixels", "method",
    "polarity", "pyramid", "finest", "width", "head", "norm", "anchor_sizes", "aspect_ratios", "angles", "max_objects",
    "proposals", "nms", "nms_iou",
)  # fmt: skip
"""Settings of cores that the command offers."""
_ALONE = {"angles": ("rotated",)}
"""Settings that only some of the cores use that have them."""
_NOT_OPTIONS = ("dataset", "core", "output", "recipe", *_CORE_SETTINGS)


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
        options: fields of :class:`temj.training.TrainingOptions` (``epochs``, ``minutes``, ``seed`` …), and ``recipe``,
            a line of :data:`temj.training.recipes.RECIPES` in whose place the others stand.

    Returns:
        The trained model.

    Raises:
        BadValue: an option that is unknown (with the nearest known one) or has a wrong value.
        TemjError: as :func:`temj.training.train` says.
    """
    recipe = options.pop("recipe", None)
    chosen = training_options(with_recipe(recipe, core, options) if recipe else options)
    require_core(core, chosen, "settings.")
    require_dataset(dataset)
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
        fault = first_fault(TrainingOptions, error)
        raise BadValue(
            "option",
            where=fault.where or "training",
            expected=fault.expected,
            found=fault.found,
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
    core = parameters["core"]
    options = {name: value for name, value in parameters.items() if name not in _NOT_OPTIONS and value is not None}
    options |= {"settings": core_settings(parameters, core), "command": repeat["command_line"]}
    if parameters["recipe"]:
        options = with_recipe(parameters["recipe"], core, options)
    chosen = training_options(options)
    require_core(core, chosen)
    require_dataset(parameters["dataset"])
    data = open_dataset(parameters["dataset"])
    model = run_training(data, core, folder, chosen, progress=progress, cancelled=cancelled)
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


def core_settings(parameters: Mapping[str, Any], core: str) -> dict[str, Any]:
    """Settings of a core among the parameters of the command: those that were given.

    Raises:
        BadValue: one that this core has no use for; names the cores that have.
    """
    given = {name: parameters[name] for name in _CORE_SETTINGS if parameters.get(name) is not None}
    for name in given:
        if not _has(core, name):
            others = [other for other in CORES if other != "ensemble" and _has(other, name)]
            raise BadValue(
                "core-setting", where=name, expected=f"none: the core '{core}' has no use for it",
                found=f"'{given[name]}'",
                remedy=f"Leave it out, or choose a core that has: {', '.join(others)}.",
            )  # fmt: skip
    return given | ({"pyramid": given["pyramid"] == "yes"} if "pyramid" in given else {})


def _has(core: str, name: str) -> bool:
    if core not in _ALONE.get(name, (core,)):
        return False
    kind = DetectionSettings if core in DETECTORS else type(make_core(core, {"classes": ("object",)}).settings)
    return name in kind.model_fields


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
