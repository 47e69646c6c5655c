"""What a finished run says of itself: the card, and the files beside it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np

from temj._version import __version__
from temj.cores import Trainable
from temj.datasets import Dataset
from temj.datasets.contents import contents
from temj.datasets.folder import PROTOCOL
from temj.evaluation.calibration import Calibrated
from temj.evaluation.tables import in_percent
from temj.models.card import Card
from temj.training.augmentations import effective
from temj.training.judging import DEFAULT_THRESHOLD
from temj.training.options import TrainingOptions
from temj.training.sampling import Picture
from temj.training.tables import csv_bytes

_TASKS = {
    "boxes": "object detection",
    "masks": "instance segmentation",
    "rotated": "rotated object detection",
}
THRESHOLD_CSV, THRESHOLD_PNG = "threshold_curve.csv", "threshold_curve.png"


@dataclass(frozen=True, eq=False)
class Facts:
    """What a run was made of.

    Attributes:
        dataset, core_name, core, options: of the run.
        pictures: for training.
        pixel_size: of the model in nm, or None.
        start: the facts of its start weights (:class:`temj.models.starting.Start`).
    """

    dataset: Dataset
    core_name: str
    core: Trainable
    pictures: Sequence[Picture]
    options: TrainingOptions
    pixel_size: float | None
    start: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Judged:
    """How good a trained core is.

    Attributes:
        calibrated: its thresholds and what they do to quantities.
        metrics: rows for the card.
        weights: which weights were kept.
        notes: what a user should know, in sentences.
        iou: mean over the classes on the validation images at the default threshold.
    """

    calibrated: Calibrated
    metrics: Sequence[Mapping[str, Any]]
    weights: str
    notes: Sequence[str] = ()
    iou: float = 0.0


def threshold_files(calibrated: Calibrated) -> dict[str, bytes]:
    """``threshold_curve.csv`` and ``.png``: objects and errors (%) at every threshold that was tried."""
    from temj import plots

    picture = plots.threshold_curve(calibrated.curve, calibrated.thresholds, "Validation images")
    return {THRESHOLD_CSV: csv_bytes(in_percent(calibrated.curve)), THRESHOLD_PNG: picture}


def papers(dataset: Dataset) -> dict[str, bytes]:
    """What goes from a dataset into the folder of a model as it is: the labelling protocol, where there is one."""
    text = dataset.protocol.strip()
    return {PROTOCOL: f"{text}\n".encode()} if text else {}


def make_card(name: str, facts: Facts, judged: Judged) -> Card:
    """The card of a trained core.

    Args:
        name: of the model.
        facts: what it was made of.
        judged: how good it is.
    """
    dataset, core, options = facts.dataset, facts.core, facts.options
    augmentation = effective(dataset, options.augmentation)
    described = dataset.description
    card = {
        "name": name,
        "task": _TASKS.get(facts.core_name, "semantic segmentation"),
        "description": options.description or described.description,
        "core": {"name": facts.core_name, "settings": core.settings.model_dump(mode="json")},
        "classes": [
            {
                "name": entry.name,
                "colour": dataset.colours[entry.name],
                "diameter": entry.diameter,
                "edge": entry.edge or described.edge,
            }
            for entry in described.classes
        ],
        "class_map": {str(number): label for number, label in enumerate(core.classes, start=1)}
        | dict(described.class_map),
        "input": _input(facts),
        "pixel_size": _pixel_size(facts.pixel_size, augmentation),
        "symmetry": dataset.symmetry.model_dump(),
        "thresholds": judged.calibrated.thresholds,
        "default_threshold": DEFAULT_THRESHOLD,
        "calibration": {"weights": judged.weights, **judged.calibrated.facts()},
        "data": [_data(dataset)],
        "metrics": list(judged.metrics),
        "trained": {
            "command": options.command,
            "seed": options.seed,
            "versions": versions(),
            "augmentation": augmentation,
            "start": dict(facts.start),
            "notes": tuple(judged.notes),
        },
    }
    return Card.model_validate(card)


def versions() -> dict[str, str]:
    """Of Python, TEMJ and the libraries that decide about the weights."""
    libraries = ("numpy", "opencv-python", "segmentation-models-pytorch", "torch", "torchvision")
    return {"python": platform.python_version(), "temj": __version__} | {name: version(name) for name in libraries}


def _input(facts: Facts) -> dict[str, Any]:
    pictures = facts.pictures
    low = min(float(picture.pixels.min()) for picture in pictures)
    high = max(float(picture.pixels.max()) for picture in pictures)
    dtype = np.result_type(*(picture.pixels.dtype for picture in pictures))
    return {
        "channels": facts.core.channels.names,
        "mean": "image",
        "sd": "image",
        "dtype": dtype.name,
        "range": (low, high),
        "polarity": facts.dataset.polarity,
        "size": facts.options.input_size,
        "field_of_view": facts.options.field_of_view,
    }


def _pixel_size(trained: float | None, augmentation: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """The trained pixel size, and those whose look the crops imitate.

    Finer images are averaged to the trained size, which is what zooming out does to a crop; coarser ones are
    enlarged, as zooming in and the coarse crops are.
    """
    if trained is None:
        return None
    scale, coarser = augmentation["scale"], augmentation["coarser"]
    smallest, largest = scale["factor"] if scale["probability"] else (1.0, 1.0)
    coarsest = max(largest, coarser["factor"][1] if coarser["probability"] else 1.0)
    least, most = (float(f"{trained * factor:.3g}") for factor in (smallest, coarsest))
    return {"trained": trained, "min": min(trained, least), "max": max(trained, most), "unit": "nm"}


def _data(dataset: Dataset) -> dict[str, Any]:
    split = dataset.split.model_dump()
    return {
        "name": dataset.name,
        "licence": dataset.licence or "not stated",
        "split": {part: stems for part, stems in split.items() if stems},
        "contents": contents(dataset),
    }
