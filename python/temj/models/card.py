"""The card of a model, ``model.json``: what it finds, at which scale, how well, and which files belong to it.

Reading a card imports neither torch nor an image library.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from temj.data.calibration import NM_PER_UNIT, round_size
from temj.errors import BadValue

WEIGHTS, SAMPLE, EXPECTED, PREVIEW, CARD = (
    "weights.safetensors",
    "sample.tif",
    "expected.tif",
    "preview.png",
    "model.json",
)
"""The files that every model folder has."""

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]
Fraction = Annotated[float, Field(ge=0, le=1)]
Size = Annotated[float, Field(gt=0)]
Diameter = Literal["major", "geometric", "equivalent"]


class _Part(BaseModel):
    """Base of the card's parts: frozen, unknown keys are errors, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CoreChoice(_Part):
    """Which core reads the weights, and its settings (checked by the core itself)."""

    name: Name
    settings: dict[str, JsonValue] = {}

    def setting(self, name: str, default: JsonValue = None) -> JsonValue:
        """A setting of the network; of an ensemble that of its members."""
        inner = self.settings.get("settings") if self.name == "ensemble" else self.settings
        return inner.get(name, default) if isinstance(inner, dict) else default


class Class(_Part):
    """One kind of object: its colour (``#rrggbb``), which length is its Diameter, where its outline was drawn."""

    name: Name
    colour: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#ff7f0e"
    diameter: Diameter = "equivalent"
    edge: str = ""


class Input(_Part):
    """What the core takes.

    ``channels`` says what each input channel is (``("gray",)``; older cards say ``grey``); ``mean`` and ``sd`` are
    numbers, or ``"image"`` where each micrograph is normalised by its own; ``dtype`` and ``range`` (smallest, largest
    grey value) are those of the training data; ``polarity`` is that of the dataset; ``size`` is the longer side in
    pixels to which a whole field is brought, for models that know no pixel size, else None; ``field_of_view`` is the
    side in nm of the fields that a training with one brought to a crop, whatever their pixel size was.
    """

    channels: tuple[Name, ...] = ("gray",)
    mean: Literal["image"] | float = "image"
    sd: Literal["image"] | Size = "image"
    dtype: Literal["uint8", "uint16", "float32"] = "uint8"
    range: tuple[float, float] = (0.0, 255.0)
    polarity: str = "fixed"
    size: Annotated[int, Field(ge=32)] | None = None
    field_of_view: Size | None = None


class PixelSize(_Part):
    """The size of a pixel that the core was trained at, and the limits within which it was tried."""

    trained: Size
    min: Size
    max: Size
    unit: str = "nm"

    @model_validator(mode="after")
    def _ordered(self) -> PixelSize:
        if self.unit not in NM_PER_UNIT:
            raise ValueError(f"unit must be one of {', '.join(NM_PER_UNIT)}")
        if not self.min <= self.trained <= self.max:
            raise ValueError("min <= trained <= max does not hold")
        return self

    @property
    def nm(self) -> tuple[float, float, float]:
        """(trained, min, max) in nm."""
        factor = NM_PER_UNIT[self.unit]
        return round_size(self.trained * factor), round_size(self.min * factor), round_size(self.max * factor)


class Symmetry(_Part):
    """What may be done to a micrograph without changing its meaning: rotation by ± degrees, mirroring.

    Where nothing is said all of it may be done, as in ``dataset.json``.
    """

    rotation: Annotated[float, Field(ge=0, le=180)] = 180.0
    flip_horizontal: bool = True
    flip_vertical: bool = True


class DetectionLimit(_Part):
    """The smallest objects that are found: below ``diameter`` fewer than ``recall`` of them are."""

    diameter: Size
    unit: str = "nm"
    recall: Fraction = 0.5
    definition: str = ""


class Imaging(_Part):
    """How and of what the training micrographs were made."""

    mode: str = ""
    material: str = ""
    kV: Size | None = None  # the symbol of the unit: kV, not kv


class Data(_Part):
    """Data it was trained on: name, licence and which images were used for what.

    ``contents`` are hashes of the images' pixels by name (:func:`temj.datasets.contents.content`), by which they are
    known whatever they are called; older cards have none.
    """

    name: Name
    licence: Annotated[str, Field(min_length=1, max_length=2000)]
    split: dict[str, tuple[str, ...]] = {}
    contents: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]] = {}


class Metric(_Part):
    """One figure of merit: value, interval if known, its definition and on which data."""

    name: Name
    value: float
    interval: tuple[float, float] | None = None
    definition: str = ""
    data: str = ""


class Trained(_Part):
    """How it was trained: command line, seed, versions of the software, augmentations (name → probability, ranges).

    ``start`` says what weights it began with: kind, source, sha256 (:class:`temj.models.starting.Start`); ``notes``
    what its user should know of the training.
    """

    command: str = ""
    seed: int = 0
    versions: dict[str, str] = {}
    augmentation: dict[str, JsonValue] = {}
    start: dict[str, JsonValue] = {}
    notes: tuple[str, ...] = ()


class FileFact(_Part):
    """What a file of the folder must be."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]


class Card(_Part):
    """``model.json``. ``class_map`` maps labels of the training data (numbers and names) to classes; ``calibration``
    says how the thresholds were chosen; ``class_thresholds`` gives names of thresholds a number for each class (then
    the one in ``thresholds`` is the lowest); ``files`` is filled in by :func:`temj.models.write_model`."""

    format: Literal[1] = 1
    name: Name
    task: Name
    description: str
    core: CoreChoice
    classes: Annotated[tuple[Class, ...], Field(min_length=1, max_length=254)]
    class_map: dict[str, str] = {}
    input: Input = Input()
    pixel_size: PixelSize | None = None
    symmetry: Symmetry = Symmetry()
    thresholds: Annotated[dict[Name, Fraction], Field(min_length=1)] = {"default": 0.5}
    default_threshold: str = "default"
    class_thresholds: dict[Name, dict[Name, Fraction]] = {}
    calibration: dict[str, JsonValue] = {}
    detection_limit: DetectionLimit | None = None
    imaging: Imaging = Imaging()
    data: tuple[Data, ...] = ()
    metrics: tuple[Metric, ...] = ()
    trained: Trained = Trained()
    files: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")], FileFact] = {}

    @field_validator("thresholds")
    @classmethod
    def _names_are_no_numbers(cls, thresholds: dict[str, float]) -> dict[str, float]:
        for name in thresholds:
            if _number(name) is not None:
                raise ValueError(f"'{name}' cannot be the name of a threshold")
        return thresholds

    @model_validator(mode="after")
    def _fits(self) -> Card:
        if self.default_threshold not in self.thresholds:
            raise ValueError(f"default_threshold '{self.default_threshold}' is not among thresholds")
        names = self.class_names
        if len(set(names)) < len(names):
            raise ValueError("two classes have the same name")
        for name, numbers in self.class_thresholds.items():
            if set(numbers) != set(names) or self.thresholds.get(name) != min(numbers.values()):
                raise ValueError(f"class_thresholds '{name}' must have every class, and thresholds the lowest of them")
        strange = set(self.class_map.values()) - set(names)
        if strange:
            raise ValueError(f"class_map names unknown classes: {', '.join(sorted(strange))}")
        inner = self.core.setting("classes")
        if inner is not None and list(inner) != list(names):
            raise ValueError(f"core.settings.classes {inner} are not the card's classes {list(names)}")
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes in order."""
        return tuple(entry.name for entry in self.classes)

    @property
    def colours(self) -> dict[str, str]:
        """class name → ``#rrggbb``."""
        return {entry.name: entry.colour for entry in self.classes}

    @property
    def diameters(self) -> dict[str, Diameter]:
        """class name → which length is its Diameter."""
        return {entry.name: entry.diameter for entry in self.classes}

    @property
    def edges(self) -> dict[str, str]:
        """class name → which edge its outlines follow, in words; without classes of which nothing is said."""
        return {entry.name: entry.edge for entry in self.classes if entry.edge}

    def threshold(self, value: str | float | None = None) -> tuple[float, str]:
        """The number that a choice of threshold means, and its name ("" for a number given as such).

        Args:
            value: None or "" for the default, ``auto`` for the one of this name or else the default; another name of
                the card; or a number from 0 to 1 (also as text).

        Raises:
            BadValue: anything else; names the choices.
        """
        if value is None or value == "" or (value == "auto" and value not in self.thresholds):
            value = self.default_threshold
        if isinstance(value, str) and value in self.thresholds:
            return self.thresholds[value], value
        number = None if isinstance(value, bool) else _number(value)
        if number is None or not 0 <= number <= 1:
            names = ", ".join(f"{name} ({number:g})" for name, number in self.thresholds.items())
            raise BadValue(
                "threshold",
                found=repr(value),
                expected=f"auto, one of the model's thresholds: {names}, or a number from 0 to 1",
                remedy=did_you_mean(str(value), self.thresholds) + "Leave it out for the default.",
            )
        return number, ""


def _number(value: object) -> float | None:
    """``value`` as a finite number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``"Did you mean '<the nearest known name>'? "``, or "" where none is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'? " if near else ""
