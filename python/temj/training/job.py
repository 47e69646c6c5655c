"""Everything that one run works with, from its dataset to its model folder."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from temj.cores import Trainable, make_core
from temj.cores.detection import Detector
from temj.data import UNCALIBRATED, Calibration, Micrograph
from temj.datasets import Dataset
from temj.errors import BadDataset, BadValue
from temj.models import Model, starting, write_model
from temj.models.starting import Start
from temj.training.asking import ask
from temj.training.augmentations import effective
from temj.training.curve import curve_files
from temj.training.following import LeadingTrainer
from temj.training.judging import DEFAULT_THRESHOLD, Judge, comparable, in_words
from temj.training.live import VALIDATION_PNG
from temj.training.load import model_size, pictures
from temj.training.machine import Machine
from temj.training.options import TrainingOptions
from temj.training.report import Facts, Judged, make_card, papers, threshold_files
from temj.training.run import RunFolder, fingerprint
from temj.training.sampling import Batches, Picture
from temj.training.session import Session
from temj.training.suited import anchors_in_words
from temj.training.trainer import Trainer
from temj.training.truths import known
from temj.training.validation import Reading, View, coarse_view, own_view
from temj.training.validator import Validator

_FORWARD = 1 / 3
"""Time of an answer for that of a training step on as many pixels."""


class Job:
    """Dataset, cores and pictures of one run.

    Attributes:
        core, averaged: the one that learns, and the one with the mean weights.
        batches: of every step.
        views: of the validation images; at twice the pixel size only where the model has one.
    """

    def __init__(self, dataset: Dataset, core_name: str, options: TrainingOptions):
        self._dataset, self._core_name, self._options = dataset, core_name, options
        self._start = starting.of_run(None)
        settings = {**options.settings, "classes": dataset.classes}
        core = make_core(core_name, settings)
        if options.crop % core.stride:
            raise BadValue(
                "crop",
                where="crop",
                expected=f"a multiple of {core.stride}",
                found=options.crop,
                remedy="Choose another size of the crops.",
            )
        self._pictures = {
            part: pictures(dataset, part, core, options.area, options.input_size, self.pixel_size)
            for part in ("train", "validation")
        }
        for picture in (*self._pictures["train"], *self._pictures["validation"]):
            _require_annotated(picture)
        settings |= core.fitted_to([picture.truth for picture in self._pictures["train"]])
        self.core: Trainable = make_core(core_name, settings)
        self.averaged: Trainable = make_core(core_name, settings)
        self._augmentation = effective(dataset, options.augmentation)
        self.batches = Batches(self._pictures["train"], self.core, self._augmentation, options)
        shown = self._pictures["validation"]
        self.views: tuple[View, ...] = (own_view(shown, self.core),)
        if self.pixel_size:
            self.views += (coarse_view(shown, self.core),)

    @property
    def pixel_size(self) -> float | None:
        """Of the model in nm; None where it is unknown, or whole images are brought to one size."""
        return model_size(self._dataset, self._options)

    @property
    def validation_share(self) -> float:
        """Time of a validation for that of an epoch, about, from the pixels of both."""
        asked = sum(image[0].size for view in self.views for image in view.images)
        options = self._options
        return _FORWARD * asked / (self.batches.steps_per_epoch * options.accumulate * options.batch * options.crop**2)

    def begin_from(self, start: Start) -> None:
        """Give the network that learns its start weights; before :meth:`trainer` and :meth:`identity`."""
        self._start = start
        starting.apply(start, self.core.network)

    def trainer(self, machine: Machine) -> Trainer:
        """The network with its optimiser, on the machine."""
        kind = LeadingTrainer if machine.world.leads else Trainer
        return kind(self.core, self.averaged, self.batches, self._options, machine)

    def validator(self, machine: Machine) -> Validator:
        """Judges the mean weights during the run."""
        colours = dict(self._dataset.colours)
        return Validator(self.averaged, self.views, self._pictures["validation"], colours, machine)

    @property
    def data(self) -> str:
        """sha256 of all pixels and annotations."""
        return hashlib.sha256(json.dumps(fingerprint(self._pictures)).encode()).hexdigest()

    def identity(self) -> dict[str, Any]:
        """What a run must have in common with the one it resumes."""
        return {
            "core": {"name": self._core_name, "settings": self.core.settings.model_dump(mode="json")},
            "parameters": self._options.recipe(),
            "start": self._start.record(),
            "data": fingerprint(self._pictures),
            "pixel_size": self.pixel_size,
            "symmetry": self._dataset.symmetry.model_dump(),
            "polarity": self._dataset.polarity,
            "augmentation": self._augmentation,
        }

    def write(self, folder: RunFolder, session: Session, machine: Machine) -> Model:
        """The model of the best validation, judged with its weights as they are stored (float16)."""
        weights, best = folder.load_best()
        stored = {name: w.half().float() if w.is_floating_point() else w for name, w in weights.items()}
        self.averaged.network.load_state_dict(stored)
        outcome = self.validator(machine).validate()
        judged = self._judged(outcome.answers, session, best["step"], machine)
        card = make_card(folder.output.resolve().name, self._facts(), judged)
        extra = curve_files(session.standing.rows) | threshold_files(judged.calibrated) | papers(self._dataset)
        threshold = card.thresholds[DEFAULT_THRESHOLD]
        title = f"step {best['step']} of {session.length.steps}, validation IoU {judged.iou:.3f}"
        extra[VALIDATION_PNG] = outcome.picture(title, threshold)
        sample = sample_of(self._pictures["validation"], self.pixel_size)
        # RunFolder.check has asked whether an older model may be replaced.
        model = write_model(folder.output, card, weights, sample, extra=extra, overwrite=True)
        folder.finish()
        return model

    def _facts(self) -> Facts:
        shown, start = self._pictures["train"], self._start.facts
        return Facts(self._dataset, self._core_name, self.core, shown, self._options, self.pixel_size, start)

    def _judged(self, answers: list[Reading], session: Session, best: int, machine: Machine) -> Judged:
        """Thresholds, metrics of validation and of as many training images, and what the two say."""
        diameters = {entry.name: entry.diameter for entry in self._dataset.description.classes}
        judge = Judge(self.averaged, diameters)
        calibrated = judge.calibrated(answers, session.length.judged)
        metrics = [row for each in answers for row in judge.metrics(each, calibrated.thresholds, "validation images")]
        sample = comparable(self._pictures["train"], len(self._pictures["validation"]))
        trained = ask(machine.network(self.averaged), own_view(sample, self.core))
        threshold = calibrated.thresholds[DEFAULT_THRESHOLD]
        metrics += judge.metrics(trained, {DEFAULT_THRESHOLD: threshold}, "training images")
        pair = judge.annotated_iou(trained, threshold), judge.annotated_iou(answers[0], threshold)
        words = in_words(*pair, best / session.length.steps)
        kept = f"running mean at step {best} of {session.length.steps}, the best validation"
        return Judged(
            calibrated,
            tuple(metrics),
            kept,
            (*self._start.notes, *session.notes, *self._scale_notes(), words),
            judge.mean_iou(answers[0], threshold),
        )

    def _scale_notes(self) -> list[str]:
        """What a field of view and anchors come to, in words."""
        notes, field = [], self._options.field_of_view
        if field:
            crop = self._options.crop
            notes.append(
                f"fields of view of {field:g} nm are brought to {crop} px: {self.pixel_size:.4g} nm/px; images are "
                "resampled to that, also in prediction"
            )
        if isinstance(self.core, Detector):
            notes.append(anchors_in_words(self.core.settings, self.pixel_size))
        return notes


def _require_annotated(picture: Picture) -> None:
    """Prove that something of a picture counts.

    Raises:
        BadDataset: all of it is ``ignore``.
    """
    if not known(picture.truth).any():
        raise BadDataset(
            "all-ignored",
            where=picture.name,
            expected="pixels whose class is known",
            found="'ignore' in all of it",
            remedy="Label something in it, or leave the image out.",
        )


def sample_of(pictures: tuple[Picture, ...], pixel_size: float | None) -> Micrograph:
    """The validation picture with most objects, at the trained pixel size."""
    picture = max(pictures, key=lambda picture: len(picture.centres))
    calibration = Calibration(pixel_size, pixel_size, "nm") if pixel_size else UNCALIBRATED
    planes = picture.pixels.reshape(-1, *picture.shape)
    return Micrograph(planes[0], calibration, picture.name, others=planes[1:] if len(planes) > 1 else None)
