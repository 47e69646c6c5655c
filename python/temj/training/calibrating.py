"""A model's thresholds and figures chosen anew, on the validation images of a dataset; its weights stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from temj.cores import Trainable, make_core
from temj.datasets import Dataset, require_sound
from temj.errors import BadValue, Refused
from temj.evaluation.calibration import Calibrated
from temj.inference.network import Network
from temj.models import Model, choose_device, write_model
from temj.models.card import CARD, EXPECTED, PREVIEW, SAMPLE, WEIGHTS, Card
from temj.training.asking import ask
from temj.training.job import sample_of
from temj.training.judging import DEFAULT_THRESHOLD, Judge
from temj.training.load import pictures, trained_size
from temj.training.report import threshold_files
from temj.training.sampling import Picture
from temj.training.validation import coarse_view, own_view

Progress = Callable[[str, int, int], None]


def calibrate_model(
    model: Model,
    dataset: Dataset,
    output: Path,
    settings: Mapping[str, Any] | None = None,
    *,
    command: str = "",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Model:
    """Write a copy of a model whose thresholds fit a dataset's validation images.

    Args:
        model: with a network (not a classical method that was fitted).
        dataset: of the model's classes and, where both have one, its pixel size (any, for a model of a field of view).
        output: folder of the new model; it may be the model's own where ``overwrite`` is true.
        settings: settings of the core that only say how its answer is read, such as ``instances`` or ``min_pixels``.
        command: what the card says of how it was calibrated.
        overwrite: whether a model that is there may be replaced.
        progress: called with (message, current, maximum).

    Raises:
        BadValue: other classes or another pixel size than the model's, or a setting that changes the network.
        BadDataset: problems of the dataset, or no validation images.
        Refused: there is a model in ``output``.
    """
    card = model.card
    if not overwrite and (output / CARD).exists():
        raise Refused("exists", where=output / CARD, remedy="Choose another folder, or allow overwriting.")
    _require_fitting(card, dataset)
    require_sound(dataset)
    device = choose_device("auto")
    core = make_core(card.core.name, {**card.core.settings, **(settings or {})})
    weights = model.load_core(device).network.state_dict()
    _require_same_network(core.network.state_dict(), weights)
    core.network.load_state_dict(weights)  # a detector's network has in it what counts as one object
    core.network.to(device)
    size = card.pixel_size.nm[0] if card.pixel_size else None
    shown = pictures(dataset, "validation", core, "auto", card.input.size, size if card.input.field_of_view else None)
    calibrated, metrics = _judged(core, card, shown, device, progress or (lambda *_: None))
    changed = {
        "core": {"name": card.core.name, "settings": core.settings.model_dump(mode="json")},
        "name": output.resolve().name,
        "thresholds": calibrated.thresholds,
        "default_threshold": DEFAULT_THRESHOLD,
        "class_thresholds": {},
        "calibration": _weights(card)
        | {"command": command, "images": f"validation images of {dataset.name}"}
        | calibrated.facts(),
        "metrics": metrics,
        "files": {},
    }
    # The sample is kept; what the network answers to it is computed anew, with the weights as they are stored.
    kept = [name for name in card.files if name not in (WEIGHTS, SAMPLE, EXPECTED, PREVIEW)]
    extra = {name: model.read(name) for name in kept} | threshold_files(calibrated)
    new = Card.model_validate(card.model_dump() | changed)
    state = {name: tensor.cpu() for name, tensor in weights.items()}
    return write_model(output, new, state, sample_of(shown, size), extra=extra, overwrite=True)


def _judged(
    core: Trainable, card: Card, shown: tuple[Picture, ...], device: str, report: Progress
) -> tuple[Calibrated, list[dict[str, Any]]]:
    """The thresholds that fit pictures best, and the metrics there: at their pixel size and at twice it."""
    views = [own_view(shown, core), *([coarse_view(shown, core)] if card.pixel_size else [])]
    answers = []
    for number, view in enumerate(views):
        report(f"asking the model at {view.name}", number, len(views))
        answers.append(ask(Network(core, device, "float32"), view))
    judge = Judge(core, dict(card.diameters))
    report("choosing thresholds", len(views), len(views))
    calibrated = judge.calibrated(answers)
    return calibrated, [
        row for each in answers for row in judge.metrics(each, calibrated.thresholds, "validation images")
    ]


def _weights(card: Card) -> dict[str, Any]:
    return {"weights": card.calibration["weights"]} if "weights" in card.calibration else {}


def _require_fitting(card: Card, dataset: Dataset) -> None:
    """Prove that classes and pixel size are those of the model."""
    if tuple(dataset.classes) != card.class_names:
        raise BadValue(
            "classes", where=dataset.folder, expected=f"the classes of the model: {', '.join(card.class_names)}",
            found=", ".join(dataset.classes), remedy="Map them in 'class_map' of dataset.json, in this order.",
        )  # fmt: skip
    size = None if card.input.field_of_view else trained_size(dataset.pixel_size)
    if card.pixel_size and size and abs(size / card.pixel_size.nm[0] - 1) > 1e-3:
        raise BadValue(
            "pixel-size", where=dataset.folder, expected=f"images of {card.pixel_size.nm[0]:g} nm/px, as the model's",
            found=f"{size:g} nm/px", remedy="Resample the images and their annotations to that pixel size.",
        )  # fmt: skip


def _require_same_network(new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """Prove that a changed setting leaves the network as it is."""
    different = [name for name in new.keys() | old.keys() if name not in new or name not in old]
    different += [name for name in new.keys() & old.keys() if new[name].shape != old[name].shape]
    if different:
        raise BadValue(
            "settings", where="settings",
            expected="settings that leave the network as it is (instances, min_pixels, nms, nms_iou)",
            found=f"{len(different)} tensors would be others, such as {min(different)}",
            remedy="Train a model with these settings instead.",
        )  # fmt: skip
