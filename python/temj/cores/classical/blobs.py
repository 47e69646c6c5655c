"""The core ``blobs``: discs found by the Laplacian of Gaussian, the difference of Gaussians or the Hessian matrix."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from temj.cores.base import Truth
from temj.cores.channels import normalised
from temj.cores.classical import examples
from temj.cores.classical.base import Classical, OneClass, Step, planes_of, require_annotated, silent
from temj.cores.classical.detectors import Discs, detect
from temj.cores.semantic.targets import objects_of
from temj.data import Instances, RoiType, Shape
from temj.opencv import opencv

if TYPE_CHECKING:
    import torch

LARGEST = 1024.0
"""Radius in pixels that the third channel of an answer says as 1."""
STEEPNESS = 4.0
"""Of the logistic function: a response 1.5 times the settings' has probability 0.88, one of half of it 0.12."""
_WEAKEST = 0.4
"""Discs below this part of the settings' strength are not looked for."""
_NOWHERE = -20.0
_CORE = 0.4
"""Radius of the middle of a disc for that of the disc: middles of discs that overlap a little do not touch."""


class BlobSettings(OneClass):
    """What blobs are looked for; what is not given is chosen by the fit.

    Attributes:
        method: a name of :data:`temj.cores.classical.detectors.DETECTORS`: ``log`` (Laplacian of Gaussian), ``dog``
            (difference of Gaussians), ``doh`` (determinant of the Hessian).
        polarity: whether objects are ``dark`` or ``bright``.
        smallest, largest: diameters in pixels between which discs are looked for.
        strength: response of the detector, on an image of deviation 1, at which the probability is 0.5.
        overlap: of two discs that share more than this part of the smaller one the weaker is dropped.
    """

    method: Literal["auto", "log", "dog", "doh"] = "auto"
    polarity: Literal["auto", "dark", "bright"] = "auto"
    smallest: Annotated[float, Field(ge=2, le=2 * LARGEST)] | None = None
    largest: Annotated[float, Field(ge=2, le=2 * LARGEST)] | None = None
    strength: Annotated[float, Field(gt=0)] | None = None
    overlap: Annotated[float, Field(ge=0, le=0.5)] = 0.3


class Blobs(Classical):
    """One class of round objects: discs. An answer has three channels: discs, their middles, their radius."""

    Settings = BlobSettings
    name = "blobs"

    @functools.cached_property
    def network(self) -> torch.nn.Module:
        """One number, the steepness of the logistic function."""
        return _module()

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """The discs of a whole micrograph, drawn.

        Args:
            pixels: (h, w) of a whole micrograph, any real dtype, not finite outside the analysed area.

        Returns:
            float32 (3, h, w): how strong the disc of a pixel is (response / strength - 1); the same in the middles
            only; radius / :data:`LARGEST` in the middles.
        """
        plane, settings = planes_of(pixels, self.name), self.settings
        strength = settings.strength or 0.3
        found = self.discs(plane, settings, strength * _WEAKEST)
        return _drawn(found, found.response / strength - 1, plane.shape)

    def discs(self, plane: np.ndarray, settings: BlobSettings, weakest: float) -> Discs:
        """The discs of a micrograph (h, w) with at least this response, the strongest first."""
        values = normalised(plane)
        known = np.isfinite(plane) if plane.dtype.kind == "f" else np.ones(plane.shape, bool)
        values = values if settings.polarity == "bright" else -values
        smallest = settings.smallest or 4.0
        sizes = (smallest, max(settings.largest or 4 * smallest, smallest))
        method = "log" if settings.method == "auto" else settings.method
        found = detect(method, values, sizes, weakest, settings.overlap)
        return found.take(known[found.y, found.x])

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Drawn discs (n, 3, h, w) → float32 (n, 3, h, w) in 0..1: probability, probability in middles, radius."""
        import torch

        with torch.inference_mode():
            return self.network(batch)

    def decode(self, raw: np.ndarray, threshold: float, scale: float = 1.0) -> Instances:
        """A disc (OVAL) for each middle above the threshold; Score = its probability."""
        cv2 = opencv()
        count, labels, _, centres = cv2.connectedComponentsWithStats((raw[1] > threshold).astype(np.uint8), None, 8)
        strongest, widest = np.zeros((2, count), np.float32)
        inside = labels > 0
        np.maximum.at(strongest, labels[inside], raw[1][inside])
        np.maximum.at(widest, labels[inside], raw[2][inside])
        radius = widest * LARGEST * scale
        least = max(self.settings.min_pixels or 0, 1) * scale**2
        kept = [number for number in range(1, count) if np.pi * radius[number] ** 2 >= least]
        shapes = [_oval(*(centres[number] + 0.5), float(radius[number])) for number in kept]
        return Instances.of(shapes, class_name=self.classes[0], score=strongest[kept])

    def encode(self, truth: Truth) -> np.ndarray:
        """What a perfect answer would be: float32 (4, h, w): discs of the objects' areas, and where pixels count."""
        counts = super().encode(truth)[1]
        labels = np.where(truth.class_map == 1, objects_of(truth), 0)
        y, x = np.nonzero(labels)
        area = np.bincount(labels[y, x], minlength=1)
        there = np.flatnonzero(area)
        middle = [np.bincount(labels[y, x], values, len(area))[there] / area[there] for values in (y, x)]
        at = [np.rint(values).astype(np.int64) for values in middle]
        found = Discs(*at, np.sqrt(area[there] / np.pi), np.ones(len(there)))
        drawn = _drawn(found, np.ones(len(there)), labels.shape)
        return np.stack([drawn[0] > 0, drawn[1] > 0, drawn[2], counts]).astype(np.float32)

    def fit(self, images: Sequence[np.ndarray], truths: Sequence[Truth], seed: int = 0, step: Step = silent) -> None:
        """Take sizes from the annotated objects, then what else is open by the best agreement with them.

        Args:
            images: (h, w) each, as :meth:`prepare` takes them.
            truths: what is annotated in each.
            seed: which images are taken where there are many.
            step: called in between; it may raise to stop.

        Raises:
            BadValue: nothing is annotated.
        """
        from temj.cores.classical.blob_search import search

        require_annotated(truths, self.classes)
        given = self.settings
        low, high = (examples.diameter(examples.choose(images, truths, 1000, seed), part) for part in (0.1, 0.95))
        sizes = {"smallest": given.smallest or max(round(low, 1), 2.0), "min_pixels": given.min_pixels or 0}
        sizes["largest"] = max(given.largest or round(high, 1), sizes["smallest"])
        self.settings = given.model_copy(update=sizes)
        self.settings = search(self, images, truths, seed, step)


def _oval(x: float, y: float, radius: float) -> Shape:
    return Shape(RoiType.OVAL, params=(x - radius, y - radius, 2 * radius, 2 * radius))


def _drawn(found: Discs, strength: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Discs in order of rising strength, so that the stronger lies above: as :meth:`Blobs.prepare` says."""
    drawn = np.full((3, *shape), _NOWHERE, np.float32)
    drawn[2] = 0
    for number in np.argsort(strength, kind="stable").tolist():
        y, x, radius = int(found.y[number]), int(found.x[number]), float(found.radius[number])
        for channel, reach in ((0, radius), (1, max(_CORE * radius, 1.0))):
            window, inside = _disc(y, x, reach, shape)
            drawn[channel][window][inside] = strength[number]
            if channel == 1:
                drawn[2][window][inside] = radius / LARGEST
    return drawn


def _disc(y: int, x: int, radius: float, shape: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray]:
    """The box of a disc within an image, and which of its pixels have their middle in the disc."""
    reach = int(radius)
    top, left = max(y - reach, 0), max(x - reach, 0)
    window = np.s_[top : min(y + reach + 1, shape[0]), left : min(x + reach + 1, shape[1])]
    rows, columns = np.ogrid[window]
    return window, (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def _module() -> torch.nn.Module:
    import torch

    class Drawn(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steepness = torch.nn.Parameter(torch.tensor(STEEPNESS), requires_grad=False)

        def forward(self, drawn: torch.Tensor) -> torch.Tensor:
            drawn = drawn.float()
            return torch.cat([(drawn[:, :2] * self.steepness).sigmoid(), drawn[:, 2:]], 1)

    return Drawn().eval()
