"""What a core must be able to do.

Shapes: c input channels, k classes, h rows, w columns, n images. Everything is on the pixel grid of the
model, except that :meth:`Predictor.decode` takes whatever grid the probabilities were brought to.

Cores that answer with objects instead of a map (:class:`temj.cores.detection.Detector`) keep the same protocols, but
for what :meth:`Predictor.forward` gives and :meth:`Predictor.decode` takes: their candidates
(:class:`temj.cores.detection.Detections`) of each image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from temj.cores.channels import Channels
from temj.data import Instances

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Truth:
    """What is annotated in an image or a part of one.

    Attributes:
        class_map: uint8 (h, w): 0 background, i the i-th class, 255 ignore; or, where classes may overlap, (k, h, w), a
            plane a class: 0 elsewhere, 1 of this class, 255 ignore.
        objects: int32 (h, w): 0 where there is none, else the number of the object that a pixel belongs to; None: the
            objects are the connected pieces of each class.
    """

    class_map: np.ndarray
    objects: np.ndarray | None = None
    instances: Instances | None = None


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
        """Prepared images (n, c, h, w) → float32 (n, r, h, w) in 0..1, without gradients.

        The first k channels are the probabilities of the classes; others are what :meth:`decode` needs besides.
        """

    def decode(self, raw: np.ndarray, threshold: float, scale: float = 1.0) -> Instances:
        """What :meth:`forward` gave of an image (r, h, w) → the objects whose pixels exceed the threshold.

        ``scale``: pixels of ``raw`` per pixel of the model (linear), where it was brought to another grid.
        """


class Trainable(Predictor, Protocol):
    """A core whose network learns from annotated images."""

    @property
    def wants_objects(self) -> bool:
        """Whether :meth:`encode` needs ``objects`` of the truth."""

    @property
    def overlapping(self) -> bool:
        """Whether classes may overlap: then ``class_map`` of the truth is (k, h, w)."""

    def check(self) -> None:
        """Prove, without building it and before any data are read, that there is a network of these settings.

        Raises:
            BadValue: a name that the library of networks does not know.
        """

    def encode(self, truth: Truth) -> np.ndarray:
        """What the network shall learn of an image: float32 (t, h, w).

        The first r channels are what a perfect network would answer, and :meth:`decode` finds the annotated objects in
        them; the others say where a pixel counts in the loss.
        """

    def target(self, truth: Truth) -> Any:
        """What :meth:`losses` takes of an image: of a map what :meth:`encode` gives."""

    def losses(
        self, images: torch.Tensor, wanted: Sequence[Any], computing: Callable[[], AbstractContextManager]
    ) -> torch.Tensor:
        """Scalar loss of the network on prepared images (n, c, h, w), with gradients.

        Args:
            images: on the device of the network.
            wanted: the target of each.
            computing: gives the context in which the layers compute in the precision of the training.
        """

    def fitted_to(self, truths: Sequence[Truth]) -> Mapping[str, Any]:
        """Settings that follow from the training data, such as weights of the classes or anchors."""


class Fittable(Predictor, Protocol):
    """A classical method that is fitted to annotated images at once, in seconds, instead of learning in steps."""

    @property
    def wants_objects(self) -> bool:
        """Whether :meth:`fit` asks for the objects of the truths."""

    @property
    def overlapping(self) -> bool:
        """Whether classes may overlap: then ``class_map`` of the truths is (k, h, w)."""

    def fit(
        self, images: Sequence[np.ndarray], truths: Sequence[Truth], seed: int, step: Callable[[str, int, int], None]
    ) -> None:
        """Choose settings and fill the network's arrays; before it, the core knows nothing.

        Args:
            images: whole images as :meth:`prepare` takes them, NaN outside the analysed area.
            truths: what is annotated in each.
            seed: of all chance.
            step: called with (message, steps done, steps in all) in between; what it raises ends the fit.

        Raises:
            BadValue: there is nothing to fit it to.
        """
