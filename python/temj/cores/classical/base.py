"""What the classical cores share: settings, class names, targets and reading of the answer."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from temj.cores.base import Truth
from temj.cores.channels import Channels
from temj.cores.semantic.decode import decode
from temj.cores.semantic.settings import IGNORE, SemanticSettings
from temj.cores.settings import ClassNames, wrong_setting
from temj.data import Instances
from temj.errors import BadValue

Step = Callable[[str, int, int], None]
"""Called with (message, steps done, steps in all) while a method is fitted; it may raise to stop the fit."""


class ClassicalSettings(BaseModel):
    """Settings that all classical cores have; a card holds all of them, as they were chosen by the fit.

    Attributes:
        classes: names of the classes, without the background.
        instances: how objects that touch are told apart, as in the core ``semantic``: ``split`` at their necks,
            ``valleys`` of the probability, ``none``.
        neck: for ``split``, the ratio of widths at which it parts (:func:`temj.geometry.split.split_touching`).
        min_pixels: objects of fewer pixels (of the model) are left out; None: the fit chooses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    classes: ClassNames
    instances: Literal["none", "split", "valleys"] = "split"
    neck: Annotated[float, Field(ge=0, le=1)] = 0.85
    min_pixels: Annotated[int, Field(ge=0)] | None = None


class OneClass(ClassicalSettings):
    """Settings of a method that tells objects from background, and nothing more."""

    @field_validator("classes")
    @classmethod
    def _one(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(classes) > 1:
            raise ValueError("one class, since this method knows none but bright or dark; use 'forest' for several")
        return classes


class Classical:
    """Base of the classical cores: objects are where the probability of their class exceeds the threshold.

    A subclass has its ``Settings``, ``prepare``, ``forward``, ``network`` and ``fit``. ``fit`` replaces
    :attr:`settings` by a copy that says all it has chosen.
    """

    Settings: type[ClassicalSettings] = ClassicalSettings
    name = ""
    stride = 16
    """Nothing here halves an image; 16 keeps the number of places small at which samples and tiles can lie."""
    wants_objects = True
    overlapping = False

    def __init__(self, settings: Mapping[str, Any]):
        try:
            self.settings = self.Settings.model_validate(dict(settings))
        except ValidationError as error:
            raise wrong_setting(self.Settings, error, self.name) from None

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, without the background."""
        return self.settings.classes

    @functools.cached_property
    def channels(self) -> Channels:
        """The recipe of the input channels."""
        return Channels.of(getattr(self.settings, "channels", "gray"))

    def decode(self, raw: np.ndarray, threshold: float, scale: float = 1.0) -> Instances:
        """The objects in the answer: see :func:`temj.cores.semantic.decode.decode`."""
        return decode(raw, threshold, reading(self.settings), scale)

    def encode(self, truth: Truth) -> np.ndarray:
        """What a perfect answer would be: float32 (k + 1, h, w), a plane a class, then 1 where a pixel counts."""
        numbers = np.arange(1, len(self.classes) + 1, dtype=np.uint8)[:, None, None]
        counts = truth.class_map != IGNORE
        return np.concatenate([truth.class_map[None] == numbers, counts[None]], dtype=np.float32)


def reading(settings: ClassicalSettings) -> SemanticSettings:
    """The settings by which a semantic core reads its objects in the same way."""
    return SemanticSettings(
        classes=settings.classes, instances=settings.instances, neck=settings.neck, min_pixels=settings.min_pixels or 0
    )


def planes_of(pixels: np.ndarray, core_name: str) -> np.ndarray:
    """The one plane (h, w) that a method takes.

    Raises:
        BadValue: there are several.
    """
    plane = np.asarray(pixels)
    if plane.ndim == 3 and len(plane) == 1:
        return plane[0]
    if plane.ndim != 2:
        raise BadValue(
            "channels", where=core_name, expected="an image of one channel", found=f"{len(plane)} channels",
            remedy="Use the core 'forest' with channels=detectors:2 (or 3 …).",
        )  # fmt: skip
    return plane


def require_annotated(truths: Sequence[Truth], classes: Sequence[str]) -> None:
    """Prove that every class has pixels, and that some pixels are background.

    Raises:
        BadValue: there is nothing that a method could be fitted to; names the class.
    """
    counts = sum(np.bincount(truth.class_map.ravel(), minlength=256) for truth in truths)
    for number, name in enumerate(("background", *classes)):
        if not counts[number]:
            raise BadValue(
                "nothing-annotated", where=name, expected="pixels of it in the training images", found="none",
                remedy="Annotate some objects, and leave some of the image without.",
            )  # fmt: skip


def silent(message: str, done: int, count: int) -> None:
    """A :data:`Step` for nobody."""
