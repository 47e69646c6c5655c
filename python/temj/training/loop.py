"""Training: a dataset in, a model folder out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from temj.cores import Trainable, make_core
from temj.data import UNCALIBRATED, Calibration, Micrograph
from temj.datasets import Dataset, require_sound
from temj.errors import BadValue, ResourceError
from temj.models import Model, write_model
from temj.training import chance
from temj.training.augmentations import effective
from temj.training.interrupt import Interrupts
from temj.training.load import pictures, trained_size
from temj.training.machine import Machine
from temj.training.options import TrainingOptions
from temj.training.report import curve_files, make_card, papers
from temj.training.run import RunFolder, fingerprint, require_same
from temj.training.sampling import Batches, Picture
from temj.training.session import Progress, Session
from temj.training.trainer import Trainer
from temj.training.validation import Answers, View, coarse_view, own_view


def train(
    dataset: Dataset,
    core: str,
    output: Path,
    options: TrainingOptions | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Model:
    """Train a core on a dataset and write a model folder.

    Args:
        dataset: with at least one training and one validation image.
        core: a name of :data:`temj.cores.CORES`.
        output: the model folder; while the training runs its checkpoints are in ``output/training``.
        options: length and recipe; the defaults where None.
        progress: called after every step with (message, steps done, steps in all).
        cancelled: polled at every step. Where it is None, Ctrl-C, SIGTERM and SIGHUP stop the run in order, and a
            second one at once; a caller that gives it hears the signals itself.

    Returns:
        The model with the weights of the best validation, its thresholds and metrics in the card.

    Raises:
        BadDataset: problems of the dataset, all of them.
        BadValue: an unknown core or setting, nothing to resume, a resumed run that differs, or a training
            that diverged.
        Refused: the folder holds a model or an unfinished run, and neither resume nor overwrite is asked for.
        Cancelled: by ``cancelled`` or a signal; a checkpoint was written and the run can be resumed.
        ResourceError: out of memory.
        StorageError: the disk is full or fails; the checkpoint before it is intact.
    """
    options = options or TrainingOptions()
    make_core(core, {**options.settings, "classes": dataset.classes})
    require_sound(dataset)
    folder = RunFolder(output)
    folder.check(options.resume, options.overwrite)
    stored = folder.load() if options.resume else None
    if stored and options.threads is None:
        options = options.model_copy(update={"threads": stored[1]["threads"]})
    machine = Machine.of(options)
    with chance.controlled(options.seed, machine.threads), Interrupts(cancelled) as interrupts:
        job = _Job(dataset, core, options)
        if stored:
            require_same(stored[1]["identity"], job.identity(), output)
        session = Session(job.trainer(machine), job.views, folder, options, machine, job.identity())
        folder.begin(options.resume)
        if stored:
            session.resume(*stored)
        else:
            session.begin(job.batches.steps_per_epoch, progress or _silent)
        with _memory_in_words(machine):
            session.train(interrupts, progress or _silent)
        (progress or _silent)("choosing thresholds and writing the model", session.length.steps, session.length.steps)
        return job.write(folder, session, machine)


def _never() -> bool:
    return False


def _silent(message: str, current: int, maximum: int) -> None:
    """Progress for nobody."""


@contextlib.contextmanager
def _memory_in_words(machine: Machine) -> Iterator[None]:
    """Turn an exhausted memory of the device or the host into a ResourceError."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ResourceError(
            "memory",
            where=machine.device.type,
            expected="memory for a batch of crops",
            found=str(error).splitlines()[0] if str(error) else "not enough",
            remedy="Close other programs that use it and resume, or train anew with a smaller batch or crop.",
        ) from error


class _Job:
    """Dataset, core and pictures of one run."""

    def __init__(self, dataset: Dataset, core_name: str, options: TrainingOptions):
        self._dataset, self._core_name, self._options = dataset, core_name, options
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
        self._pictures = {part: pictures(dataset, part, core, options.area) for part in ("train", "validation")}
        settings |= core.fitted_to(_class_pixels(self._pictures["train"], core))
        self.core: Trainable = make_core(core_name, settings)
        self._averaged: Trainable = make_core(core_name, settings)
        self._augmentation = effective(dataset, options.augmentation)
        self.batches = Batches(self._pictures["train"], self.core, self._augmentation, options)
        shown = self._pictures["validation"]
        self.views: tuple[View, ...] = (own_view(shown), coarse_view(shown, self.core))

    def trainer(self, machine: Machine) -> Trainer:
        """The network with its optimiser, on the machine."""
        return Trainer(self.core, self._averaged, self.batches, self._options, machine.device, machine.autocast)

    def identity(self) -> dict[str, Any]:
        """What a run must have in common with the one it resumes."""
        return {
            "core": {"name": self._core_name, "settings": self.core.settings.model_dump(mode="json")},
            "parameters": self._options.recipe(),
            "data": fingerprint(self._pictures),
            "pixel_size": trained_size(self._dataset.pixel_size),
            "symmetry": self._dataset.symmetry.model_dump(),
            "polarity": self._dataset.polarity,
            "augmentation": self._augmentation,
        }

    def write(self, folder: RunFolder, session: Session, machine: Machine) -> Model:
        """The model of the best validation, judged with its weights as they are stored (float16)."""
        weights, best = folder.load_best()
        core = self._averaged
        stored = {name: w.half().float() if w.is_floating_point() else w for name, w in weights.items()}
        core.network.load_state_dict(stored)
        answers = [Answers.of(machine.network(core), view, _never) for view in self.views]
        card = make_card(
            folder.output.resolve().name, self._dataset, self._core_name, core, answers,
            self._pictures["train"], self._options,
        )  # fmt: skip
        kept = f"running mean at step {best['step']} of {session.length.steps}, the best validation"
        card = card.model_copy(update={"calibration": {"weights": kept, **card.calibration}})
        sample = _sample(self._pictures["validation"], self._dataset)
        extra = curve_files(session.standing.rows) | papers(self._dataset)
        # RunFolder.check has asked whether an older model may be replaced.
        model = write_model(folder.output, card, weights, sample, extra=extra, overwrite=True)
        folder.finish()
        return model


def _class_pixels(pictures: tuple[Picture, ...], core: Trainable) -> dict[str, int]:
    counts = sum(np.bincount(picture.class_map.ravel(), minlength=256) for picture in pictures)
    return {name: int(counts[number]) for number, name in enumerate(("", *core.classes))}


def _sample(pictures: tuple[Picture, ...], dataset: Dataset) -> Micrograph:
    """The validation picture with most objects, at the trained pixel size."""
    picture = max(pictures, key=lambda picture: len(picture.centres))
    size = trained_size(dataset.pixel_size)
    calibration = Calibration(size, size, "nm") if size else UNCALIBRATED
    planes = picture.pixels.reshape(-1, *picture.class_map.shape)
    return Micrograph(planes[0], calibration, picture.name, others=planes[1:] if len(planes) > 1 else None)
