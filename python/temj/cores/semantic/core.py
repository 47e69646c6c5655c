"""The semantic core: settings, network, target, loss and reading of the answer together."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from temj.cores.base import Truth
from temj.cores.channels import Channels
from temj.cores.semantic import targets
from temj.cores.semantic.decode import decode
from temj.cores.semantic.settings import SemanticSettings
from temj.cores.settings import settings_of
from temj.data import Instances

if TYPE_CHECKING:
    import torch


class Semantic:
    """A probability of each class for every pixel; settings: :class:`temj.cores.semantic.settings.SemanticSettings`."""

    def __init__(self, settings: Mapping[str, Any]):
        self.settings = settings_of(SemanticSettings, settings, "semantic")

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
        """2 to the power of the encoder's depth, as often as it halves the image."""
        return 2**self.settings.encoder_depth

    @property
    def wants_objects(self) -> bool:
        """Whether the network learns to tell objects apart."""
        return self.settings.learns_objects

    @property
    def overlapping(self) -> bool:
        """Whether classes may overlap."""
        return self.settings.mode == "multilabel"

    def check(self) -> None:
        """Prove that there is such an encoder: see :func:`temj.cores.encoders.require_encoder`."""
        from temj.cores.encoders import require_encoder

        require_encoder(self.settings.encoder)

    @functools.cached_property
    def network(self) -> torch.nn.Module:
        """The network with random weights (seed torch before), in channels_last, evaluation mode."""
        from temj.cores.semantic.network import build

        return build(self.settings, len(self.channels.names))

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
        """Prepared images (n, c, h, w) → float32 (n, r, h, w) in 0..1, no gradients: classes, then depth or rim."""
        import torch

        with torch.inference_mode():
            logits = self.network(batch.contiguous(memory_format=torch.channels_last)).float()
            if not self.settings.softmax:
                return logits.sigmoid()
            shared = len(self.classes) + 1
            return torch.cat([logits[:, :shared].softmax(1)[:, 1:], logits[:, shared:].sigmoid()], 1)

    def decode(self, raw: np.ndarray, threshold: float, scale: float = 1.0) -> Instances:
        """The objects in the answer: see :func:`temj.cores.semantic.decode.decode`."""
        return decode(raw, threshold, self.settings, scale)

    def encode(self, truth: Truth) -> np.ndarray:
        """What the network shall learn: see :func:`temj.cores.semantic.targets.encode`."""
        return targets.encode(truth, self.settings)

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The losses of the settings: see :func:`temj.cores.semantic.losses.loss`."""
        from temj.cores.semantic.losses import loss

        return loss(logits.float(), target, self.settings)

    def target(self, truth: Truth) -> np.ndarray:
        """The same as :meth:`encode`."""
        return self.encode(truth)

    def losses(
        self, images: torch.Tensor, wanted: Sequence[np.ndarray], computing: Callable[[], AbstractContextManager]
    ) -> torch.Tensor:
        """The loss of the network's answer to images: see :meth:`temj.cores.base.Trainable.losses`."""
        import torch

        with computing():
            logits = self.network(images.contiguous(memory_format=torch.channels_last))
        return self.loss(logits, torch.from_numpy(np.stack(wanted)).to(images.device))

    def fitted_to(self, truths: Sequence[Truth]) -> Mapping[str, Any]:
        """Weights of the classes ~ 1/sqrt(share of pixels), mean 1; nothing for a single class or where given."""
        if not self.settings.softmax or self.settings.class_weights is not None:
            return {}
        maps = [truth.class_map for truth in truths]
        pixels = sum(np.bincount(each.ravel(), minlength=256) for each in maps)[: len(self.classes) + 1]
        weights = 1 / np.sqrt(np.maximum(pixels, 1) / max(pixels.sum(), 1))
        return {"class_weights": tuple(float(f"{weight:.6g}") for weight in weights / weights.mean())}
