"""The validation images, at their own and at twice the pixel size, and how well a core does on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from temj.cores import Trainable
from temj.cores.semantic import IGNORE
from temj.geometry import paint
from temj.inference.forward import run_network
from temj.inference.network import Network
from temj.inference.outside import seen
from temj.inference.rescale import resample, resample_all
from temj.training.metrics import Agreement, best_thresholds, compare, components
from temj.training.sampling import Picture


@dataclass(frozen=True)
class View:
    """The validation images as they look at one pixel size.

    Attributes:
        name: what a reader is told: "own pixel size", "2 x the pixel size".
        column: header of its IoU in the training curve.
        images: float32 (c, h, w) each, prepared, on the model's pixel grid.
        class_maps: uint8 (h', w') each, on the grid of that pixel size.
    """

    name: str
    column: str
    images: tuple[np.ndarray, ...]
    class_maps: tuple[np.ndarray, ...]


def own_view(pictures: Sequence[Picture]) -> View:
    """The pictures as they are."""
    return View("own pixel size", "iou", tuple(p.image for p in pictures), tuple(p.class_map for p in pictures))


def coarse_view(pictures: Sequence[Picture], core: Trainable, factor: int = 2) -> View:
    """The pictures as if taken at ``factor`` times the pixel size (area-averaged) and enlarged to the model's."""
    images, maps = [], []
    for picture in pictures:
        height, width = (side // factor * factor for side in picture.class_map.shape)
        small = (height // factor, width // factor)
        coarse = resample_all(picture.pixels[..., :height, :width].astype(np.float32), *small)
        area = None if picture.area is None else picture.area[:height, :width]
        images.append(core.prepare(seen(resample_all(coarse, height, width), area, (height, width))))
        maps.append(_coarse_map(picture.class_map[:height, :width], small, len(core.classes)))
    return View(f"{factor} x the pixel size", f"iou_{factor}x", tuple(images), tuple(maps))


def _coarse_map(class_map: np.ndarray, shape: tuple[int, int], classes: int) -> np.ndarray:
    """The class (or background, or ignore) that covers most of each coarse pixel."""
    values = [0, *range(1, classes + 1), IGNORE]
    shares = [resample((class_map == value).astype(np.float32), *shape) for value in values]
    return np.array(values, np.uint8)[np.argmax(shares, axis=0)]


@dataclass(frozen=True)
class Answers:
    """What a core answers to a view, on the grid of the view's class maps.

    Attributes:
        view: which.
        levels: float32 (k, h', w') probabilities of each image.
    """

    view: View
    levels: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, network: Network, view: View, cancelled: Callable[[], bool]) -> Answers:
        """Ask a core, as prediction does; tiled where the images are large."""
        network.core.network.eval()
        levels = []
        for image, class_map in zip(view.images, view.class_maps, strict=True):
            level, _, _ = run_network(network, image, _unreported, cancelled)
            if level.shape[1:] != class_map.shape:
                level = np.stack([resample(plane, *class_map.shape) for plane in level])
            levels.append(level)
        return cls(view, tuple(levels))

    def iou(self, threshold: float) -> float:
        """IoU of the pixels above a threshold, mean over the classes that are annotated."""
        values = [
            Agreement.total(
                compare((level[k] > threshold).astype(np.int32), (truth == k + 1).astype(np.int32), truth != IGNORE)
                for level, truth in zip(self.levels, self.view.class_maps, strict=True)
            ).metrics()["IoU"]
            for k in range(len(self.levels[0]))
        ]
        known = [value for value in values if not math.isnan(value)]
        return sum(known) / len(known) if known else 0.0

    def agreement(self, core: Trainable, threshold: float) -> tuple[Agreement, ...]:
        """How the decoded objects agree with the annotated ones: one for each class."""
        sums = [Agreement() for _ in core.classes]
        for level, truth in zip(self.levels, self.view.class_maps, strict=True):
            found = core.decode(level, threshold)
            for k, name in enumerate(core.classes):
                mine = found.take(found.class_name == name)
                labels, _ = paint(mine.shapes, mine.score, truth.shape[1], truth.shape[0])
                sums[k] += compare(labels.astype(np.int32), components(truth == k + 1), truth != IGNORE)
        return tuple(sums)


def _unreported(_done: int, _count: int) -> None:
    """Tiles of validation images are not worth a message."""


def pixel_thresholds(answers: Sequence[Answers]) -> dict[str, float]:
    """Thresholds ``iou`` and ``area`` (:func:`best_thresholds`) for all views and classes together."""
    pairs = [
        (level[k], np.where(truth == IGNORE, np.nan, truth == k + 1))
        for answer in answers
        for level, truth in zip(answer.levels, answer.view.class_maps, strict=True)
        for k in range(len(level))
    ]
    return best_thresholds([level for level, _ in pairs], [truth for _, truth in pairs])


def choose_thresholds(core: Trainable, answers: Sequence[Answers]) -> dict[str, float]:
    """Thresholds by name: ``iou`` and ``area`` (:func:`pixel_thresholds`) and ``f1``, best object F1.

    All views count together; several classes share one threshold.
    """
    grid = np.arange(10, 81, 5) / 100
    scores = []
    for threshold in grid:
        parts = [part for answer in answers for part in answer.agreement(core, float(threshold))]
        scores.append(np.nan_to_num(Agreement.total(parts).metrics()["object F1"]))
    return pixel_thresholds(answers) | {"f1": float(grid[int(np.argmax(scores))])}
