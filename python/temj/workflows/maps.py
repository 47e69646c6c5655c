"""Maps of a prediction: the probability of each class, and the class of each pixel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from temj import storage
from temj.data import Film, Instances, Micrograph
from temj.errors import BadValue
from temj.imagej_tiff import Header, write
from temj.inference import Plane
from temj.models import Model
from temj.plots.colours import class_colours

MOST_CLASSES = 255


def channel_names(models: Sequence[Model]) -> tuple[str, ...]:
    """What the channels of probability maps are: the classes of all models; ``loop (model)`` where two have one."""
    pairs = [(name, model.card.name) for model in models for name in model.card.class_names]
    every = [name for name, _model in pairs]
    return tuple(name if every.count(name) == 1 else f"{name} ({model})" for name, model in pairs)


def probabilities(plane: Plane) -> tuple[Micrograph, ...]:
    """The probability of each class in one micrograph, float32 0..1, 0 outside the analysed area.

    Named ``<image>-probability`` with the class as slice label; with the scale and the position of the micrograph.
    """
    names = channel_names([raw.model for raw in plane.raws])
    channels = [channel for raw in plane.raws for channel in raw.probabilities]
    name = f"{Path(plane.micrograph.name).stem}-probability"
    return tuple(
        replace(plane.micrograph, pixels=channel, name=name, slice_label=label, metadata={}, area=None, others=None)
        for label, channel in zip(names, channels, strict=True)
    )


def write_probability(path: Path, planes: Iterable[np.ndarray], film: Film, names: Sequence[str]) -> None:
    """Write probability maps as a 32-bit ImageJ TIFF with the film's scale, one channel a class, shown from 0 to 1.

    Args:
        path: the file.
        planes: float32 (h, w), for each plane of the film each class.
        film: whose maps they are; of several channels each has the maps of its own.
        names: of the classes, the labels of the channels.
    """
    first, (channels, slices, frames) = film[0], film.dimensions
    header = Header(
        first.pixels.shape, np.dtype(np.float32), (0.0, 1.0), first.calibration,
        (channels * len(names), slices, frames), film.frame_interval, labels=tuple(names) * len(film),
    )  # fmt: skip
    with storage.writing(path) as file:
        write(file, planes, header)


def class_table(names: Sequence[str], found: Instances) -> tuple[str, ...]:
    """The classes 1, 2, … of a class map: those of the models (or of the shape rule), then others that occur.

    Raises:
        BadValue: more than fit into 8 bits.
    """
    every = tuple(dict.fromkeys([*names, *sorted(set(map(str, found.class_name)))]))
    if len(every) > MOST_CLASSES:
        raise BadValue("classes", expected=f"at most {MOST_CLASSES} classes in a class map", found=len(every))
    return every


def class_numbers(found: Instances, table: Sequence[str]) -> np.ndarray:
    """(n + 1,) uint8: the class number of each label 0 .. n; 0 is background."""
    number = {name: index for index, name in enumerate(table, start=1)}
    return np.array([0, *(number[str(name)] for name in found.class_name)], np.uint8)


def class_header(film: Film, first: Micrograph, table: Sequence[str], colours: Mapping[str, str]) -> Header:
    """8-bit with the colours of the classes as its colour table; their names stand in ImageJ's Info."""
    names = ["0 = background", *(f"{number} = {name}" for number, name in enumerate(table, start=1))]
    return Header(
        first.pixels.shape, np.dtype(np.uint8), (0.0, 255.0), first.calibration, film.dimensions, film.frame_interval,
        info="".join(f"{line}\n" for line in names), colours=colour_table(table, colours),
    )  # fmt: skip


def colour_table(table: Sequence[str], colours: Mapping[str, str]) -> np.ndarray:
    """(256, 3) uint8: black, the colours of the classes in order, black."""
    chosen = class_colours(table, {name: colour for name, colour in colours.items() if name in table})
    made = np.zeros((256, 3), np.uint8)
    for number, name in enumerate(table, start=1):
        made[number] = chosen[name]
    return made


def class_micrograph(label_image: np.ndarray, found: Instances, table: Sequence[str], first: Micrograph) -> Micrograph:
    """The class map of one micrograph from its label image, named ``<image>-classes``; what the numbers mean and their
    colours stand in ``metadata`` (``classes``, ``colours``)."""
    colours = class_colours(table, dict(found.info.get("colours", {})))
    metadata = {"classes": list(table), "colours": {name: list(colours[name]) for name in table}}
    return replace(
        first, pixels=class_numbers(found, table)[label_image], name=f"{Path(first.name).stem}-classes",
        slice_label="", metadata=metadata, area=None, others=None,
    )  # fmt: skip


def planes_of(labels: Iterable[np.ndarray], found: Instances, table: Sequence[str]) -> Iterator[np.ndarray]:
    """Class maps (h, w) uint8 from label images."""
    number = class_numbers(found, table)
    return (number[plane] for plane in labels)
