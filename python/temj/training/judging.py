"""How good a trained core is: thresholds with their bias, metrics for the card, training beside validation in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from temj.cores import Predictor
from temj.evaluation.agreement import DEFINITIONS, Agreement, Diameter, figures
from temj.evaluation.calibration import GRID, Calibrated, calibrate
from temj.evaluation.intervals import interval, limits
from temj.training.sampling import Picture
from temj.training.truths import plane
from temj.training.validation import Reading

DEFAULT_THRESHOLD = "auto"
PARTED = 0.1
"""Difference of IoU from which on training and validation are said to part."""
_WEAK = 0.3
_ALL = (
    "IoU", "Dice", "pixel precision", "pixel recall", "object F1", "object precision", "object recall", "area error",
    "count error", "diameter error",
)  # fmt: skip
_AT_OTHERS = ("IoU", "object F1", "area error", "count error", "diameter error")


@dataclass(frozen=True)
class Judge:
    """Reads answers and compares them with what is annotated.

    Attributes:
        core: reads them; its weights do not matter.
        diameters: class → which length is its diameter.
    """

    core: Predictor
    diameters: Mapping[str, Diameter]

    def calibrated(self, answers: Sequence[Reading], images: int | None = None) -> Calibrated:
        """Thresholds from all answers to the same images together, at whatever pixel size and of whatever network.

        Views and classes of an image are added up, since it is the images that are independent.

        Args:
            answers: an image is known by its name.
            images: at most so many, evenly spaced; None for all.
        """
        return calibrate(list(self.agreements(answers, images).values()), GRID)

    def agreements(self, answers: Sequence[Reading], images: int | None = None) -> dict[str, list[Agreement]]:
        """Image → agreement at every threshold of the grid, all views and classes together; as :meth:`calibrated`."""
        places: dict[str, list[tuple[Reading, int]]] = {}
        for answer in answers:
            for number, name in enumerate(answer.view.names):
                places.setdefault(name, []).append((answer, number))
        kept = spaced(list(places), images)
        return {name: [self._together(places[name], threshold) for threshold in GRID] for name in kept}

    def _together(self, image: Sequence[tuple[Reading, int]], threshold: float) -> Agreement:
        return Agreement.total(
            part for answer, number in image for part in answer.agreement(self.core, number, threshold, self.diameters)
        )

    def by_class(self, answers: Reading, threshold: float) -> np.ndarray:
        """(k, images, 12) float64: the sums of :class:`Agreement` for each class and image."""
        images = [
            [part.sums for part in answers.agreement(self.core, number, threshold, self.diameters)]
            for number in range(len(answers.view.truths))
        ]
        return np.array(images, float).swapaxes(0, 1)

    def metrics(self, answers: Reading, thresholds: Mapping[str, float], images: str) -> list[dict[str, Any]]:
        """Rows for ``metrics`` of a card: every figure with its interval over images, each class on its own.

        Args:
            answers: to one view.
            thresholds: by name; all figures at the default one, some at the others.
            images: what they are: "validation images".
        """
        rows = []
        for name in sorted(thresholds, key=lambda name: name != DEFAULT_THRESHOLD):
            wanted = _ALL if name == DEFAULT_THRESHOLD else _AT_OTHERS
            sums = self.by_class(answers, thresholds[name])
            for label, units in self._of_classes(sums):
                data = f"{images} at {answers.view.name}{label}, threshold '{name}'"
                rows += [row for metric in wanted if (row := _row(metric, units, data))]
        for number, label in enumerate(self._labels()):
            data = f"{images} at {answers.view.name}{label}"
            rows += [
                {"name": metric, "value": float(f"{value:.4g}"), "definition": answers.RANKS[metric], "data": data}
                for metric, value in answers.ranked(number).items()
                if math.isfinite(value)
            ]
        return rows

    def _labels(self) -> list[str]:
        classes = self.core.classes
        return [f", class {name}" if len(classes) > 1 else "" for name in classes]

    def _of_classes(self, sums: np.ndarray) -> list[tuple[str, np.ndarray]]:
        return list(zip(self._labels(), sums, strict=True))

    def mean_iou(self, answers: Reading, threshold: float) -> float:
        """IoU of the objects read, mean over the annotated classes; 0 where none is."""
        values = figures(self.by_class(answers, threshold).sum(1))["IoU"]
        values = values[np.isfinite(values)]
        return float(values.mean()) if len(values) else 0.0

    def annotated_iou(self, answers: Reading, threshold: float) -> float:
        """As :meth:`mean_iou`; NaN where no object is annotated in any of the images."""
        numbers = range(1, len(self.core.classes) + 1)
        there = any(plane(truth, number).any() for truth in answers.view.truths for number in numbers)
        return self.mean_iou(answers, threshold) if there else math.nan


def _row(metric: str, units: np.ndarray, data: str) -> dict[str, Any] | None:
    """A figure of the images together, with its interval where there is one; None where it is not known."""
    value = float(figures(units.sum(0))[metric])
    if not math.isfinite(value):
        return None
    row: dict[str, Any] = {"name": metric, "value": float(f"{value:.4g}"), "definition": DEFINITIONS[metric]}
    found = interval(units, lambda sums: figures(sums)[metric], limits(metric))
    if math.isfinite(found.low) and math.isfinite(found.high):
        row["interval"] = (float(f"{found.low:.4g}"), float(f"{found.high:.4g}"))
    return row | {"data": data}


def comparable(pictures: Sequence[Picture], count: int) -> list[Picture]:
    """At most ``count`` pictures to compare validation with: those with objects, where there are any."""
    return spaced([picture for picture in pictures if len(picture.centres)] or pictures, count)


def spaced(values: Sequence[Any], count: int | None) -> list[Any]:
    """At most ``count`` of the values, evenly spaced, in their order."""
    if count is None or count >= len(values):
        return list(values)
    return [values[number * len(values) // count] for number in range(max(1, count))]


def in_words(train: float, validation: float, best: float) -> str:
    """What the two mean IoU say of a training, and what helps.

    Args:
        train, validation: mean IoU on training images (without augmentation) and on validation images; NaN where
            they have no annotated object.
        best: how far the training was when it was best, 0..1.
    """
    if not (math.isfinite(train) and math.isfinite(validation)):
        return not_comparable(train, validation)
    pair = f"training IoU {train:.2f} against validation {validation:.2f}"
    if train - validation > PARTED:
        early = ""
        if best < 0.6:
            early = f"; it was best after {100 * best:.0f} % of its length, so shorter training would have done"
        return (
            f"{pair}: the network has learned the training images by heart{early}. More images, stronger augmentation "
            "or fewer epochs help."
        )
    if validation - train > PARTED:
        return (
            f"{pair}: the validation images are easier than the training images, so the figures are too good. Check "
            "that both show the same kinds of fields ('temj dataset split' draws them by chance), and that no object "
            "is unlabelled in the training images."
        )
    if max(train, validation) < _WEAK:
        return (
            f"{pair}: little was learned, which no threshold will mend. Train longer, look at 'temj dataset preview' "
            "(are objects large enough in the crops, and labelled rightly?) and at validation.png."
        )
    return f"{pair}: they agree, nothing was learned by heart."


def not_comparable(train: float, validation: float) -> str:
    """What is said where one of the two IoU is NaN."""
    both = (("training", train), ("validation", validation))
    without = " and ".join(name for name, value in both if not math.isfinite(value))
    known = "".join(f"{name} IoU {value:.2f}; " for name, value in both if math.isfinite(value))
    return f"{known}no object is annotated in the {without} images that were compared, so the two cannot be compared."
