"""What a detector answers to a view: candidates for objects, and how good they are without any threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from temj.cores.detection import Detections, Detector
from temj.data import Instances, Shapes
from temj.evaluation.agreement import Agreement
from temj.evaluation.precision import DEFINITIONS, Ranked
from temj.geometry import rasterise
from temj.inference.detecting import run_detector
from temj.inference.network import Network
from temj.training.truths import known
from temj.training.validation import Reading, Scores, View

_SPARE, _MORE = 100, 5
"""Candidates of an image that are judged: so many, and so many for each annotated object. An untrained network has
thousands of noise, which take long and change no figure."""
_MOSTLY = 0.5
"""A candidate of which more than this share lies where nobody knows what there is neither helps nor harms."""


@dataclass(frozen=True, eq=False)
class Found(Reading):
    """Objects: what a detector answers, in pixels of the view's truths.

    Attributes:
        core: whose answers.
        detections: of each image.
    """

    core: Detector | None = None
    detections: tuple[Detections, ...] = ()
    RANKS: ClassVar[Mapping[str, str]] = DEFINITIONS
    SHOWN: ClassVar[str] = "score"

    @classmethod
    def of(cls, network: Network, view: View, cancelled: Callable[[], bool] | None = None) -> Found:
        """See :class:`Reading`."""
        network.core.network.eval()
        most = [_SPARE + _MORE * len(truth.instances) for truth in view.truths]
        found = [
            run_detector(network, image, lambda *_: None, cancelled or _never, most=count)
            for image, count in zip(view.images, most, strict=True)
        ]
        factor = 1 / view.factor
        return cls(view, network.core, tuple(each.scaled(factor, factor) for each in found))

    @classmethod
    def perfect(cls, core: Detector, view: View) -> Found:
        """See :class:`Reading`."""
        first = replace(view, names=view.names[:1], images=(), truths=view.truths[:1])
        return cls(first, core, (core.encode(view.truths[0]),))

    @classmethod
    def scores(cls, answers: Sequence[Found], core: Detector) -> Scores:
        """AP50 of each view, and the threshold with the best F1 of all views together."""
        parts = [[answer.ranked_class(number) for number in range(len(core.classes))] for answer in answers]
        values = np.array([[part.ap()[0] for part in view] for view in parts])
        means = [float(np.nanmean(view)) if np.isfinite(view).any() else 0.0 for view in values]
        _, threshold = Ranked.total([part for view in parts for part in view]).best_f1()
        return Scores(float(np.clip(threshold, 0.05, 0.95)), tuple(means), tuple(values[0].tolist()), "AP50")

    def read(self, core: Detector, number: int, threshold: float) -> Instances:
        """See :class:`Reading`."""
        return core.decode(self.detections[number], threshold)

    def ranked(self, number: int) -> dict[str, float]:
        """See :class:`Reading`."""
        values = self.ranked_class(number).ap()
        return {"AP50": float(values[0]), "AP50:95": float(values.mean())}

    def ranked_class(self, number: int) -> Ranked:
        """The candidates of one class (from 0) in all images, and which are right."""
        return Ranked.total([self._ranked_image(image, number) for image in range(len(self.detections))])

    def _ranked_image(self, image: int, number: int) -> Ranked:
        core, truth = self.core, self.view.truths[image]
        found = self.detections[image].take(self.detections[image].label == number)
        shapes, counts = core.shapes_in(found), known(truth)
        true = truth.instances.take(truth.instances.class_name == core.classes[number]).shapes
        kept = self._judged(shapes, counts)
        pairs = core.overlaps(shapes.take(kept), true.take(self._judged(true, counts)))
        return Ranked.of(pairs, found.score[kept], int(self._judged(true, counts).sum()))

    @staticmethod
    def _judged(shapes: Shapes, counts: np.ndarray) -> np.ndarray:
        """(n,) bool, which shapes lie mostly where it is known what there is."""
        height, width = counts.shape
        if counts.all():
            return np.ones(len(shapes), bool)
        owner, place = rasterise(shapes, width, height).pixels(width)
        unknown = np.bincount(owner, ~counts.ravel()[place], len(shapes))
        return unknown <= _MOSTLY * np.bincount(owner, minlength=len(shapes))

    def levels_of(self, number: int) -> np.ndarray:
        """float32 (k, h', w'): the highest score of the objects of a class that cover a pixel."""
        return self.core.score_map(self.detections[number], self.view.truths[number].class_map.shape[-2:])

    def object_f1(self, core: Detector, threshold: float) -> float:
        """See :class:`Reading`."""
        images = range(len(self.detections))
        parts = [part for image in images for part in self.agreement(core, image, threshold, {})]
        return Agreement.total(parts).metrics()["object F1"]


def _never() -> bool:
    """A validation is short: it is finished before a run stops."""
    return False
