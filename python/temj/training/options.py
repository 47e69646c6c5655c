"""What a training run is asked to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)

from temj.data.lengths import PIXELS, parse_length
from temj.training.augmentations import checked, parse
from temj.training.optimizers import recipe
from temj.training.schedules import parsed

EPOCHS = 100
"""Epochs of a run that is given neither epochs nor minutes."""


class TrainingOptions(BaseModel):
    """Length, recipe and place of a run.

    An epoch is ``ceil(pixels of all training images / pixels of a batch)`` steps. Minutes are turned into
    whole epochs after a measured warm-up; from then on nothing depends on the clock. Where both are given
    the shorter of the two holds.

    Attributes:
        epochs, steps, minutes: length of the run, the shortest of them; none means 100 epochs.
        seed: of everything random: start weights, order of the data, augmentation.
        device: cpu, cuda, mps or auto (a GPU where there is one).
        threads: of the CPU; None is ``OMP_NUM_THREADS``, else the number of cores, at most 8. Bitwise the same
            weights come out only with the same number.
        precision: of the layers: bfloat16, float16 (GPU only) or float32; auto is bfloat16 where the processor computes
            with it.
        start: start weights: ``random``, ``imagenet``, a file or URL of an encoder (MicroNet), or a TEMJ model.
        freeze: epochs in which the encoder stays as it started; ``all`` for good.
        optimizer: a line of :data:`temj.training.optimizers.OPTIMIZERS`.
        schedule: a line of :data:`temj.training.schedules.SCHEDULES`, perhaps with a number: ``cosine:0.1``.
        accumulate: batches whose gradients are added up for one step.
        deterministic: whether only algorithms are used that always give the same result, as far as there are any
            (:meth:`temj.training.machine.Machine.repeats`). A CPU gives the same in both ways; where this is false a
            GPU takes the fastest ones.
        folds: K of a K-fold cross-validation; None trains once on the split of the dataset.
        members: networks that the model of K folds has: ``all`` (an ensemble) or that of the ``best`` fold.
        input_size: the longer side in pixels to which every image is brought as a whole, where there is no pixel size.
        field_of_view: side in nm of the fields that are brought to one crop: the pixel size is this by ``crop``,
            and images are resampled to it; also text with a unit: ``0.4um``. None: the pixel size of the dataset.
        tensorboard: whether the curve is written for TensorBoard too.
        batch, crop: crops a step, and their side in pixels (a multiple of the core's stride).
        object_share: share of crops that are centred near an object.
        augmentation: what may happen to a crop where the defaults do not fit (:data:`AUGMENTATIONS`): name →
            probability, or {probability, quantity: [low, high]}; also words such as ``inversion=0.5`` and
            ``scale.factor=0.8..1.25``. Kept as a mapping.
        learning_rate, weight_decay: of the optimiser; the rate is the top of the schedule. None: what this optimiser is
            good with (:data:`temj.training.optimizers.OPTIMIZERS`).
        encoder_rate: learning rate of the encoder as a share of the others', for an encoder that starts trained.
        clip: largest norm of the gradient.
        ema: decay of the running mean of the weights, which are what is validated and kept.
        validations: about how many times the run is validated.
        patience: validations without a better one after which the run stops; None never stops early, since a
            one-cycle schedule gains most in its last third.
        bad_steps: steps with a loss or gradient that is not finite (skipped) before the run stops.
        checkpoint_seconds: time after which the next validation also writes a checkpoint.
        area: what of the images counts besides what their ROIs named ``area`` and ``exclude`` say: ``auto``, ``all`` or
            ``whole`` (:data:`temj.area.CHOICES`).
        settings: settings of the core other than its classes.
        description, command: what the model's card says of itself and of how it was made.
        resume: go on with the run in the output folder.
        overwrite: replace a model or an unfinished run in the output folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(None, ge=1)
    minutes: float | None = Field(None, gt=0)
    seed: int = Field(0, ge=0)
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: int | None = Field(None, ge=1)
    precision: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    start: str = "random"
    freeze: Annotated[int, Field(ge=0)] | Literal["all"] = 0
    optimizer: str = "adamw"
    schedule: str = "one-cycle"
    accumulate: int = Field(1, ge=1)
    deterministic: bool = True
    folds: int | None = Field(None, ge=2)
    members: Literal["all", "best"] = "all"
    input_size: int | None = Field(None, ge=32)
    field_of_view: float | None = Field(None, gt=0)
    tensorboard: bool = False
    batch: int = Field(8, ge=1)
    crop: int = Field(192, ge=32)
    object_share: float = Field(0.6, ge=0, le=1)
    augmentation: Mapping[str, Any] = Field(default_factory=dict)
    learning_rate: float | None = Field(None, gt=0)
    weight_decay: float | None = Field(None, ge=0)
    encoder_rate: float = Field(1.0, gt=0, le=10)
    clip: float = Field(1.0, gt=0)
    ema: float = Field(0.99, ge=0, lt=1)
    validations: int = Field(30, ge=1)
    patience: int | None = Field(None, ge=1)
    bad_steps: int = Field(20, ge=0)
    checkpoint_seconds: float = Field(60, ge=0)
    area: Literal["auto", "all", "whole"] = "auto"
    settings: Mapping[str, Any] = Field(default_factory=dict)
    description: str = ""
    command: str = ""
    resume: bool = False
    overwrite: bool = False

    @field_validator("augmentation", mode="before")
    @classmethod
    def _known(cls, given: object) -> object:
        if isinstance(given, Mapping):
            return checked(given)
        return parse(given) if isinstance(given, list | tuple) else given

    @field_validator("freeze", mode="wrap")
    @classmethod
    def _epochs_or_all(cls, given: object, checked: ValidatorFunctionWrapHandler) -> object:
        """In words of its own: pydantic would name the two types that it tried, as if they were fields."""
        try:
            return checked(given)
        except ValidationError:
            raise ValueError("a number of epochs (0 or more), or all") from None

    @field_validator("field_of_view", mode="before")
    @classmethod
    def _in_nm(cls, given: object) -> object:
        """Text with a unit: the number in nm."""
        if not isinstance(given, str):
            return given
        number, unit = parse_length(given)
        if unit == PIXELS:
            raise ValueError("a length such as 400nm or 0.4um; the crop is what is given in pixels")
        return number

    @field_validator("optimizer")
    @classmethod
    def _optimizer(cls, name: str) -> str:
        recipe(name)
        return name

    @field_validator("schedule")
    @classmethod
    def _schedule(cls, text: str) -> str:
        parsed(text)
        return text

    @model_validator(mode="after")
    def _one_intent(self) -> TrainingOptions:
        if self.resume and self.overwrite:
            raise ValueError("either resume or overwrite, not both")
        if self.input_size and self.field_of_view:
            raise ValueError("either input_size (no pixel size is known) or field_of_view (it is), not both")
        return self

    def recipe(self) -> dict[str, Any]:
        """All that decides the weights, as JSON values: a run is resumed only with the same recipe."""
        elsewhere = {"device", "threads", "checkpoint_seconds", "description", "command", "resume", "overwrite"}
        elsewhere |= {"tensorboard"}
        return self.model_dump(mode="json", exclude=elsewhere)


def default_threads() -> int:
    """``OMP_NUM_THREADS`` where it is set, else the number of cores, at most 8."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdigit() and int(text) > 0 else min(os.cpu_count() or 1, 8)
