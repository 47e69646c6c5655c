"""Asking models about a micrograph or film: which models, one pass over the planes, thresholds for the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from temj import inference, models
from temj.area import Areas
from temj.data import Calibration, Column, Film, Instances, Micrograph, Table
from temj.errors import BadValue
from temj.inference import How
from temj.models import Model
from temj.workflows import maps

Progress = Callable[[str, int, int], None]
GIVEN = "given"
"""The name in tables of a threshold that was given as a number."""


def open_models(text: str) -> tuple[Model, ...]:
    """The models that a user names: one (a name or a folder), or several with commas between them.

    Raises:
        BadValue: an empty name, or a model twice.
        BadModel, Refused: one that cannot be used.
    """
    if "," not in text or Path(text).expanduser().is_dir():
        return (models.open_model(text),)
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise BadValue("model", where="model", expected="names of models with commas between them", found=repr(text))
    opened = tuple(models.open_model(name) for name in names)
    twice = [
        name for name, model in zip(names, opened, strict=True) if [m.sha256 for m in opened].count(model.sha256) > 1
    ]
    if twice:
        raise BadValue(
            "model", where="model", expected="each model once", found=f"the same weights as {' and '.join(twice)}",
            remedy="Name it once.",
        )  # fmt: skip
    return opened


@dataclass(frozen=True, eq=False)
class Found:
    """What models found.

    Attributes:
        instances: the objects of all planes.
        film: the planes for what needs no pixels: scale, names, positions and analysed areas only.
        probability: the maps of a single micrograph where they are wanted (:func:`temj.workflows.maps.probabilities`).
    """

    instances: Instances
    film: Film
    probability: tuple[Micrograph, ...] = ()


def find(
    film: Micrograph | Film,
    chosen: Sequence[Model],
    threshold: str | float,
    how: How,
    regions: Areas,
    maps_to: Path | bool = False,
    **hooks: Any,
) -> Found:
    """Find the objects of a micrograph or film, in one pass over its planes.

    Args:
        film: with its analysed areas; its channels are put together where a model takes several detectors.
        chosen: the models.
        threshold: as in :func:`temj.inference.predict`.
        how: how the models are asked.
        regions: the analysed areas of the film.
        maps_to: whether probability maps are wanted; of a film the file that they are written to as they come.
        hooks: ``progress`` and ``cancelled``.
    """
    if isinstance(film, Micrograph):
        plane = inference.plane(film, chosen, threshold, how, **hooks)
        return Found(plane.instances, Film.of(film), maps.probabilities(plane) if maps_to else ())
    film = inference.as_model_sees(film, chosen)
    parts: list[Instances] = []
    facts: list[_Facts] = []

    def channels() -> Iterator[np.ndarray]:
        for plane in inference.planes(film, chosen, threshold, how, **hooks):
            parts.append(plane.instances)
            facts.append(_Facts.of(plane.micrograph))
            if maps_to:
                yield from (channel.pixels for channel in maps.probabilities(plane))

    if isinstance(maps_to, Path):
        maps.write_probability(maps_to, channels(), film, maps.channel_names(chosen))
    else:
        for _ in channels():
            pass
    light = regions.apply(replace(film, read=_Blank(tuple(facts))))
    return Found(inference.film_instances(film, parts), light)


@dataclass(frozen=True)
class _Facts:
    """A micrograph without its pixels."""

    shape: tuple[int, int]
    calibration: Calibration
    name: str
    position: tuple[int, int, int]
    slice_label: str

    @classmethod
    def of(cls, micrograph: Micrograph) -> _Facts:
        shape = micrograph.height, micrograph.width
        return cls(shape, micrograph.calibration, micrograph.name, micrograph.position, micrograph.slice_label)


@dataclass(frozen=True)
class _Blank:
    """Reads planes that were read before, all their pixels 0: a film is decoded no more often than it must be."""

    planes: tuple[_Facts, ...]

    def __call__(self, index: int) -> Micrograph:
        facts = self.planes[index]
        pixels = np.zeros(facts.shape, np.uint8)
        return Micrograph(pixels, facts.calibration, facts.name, facts.position, facts.slice_label)


def with_thresholds(summary: Table, info: Mapping[str, Any]) -> Table:
    """A Summary with the columns ``Threshold`` and ``Threshold Name`` behind the others.

    Of a class that several models look for with different thresholds the number is missing and the name says all.

    Args:
        summary: with a column Class.
        info: of the instances.
    """
    infos = info.get("models", [info])
    told = []
    for name in summary["Class"]:
        own = [each for each in infos if name in each["colours"]] or infos
        pairs = {(each["threshold"], each["threshold_name"] or GIVEN) for each in own}
        if len(pairs) == 1:
            told.append(pairs.pop())
        else:
            told.append((np.nan, ", ".join(f"{_named(each)} in {each['model']}" for each in own)))
    numbers, names = zip(*told, strict=True) if told else ((), ())
    return summary.with_columns(
        Column("Threshold", np.array(numbers, float)), Column("Threshold Name", np.array(names, object))
    )


def _named(info: Mapping[str, Any]) -> str:
    name = info["threshold_name"]
    return f"{info['threshold']:g}" + (f" ({name})" if name else "")
