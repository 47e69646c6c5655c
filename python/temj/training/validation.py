"""The validation images, at their own and at twice the pixel size, and what a core answers to them."""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from temj.cores import Predictor, Trainable, Truth
from temj.data import Instances
from temj.evaluation.agreement import Agreement, Diameter, compare_objects, is_noise
from temj.evaluation.objects import Objects
from temj.evaluation.ranking import DEFINITIONS as RANKS
from temj.evaluation.ranking import Ranking
from temj.inference.candidates import limited
from temj.inference.forward import run_network
from temj.inference.network import Network
from temj.inference.outside import seen
from temj.inference.rescale import resample_all
from temj.training.sampling import Picture
from temj.training.truths import coarser, known, labels_of, plane

STEPS = 100
"""Bins of probability in which pixels are counted."""


@dataclass(frozen=True, eq=False)
class View:
    """Images as they look at one pixel size.

    Attributes:
        name: what a reader is told: "own pixel size", "2 x the pixel size".
        column: what stands behind the name of its figure in the training curve: "", "_2x".
        names: of the images.
        images: float32 (c, h, w) each, prepared, on the model's pixel grid.
        truths: (h', w') each, on the grid of that pixel size.
        classes: how many.
        factor: pixel size of that grid for the model's.
        class_names: where the objects are outlines (those of a detector).
    """

    name: str
    column: str
    names: tuple[str, ...]
    images: tuple[np.ndarray, ...]
    truths: tuple[Truth, ...]
    classes: int
    factor: int = 1
    class_names: tuple[str, ...] = ()

    @functools.cached_property
    def objects(self) -> tuple[tuple[Objects, ...], ...]:
        """The annotated objects of each class of each image."""
        return tuple(self._objects_of(truth) for truth in self.truths)

    def _objects_of(self, truth: Truth) -> tuple[Objects, ...]:
        if truth.instances is None:
            return tuple(Objects.of_labels(labels_of(truth, number)) for number in range(1, self.classes + 1))
        shape = truth.class_map.shape[-2:]
        parts = (truth.instances.take(truth.instances.class_name == name) for name in self.class_names)
        return tuple(Objects.of_shapes(part.shapes, *shape) for part in parts)


def own_view(pictures: Sequence[Picture], core: Trainable) -> View:
    """The pictures as they are."""
    names, images = tuple(p.name for p in pictures), tuple(p.image for p in pictures)
    truths = tuple(_as_found(picture.truth, core) for picture in pictures)
    return View("own pixel size", "", names, images, truths, len(core.classes), 1, core.classes)


def _as_found(truth: Truth, core: Trainable) -> Truth:
    """A truth whose outlines are such as a detector would find at best: see :meth:`Detector.at_best`."""
    return truth if truth.instances is None else core.at_best(truth)


def coarse_view(pictures: Sequence[Picture], core: Trainable, factor: int = 2) -> View:
    """The pictures as if taken at ``factor`` times the pixel size (area-averaged) and enlarged to the model's."""
    images, truths = [], []
    for picture in pictures:
        height, width = (side // factor * factor for side in picture.shape)
        small = (height // factor, width // factor)
        coarse = resample_all(picture.pixels[..., :height, :width].astype(np.float32), *small)
        area = None if picture.area is None else picture.area[:height, :width]
        images.append(core.prepare(seen(resample_all(coarse, height, width), area, (height, width))))
        truth = Truth(
            picture.class_map[..., :height, :width],
            None if picture.objects is None else picture.objects[:height, :width],
            picture.instances,
        )
        truths.append(_as_found(coarser(truth, small, len(core.classes), factor), core))
    return View(
        f"{factor} x the pixel size", f"_{factor}x", tuple(picture.name for picture in pictures), tuple(images),
        tuple(truths), len(core.classes), factor, core.classes,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Reading(ABC):
    """What a core answers to a view, and the objects that are read from it.

    Attributes:
        view: which.
    """

    view: View
    RANKS: ClassVar[Mapping[str, str]]
    """Figures that need no threshold: name → how it is computed."""
    SHOWN: ClassVar[str]
    """What :meth:`levels_of` gives, in a word."""

    @classmethod
    @abstractmethod
    def of(cls, network: Network, view: View, cancelled: Callable[[], bool] | None = None) -> Reading:
        """Ask a core, as prediction does."""

    @classmethod
    @abstractmethod
    def perfect(cls, core: Trainable, view: View) -> Reading:
        """What a perfect network would answer to the first image of a view."""

    @classmethod
    @abstractmethod
    def scores(cls, answers: Sequence[Reading], core: Predictor) -> Scores:
        """How well a validation went, of the answers to all views."""

    @abstractmethod
    def read(self, core: Predictor, number: int, threshold: float) -> Instances:
        """The objects of one image, as prediction reads them."""

    @abstractmethod
    def ranked(self, number: int) -> dict[str, float]:
        """The figures of :attr:`RANKS` for one class (from 0), all images together; NaN where it is not known."""

    @abstractmethod
    def levels_of(self, number: int) -> np.ndarray:
        """float32 (k, h', w') of one image, for a picture: how sure it is of each class at each pixel."""

    @abstractmethod
    def object_f1(self, core: Predictor, threshold: float) -> float:
        """Object F1 of all classes and images together; NaN while the answer is noise, which takes long to read."""

    def agreement(
        self, core: Predictor, number: int, threshold: float, diameters: Mapping[str, Diameter]
    ) -> tuple[Agreement, ...]:
        """How the objects read in one image agree with the annotated ones: one for each class.

        Args:
            core: reads them.
            number: of the image.
            threshold: above which a pixel belongs to an object.
            diameters: class → which length is its diameter; the major axis where nothing is said.
        """
        found, counts = self.read(core, number, threshold), known(self.view.truths[number])
        parts = []
        for name, true in zip(core.classes, self.view.objects[number], strict=True):
            mine = Objects.of_shapes(found.shapes.take(np.flatnonzero(found.class_name == name)), *counts.shape)
            parts.append(compare_objects(mine, true, counts, diameter=diameters.get(name, "major")))
        return tuple(parts)


@dataclass(frozen=True, eq=False)
class Answers(Reading):
    """A map: what a core answers to each pixel, on the grid of the view's truths.

    Attributes:
        levels: float32 (r, h', w') of each image, as :meth:`temj.cores.Predictor.forward` gives it.
        alone: whether a pixel belongs to one class at most, the likeliest.
    """

    levels: tuple[np.ndarray, ...] = ()
    alone: bool = True
    RANKS: ClassVar[Mapping[str, str]] = RANKS
    SHOWN: ClassVar[str] = "probability"

    @classmethod
    def of(cls, network: Network, view: View, cancelled: Callable[[], bool] | None = None) -> Answers:
        """Ask a core, as prediction does; tiled where the images are large."""
        network.core.network.eval()
        levels = []
        for image, truth in zip(view.images, view.truths, strict=True):
            level, _, _ = run_network(network, image, _unreported, cancelled or _never)
            shape = truth.class_map.shape[-2:]
            levels.append(level if level.shape[1:] == shape else resample_all(level, *shape))
        return cls(view, tuple(levels), not getattr(network.core, "overlapping", False))

    def probabilities(self, number: int) -> np.ndarray:
        """float32 (k, h', w') of one image; where classes exclude each other, 0 for all but the likeliest."""
        level = self.levels[number][: self.view.classes]
        if not self.alone or len(level) == 1:
            return level
        return np.where(level.argmax(0) == np.arange(len(level))[:, None, None], level, 0)

    def read(self, core: Predictor, number: int, threshold: float) -> Instances:
        """The objects of one image, as prediction reads them."""
        answer, _notes = limited(self.levels[number], self.view.classes, threshold)
        return core.decode(answer, threshold, 1 / self.view.factor)

    @classmethod
    def perfect(cls, core: Trainable, view: View) -> Answers:
        """See :class:`Reading`."""
        target = core.encode(view.truths[0])[: len(_channels(core))]
        return cls(replace(view, names=view.names[:1], images=(), truths=view.truths[:1]), (target,))

    @classmethod
    def scores(cls, answers: Sequence[Answers], core: Predictor) -> Scores:
        """See :meth:`Scores.of`."""
        del core
        return Scores.of(answers)

    def ranked(self, number: int) -> dict[str, float]:
        """See :class:`Reading`."""
        total = Ranking()
        for level, truth in zip(self.levels, self.view.truths, strict=True):
            total += Ranking.of(level[number], plane(truth, number + 1), known(truth))
        return {"PR-AUC": total.pr_auc(), "ROC-AUC": total.roc_auc()}

    def levels_of(self, number: int) -> np.ndarray:
        """See :meth:`probabilities`."""
        return self.probabilities(number)

    def object_f1(self, core: Predictor, threshold: float) -> float:
        """See :func:`object_f1`."""
        return object_f1(core, self, threshold)


def _channels(core: Trainable) -> np.ndarray:
    """What a core answers to a few pixels, (r, s, s): to learn r."""
    import torch

    pixels = torch.zeros(1, len(core.channels.names), core.stride, core.stride)
    device = next(core.network.parameters()).device
    return core.forward(pixels.to(device))[0].float().cpu().numpy()


def _never() -> bool:
    """A validation is short: it is finished before a run stops."""
    return False


def _unreported(_done: int, _count: int) -> None:
    """Tiles of validation images are not worth a message."""


@dataclass(frozen=True, eq=False)
class PixelCurve:
    """Pixels found and annotated at the thresholds 0, 0.01 … 0.99: int64 (k, 100), and annotated: (k,)."""

    found: np.ndarray
    both: np.ndarray
    true: np.ndarray

    @classmethod
    def of(cls, answers: Answers) -> PixelCurve:
        """Of all images of a view together."""
        found = np.zeros((answers.view.classes, STEPS), np.int64)
        both = np.zeros_like(found)
        for number, truth in enumerate(answers.view.truths):
            counts = known(truth)
            for k, level in enumerate(answers.probabilities(number)):
                # A pixel is found at threshold t if its probability exceeds t: bin b holds those found at t = 0.01 b.
                bins = np.clip(np.ceil(level[counts].astype(np.float64) * STEPS) - 1, 0, STEPS - 1).astype(np.int64)
                mine = plane(truth, k + 1)[counts]
                found[k] += np.bincount(bins, minlength=STEPS)
                both[k] += np.bincount(bins[mine], minlength=STEPS)
        true = both.sum(1)
        return cls(*(counted[:, ::-1].cumsum(1)[:, ::-1] for counted in (found, both)), true)

    def iou(self) -> np.ndarray:
        """float64 (k, 100), NaN for a class that is not annotated."""
        union = self.found + self.true[:, None] - self.both
        return np.where(self.true[:, None] > 0, self.both / np.maximum(union, 1), np.nan)


@dataclass(frozen=True)
class Scores:
    """How well a validation went, at the common threshold that fits best now.

    Attributes:
        threshold: with the best mean IoU.
        views: mean of the metric over the annotated classes, of each view.
        classes: that of each class in the first view; NaN where it is not annotated.
        metric: which: IoU of pixels, or AP50 of detections.
    """

    threshold: float
    views: tuple[float, ...]
    classes: tuple[float, ...]
    metric: str = "IoU"

    @property
    def mean(self) -> float:
        """Over the views: what the best weights are chosen by."""
        return sum(self.views) / len(self.views)

    @classmethod
    def of(cls, answers: Sequence[Answers]) -> Scores:
        """At the threshold between 0.05 and 0.95 at which the mean over views and classes is best.

        0.5 would fit by chance only, and the finished model will not use it.
        """
        ious = [PixelCurve.of(answer).iou() for answer in answers]
        means = np.array([_mean_of_known(iou) for iou in ious])
        grid = np.arange(5, 96)
        place = int(grid[means[:, grid].mean(0).argmax()])
        return cls(place / STEPS, tuple(means[:, place].tolist()), tuple(ious[0][:, place].tolist()))


def _mean_of_known(iou: np.ndarray) -> np.ndarray:
    """(100,): mean over the classes that are annotated, 0 where none is."""
    kept = iou[~np.isnan(iou).any(1)]
    return kept.mean(0) if len(kept) else np.zeros(iou.shape[1])


def object_f1(core: Predictor, answers: Answers, threshold: float) -> float:
    """Object F1 of all classes and images of a view together; NaN while the answer is noise, which takes long to read.

    What noise is: :func:`temj.evaluation.agreement.is_noise`.
    """
    from temj.opencv import opencv

    total = Agreement()
    for number, true in enumerate(answers.view.objects):
        masks = (answers.probabilities(number) > threshold).astype(np.uint8)
        pieces = sum(opencv().connectedComponents(mask, connectivity=8)[0] - 1 for mask in masks)
        if is_noise(pieces, sum(objects.count for objects in true)):
            return math.nan
        total = Agreement.total([total, *answers.agreement(core, number, threshold, {})])
    return total.metrics()["object F1"]
