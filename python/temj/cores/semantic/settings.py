"""What a semantic core is built from; a card holds all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from temj.cores.semantic.names import loss_names
from temj.cores.settings import ClassNames, Recipe

IGNORE = 255
"""Value of a class map where nobody knows: in no loss and no metric."""

DECODER_CHANNELS = (128, 64, 32, 16, 16)
U_NET_FAMILY = ("Unet", "UnetPlusPlus", "MAnet")

Architecture = Literal["Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "DeepLabV3Plus", "Segformer", "UPerNet"]


class SemanticSettings(BaseModel):
    """What a semantic core is built from.

    Attributes:
        classes: names of the classes, without the background.
        architecture: segmentation-models-pytorch's name of the network.
        encoder: its name of the encoder.
        encoder_depth: how many times the encoder halves the image; the network's stride is 2 to this power.
        decoder_channels: channels of the decoder stages, coarse to fine (U-Net family only); one for each halving.
        channels: the recipe of the input channels, a line of :data:`temj.cores.channels.CHANNELS`, such as ``gray``.
            Cards of before have a number: as many equal channels.
        mode: ``exclusive``: a pixel has one class or none; ``multilabel``: classes may overlap.
        instances: how objects that touch are told apart: ``none``: not at all; ``split``: at their necks
            (:func:`temj.geometry.split.split_touching`); ``valleys``: at valleys of the probability between them;
            ``distance``: the network also learns how deep each pixel lies in its object, and objects grow from the
            middles; ``boundary``: it also learns the rims of objects.
        loss: names of :data:`temj.cores.semantic.losses.LOSSES` joined by ``+``, such as ``bce+dice``.
        class_weights: weight of background and of each class in the cross-entropy; for ``multilabel`` that of each
            class's own pixels against the others (background 1).
        min_pixels: objects of fewer pixels (of the model) are left out.
        neck: for ``split``, the ratio of widths at which it parts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    classes: ClassNames
    architecture: Architecture = "Unet"
    encoder: str = "resnet18"
    encoder_depth: Annotated[int, Field(ge=3, le=5)] = 5
    decoder_channels: tuple[Annotated[int, Field(ge=1)], ...] = DECODER_CHANNELS
    channels: Recipe = "gray"
    mode: Literal["exclusive", "multilabel"] = "exclusive"
    instances: Literal["none", "split", "valleys", "distance", "boundary"] = "split"
    loss: str = "bce+dice"
    class_weights: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    min_pixels: Annotated[int, Field(ge=0)] = 0
    neck: Annotated[float, Field(ge=0, le=1)] = 0.85

    @model_validator(mode="before")
    @classmethod
    def _as_before(cls, values: object) -> object:
        """Older cards say ``split: true`` or ``false``."""
        if isinstance(values, Mapping) and "split" in values:
            rest = {key: value for key, value in values.items() if key != "split"}
            return {"instances": "split" if values["split"] else "none"} | rest
        return values

    @field_validator("loss")
    @classmethod
    def _known_losses(cls, loss: str) -> str:
        return "+".join(loss_names(loss))

    @model_validator(mode="after")
    def _fits(self) -> SemanticSettings:
        if self.class_weights is not None and len(self.class_weights) != len(self.classes) + 1:
            raise ValueError(f"class_weights must be {len(self.classes) + 1} numbers: background, then each class")
        if self.architecture in U_NET_FAMILY and len(self.decoder_channels) < self.encoder_depth:
            raise ValueError(f"decoder_channels must be {self.encoder_depth} numbers, as many as encoder_depth says")
        return self

    @property
    def stages(self) -> tuple[int, ...]:
        """Channels of the decoder stages that are used: the finest ones where the encoder is less deep."""
        return self.decoder_channels[-self.encoder_depth :]

    @property
    def learns_objects(self) -> bool:
        """Whether the network has a channel that tells objects apart."""
        return self.instances in ("distance", "boundary")

    @property
    def softmax(self) -> bool:
        """Whether the classes and the background share a softmax; else each class has a sigmoid of its own."""
        return self.mode == "exclusive" and len(self.classes) > 1
