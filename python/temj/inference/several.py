"""The objects of several models in one image, put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from temj.data import Instances
from temj.geometry import in_reading_order
from temj.geometry.overlap import best_partners, marks, overlaps
from temj.models.card import Card

SAME = 0.5
"""Two objects of one class with more than this in common (intersection over union) are one."""


def class_names(cards: Sequence[Card]) -> tuple[str, ...]:
    """The classes of several models, each once, in their order."""
    return tuple(dict.fromkeys(name for card in cards for name in card.class_names))


def merged(parts: Sequence[Instances], cards: Sequence[Card]) -> Instances:
    """The objects of several models, of one micrograph.

    Objects keep their classes. Where two models found an object of the same class in the same place (one to one, with
    an overlap of more than :data:`SAME`), the one with the higher score stays (the earlier model's where they are
    equal); a note counts them.

    Args:
        parts: of each model, as :func:`temj.inference.read` gives them.
        cards: of the models.

    Returns:
        As from one model; group is the number of the class among those of all models. ``info`` has ``models``, the info
        of each, and for all of them model, model_sha256 (joined by ``,``), device, diameter, colours and notes; the
        colour and the diameter of a class are those of the first model that has it.
    """
    if len(parts) == 1:
        return parts[0]
    whole, notes = parts[0], []
    for part, card in zip(parts[1:], cards[1:], strict=True):
        whole, twice = _joined(whole, part)
        for name, count in twice.items():
            was = "1 object was" if count == 1 else f"{count} objects were"
            notes.append(f"{was} found as {name} by {card.name} and a model before it: the higher score is kept")
    names = class_names(cards)
    group = [names.index(name) + 1 if name in names else 0 for name in whole.class_name]
    return in_reading_order(whole.with_columns(group=group, info=_info(parts, notes)))


def _joined(first: Instances, second: Instances) -> tuple[Instances, dict[str, int]]:
    """Both, without the worse one of each pair; and how many pairs each class has."""
    worse_first, worse_second = np.zeros(len(first), bool), np.zeros(len(second), bool)
    twice: dict[str, int] = {}
    for name in sorted(set(first.class_name) & set(second.class_name)):
        one, other = (np.flatnonzero(part.class_name == name) for part in (first, second))
        pairs = overlaps(marks(first.shapes.take(one)), marks(second.shapes.take(other)))
        pairs = pairs.where(pairs.iou > SAME)
        chosen = best_partners(pairs)
        a, b = one[pairs.first[chosen]], other[pairs.second[chosen]]
        better = np.nan_to_num(second.score[b], nan=-1) > np.nan_to_num(first.score[a], nan=-1)
        worse_first[a[better]] = True
        worse_second[b[~better]] = True
        if len(chosen):
            twice[name] = len(chosen)
    return Instances.concatenate([first.take(~worse_first), second.take(~worse_second)]), twice


def _info(parts: Sequence[Instances], notes: Sequence[str]) -> dict[str, Any]:
    infos = [dict(part.info) for part in parts]
    told: dict[str, list[str]] = {}
    for info in infos:
        for note in info["notes"]:
            told.setdefault(note, []).append(info["model"])
    whole = [note if len(who) == len(infos) else f"{', '.join(who)}: {note}" for note, who in told.items()]
    return {
        "model": ",".join(info["model"] for info in infos),
        "model_sha256": ",".join(info["model_sha256"] for info in infos),
        "models": [{key: value for key, value in info.items() if key != "notes"} for info in infos],
        "pixel_size": infos[0]["pixel_size"],
        "device": ",".join(dict.fromkeys(info["device"] for info in infos)),
        "diameter": _first("diameter", infos),
        **({"edge": _first("edge", infos)} if any("edge" in info for info in infos) else {}),
        "colours": _colours(infos),
        "notes": [*whole, *notes],
    }


def _first(key: str, infos: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Class -> value of the first model that has the class."""
    return {name: value for info in reversed(infos) for name, value in info.get(key, {}).items()}


def _colours(infos: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Class -> colour; a colour that another class has already is left to be chosen anew."""
    colours: dict[str, str] = {}
    for info in infos:
        for name, colour in info["colours"].items():
            if name not in colours and colour.lower() not in {used.lower() for used in colours.values()}:
                colours[name] = colour
    return colours
