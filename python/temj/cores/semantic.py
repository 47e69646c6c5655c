"""Semantic segmentation: a probability for every pixel, objects by threshold, splitting and tracing.

Network: one of segmentation-models-pytorch's (Yakubovskiy 2019), a U-Net (Ronneberger et al. 2015) with a
ResNet-18 encoder where nothing else is asked; random start weights, nothing is ever downloaded.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from temj.cores.channels import Channels
from temj.data import Instances
from temj.errors import BadValue
from temj.geometry.split import split_touching
from temj.geometry.trace import trace
from temj.opencv import opencv

if TYPE_CHECKING:
    import torch

IGNORE = 255
"""Value of a class map where nobody knows: in no loss and no metric."""

_WITH_DECODER_CHANNELS = ("Unet", "UnetPlusPlus", "MAnet")


class SemanticSettings(BaseModel):
    """What a semantic core is built from; a card holds all of it.

    Attributes:
        classes: names of the classes, without the background.
        architecture: segmentation-models-pytorch's name of the network.
        encoder: its name of the encoder.
        decoder_channels: channels of the five decoder stages, coarse to fine (U-Net family only).
        channels: the recipe of the input channels, a line of :data:`temj.cores.channels.CHANNELS`, such as ``gray``.
            Cards of before have a number: as many equal channels.
        class_weights: weight of background and of each class in the cross-entropy, several classes only.
        split: whether touching objects are separated by watershed on the distance to the edge.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    classes: tuple[str, ...] = Field(min_length=1, max_length=254)
    architecture: Literal["Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN"] = "Unet"
    encoder: str = "resnet18"
    decoder_channels: tuple[int, int, int, int, int] = (128, 64, 32, 16, 16)
    channels: str = "gray"
    class_weights: tuple[float, ...] | None = None
    split: bool = True

    @field_validator("channels", mode="before")
    @classmethod
    def _recipe(cls, channels: object) -> object:
        return str(Channels.of(channels)) if isinstance(channels, str | int) else channels

    @field_validator("classes")
    @classmethod
    def _different(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) != len(classes) or not all(classes):
            raise ValueError("class names must be different and not empty")
        return classes


class Semantic:
    """One network output channel a class (binary: sigmoid; several classes: softmax with a background)."""

    def __init__(self, settings: Mapping[str, Any]):
        try:
            self.settings = SemanticSettings.model_validate(dict(settings))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(["core", "settings", *(str(part) for part in first["loc"])])
            raise BadValue(
                "core-setting",
                where=where,
                expected=first["msg"],
                found=repr(first["input"])[:80],
                remedy="Correct this setting of the core 'semantic'.",
            ) from None

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, without the background."""
        return self.settings.classes

    @functools.cached_property
    def channels(self) -> Channels:
        """The recipe of the input channels."""
        return Channels.of(self.settings.channels)

    @property
    def stride(self) -> int:
        """32: the encoder halves the image five times."""
        return 32

    @functools.cached_property
    def network(self) -> torch.nn.Module:
        """The network with random weights (seed torch before), in channels_last, evaluation mode."""
        import segmentation_models_pytorch as smp
        import torch

        settings = self.settings
        several = len(settings.classes) > 1
        options = (
            {"decoder_channels": settings.decoder_channels} if settings.architecture in _WITH_DECODER_CHANNELS else {}
        )
        try:
            network = getattr(smp, settings.architecture)(
                encoder_name=settings.encoder,
                encoder_weights=None,
                in_channels=len(self.channels.names),
                classes=len(settings.classes) + several,
                **options,
            )
        except (KeyError, RuntimeError) as error:
            raise BadValue(
                "unknown-encoder",
                where=settings.encoder,
                expected="an encoder of segmentation-models-pytorch",
                remedy="Use resnet18, resnet34, resnet50, efficientnet-b0 or another one that it lists.",
            ) from error
        return network.eval().to(memory_format=torch.channels_last)

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """What the network sees of a whole micrograph: the channels of the recipe, each normalised by itself.

        Args:
            pixels: (h, w), any real dtype; (n, h, w) where the recipe takes the images of n detectors.

        Returns:
            float32 (channels, h, w), finite (:meth:`temj.cores.channels.Channels.prepare`).

        Raises:
            BadImage: another number of planes than the recipe takes.
        """
        return self.channels.prepare(pixels)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Prepared images (n, c, h, w) → float32 (n, k, h, w) probabilities, without gradients."""
        import torch

        with torch.inference_mode():
            logits = self.network(batch.contiguous(memory_format=torch.channels_last)).float()
            return logits.sigmoid() if len(self.classes) == 1 else logits.softmax(1)[:, 1:]

    def decode(self, raw: np.ndarray, threshold: float) -> Instances:
        """The objects in probabilities: pixels above the threshold, split where they touch, traced.

        Args:
            raw: (k, h, w) probabilities; where classes overlap the likelier one (then the first) has the pixel.
            threshold: a pixel belongs to an object if its probability exceeds this.

        Returns:
            One instance an object, class by class, Score = mean probability of its pixels; unnamed, unsorted.
        """
        likeliest = raw.argmax(0) if len(raw) > 1 else None
        parts = []
        for number, name in enumerate(self.classes):
            mask = raw[number] > threshold
            if likeliest is not None:
                mask &= likeliest == number
            labels = self._objects(mask)
            parts.append(Instances(trace(labels), class_name=name, score=_means(raw[number], labels)))
        return Instances.concatenate(parts)

    def _objects(self, mask: np.ndarray) -> np.ndarray:
        """Labels 1.. of the objects of a mask."""
        if self.settings.split:
            return split_touching(mask)
        return opencv().connectedComponents(mask.astype(np.uint8), connectivity=8)[1]

    def encode(self, class_map: np.ndarray) -> np.ndarray:
        """Class map (h, w) uint8 → target float32 (k + 1, h, w): one channel a class, the last 0 where ignored."""
        numbers = np.arange(1, len(self.classes) + 1, dtype=np.uint8)
        target = np.empty((len(numbers) + 1, *class_map.shape), np.float32)
        target[:-1] = class_map[None] == numbers[:, None, None]
        target[-1] = class_map != IGNORE
        return target

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Cross-entropy + soft Dice (Milletari et al. 2016) over the pixels that count; 0 where none counts.

        Args:
            logits: (n, 1, h, w), or (n, 1 + k, h, w) with the background first for k > 1 classes.
            target: (n, k + 1, h, w) as from :meth:`encode`.
        """
        import torch
        from torch.nn import functional

        logits, truth, counts = logits.float(), target[:, :-1], target[:, -1:]
        pixels = counts.sum().clamp(min=1)
        if len(self.classes) == 1:
            probability = logits.sigmoid()
            entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        else:
            probability = logits.softmax(1)[:, 1:]
            whole = torch.cat([1 - truth.sum(1, keepdim=True), truth], 1)
            weights = self.settings.class_weights or (1.0,) * whole.shape[1]
            weights = torch.tensor(weights, device=logits.device).view(1, -1, 1, 1)
            entropy = -(whole * weights * logits.log_softmax(1)).sum(1, keepdim=True)
        overlap = (probability * truth * counts).sum((0, 2, 3))
        size = ((probability + truth) * counts).sum((0, 2, 3))
        dice = 1 - ((2 * overlap + 1) / (size + 1)).mean()
        return (entropy * counts).sum() / pixels + dice

    def fitted_to(self, class_pixels: Mapping[str, int]) -> Mapping[str, Any]:
        """Weights of the classes ~ 1/sqrt(share of pixels), mean 1; nothing for a single class or where given."""
        if len(self.classes) == 1 or self.settings.class_weights is not None:
            return {}
        pixels = np.array([class_pixels.get(name, 0) for name in ("", *self.classes)], float)
        weights = 1 / np.sqrt(np.maximum(pixels, 1) / max(pixels.sum(), 1))
        return {"class_weights": tuple(float(f"{weight:.6g}") for weight in weights / weights.mean())}


def _means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) float64 mean of ``values`` over the pixels of each label 1 .. n."""
    inside = np.flatnonzero(labels)
    label = labels.ravel()[inside]
    return np.bincount(label, weights=values.ravel()[inside])[1:] / np.bincount(label)[1:]
