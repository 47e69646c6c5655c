"""The core ``forest``: a random forest that tells the class of each pixel from features at several scales."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, field_validator

from temj.cores.base import Truth
from temj.cores.classical import examples
from temj.cores.classical.base import Classical, ClassicalSettings, Step, require_annotated, silent
from temj.cores.classical.examples import Example
from temj.cores.classical.features import feature_names, features, scale_space
from temj.cores.classical.trees import Forest, probabilities
from temj.cores.settings import Recipe
from temj.opencv import opencv

if TYPE_CHECKING:
    import torch
    from sklearn.ensemble import RandomForestClassifier

IMAGES, PIXELS = 24, 40_000
"""Most images, and most pixels of all of them together, that a forest is fitted to."""
_TREES_A_STEP = 4
_LEAST_LEAF = 10
_SMOOTHED = 3
"""Pixels around a pixel over which probabilities are smoothed. With the reach of the features (13) they make the 16
that tiles share beside what they keep: tiles leave no seam."""
_FINEST, _WIDEST = 0.7, 24.0
_SCALES = 6


class ForestSettings(ClassicalSettings):
    """What a forest is.

    Attributes:
        channels: the recipe of the input channels, a line of :data:`temj.cores.channels.CHANNELS`.
        scales: deviations in pixels of the Gaussians that features are computed at, rising; None: the fit chooses six,
            from 0.7 to half the diameter of an object.
        trees: how many.
        depth: largest number of questions in a tree.
        smoothing: deviation in pixels of the Gaussian that smooths the probabilities (trees judge each pixel alone,
            which makes ragged outlines); 0: none.
    """

    channels: Recipe = "gray"
    scales: tuple[Annotated[float, Field(ge=0.3, le=100)], ...] | None = None
    trees: Annotated[int, Field(ge=1, le=500)] = 30
    depth: Annotated[int, Field(ge=1, le=14)] = 10
    smoothing: Annotated[float, Field(ge=0, le=1)] = 1.0

    @field_validator("scales")
    @classmethod
    def _rising(cls, scales: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if scales is not None and (len(scales) < 2 or list(scales) != sorted(set(scales))):
            raise ValueError("two or more scales, each larger than the one before")
        return scales


class PixelForest(Classical):
    """Any number of classes by a random forest (Breiman 2001, Machine Learning 45, 5) on features of each pixel.

    A probability is the mean share of the class in the leaves that a pixel comes to. The pixels that the forest is
    fitted to are drawn so that rare classes are seen more often than they occur (by the square root of their share).
    """

    Settings = ForestSettings
    name = "forest"

    @property
    def scales(self) -> tuple[float, ...]:
        """Deviations of the Gaussians in pixels."""
        return self.settings.scales or _scales(_FINEST * 2**_SCALES)

    @functools.cached_property
    def network(self) -> torch.nn.Module:
        """The trees as whole numbers; before the fit they know nothing."""
        settings = self.settings
        forest = Forest.empty(settings.trees, settings.depth, len(self.classes) + 1)
        return _module(forest, self.scales, settings.smoothing)

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """The channels of the recipe, smoothed at all scales.

        Args:
            pixels: (h, w) of a whole micrograph, any real dtype; (n, h, w) where the recipe takes n detectors.

        Returns:
            float32 (channels * scales, h, w), finite.

        Raises:
            BadImage: another number of planes than the recipe takes.
        """
        return scale_space(self.channels.prepare(pixels), self.scales)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Smoothed channels (n, c * s, h, w) → probabilities float32 (n, k, h, w)."""
        import torch

        with torch.inference_mode():
            return self.network(batch)

    def fit(self, images: Sequence[np.ndarray], truths: Sequence[Truth], seed: int = 0, step: Step = silent) -> None:
        """Grow the trees from annotated images.

        Args:
            images: (h, w), or (n, h, w) of several detectors, as :meth:`prepare` takes them.
            truths: what is annotated in each.
            seed: of all chance.
            step: called in between; it may raise to stop.

        Raises:
            BadValue: a class, or the background, has no pixel in what is analysed of the images.
        """
        require_annotated(truths, self.classes)
        chosen = examples.choose(images, truths, IMAGES, seed)
        examples.require_occurring(chosen, self.classes)
        sizes = examples.areas(chosen)
        least = self.settings.min_pixels
        self.settings = self.settings.model_copy(
            update={
                "scales": self.settings.scales or _scales(examples.diameter(chosen)),
                "min_pixels": round(float(np.quantile(sizes, 0.05))) if least is None else least,
            }
        )
        rows, classes = self._sample(chosen, seed, step)
        grown = _grow(rows, classes, self.settings, seed, step)
        forest = Forest.of(grown, self.settings.depth, len(self.classes) + 1)
        self.network = _module(forest, self.scales, self.settings.smoothing)

    def _sample(self, chosen: Sequence[Example], seed: int, step: Step) -> tuple[np.ndarray, np.ndarray]:
        """Features float32 (n, f) and classes (n,) of pixels drawn from the images."""
        rng = np.random.default_rng([seed, 12])
        shares = _shares(chosen, len(self.classes))
        rows, classes = [], []
        for number, example in enumerate(chosen):
            step("computing features", number, len(chosen) + self.settings.trees)
            picked = _draw(example, shares, rng)
            smooth = self.prepare(example.pixels).reshape(len(self.channels.names), len(self.scales), -1)
            planes = smooth.reshape(*smooth.shape[:2], *example.classes.shape)
            found = np.concatenate([features(plane, self.scales) for plane in planes])
            rows.append(found.reshape(len(found), -1)[:, picked].T)
            classes.append(example.classes.ravel()[picked])
        return np.concatenate(rows), np.concatenate(classes)


def _scales(diameter: float) -> tuple[float, ...]:
    """Six deviations in a geometric series, from the finest to half the diameter of an object."""
    widest = min(max(diameter / 2, 4 * _FINEST), _WIDEST)
    return tuple(float(f"{scale:.3g}") for scale in np.geomspace(_FINEST, widest, _SCALES))


def _shares(chosen: Sequence[Example], classes: int) -> np.ndarray:
    """(k + 1,): which share of the pixels of background and each class is drawn."""
    counts = sum(np.bincount(example.classes[example.counts], minlength=256)[: classes + 1] for example in chosen)
    wanted = np.sqrt(counts / counts.sum())
    return np.minimum(PIXELS * wanted / wanted.sum() / np.maximum(counts, 1), 1)


def _draw(example: Example, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices (flat) of the pixels drawn from an image."""
    places = np.flatnonzero(example.counts)
    return places[rng.random(len(places)) < shares[example.classes.ravel()[places]]]


def _grow(
    rows: np.ndarray, classes: np.ndarray, settings: ForestSettings, seed: int, step: Step
) -> RandomForestClassifier:
    """The fitted forest; a few trees at a time, so that it can be stopped."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(
        n_estimators=0, max_depth=settings.depth, min_samples_leaf=_LEAST_LEAF, warm_start=True,
        random_state=seed % 2**32,
    )  # fmt: skip
    for grown in range(0, settings.trees, _TREES_A_STEP):
        step("growing trees", grown, settings.trees)
        forest.set_params(n_estimators=min(grown + _TREES_A_STEP, settings.trees))
        forest.fit(rows, classes)
    return forest


def _module(forest: Forest, scales: tuple[float, ...], smoothing: float) -> torch.nn.Module:
    import torch

    class Trees(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in ("feature", "threshold", "answer"):
                stored = torch.from_numpy(np.array(getattr(forest, name)))
                self.register_parameter(name, torch.nn.Parameter(stored, requires_grad=False))

        def forward(self, batch: torch.Tensor) -> torch.Tensor:
            return torch.stack([self._of_image(image) for image in batch])

        def _of_image(self, image: torch.Tensor) -> torch.Tensor:
            # On the CPU whatever the device: a last bit that differs would send pixels down another branch.
            planes = image.float().cpu().contiguous().numpy()
            planes = planes.reshape(-1, len(scales), *planes.shape[1:])
            found = np.concatenate([features(plane, scales) for plane in planes])
            stored = (getattr(self, name).cpu().numpy() for name in ("feature", "threshold", "answer"))
            answer = probabilities(found.reshape(len(found), -1), Forest(*stored), torch.get_num_threads())
            answer = answer[1:].reshape(-1, *found.shape[1:])
            return torch.from_numpy(_smoothed(answer, smoothing)).to(image.device)

    return Trees().eval()


def _smoothed(planes: np.ndarray, deviation: float) -> np.ndarray:
    """Each plane (h, w) float32 smoothed by a Gaussian; mirrored at the edge."""
    if not deviation:
        return np.ascontiguousarray(planes)
    cv2, side = opencv(), 2 * _SMOOTHED + 1
    return np.stack([cv2.GaussianBlur(p, (side, side), deviation, borderType=cv2.BORDER_REFLECT) for p in planes])


def names_of_features(core: PixelForest) -> tuple[str, ...]:
    """What each feature of a forest is, with the channel where there are several."""
    names = feature_names(core.scales)
    channels = core.channels.names
    return names if len(channels) == 1 else tuple(f"{channel}: {name}" for channel in channels for name in names)
