"""What a finished run says of itself: thresholds, metrics, card, curve."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from temj._version import __version__
from temj.cores import Trainable
from temj.data import Column, Table
from temj.datasets import Dataset
from temj.datasets.folder import PROTOCOL
from temj.models.card import Card
from temj.training.augmentations import effective
from temj.training.load import trained_size
from temj.training.metrics import DEFINITIONS, Agreement
from temj.training.options import TrainingOptions
from temj.training.sampling import Picture
from temj.training.validation import Answers, choose_thresholds

CURVE_CSV, CURVE_PNG = "training_curve.csv", "training_curve.png"
DEFAULT_THRESHOLD = "area"
"""What is measured afterwards are areas, diameters and densities: a threshold with a better IoU hides their bias."""
_WHOLE = ("step", "epoch", "skipped")


def curve_files(rows: Sequence[Mapping[str, float]]) -> dict[str, bytes]:
    """``training_curve.csv`` (6 significant digits) and ``training_curve.png``: a row a validation.

    Columns: step, epoch, loss (mean since the row before), learning_rate, an IoU a view at the best
    common threshold, that threshold, steps skipped so far.
    """
    from temj import plots

    names = list(rows[0]) if rows else [*_WHOLE]
    lines = [names, *([f"{value:.6g}" for value in row.values()] for row in rows)]
    table = Table(
        tuple(
            Column(name, np.array([row[name] for row in rows], np.int64 if name in _WHOLE else np.float64))
            for name in names
        )
    )
    text = "".join(",".join(line) + "\n" for line in lines)
    drawn = Table(tuple(column for column in table if column.name != "threshold"))
    return {CURVE_CSV: text.encode(), CURVE_PNG: plots.training_curve(drawn)}


def papers(dataset: Dataset) -> dict[str, bytes]:
    """What goes from a dataset into the folder of a model as it is: the labelling protocol, where there is one."""
    text = dataset.protocol.strip()
    return {PROTOCOL: f"{text}\n".encode()} if text else {}


def make_card(
    name: str,
    dataset: Dataset,
    core_name: str,
    core: Trainable,
    answers: Sequence[Answers],
    pictures: Sequence[Picture],
    options: TrainingOptions,
) -> Card:
    """The card of a trained core, with thresholds and metrics from its answers to the validation views."""
    thresholds = choose_thresholds(core, answers)
    augmentation = effective(dataset, options.augmentation)
    card = {
        "name": name,
        "task": "semantic segmentation",
        "description": options.description or dataset.description.description,
        "core": {"name": core_name, "settings": core.settings.model_dump(mode="json")},
        "classes": [
            {
                "name": entry.name,
                "colour": dataset.colours[entry.name],
                "diameter": entry.diameter,
                "edge": entry.edge or dataset.description.edge,
            }
            for entry in dataset.description.classes
        ],
        "class_map": {str(number): label for number, label in enumerate(core.classes, start=1)}
        | dict(dataset.description.class_map),
        "input": _input(pictures, dataset, core),
        "pixel_size": _pixel_size(dataset, augmentation),
        "symmetry": dataset.symmetry.model_dump(),
        "thresholds": thresholds,
        "default_threshold": DEFAULT_THRESHOLD,
        "calibration": {
            "iou": "best IoU on the validation images, at their own and at twice the pixel size together",
            "area": "area found nearest to the area annotated, on the same images",
            "f1": "best object F1 on the same images, in steps of 0.05 from 0.1 to 0.8",
        },
        "data": [_data(dataset)],
        "metrics": [metric for answer in answers for metric in _metrics(core, answer, thresholds)],
        "trained": {
            "command": options.command,
            "seed": options.seed,
            "versions": versions(),
            "augmentation": augmentation,
        },
    }
    return Card.model_validate(card)


def versions() -> dict[str, str]:
    """Of Python, TEMJ and the libraries that decide about the weights."""
    libraries = ("numpy", "opencv-python", "segmentation-models-pytorch", "torch", "torchvision")
    return {"python": platform.python_version(), "temj": __version__} | {name: version(name) for name in libraries}


def _input(pictures: Sequence[Picture], dataset: Dataset, core: Trainable) -> dict[str, Any]:
    low = min(float(picture.pixels.min()) for picture in pictures)
    high = max(float(picture.pixels.max()) for picture in pictures)
    dtype = np.result_type(*(picture.pixels.dtype for picture in pictures))
    return {
        "channels": core.channels.names,
        "mean": "image",
        "sd": "image",
        "dtype": dtype.name,
        "range": (low, high),
        "polarity": dataset.polarity,
    }


def _pixel_size(dataset: Dataset, augmentation: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """The trained pixel size, and those whose look the crops imitate.

    Finer images are averaged to the trained size, which is what zooming out does to a crop; coarser ones are
    enlarged, as zooming in and the coarse crops are.
    """
    trained = trained_size(dataset.pixel_size)
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
    }


def _metrics(core: Trainable, answers: Answers, thresholds: Mapping[str, float]) -> list[dict[str, Any]]:
    """All metrics of a view at the default threshold, and those of agreement at the one for the best IoU."""
    rows = []
    for threshold, wanted in ((DEFAULT_THRESHOLD, tuple(DEFINITIONS)), ("iou", ("IoU", "Dice", "object F1"))):
        parts = answers.agreement(core, thresholds[threshold])
        rows += _rows(core, parts, wanted, answers.view.name, threshold)
    return rows


def _rows(
    core: Trainable, parts: Sequence[Agreement], wanted: Sequence[str], view: str, threshold: str
) -> list[dict[str, Any]]:
    rows = []
    for class_name, part in zip(core.classes, parts, strict=True):
        of_class = f", class {class_name}" if len(core.classes) > 1 else ""
        values = part.metrics()
        rows += [
            {
                "name": name,
                "value": float(f"{values[name]:.4g}"),
                "definition": DEFINITIONS[name],
                "data": f"validation images at {view}{of_class}, threshold '{threshold}'",
            }
            for name in wanted
            if not math.isnan(values[name])
        ]
    return rows
