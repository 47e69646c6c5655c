"""A model that is asked about each image, and what it finds at any threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from temj import inference
from temj.cores.detection import Detections
from temj.data import IGNORE, Instances, Micrograph
from temj.errors import BadImage
from temj.inference.outlines import USUAL, outlined
from temj.models import Model
from temj.models.card import Card
from temj.workflows.evaluate_classes import unknown_classes
from temj.workflows.evaluate_guess import Asking, Guess, Objects, Prediction

_TOO_MANY = "WARNING: too many objects"
_MOST_FITTED = 1000
"""Candidates of an image whose ellipses are fitted for the curve of quantities, which takes long."""


def of_model(model: Model, classes: Sequence[str], asking: Asking) -> Prediction:
    """A model that is asked about each image; arguments and errors as of :func:`open_prediction`."""
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
        cards=(card,), thresholds=marks, notes=tuple(notes), used={name: number},
    )  # fmt: skip


def _ask(model: Model, meant: Mapping[str, str], asking: Asking, stem: str, micrograph: Micrograph | None) -> Guess:
    """The objects that ``temj predict`` finds with its default settings."""
    if micrograph is None:
        raise BadImage(
            "missing", where=stem, expected="the image itself, for a model to look at", found="its annotation only",
            remedy="Name the folder of the images (--images).",
        )  # fmt: skip
    how = inference.How(tta=asking.tta, input_size=asking.input_size, device=asking.device, floor=asking.floor)
    how = how.looking_down_to(model.card.threshold(asking.threshold)[0])
    raw = inference.raw(micrograph, model, how, cancelled=asking.cancelled)
    read = inference.read(raw, asking.threshold)
    if isinstance(raw.answer, Detections):
        return _of_detections(raw, read, micrograph, meant, asking)
    levels = {meant[name]: level for name, level in zip(meant, raw.probabilities, strict=True)}
    levels.pop(IGNORE, None)
    return Guess(
        Objects(_meant(read, meant)),
        levels if len(set(meant.values())) == len(meant) else {},
        lambda threshold: Objects(_meant(inference.read(raw, threshold), meant)),
        tuple(read.info["notes"]),
    )


def _of_detections(
    raw: inference.Raw, read: Instances, micrograph: Micrograph, meant: Mapping[str, str], asking: Asking
) -> Guess:
    """What a detector found: of one of boxes the ellipses in them too, as ``temj predict`` shows them."""
    card, candidates = raw.model.card, inference.read(raw, raw.floor)
    found, notes = _outlined(read, micrograph, card, asking.outline)
    notes += tuple(note for note in candidates.info["notes"] if note.startswith(_TOO_MANY) and note not in notes)
    at = None
    if len(candidates) <= _MOST_FITTED or asking.outline == "box" or card.core.name not in USUAL:
        whole, _ = _outlined(candidates, micrograph, card, asking.outline)
        at = replace(whole, instances=_meant(whole.instances, meant)).above
    else:
        notes += (f"no curve of quantities: more than {_MOST_FITTED} candidates in an image, mostly noise",)
    found = replace(found, instances=_meant(found.instances, meant))
    return Guess(found, {}, at, notes, _meant(candidates, meant), raw.floor)


def _outlined(found: Instances, micrograph: Micrograph, card: Card, outline: str) -> tuple[Objects, tuple[str, ...]]:
    """Objects with their outlines, the boxes these were fitted in, and notes."""
    numbered = found.with_columns(track=np.arange(len(found)))  # outlines are in another order than their boxes
    shown = outlined(numbered, micrograph, card, outline)
    return Objects(shown.with_columns(track=0), found.shapes.take(shown.track)), tuple(shown.info["notes"])


def _meant(found: Instances, meant: Mapping[str, str]) -> Instances:
    return found.with_columns(class_name=np.array([meant[name] for name in found.class_name], object))
