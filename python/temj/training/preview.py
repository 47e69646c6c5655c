"""Crops as the network will see them, beside what they were cut from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from temj.cores import Trainable, make_core
from temj.datasets import Dataset, require_sound
from temj.errors import BadDataset
from temj.training.augmentations import Applied, effective
from temj.training.load import model_size, picture
from temj.training.options import TrainingOptions
from temj.training.sampling import Batches, Picture
from temj.training.suited import suited


@dataclass(frozen=True, eq=False)
class SeenCrop:
    """One crop.

    Attributes:
        image: float32 (c, s, s), prepared: mean 0 and deviation 1 over its micrograph.
        class_map: uint8 (s, s): 0 background, k the k-th class, 255 ignore.
        applied: what happened to it; nothing for one that is as it was.
    """

    image: np.ndarray
    class_map: np.ndarray
    applied: tuple[Applied, ...] = ()


@dataclass(frozen=True, eq=False)
class SeenPlace:
    """One place of a micrograph: as it is, and several times changed."""

    name: str
    plain: SeenCrop
    changed: tuple[SeenCrop, ...]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a training on a dataset shows its network.

    Attributes:
        places: of different micrographs, as far as there are.
        channels: what each of the c channels is.
        pixel_size: of the crops, nm, before they are zoomed; None where it is not known.
        augmentation: name → probability and ranges.
    """

    places: tuple[SeenPlace, ...]
    channels: tuple[str, ...]
    pixel_size: float | None
    augmentation: Mapping[str, Mapping[str, Any]]


def what_is_seen(dataset: Dataset, core: str, options: TrainingOptions, places: int, versions: int) -> Seen:
    """Cut and change crops of training images as a training with these options does.

    Args:
        dataset: checked first.
        core: a name of :data:`temj.cores.CORES`.
        options: seed, crop, augmentation, settings of the core.
        places: how many, on as many different images as there are.
        versions: how many changed crops of each place.

    Raises:
        BadDataset: problems of the dataset, all of them.
        BadValue: an unknown augmentation or channel.
    """
    options = suited(options, core, dataset)
    made: Trainable = make_core(core, {**options.settings, "classes": dataset.classes})
    augmentation = effective(dataset, options.augmentation)
    require_sound(dataset)
    items = dataset.subset("train")
    if not items:
        raise BadDataset("no-train", where=dataset.folder, expected="at least one image for training", found="none")
    order = np.random.default_rng([options.seed, 2]).permutation(len(items))
    shown: list[SeenPlace] = []
    loaded: dict[int, Picture] = {}
    for number in range(places):
        index = int(order[number % len(order)])
        if index not in loaded:
            size = model_size(dataset, options)
            loaded[index] = picture(dataset, items[index], made, options.area, options.input_size, size)
        rng = np.random.default_rng([options.seed, 3, number])
        shown.append(_place(loaded[index], made, augmentation, options, rng, versions))
    return Seen(tuple(shown), made.channels.names, model_size(dataset, options), augmentation)


def _place(
    shown: Picture,
    core: Trainable,
    augmentation: Mapping[str, Any],
    options: TrainingOptions,
    rng: np.random.Generator,
    versions: int,
) -> SeenPlace:
    """A place of a picture, near an object where there is one."""
    plain = Batches([shown], core, {}, options.model_copy(update={"object_share": 1.0}))
    changing = Batches([shown], core, augmentation, options)
    centre = plain.draw_centre(shown, rng)
    crops = []
    for batches in (plain, *[changing] * versions):
        image, truth, applied = batches.crop_of(shown, rng, centre)
        crops.append(SeenCrop(image, _one_map(truth.class_map), applied))
    return SeenPlace(shown.name, crops[0], tuple(crops[1:]))


def _one_map(class_map: np.ndarray) -> np.ndarray:
    """(s, s) of a class map; where classes overlap, the last one."""
    if class_map.ndim == 2:
        return class_map
    found = class_map[0].copy()
    for number, plane in enumerate(class_map[1:], start=2):
        found[plane == 1] = number
    return found
