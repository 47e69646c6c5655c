"""Choose a model's thresholds anew on the validation images of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from temj import models
from temj.data import Table
from temj.datasets import open_dataset
from temj.training.calibrating import calibrate_model
from temj.workflows import outputs
from temj.workflows.swapped import require_dataset, require_model
from temj.workflows.training_tables import comparison, thresholds

READING = ("instances", "min_pixels", "nms", "nms_iou")
"""Settings of cores that only say how an answer is read."""


def calibrate(
    parameters: Mapping[str, Any], command: str, progress: Callable[[str, int, int], None] | None = None
) -> dict[str, Table]:
    """The command: write the model, give tables ``comparison``, ``thresholds``, ``notes`` and ``files``."""
    require_dataset(parameters["dataset"], parameters["model"])
    require_model(parameters["model"], parameters["dataset"])
    folder, data = Path(parameters["output"]), open_dataset(parameters["dataset"])
    settings = {name: parameters[name] for name in READING if parameters[name] is not None}
    model = calibrate_model(
        models.open_model(parameters["model"]), data, folder, settings,
        command=command,
        overwrite=parameters["overwrite"], progress=progress,
    )  # fmt: skip
    return {
        "comparison": comparison(model.card),
        "thresholds": thresholds(model.card),
        "notes": outputs.text_table(("Note",), [(note,) for note in data.notes]),
        "files": outputs.files_table({"model": folder / "model.json"}),
    }
