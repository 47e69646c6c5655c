"""What a core must be able to do.

Shapes: c input channels, k classes, h rows, w columns, n images. Everything is on the pixel grid of the
model, except that :meth:`Predictor.decode` takes whatever grid the probabilities were brought to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from temj.cores.channels import Channels
from temj.data import Instances

if TYPE_CHECKING:
    import torch


class Predictor(Protocol):
    """From pixels to instances: ``decode(forward(prepare(pixels)))``."""

    settings: Any
    """The validated settings, a pydantic model; ``settings.model_dump(mode="json")`` goes into the card."""

    @property
    def network(self) -> torch.nn.Module:
        """The network, built with random weights on first use; weights are loaded into it, strictly."""

    @property
    def stride(self) -> int:
        """Height and width of a batch must be multiples of this."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the k classes, without the background."""

    @property
    def channels(self) -> Channels:
        """The recipe of the input channels: what :meth:`prepare` makes, and of how many planes of a file."""

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """Grey values (h, w) of a whole micrograph, any real dtype → float32 (c, h, w), finite.

        Where the recipe takes the images of n detectors, the pixels are (n, h, w).
        """

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Prepared images (n, c, h, w) → float32 (n, k, h, w) probabilities in 0..1, without gradients."""

    def decode(self, raw: np.ndarray, threshold: float) -> Instances:
        """Probabilities (k, h, w) → the objects whose pixels exceed the threshold."""


class Trainable(Predictor, Protocol):
    """A core whose network learns from class maps."""

    def encode(self, class_map: np.ndarray) -> np.ndarray:
        """Class map (h, w) uint8 (0 background, i the i-th class, 255 ignore) → float32 (k + 1, h, w).

        The first k channels are what a perfect network would answer, the last is 1 where a pixel counts
        in the loss and 0 where it is ignored.
        """

    def loss(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Scalar loss of the network's own output (n, ?, h, w) against a batch of targets (n, k + 1, h, w)."""

    def fitted_to(self, class_pixels: Mapping[str, int]) -> Mapping[str, Any]:
        """Settings that follow from the training data (class → pixels, background under ``""``), such as weights."""
