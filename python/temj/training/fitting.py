"""Classical methods: a dataset in, a model folder out, in seconds; no steps, no checkpoints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from temj.cores import Trainable
from temj.cores.base import Fittable
from temj.cores.channels import Channels
from temj.datasets import Dataset, check, require_sound
from temj.errors import BadValue
from temj.inference.outside import seen
from temj.models import Model, write_model
from temj.models.card import Card, PixelSize
from temj.training import chance
from temj.training.asking import ask
from temj.training.interrupt import Interrupts
from temj.training.job import sample_of
from temj.training.judging import DEFAULT_THRESHOLD, PARTED, Judge, comparable, not_comparable
from temj.training.live import VALIDATION_PNG, Progress
from temj.training.load import model_size, pictures
from temj.training.machine import Machine
from temj.training.options import TrainingOptions
from temj.training.report import Facts, Judged, make_card, papers, threshold_files
from temj.training.run import RunFolder
from temj.training.sampling import Picture
from temj.training.validation import Reading, View, coarse_view, own_view
from temj.training.validator import Validator

_OF_NETWORKS = ("epochs", "steps", "minutes", "start", "frozen_epochs", "patience", "augmentation")
"""Options that say how a network learns."""
_WITHOUT_VALIDATION = {"split/no-validation", "names/one-image"}
"""Problems of a dataset that a network cannot do with, but a classical method can."""
NO_VALIDATION = (
    "there are no validation images: thresholds and figures are those of the training images, so the figures are too "
    "good. Name other images under 'validation' in dataset.json to know better"
)


def fit_model(
    dataset: Dataset,
    core_name: str,
    core: Fittable,
    output: Path,
    options: TrainingOptions,
    interrupts: Interrupts,
    progress: Progress,
) -> Model:
    """Fit a classical method to a dataset and write a model folder.

    Args:
        dataset: with at least one training image; without validation images the training images serve as such.
        core_name: a name of :data:`temj.cores.CORES`.
        core: of that name, with the classes of the dataset.
        output: the model folder.
        options: seed, device, threads, area, input_size, field_of_view, description, command, overwrite.
        interrupts: polled between the steps of the fit.
        progress: called with (message, steps done, steps in all).

    Returns:
        The model with its thresholds and metrics in the card.

    Raises:
        BadDataset: problems of the dataset, all of them.
        BadValue: nothing is annotated; or a run shall be resumed, of which there is none.
        Refused: the folder holds a model or an unfinished run, and overwrite is not asked for.
        Cancelled: by ``cancelled`` or a signal; nothing was written.
        StorageError: the disk is full or fails.
    """
    folder = RunFolder(output)
    _require_startable(folder, options)
    alone = _require_sound(dataset)
    machine = Machine.of(options)
    with chance.controlled(options.seed, machine.threads, options.deterministic):
        fit = _Fit.load(dataset, core_name, core, options, alone)

        def step(message: str, done: int, count: int) -> None:
            if interrupts.stopped():
                raise interrupts.error(output, "Nothing was written; run the same command again.")
            progress(message, done, count)

        core.fit(fit.images, [picture.truth for picture in fit.train], options.seed, step)
        step("choosing thresholds and writing the model", 0, 0)
        return fit.write(folder, machine)


def _require_startable(folder: RunFolder, options: TrainingOptions) -> None:
    if options.resume:
        raise BadValue(
            "nothing-to-resume",
            where=folder.output,
            expected="a training of a network, which has checkpoints",
            found="a classical method, which is fitted at once",
            remedy="Start without resume.",
        )
    folder.check(False, options.overwrite)


def _require_sound(dataset: Dataset) -> bool:
    """Whether the training images must serve for validation too.

    Raises:
        BadDataset: it has other problems than that.
    """
    alone = not dataset.subset("validation")
    if not alone or {problem.code for problem in check(dataset).errors} - _WITHOUT_VALIDATION:
        require_sound(dataset)
    return alone


@dataclass(frozen=True)
class _Loading:
    """What loading images asks of a core, without preparing any: the core is not fitted yet."""

    core: Trainable
    overlapping: bool = False
    wants_objects: bool = True

    @property
    def channels(self) -> Channels:
        return self.core.channels

    def prepare(self, pixels: object) -> None:
        """Nothing."""


@dataclass(frozen=True, eq=False)
class _Fit:
    """Dataset, core and pictures of one fit; ``alone``: the training images are those for validation too."""

    dataset: Dataset
    core_name: str
    core: Fittable
    options: TrainingOptions
    train: Sequence[Picture]
    validation: Sequence[Picture]
    alone: bool

    @classmethod
    def load(cls, dataset: Dataset, core_name: str, core: Fittable, options: TrainingOptions, alone: bool) -> _Fit:
        parts = [
            pictures(dataset, part, _Loading(core), options.area, options.input_size, model_size(dataset, options))
            for part in (("train",) if alone else ("train", "validation"))
        ]
        return cls(dataset, core_name, core, options, parts[0], parts[-1], alone)

    @property
    def images(self) -> list:
        """The training images as :meth:`temj.cores.Predictor.prepare` takes them."""
        return [seen(picture.pixels, picture.area, picture.shape) for picture in self.train]

    @property
    def pixel_size(self) -> float | None:
        """Of the model in nm."""
        return model_size(self.dataset, self.options)

    def _prepared(self, shown: Sequence[Picture]) -> tuple[Picture, ...]:
        return tuple(
            replace(picture, image=self.core.prepare(seen(picture.pixels, picture.area, picture.shape)))
            for picture in shown
        )

    def write(self, folder: RunFolder, machine: Machine) -> Model:
        """The fitted model, judged on the validation images."""
        shown = self._prepared(self.validation)
        views: tuple[View, ...] = (own_view(shown, self.core),)
        if self.pixel_size:
            views += (coarse_view(shown, self.core),)
        outcome = Validator(self.core, views, shown, dict(self.dataset.colours), machine).validate()
        judged = self._judged(outcome.answers, machine)
        card = self._card(folder.output.resolve().name, judged)
        extra = threshold_files(judged.calibrated) | papers(self.dataset)
        what = "training" if self.alone else "validation"
        title = f"{self.core_name}, {what} IoU {judged.iou:.3f}"
        extra[VALIDATION_PNG] = outcome.picture(title, card.thresholds[DEFAULT_THRESHOLD])
        folder.begin(False)
        sample = sample_of(tuple(shown), self.pixel_size)
        model = write_model(folder.output, card, self.core.network.state_dict(), sample, extra=extra, overwrite=True)
        folder.finish()
        return model

    def _judged(self, answers: Sequence[Reading], machine: Machine) -> Judged:
        """Thresholds, metrics of validation and of as many training images, and what the two say."""
        diameters = {entry.name: entry.diameter for entry in self.dataset.description.classes}
        judge = Judge(self.core, diameters)
        calibrated = judge.calibrated(answers)
        threshold = calibrated.thresholds[DEFAULT_THRESHOLD]
        named = "training images" if self.alone else "validation images"
        metrics = [row for each in answers for row in judge.metrics(each, calibrated.thresholds, named)]
        iou = judge.mean_iou(answers[0], threshold)
        notes = [self._chosen(), *([NO_VALIDATION] if self.alone else [])]
        if not self.alone:
            sample = self._prepared(comparable(self.train, len(self.validation)))
            trained = ask(machine.network(self.core), own_view(sample, self.core))
            metrics += judge.metrics(trained, {DEFAULT_THRESHOLD: threshold}, "training images")
            notes.append(in_words(judge.annotated_iou(trained, threshold), judge.annotated_iou(answers[0], threshold)))
        unused = [name for name in _OF_NETWORKS if name in self.options.model_fields_set and self._differs(name)]
        if unused:
            notes.append(f"{', '.join(unused)}: of networks only, without meaning for the core '{self.core_name}'")
        return Judged(calibrated, tuple(metrics), f"as fitted by the core '{self.core_name}'", tuple(notes), iou)

    def _chosen(self) -> str:
        """The settings of the method, in words; those that it does not need are not there."""
        settings = self.core.settings.model_dump(mode="json", exclude_none=True, exclude={"classes"})
        return f"{self.core_name}: {', '.join(f'{name} {_short(value)}' for name, value in settings.items())}"

    def _differs(self, name: str) -> bool:
        return getattr(self.options, name) != getattr(TrainingOptions(), name)

    def _card(self, name: str, judged: Judged) -> Card:
        """The card of a network, without what only networks have."""
        facts = Facts(self.dataset, self.core_name, self.core, self.train, self.options, self.pixel_size)
        card = make_card(name, facts, judged)
        versions = card.trained.versions | {"scikit-image": version("scikit-image")}
        if self.core_name == "forest":
            versions["scikit-learn"] = version("scikit-learn")
        size = self.pixel_size
        # Finer images are averaged to the model's pixel size; twice as coarse ones were tried.
        tried = PixelSize(trained=size, min=float(f"{size / 4:.3g}"), max=float(f"{2 * size:.3g}")) if size else None
        trained = card.trained.model_copy(update={"augmentation": {}, "versions": versions})
        return card.model_copy(update={"pixel_size": tried, "trained": trained})


def _short(value: object) -> str:
    return " ".join(f"{each:g}" for each in value) if isinstance(value, list) else f"{value}"


def in_words(train: float, validation: float) -> str:
    """What mean IoU on training and on validation images say of a fit, and what helps; NaN without any object."""
    if not (math.isfinite(train) and math.isfinite(validation)):
        return not_comparable(train, validation)
    pair = f"training IoU {train:.2f} against validation {validation:.2f}"
    if train - validation > PARTED:
        return f"{pair}: it fits the training images and less so others. Annotate more images, of different fields."
    if validation - train > PARTED:
        return f"{pair}: the validation images are easier than the training images, so the figures are too good."
    return f"{pair}: they agree."
