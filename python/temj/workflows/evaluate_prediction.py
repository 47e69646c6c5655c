"""What was found, image by image: by a model that is asked now, or by whatever made a result folder or annotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from temj import annotations, models, readers
from temj.annotations import Context
from temj.annotations.mask_sets import CLASS_NAMES
from temj.data import Micrograph
from temj.datasets.description import FILE, one_spelling
from temj.errors import BadAnnotation, BadImage, BadValue, TemjError
from temj.evaluation.regions import regions_above
from temj.models import Model
from temj.models.card import CARD, Card, did_you_mean
from temj.workflows.evaluate_classes import with_classes
from temj.workflows.evaluate_guess import Asking, Guess, Objects, Prediction
from temj.workflows.evaluate_model import of_model
from temj.workflows.evaluate_sides import RUN, Side, read_side


def open_prediction(name: str, classes: Sequence[str], context: Context, asking: Asking) -> Prediction:
    """What ``name`` stands for: an installed model, a result folder, an annotation file or folder, or a model folder.

    Args:
        name: a name or a path; a plain name of an installed model is this model.
        classes: of the truth.
        context: for annotations, as in :func:`temj.workflows.evaluate_sides.read_side`; masks without names of their
            classes have those of the truth.
        asking: how.

    Raises:
        BadValue: nothing of that name.
        BadModel, BadAnnotation, BadDataset, BadImage, Refused: it cannot be used, or has classes that are not known.
    """
    path = Path(name).expanduser()
    known = {Path(model.folder).name for model in models.list_models() if isinstance(model, Model)}
    if name in known or (path / CARD).is_file():
        return of_model(models.open_model(name), classes, asking)
    if not path.exists():
        raise BadValue(
            "prediction", where=name,
            expected="a result folder of temj predict, an annotation file or folder, a model folder, or an installed "
            f"model ({', '.join(sorted(known)) or 'there is none'})",
            found="nothing of that name", remedy=did_you_mean(name, known) + "Check the path or the spelling.",
        )  # fmt: skip
    given = [key for key, value in (("threshold", asking.threshold != "auto"), ("tta", asking.tta),
                                    ("input_size", asking.input_size)) if value]  # fmt: skip
    if given:
        raise BadValue(
            given[0], where=name, expected="no such option: it is for models", found=f"files ({path.name})",
            remedy="What stands in files was found before; name the model to find it again.",
        )  # fmt: skip
    path = path.absolute()
    if not context.classes and _is_masks(path) and not (path / CLASS_NAMES).is_file():
        context = replace(context, classes=tuple(classes))  # masks have numbers: those of the truth
    side = read_side(path, "all", replace(context, found=True))
    return _of_side(with_classes(side, classes, asking.class_map), classes)


def _is_masks(path: Path) -> bool:
    """Whether it holds nothing but label masks."""
    if any((path / name).is_file() for name in (FILE, RUN)):
        return False
    return (
        next((name for name in annotations.FORMATS if annotations.format_named(name).recognises(path)), "") == "masks"
    )


def _of_side(side: Side, classes: Sequence[str]) -> Prediction:
    runs = [entry.get("prediction", {}) for entry in side.run.get("images", ())]
    info = [told for run in runs for told in run.get("models", [run])]
    used = {(told.get("threshold_name") or "used"): told["threshold"] for told in info if "threshold" in told}
    cards, notes = _cards_of(info)
    if any(image.probability for image in side.images.values()):
        notes.append(
            "the curve against the threshold is that of connected regions of the probability maps: a model that tells "
            "touching objects apart finds others (name the model to see its own)"
        )
    return Prediction(
        side.title, partial(_from_files, side, tuple(classes)), frozenset(side.images), side, cards, used,
        (*(f"prediction: {note}" for note in side.notes), *notes), used, max(used.values(), default=0.0),
    )  # fmt: skip


def _cards_of(info: Sequence[Mapping[str, object]]) -> tuple[tuple[Card, ...], list[str]]:
    """The cards of the models that made a result, where these very ones are installed; and notes where not."""
    cards, notes = [], []
    for name, digest in sorted(
        {(str(told["model"]), str(told.get("model_sha256"))) for told in info if "model" in told}
    ):
        try:
            model = models.open_model(name)
        except TemjError:
            model = None
        if model is not None and model.sha256 == digest:
            cards.append(model.card)
            continue
        why = "is not installed" if model is None else "that is installed is another one than that of the results"
        notes.append(f"model '{name}' {why}: whether it was trained on these images is not known")
    return tuple(cards), notes


def _from_files(side: Side, classes: tuple[str, ...], stem: str, micrograph: Micrograph | None) -> Guess:
    found = side.images[stem]
    if found.probability is None:
        return Guess(Objects(found.instances))
    names, levels = _read_levels(found.probability, side.classes)
    if micrograph is not None and levels.shape[1:] != micrograph.pixels.shape:
        raise BadAnnotation(
            "size", where=found.probability, expected=f"{micrograph.width} x {micrograph.height} pixels, as the image",
            found=f"{levels.shape[2]} x {levels.shape[1]}", remedy="Predict the image again.",
        )  # fmt: skip
    by_class = {name: level for name, level in zip(names, levels, strict=True) if name in classes}
    regions = partial(regions_above, levels, names)
    return Guess(Objects(found.instances), by_class, lambda threshold: Objects(regions(threshold)))


def _read_levels(path: Path, classes: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes of a probability map (labels of its channels) and (k, h, w) float32."""
    planes = list(readers.open_film(path))
    names = tuple(one_spelling(plane.slice_label) for plane in planes)
    if len(planes) == len(classes) and set(names) != set(classes):
        names = tuple(classes)
    if len(names) != len(classes) or not set(names) <= set(classes):
        raise BadImage(
            "probability", where=path, expected=f"a channel for each class: {', '.join(classes)}",
            found=", ".join(names), remedy="Predict the image again.",
        )  # fmt: skip
    return names, np.stack([plane.pixels.astype(np.float32) for plane in planes])
