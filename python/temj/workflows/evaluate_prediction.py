"""What was found, image by image: by a model that is asked now, or by whatever made a result folder or annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from temj import annotations, inference, models, readers
from temj.annotations import Context
from temj.annotations.mask_sets import CLASS_NAMES
from temj.data import IGNORE, Instances, Micrograph
from temj.datasets.description import FILE, one_spelling
from temj.errors import BadAnnotation, BadImage, BadValue, TemjError
from temj.evaluation.regions import regions_above
from temj.models import Model
from temj.models.card import CARD, Card, did_you_mean
from temj.workflows.evaluate_classes import unknown_classes, with_classes
from temj.workflows.evaluate_sides import RUN, Side, read_side

Cancelled = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Guess:
    """What was found in one image.

    Attributes:
        instances: with the classes of the truth.
        levels: class of the truth → float (h, w), its probability; empty where nobody knows it.
        at: threshold → the objects there; None where nobody knows it.
        notes: for the user.
    """

    instances: Instances
    levels: Mapping[str, np.ndarray] = field(default_factory=dict)
    at: Callable[[float], Instances] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Prediction:
    """Where the objects come from.

    Attributes:
        title: in words.
        find: (stem, micrograph or None) → what was found.
        stems: of the images that there are objects of; None: any image can be asked.
        side: the files, where it is not a model.
        cards: of the models, where they are known.
        thresholds: name → threshold that the objects were found with, and others worth a mark.
        notes: for the user.
    """

    title: str
    find: Callable[[str, Micrograph | None], Guess]
    stems: frozenset[str] | None = None
    side: Side | None = None
    cards: tuple[Card, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asking:
    """How a model is asked, and how names are meant; each as in :mod:`temj.commands.evaluate`."""

    threshold: str = "auto"
    device: str = "auto"
    tta: bool = False
    input_size: int | None = None
    class_map: Mapping[str, str] = field(default_factory=dict)
    cancelled: Cancelled | None = None


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
        return _of_model(models.open_model(name), classes, asking)
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
    return _of_side(with_classes(read_side(path, "all", context), classes, asking.class_map), classes)


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
        (*(f"prediction: {note}" for note in side.notes), *notes),
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
        return Guess(found.instances)
    names, levels = _read_levels(found.probability, side.classes)
    if micrograph is not None and levels.shape[1:] != micrograph.pixels.shape:
        raise BadAnnotation(
            "size", where=found.probability, expected=f"{micrograph.width} x {micrograph.height} pixels, as the image",
            found=f"{levels.shape[2]} x {levels.shape[1]}", remedy="Predict the image again.",
        )  # fmt: skip
    by_class = {name: level for name, level in zip(names, levels, strict=True) if name in classes}
    return Guess(found.instances, by_class, lambda threshold: regions_above(levels, names, threshold))


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


def _of_model(model: Model, classes: Sequence[str], asking: Asking) -> Prediction:
    card = model.card
    model.check(asking.threshold, asking.device)
    meant = {name: asking.class_map.get(name, name) for name in card.class_names}
    if len(classes) == len(meant) == 1:
        meant = {card.class_names[0]: asking.class_map.get(card.class_names[0], classes[0])}
    strange = [name for name in meant.values() if name not in (*classes, IGNORE)]
    if strange:
        raise unknown_classes(f"model {card.name}", strange, classes)
    number, name = card.threshold(asking.threshold)
    marks = {**card.thresholds, **({} if name else {"used": number})}
    notes = [f"class '{old}' of the model is taken for '{new}'" for old, new in meant.items() if old != new]
    return Prediction(
        f"model {card.name}, threshold {name or 'given'} ({number:g})", partial(_ask, model, meant, asking),
        cards=(card,), thresholds=marks, notes=tuple(notes),
    )  # fmt: skip


def _ask(model: Model, meant: Mapping[str, str], asking: Asking, stem: str, micrograph: Micrograph | None) -> Guess:
    """The objects that ``temj predict`` finds with its default settings."""
    if micrograph is None:
        raise BadImage(
            "missing", where=stem, expected="the image itself, for a model to look at", found="its annotation only",
            remedy="Name the folder of the images (--images).",
        )  # fmt: skip
    how = inference.How(tta=asking.tta, input_size=asking.input_size, device=asking.device)
    raw = inference.raw(micrograph, model, how, cancelled=asking.cancelled)
    found = inference.read(raw, asking.threshold)
    levels = {meant[name]: level for name, level in zip(meant, raw.probabilities, strict=True)}
    levels.pop(IGNORE, None)
    return Guess(
        _meant(found, meant),
        levels if len(set(meant.values())) == len(meant) else {},
        lambda threshold: _meant(inference.read(raw, threshold), meant),
        tuple(found.info["notes"]),
    )


def _meant(found: Instances, meant: Mapping[str, str]) -> Instances:
    return found.with_columns(class_name=np.array([meant[name] for name in found.class_name], object))
