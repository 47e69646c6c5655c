"""Judging the mean weights while a run goes on, with a picture of what they answer."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from temj.cores import Trainable
from temj.evaluation.calibration import GRID
from temj.training.asking import ask, kind_of
from temj.training.judging import Judge
from temj.training.machine import Machine
from temj.training.sampling import Picture
from temj.training.truths import known, plane
from temj.training.validation import Reading, Scores, View

_SHOWN = 2
_MORE = 5
"""Readings of an image besides those at the thresholds of the grid: metrics, and a training image beside it."""
_PREVIEWED = 512**2 + 256**2
"""Pixels that are computed on the CPU in float32 when a model is written (:func:`temj.models.write_model`)."""
_FLOAT32 = 3.0
"""Times as long as the layers take for them in the arithmetic of a training, about."""
_AROUND = 1.5
"""Seconds for building the network anew and drawing curves when a model is written, about."""


@dataclass(frozen=True, eq=False)
class Validator:
    """Asks the mean weights about the validation images.

    Attributes:
        core: with the mean weights.
        views: the images at their own pixel size, then at others.
        pictures: the same images as they were read.
        colours: class → ``#rrggbb``.
        machine: where it is computed.
    """

    core: Trainable
    views: tuple[View, ...]
    pictures: tuple[Picture, ...]
    colours: Mapping[str, str]
    machine: Machine

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.pictures)

    def answers(self) -> list[Reading]:
        """To every view."""
        network = self.machine.network(self.core)
        return [ask(network, view) for view in self.views]

    def validate(self) -> Outcome:
        """Judge the weights as they are now."""
        answers = self.answers()
        scores = answers[0].scores(answers, self.core)
        return Outcome(self, answers, scores, answers[0].object_f1(self.core, scores.threshold))

    def seconds_to_judge(self) -> float:
        """How long choosing thresholds and computing metrics takes for an image, about; measured on the first ones.

        The answers of a network that has not learned yet would be noise, so those of a perfect one are read instead.
        """
        judge, spent, pixels = Judge(self.core, {}), 0.0, 0
        for view in self.views:
            perfect = kind_of(self.core).perfect(self.core, view)
            if not pixels:  # the first time libraries are loaded
                judge.by_class(perfect, 0.5)
            _ = perfect.view.objects
            before = time.monotonic()
            judge.by_class(perfect, 0.5)
            spent += time.monotonic() - before
            pixels += known(view.truths[0]).size
        everything = sum(known(truth).size for view in self.views for truth in view.truths)
        return (len(GRID) + _MORE) * spent / pixels * everything / self.images

    def seconds_to_write(self, validation: float) -> float:
        """How long writing the model takes besides storing the weights, about, from the time of a validation."""
        asked = sum(image[0].size for view in self.views for image in view.images)
        forward = _FLOAT32 * validation * _PREVIEWED / asked if self.machine.device.type == "cpu" else 3.0
        return _AROUND + min(forward, 20.0)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of one validation.

    Attributes:
        validator: whose it is.
        answers: to every view.
        scores: at the common threshold that fits best now.
        objects: object F1 at the images' own pixel size, at this threshold; NaN while the answer is noise.
    """

    validator: Validator
    answers: Sequence[Reading]
    scores: Scores
    objects: float

    @property
    def score(self) -> float:
        """What the best weights are chosen by."""
        return self.scores.mean

    def columns(self) -> dict[str, float | None]:
        """For the training curve."""
        metric = self.scores.metric.lower()
        views = zip(self.answers, self.scores.views, strict=True)
        row = {f"{metric}{answer.view.column}": value for answer, value in views}
        row["object_f1"] = self.objects
        row |= {f"{metric}_{name}": value for name, value in self._classes().items()}
        row["threshold"] = self.scores.threshold
        return {name: None if math.isnan(value) else value for name, value in row.items()}

    def metrics(self) -> dict[str, float]:
        """By name, without what is not known, for people and programs (:class:`temj.training.live.Update`)."""
        metric = self.scores.metric
        found = {metric: self.scores.views[0]}
        rest = zip(self.answers[1:], self.scores.views[1:], strict=True)
        found |= {f"{metric} at {answer.view.name}": value for answer, value in rest}
        found |= {"object F1": self.objects, "threshold": self.scores.threshold}
        found |= {f"{metric} of {name}": value for name, value in self._classes().items()}
        return {name: value for name, value in found.items() if not math.isnan(value)}

    def _classes(self) -> dict[str, float]:
        classes = self.validator.core.classes
        return dict(zip(classes, self.scores.classes, strict=True)) if len(classes) > 1 else {}

    @property
    def told(self) -> str:
        """The figures in words."""
        objects = "" if math.isnan(self.objects) else f", object F1 {self.objects:.3f}"
        return f"validation {self.scores.metric} {self.scores.views[0]:.3f}{objects}"

    def picture(self, title: str, threshold: float | None = None) -> bytes:
        """PNG of the first validation images: as they are, annotated, and with the probabilities of now.

        Args:
            title: the first line.
            threshold: of the outlines; None for that of the scores.
        """
        from temj.plots import png_bytes
        from temj.plots.answers import Answer, answer_sheet

        view, shown = self.answers[0].view, []
        for number, picture in enumerate(self.validator.pictures[:_SHOWN]):
            truth = view.truths[number]
            planes = np.stack([plane(truth, k + 1) for k in range(view.classes)])
            grey = picture.pixels.reshape(-1, *picture.shape)[0]
            levels = self.answers[0].levels_of(number)
            shown.append(Answer(picture.name, grey, planes, known(truth), levels, self.answers[0].SHOWN))
        colours = {name: self.validator.colours[name] for name in self.validator.core.classes}
        threshold = self.scores.threshold if threshold is None else threshold
        return png_bytes(answer_sheet(shown, colours, threshold, title))
