"""``dataset.json``: what the images of a dataset folder show and how they are annotated.

Every key but ``format`` and ``classes`` may be left out; an unknown key is an error. The smallest one::

    {
      "format": 1,
      "classes": ["loop"],
      "pixel_size": 0.390625,
      "split": {"train": ["01", "02"], "validation": ["03"]}
    }
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from temj.annotations import FORMATS, strict_json
from temj.data import IGNORE, UNCALIBRATED, Calibration
from temj.data.calibration import canonical_unit, round_size
from temj.datasets import faults
from temj.datasets.spelling import clashes, one_spelling, shown
from temj.errors import BadAnnotation, BadDataset

FORMAT = 1
FILE = "dataset.json"
MINIMAL = json.dumps({"format": FORMAT, "classes": ["loop"], "pixel_size": 0.39})


LONGEST_NAME = 100


def _plain(name: str) -> str:
    """A name in one spelling.

    Raises:
        ValueError: nothing is left of it, or it is too long.
    """
    plain = one_spelling(name)
    if not 0 < len(plain) <= LONGEST_NAME:
        raise ValueError(f"expected a name of 1 to {LONGEST_NAME} characters, found {name[:LONGEST_NAME]!r}")
    return plain


Name = Annotated[str, AfterValidator(_plain)]
Size = Annotated[float, Field(gt=0)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ClassDescription(_Part):
    """One kind of object: its colour, which length is its Diameter, where its outline was drawn (outer, middle …)."""

    name: Name
    colour: Colour | None = None
    diameter: Literal["major", "geometric", "equivalent"] = "equivalent"
    edge: str = ""


class Symmetry(_Part):
    """What may be done to a micrograph without changing its meaning: rotation by up to ± degrees, mirroring.

    Where nothing is said all of it may be done, here as in the card of a model (:class:`temj.models.card.Symmetry`):
    a micrograph has no upper side unless its sample was cut along one.
    """

    rotation: Annotated[float, Field(ge=0, le=180)] = 180.0
    flip_horizontal: bool = True
    flip_vertical: bool = True


class Split(_Part):
    """Which images (stems of their file names) are for training, validation and test; others are not used."""

    train: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()


class Description(_Part):
    """The contents of ``dataset.json``.

    Attributes:
        classes: in the order of their values in masks; a plain name stands for ``{"name": …}``.
        class_map: names in the annotations (the labelled class) → the class they count as (the reported one), several
            to one: with ``{"faulted": "loop", "perfect": "loop"}`` both are loops.
        labelled: what the numbers 1, 2, … of masks and 0, 1, … of YOLO rows mean, where these are not the classes:
            ``["faulted", "perfect"]`` and the class_map above make loops of both.
        masks: whether the values of masks are classes or object numbers.
        annotations: which format counts where images have annotations in several, such as ``coco``.
        pixel_size: of images whose file has none: one number, [width, height], or null where it is unknown.
        pixel_size_range: [smallest, largest] pixel size at which the model shall work; crops are zoomed within it.
        unit: of the pixel sizes.
        detectors: how many detectors each image has as channels of its file; the first one is annotated and measured.
        symmetry: see :class:`Symmetry`.
        polarity: "fixed", or "both" where the contrast may be inverted.
        augmentation: name → probability, or {probability, quantity: [low, high]}, where the defaults do not fit
            (:data:`temj.training.augmentations.AUGMENTATIONS`; checked before a training).
        edge: where outlines were drawn, for classes that do not say it themselves.
        split: see :class:`Split`; left out: every fourth image is for validation.
        folds: stems in K parts for cross-validation (:func:`temj.datasets.folds`).
        split_rule: how ``split`` and ``folds`` were made, with the seed; for people.
        groups: stem → sample, film or specimen that it belongs to; images of one group are not independent.
        empty: stems of images that were looked at and have no object; they need no mask and no RoiSet.
        licence, protocol, description: for people, carried on into the card of a model; the protocol may also stand
            in a file ``protocol.md``.
    """

    format: Literal[1]
    description: str = ""
    classes: Annotated[tuple[ClassDescription, ...], Field(min_length=1, max_length=254)]
    class_map: dict[Name, Name] = {}
    labelled: tuple[Name, ...] = ()
    masks: Literal["classes", "instances"] = "classes"
    annotations: str | None = None
    pixel_size: Size | tuple[Size, Size] | None = None
    pixel_size_range: tuple[Size, Size] | None = None
    unit: str = "nm"
    detectors: Annotated[int, Field(ge=1, le=16)] = 1
    symmetry: Symmetry = Symmetry()
    polarity: Literal["fixed", "both"] = "fixed"
    augmentation: dict[str, float | dict[str, float | tuple[float, float]]] = {}
    edge: str = ""
    split: Split | None = None
    folds: tuple[tuple[str, ...], ...] = ()
    split_rule: dict[str, JsonValue] = {}
    groups: dict[str, Name] = {}
    empty: tuple[str, ...] = ()
    licence: str = ""
    protocol: str = ""

    @field_validator("classes", mode="before")
    @classmethod
    def _from_names(cls, classes: object) -> object:
        if not isinstance(classes, (list, tuple)):
            return classes
        equal = list(clashes(entry.get("name") if isinstance(entry, Mapping) else entry for entry in classes))
        if equal:
            raise ValueError(f"classes must have different names: {'; '.join(equal)}")
        return [{"name": entry} if isinstance(entry, str) else entry for entry in classes]

    @field_validator("class_map", mode="before")
    @classmethod
    def _one_meaning(cls, names: object) -> object:
        """Two names that become one must mean one class."""
        if not isinstance(names, Mapping):
            return names
        first: dict[str, str] = {}
        for name, meant in names.items():
            other = first.setdefault(one_spelling(str(name)), name)
            if names[other] != meant:
                raise ValueError(f"{shown(other)} and {shown(name)} are one name, but shall mean different classes")
        return names

    @field_validator("annotations")
    @classmethod
    def _known_format(cls, name: str | None) -> str | None:
        if name is not None and name not in FORMATS:
            raise ValueError(f"'{name}' is not one of {', '.join(FORMATS)}")
        return name

    @field_validator("unit")
    @classmethod
    def _length(cls, unit: str) -> str:
        canonical = canonical_unit(unit)
        if canonical is None:
            raise ValueError("not a unit of length such as nm or um")
        return canonical

    @field_validator("pixel_size_range")
    @classmethod
    def _ordered_sizes(cls, sizes: tuple[float, float] | None) -> tuple[float, float] | None:
        if sizes is not None and sizes[0] > sizes[1]:
            raise ValueError("the smaller pixel size comes first")
        return sizes

    @model_validator(mode="after")
    def _no_class_ignore(self) -> Description:
        if IGNORE in (entry.name for entry in self.classes):
            raise ValueError("no class can be called 'ignore': it is kept for what nobody can tell")
        return self

    @model_validator(mode="after")
    def _classes_of_names(self) -> Description:
        names = [entry.name for entry in self.classes]
        for name, meant in self.class_map.items():
            if meant not in names:
                raise ValueError(f"class_map gives '{name}' the class '{meant}', which is not among classes")
            if name == IGNORE or (name in names and name != meant):
                raise ValueError(f"class_map cannot give '{name}' another meaning")
        for name in self.labelled:
            if name != IGNORE and self.class_map.get(name, name) not in names:
                raise ValueError(f"labelled has '{name}', which is neither among classes nor in class_map")
        return self

    @property
    def calibration(self) -> Calibration:
        """The pixel size as a calibration."""
        if self.pixel_size is None:
            return UNCALIBRATED
        sizes = self.pixel_size if isinstance(self.pixel_size, tuple) else (self.pixel_size, self.pixel_size)
        return Calibration(round_size(sizes[0]), round_size(sizes[1]), self.unit)


def read_values(folder: Path) -> Any:
    """What stands in the ``dataset.json`` of a folder, as it is written there.

    Raises:
        BadDataset: missing (a minimal one is shown), or no strict JSON (:mod:`temj.annotations.strict_json`).
    """
    path = folder / FILE
    if not path.exists():
        raise BadDataset(
            "no-description", where=folder, expected=f"a file {FILE}", found="none",
            remedy="Make the folder with 'temj dataset new', or write one into it with your class names and pixel size "
            f"in nm, such as: {MINIMAL}",
        )  # fmt: skip
    try:
        return strict_json.load(path)
    except BadAnnotation as error:
        raise BadDataset(
            error.problem, where=error.where, expected=error.expected, found=error.found,
            remedy=f"Correct it; the smallest one is: {MINIMAL}",
        ) from error  # fmt: skip


def described(values: Any, path: Path) -> Description:
    """The values of a ``dataset.json`` as a description.

    Raises:
        BadDataset: of a newer format, or with wrong or unknown keys; all are listed.
    """
    if isinstance(values, dict) and isinstance(values.get("format"), int) and values["format"] > FORMAT:
        raise BadDataset(
            "newer-format", where=path, expected=f"format {FORMAT}", found=values["format"], remedy="Update TEMJ."
        )
    try:
        return Description.model_validate(values)
    except ValidationError as error:
        raise BadDataset(
            "description", where=path, found=what_is_wrong(error),
            remedy=f"Correct it; the smallest one is: {MINIMAL}",
        ) from error  # fmt: skip


def what_is_wrong(error: ValidationError) -> str:
    """All faults of a description in words."""
    known = {*Description.model_fields, *ClassDescription.model_fields, *Symmetry.model_fields, *Split.model_fields}
    return faults.in_words(error.errors(), known)
