"""The copy of a model with tuned thresholds: its card, and the table and heat map beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from temj.data.table_text import to_csv
from temj.datasets.problems import counted
from temj.errors import BadValue
from temj.evaluation.grid import DEFINITIONS
from temj.models import Model
from temj.models.card import Card, did_you_mean
from temj.models.copying import copy_model
from temj.plots.detection import grid_map
from temj.workflows.known_images import TUNED
from temj.workflows.tune_choice import Choice

BY_CLASS = f"{TUNED}_by_class"
GRID_CSV, GRID_PNG = "tuning.csv", "tuning.png"
_TRAINED = "trained"
_IMAGES = {"validation": "validation images", "train": "training images"}


def tuned_model(
    model: Model, folder: Path, chosen: Choice, facts: Mapping[str, Any], parameters: Mapping[str, Any]
) -> Model:
    """Write it.

    The threshold ``auto`` of a training becomes ``trained`` where another one is the default from now on: who asks for
    ``auto`` gets the default.

    Args:
        model: to copy.
        folder: of the copy; it may be the model's own.
        chosen: the thresholds.
        facts: what the card says of them.
        parameters: ``default_threshold`` and ``part`` of the command.
    """
    card, by_class = model.card, chosen.of_class
    point, old = _facts_of(chosen), _without_tuned(card)
    thresholds = old | {TUNED: chosen.confidence}
    calibration = {name: told for name, told in card.calibration.items() if name not in (TUNED, BY_CLASS)}
    calibration[TUNED] = {**facts, **point}
    if by_class:
        thresholds[BY_CLASS] = min(by_class.values())
        told = f"{facts['definition']}; then for each class its highest F1 at that match IoU"
        calibration[BY_CLASS] = {**facts, "definition": told, "match_iou": chosen.iou, "by_class": by_class}
    default = parameters["default_threshold"] or (BY_CLASS if by_class else TUNED)
    metrics = [m.model_dump() for m in card.metrics if f"threshold '{TUNED}'" not in m.data]
    metrics += _metrics(chosen, _IMAGES[parameters["part"]])
    if default != "auto" and "auto" in thresholds:
        thresholds = {(_TRAINED if name == "auto" else name): number for name, number in thresholds.items()}
        calibration = {(_TRAINED if name == "auto" else name): told for name, told in calibration.items()}
        metrics = [
            row | {"data": row["data"].replace("threshold 'auto'", f"threshold '{_TRAINED}'")} for row in metrics
        ]
    changed = {
        "name": folder.resolve().name, "thresholds": thresholds, "default_threshold": default,
        "class_thresholds": {BY_CLASS: by_class} if by_class else {}, "calibration": calibration, "metrics": metrics,
    }  # fmt: skip
    new = Card.model_validate(card.model_dump() | changed)
    on = facts["tuned_on"]
    title = f"{card.name} on {counted(len(on['images']), 'image')} of {on['dataset']} ({on['part']}), classes ignored"
    table = chosen.grid.table()
    extra = {
        GRID_CSV: to_csv(table, 4).encode(),
        GRID_PNG: grid_map(table, (chosen.confidence, chosen.iou), title),
    }
    return copy_model(model, folder, new, extra)


def require_default(card: Card, parameters: Mapping[str, Any]) -> None:
    """Prove that there will be a threshold of the name that shall be the default one.

    Raises:
        BadValue: there will be none.
    """
    names = [*_without_tuned(card), TUNED, *([BY_CLASS] if parameters["per_class"] else [])]
    name = parameters["default_threshold"]
    if name and name not in names:
        raise BadValue(
            "default-threshold", where="default_threshold", expected=f"one of {', '.join(names)}", found=repr(name),
            remedy=did_you_mean(name, names) + "Leave it out for what is tuned.",
        )  # fmt: skip


def _without_tuned(card: Card) -> dict[str, float]:
    return {name: number for name, number in card.thresholds.items() if name not in (TUNED, BY_CLASS)}


def _facts_of(chosen: Choice) -> dict[str, Any]:
    """The chosen point as JSON values."""
    count = len(chosen.grid.true)
    judged = f"{counted(count, 'image')}, each judged at the confidence chosen on the others"
    row = {column.name: column.values[0] for column in chosen.table() if column.name != "Class"}
    return {
        "match_iou": chosen.iou,
        "precision": _short(row["Precision"]), "recall": _short(row["Recall"]), "F1": _short(row["F1"]),
        "object_F1": _short(chosen.judged_f1),
        "judged_on": judged if count > 1 else "the one image that it was chosen on",
    }  # fmt: skip


def _metrics(chosen: Choice, images: str) -> list[dict[str, Any]]:
    """Rows for ``metrics`` of the card."""
    table = chosen.table()
    rows = []
    for name, definition in DEFINITIONS.items():
        value = float(table[name.split()[1].capitalize() if name != "detection F1" else "F1"][0])
        if np.isfinite(value):
            rows.append({
                "name": name, "value": _short(value), "definition": definition.replace("0.5", f"{chosen.iou:g}"),
                "data": f"{images} at own pixel size, threshold '{TUNED}'",
            })  # fmt: skip
    return rows


def _short(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None
