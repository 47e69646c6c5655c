"""What a detector is built from; a card holds all of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from temj.cores.settings import ClassNames, Recipe

Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class DetectionSettings(BaseModel):
    """What a detector is built from.

    Attributes:
        classes: names of the classes, without the background.
        encoder: segmentation-models-pytorch's name of the encoder, such as resnet18, resnext101_32x8d, vgg16.
        encoder_depth: how many times the encoder halves the image; the network's stride is 2 to this power.
        pyramid: whether objects are looked for in a feature pyramid (FPN) or, as Faster R-CNN did at first, in the last
            stage of the encoder alone.
        finest: pixels of the image per pixel of the finest level of the pyramid; 2 sees smaller objects and takes about
            three times as long as 4.
        width: channels of each level.
        head: width of the two layers that tell what is in a box.
        norm: batch norm as the encoder has it, or group norm in its place, which does not depend on the batch.
        channels: the recipe of the input channels, a line of :data:`temj.cores.channels.CHANNELS`.
        anchor_sizes: for each level, fine to coarse, the sizes (square roots of the areas, pixels of the model) of the
            boxes that are tried at each place; empty: from the training data (:mod:`temj.cores.detection.anchors`).
        aspect_ratios: height / width of these boxes, or for rotated ones width / length; empty: from the training data.
        angles: for rotated boxes how many angles, evenly spread over 180 degrees, are tried.
        max_objects: most objects in one pass of the network (an image or a tile).
        proposals: most boxes that are looked at closely in an image of up to 1024 x 1024 pixels; more in a larger one.
        nms: what is the same object: boxes of one class that overlap (``class``), of any (``agnostic``), or
            none, but the scores of overlapping boxes decay (``soft``: Gaussian, Bodla et al. 2017).
        nms_iou: boxes that overlap by more are one object; for ``soft`` it is the sigma of the decay.
        mask_side: cells along a side of a mask.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    classes: ClassNames
    encoder: str = "resnet18"
    encoder_depth: Annotated[int, Field(ge=3, le=5)] = 5
    pyramid: bool = True
    finest: Literal[2, 4, 8] = 4
    width: Annotated[int, Field(ge=8, le=1024)] = 128
    head: Annotated[int, Field(ge=16, le=8192)] = 256
    norm: Literal["batch", "group"] = "batch"
    channels: Recipe = "gray"
    anchor_sizes: tuple[tuple[Positive, ...], ...] = ()
    aspect_ratios: tuple[Positive, ...] = ()
    angles: Annotated[int, Field(ge=1, le=36)] = 6
    max_objects: Annotated[int, Field(ge=1, le=100_000)] = 2000
    proposals: Annotated[int, Field(ge=1, le=100_000)] = 2000
    nms: Literal["class", "agnostic", "soft"] = "class"
    nms_iou: Fraction = 0.5
    mask_side: Literal[28] = 28

    @model_validator(mode="after")
    def _fits(self) -> DetectionSettings:
        sizes = self.anchor_sizes
        if len({len(level) for level in sizes}) > 1 or (sizes and not sizes[0]):
            raise ValueError("anchor_sizes must have equally many sizes, at least one, for each level")
        if len(sizes) > self.levels:
            raise ValueError(f"anchor_sizes must be of at most {self.levels} levels, as many as there are")
        if self.pyramid and 2**self.encoder_depth < self.finest:
            raise ValueError("finest must be at most 2 to the power of encoder_depth")
        return self

    @property
    def levels(self) -> int:
        """How many levels of features there are at most: from ``finest`` to the stride, and one coarser."""
        return self.encoder_depth - self.finest.bit_length() + 3 if self.pyramid else 1

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels of the image per pixel of each level that anchors are at (or may be, where none are given)."""
        if not self.pyramid:
            return (2**self.encoder_depth,)
        return tuple(self.finest * 2**level for level in range(len(self.anchor_sizes) or self.levels))
