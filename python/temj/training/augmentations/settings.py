"""Which augmentations happen how often and how much: defaults, the dataset's say, the user's say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from temj import registry
from temj.data.shapes import RoiType
from temj.datasets import Dataset
from temj.errors import BadValue, TemjError
from temj.training.augmentations.base import Augmentation
from temj.training.augmentations.table import AUGMENTATIONS

INVERTED = 0.3
"""Share of inverted crops where the polarity is free (worth 0.14 to 0.19 F1 on particles of either)."""

_RIGID = (RoiType.OVAL, RoiType.ELLIPSE, RoiType.RECT, RoiType.ROTATED_RECT)


def parse(words: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Settings from words: ``inversion=0.5`` is a probability, ``noise.deviation=0..0.3`` a range.

    Raises:
        BadValue: a word that is neither, or twice the same; an unknown augmentation or quantity.
    """
    found: dict[str, dict[str, Any]] = {}
    for word in words:
        place, sign, text = word.partition("=")
        name, dot, quantity = place.strip().partition(".")
        try:
            numbers = [float(part) for part in text.split("..")]
        except ValueError:
            numbers = []
        quantity = quantity if dot else "probability"
        wanted = 1 if quantity == "probability" else 2
        if not sign or len(numbers) not in (wanted, 1):
            raise BadValue(
                "augmentation",
                where=word,
                expected="a probability such as inversion=0.5, or a range such as noise.deviation=0..0.3",
                remedy=f"The augmentations are {', '.join(AUGMENTATIONS)}.",
            )
        if quantity in found.get(name, {}):
            raise BadValue("twice", where=word, expected="each setting once", remedy="Leave one of them out.")
        value = numbers[0] if quantity == "probability" else [numbers[0], numbers[-1]]
        found.setdefault(name, {})[quantity] = value
    return checked(found)


def checked(given: Mapping[str, Any], where: object = "augmentation") -> dict[str, dict[str, Any]]:
    """Settings that are known to be right: name → {probability, quantity: [low, high]}; a number is a probability.

    Raises:
        BadValue: an unknown augmentation or quantity (with the nearest known one), or a value out of bounds.
    """
    found = {}
    for name, value in given.items():
        if name not in AUGMENTATIONS:
            raise registry.unknown("augmentation", name, AUGMENTATIONS)
        kind: type[Augmentation] = registry.load(AUGMENTATIONS[name])
        values = dict(value) if isinstance(value, Mapping) else {"probability": value}
        for quantity in values:
            if quantity not in ("probability", *kind.ranges):
                raise registry.unknown(f"setting-of-{name}", str(quantity), ["probability", *kind.ranges])
        try:
            kind(**values)
        except (TypeError, ValueError) as error:
            raise BadValue(
                "augmentation", where=where, expected=_expected(kind), found=f"{name}: {value}",
                remedy=f"{str(error)[0].upper()}{str(error)[1:]}.",
            ) from None  # fmt: skip
        found[name] = {quantity: _plain(entry) for quantity, entry in values.items()}
    return found


def _plain(entry: Any) -> Any:
    return [float(number) for number in entry] if isinstance(entry, list | tuple) else float(entry)


def _expected(kind: type[Augmentation]) -> str:
    limits = [f"{name} from {entry.least:g} to {entry.most:g} ({entry.unit})" for name, entry in kind.ranges.items()]
    return ", ".join(["a probability from 0 to 1", *limits])


def effective(dataset: Dataset, given: Mapping[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """What a training on a dataset does, all of it: defaults, then what the dataset declares, then what is given.

    The dataset's symmetry limits rotation and flips, its polarity decides about inversion, its range of pixel sizes
    about zoom and coarser pixels; nothing is bent whose annotation is an ellipse or a box. Its key ``augmentation``
    and what is given win over these.

    Returns:
        name → {probability, quantity: [low, high]} of every augmentation of the table.

    Raises:
        BadValue: as :func:`checked`.
    """
    found = {name: registry.load(target)().settings for name, target in AUGMENTATIONS.items()}
    own = checked(dataset.description.augmentation, dataset.folder / "dataset.json")
    asked = checked(given or {})
    for declared in (_declared(dataset, found), own, asked):
        for name, values in declared.items():
            found[name] |= values
    return found


def _declared(dataset: Dataset, defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What follows from symmetry, polarity, pixel sizes and shapes of a dataset."""
    symmetry = dataset.symmetry
    found: dict[str, dict[str, Any]] = {
        "rotation": {"angle": [-symmetry.rotation, symmetry.rotation]},
        "inversion": {"probability": INVERTED if dataset.polarity == "both" else 0.0},
    }
    for name, allowed in (("horizontal", symmetry.flip_horizontal), ("vertical", symmetry.flip_vertical)):
        if not allowed:
            found[f"flip_{name}"] = {"probability": 0.0}
    if _has_rigid(dataset):
        found |= {"elastic": {"probability": 0.0}, "folding": {"probability": 0.0}}
    return found | _sizes(dataset, defaults)


def _sizes(dataset: Dataset, defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Zoom and coarser pixels within the declared pixel sizes; nothing where none are declared."""
    declared, own = dataset.description.pixel_size_range, dataset.pixel_size
    if declared is None or not own.known:
        return {}
    trained = (own.width * own.height) ** 0.5
    least, most = declared[0] / trained, declared[1] / trained
    low, high = defaults["scale"]["factor"]
    factor = [min(max(low, least), 1.0), max(min(high, most), 1.0)]
    coarse = defaults["coarser"]["factor"]
    if most < coarse[0]:
        return {"scale": {"factor": factor}, "coarser": {"probability": 0.0}}
    return {"scale": {"factor": factor}, "coarser": {"factor": [coarse[0], min(coarse[1], most)]}}


def _has_rigid(dataset: Dataset) -> bool:
    """Whether an object of the training images is annotated as an ellipse or a box."""
    for item in dataset.subset("train"):
        if item.annotation is None or item.annotation.suffix.lower() in (".png", ".tif", ".tiff"):
            continue
        try:
            kinds = dataset.instances(item).shapes.roi_type
        except TemjError:  # the check of the dataset says it
            continue
        if any(RoiType(int(kind)) in _RIGID for kind in kinds):
            return True
    return False
