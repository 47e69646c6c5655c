"""Choose a model's confidence on annotated images by a grid of confidence and match IoU, as Shen et al. (2021) do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from temj import models
from temj.annotations import Context
from temj.data import Table
from temj.datasets.contents import content
from temj.datasets.description import FILE
from temj.datasets.problems import counted, listed
from temj.errors import BadDataset, BadValue, Cancelled, Refused
from temj.evaluation.compared import Compared
from temj.evaluation.grid import At
from temj.evaluation.judging import Rules, compare_instances
from temj.models import Model
from temj.models.card import CARD
from temj.workflows import outputs
from temj.workflows.evaluate_classes import truth_with_classes
from temj.workflows.evaluate_guess import Asking
from temj.workflows.evaluate_images import EvaluateOptions, Work, rules_for
from temj.workflows.evaluate_model import of_model
from temj.workflows.evaluate_sides import Side, read_side
from temj.workflows.known_images import Images, kept_for_test
from temj.workflows.swapped import is_dataset, require_dataset, require_model
from temj.workflows.tune_choice import Choice, choose
from temj.workflows.tune_model import require_default, tuned_model

Progress = Callable[[str, int, int], None]


def tune(
    parameters: Mapping[str, Any],
    command: str,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """The command: write a copy of the model, give tables ``heading``, ``chosen``, ``at_iou``, ``grid``, ``notes`` and
    ``files``.

    Args:
        parameters: of :class:`temj.commands.tune.TuneParameters`, by name.
        command: the line that repeats it, for the card.
        progress: called with (message, current, maximum).
        cancelled: polled between images; nothing is written then.

    Raises:
        BadDataset: no dataset folder, no images of that part, or nothing annotated.
        Refused: the model's test is of some of these images; a model is in the output folder; or nothing can be chosen.
        BadAnnotation, BadImage, BadModel, BadValue, Cancelled, StorageError: as they say.
    """
    folder, output = Path(parameters["dataset"]).absolute(), Path(parameters["output"]).absolute()
    if (output / CARD).exists() and not parameters["overwrite"]:
        raise Refused("exists", where=output / CARD, remedy="Choose another folder, or allow overwriting.")
    require_model(parameters["model"], parameters["dataset"])
    require_dataset(parameters["dataset"])
    if not is_dataset(folder):
        raise BadDataset(
            "no-dataset", where=folder, expected=f"a dataset folder with {FILE}",
            found="none", remedy="Make one with 'temj dataset new' or 'temj convert'.",
        )  # fmt: skip
    model = models.open_model(parameters["model"])
    require_default(model.card, parameters)
    true = truth_with_classes(read_side(folder, parameters["part"], Context()))
    if parameters["per_class"]:
        _require_classes(model, true)
    confidences, ious = tuple(parameters["confidences"]), tuple(parameters["ious"])
    options = EvaluateOptions(overlap=parameters["overlap"], area=parameters["area"], device=parameters["device"])
    found, images, rules, notes = _found(model, true, options, confidences, progress, cancelled)
    chosen = choose(found, confidences, ious, rules.classes if parameters["per_class"] else ())
    _require_choice(chosen, true)
    made = tuned_model(model, output, chosen, _facts(images, rules, parameters, command), parameters)
    return _tables(made, chosen, true, images, [*true.notes, *notes, *_about_iou(chosen)])


def _require_classes(model: Model, true: Side) -> None:
    """Prove that a threshold for each class can go into the card.

    Raises:
        BadValue: the dataset has other classes than the model.
    """
    if set(true.classes) != set(model.card.class_names):
        raise BadValue(
            "classes", where=true.path, expected=f"the classes of the model: {', '.join(model.card.class_names)}",
            found=", ".join(true.classes),
            remedy="Map them in 'class_map' of dataset.json, or tune without --per-class.",
        )  # fmt: skip


def _found(
    model: Model,
    true: Side,
    options: EvaluateOptions,
    confidences: Sequence[float],
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> tuple[list[At], Images, Rules, list[str]]:
    """The objects of each image at every confidence; which images these are; how they are compared; and notes."""
    floor = min(*confidences, model.card.threshold()[0])
    asking = Asking(device=options.device, cancelled=cancelled, floor=floor, outline="box")
    guessed = of_model(model, true.classes, asking)
    work = Work(true, guessed, rules_for(true, guessed, options), options)
    stems = sorted(true.images)
    images = Images(true.dataset.name, stems, {stem: content(true.micrograph(stem).pixels) for stem in stems})
    notes = _refuse_test(model, images)
    found, told = [], {}
    for number, stem in enumerate(stems):
        if cancelled and cancelled():
            raise Cancelled(where="tune", found=f"{number} of {len(stems)} images looked at")
        if progress:
            progress(f"Looking at {stem}", number, len(stems))
        scene, _ = work.scene(stem)
        guess = guessed.find(stem, scene)
        annotated, counts = true.images[stem].instances, work.counts(stem, scene)
        told |= dict.fromkeys(guess.notes)
        if guess.candidates is not None:
            found.append(compare_instances(guess.candidates, annotated, counts, work.rules).above)
            continue
        levels: dict[float, Compared] = {
            level: compare_instances(guess.at(level).instances, annotated, counts, work.rules) for level in confidences
        }
        found.append(levels.__getitem__)
    return found, images, work.rules, [*guessed.notes, *notes, *told]


def _about_iou(chosen: Choice) -> list[str]:
    """A note where the choice of the match IoU says nothing."""
    if len(chosen.grid.ious) == 1 or chosen.place[1] > 0:
        return []
    return [
        "the smallest match IoU has the highest F1, as is usual, since a smaller one never lowers it; to choose the "
        "confidence at another one name it, such as --ious 0.5"
    ]


def _refuse_test(model: Model, images: Images) -> list[str]:
    """Notes about images that may be those of the model's test.

    Raises:
        Refused: some are.
    """
    surely, perhaps = kept_for_test(model.card, images)
    if surely:
        raise Refused(
            "test-images", where=f"model {model.card.name}", expected="images that its test is not of",
            found=f"{counted(len(surely), 'image')} of its test: {listed(surely)}",
            remedy="What is tuned on the test images says nothing of new ones any more: take validation images, or "
            "others of your own.",
        )  # fmt: skip
    if not perhaps:
        return []
    names = ", ".join(f"'{data.name}'" for data in model.card.data)
    return [
        f"WARNING: {listed(perhaps)} have the names of test images of the model's dataset {names}; if they are these "
        "images, nothing may be tuned on them"
    ]


def _require_choice(chosen: Choice, true: Side) -> None:
    """Prove that the grid says anything.

    Raises:
        BadDataset: nothing is annotated.
        Refused: nothing matches, or all confidences are the same.
    """
    grid = chosen.grid
    if not grid.true.sum():
        raise BadDataset(
            "no-objects", where=true.path, expected="annotated objects that count", found="none",
            remedy="Choose another part, or annotate some.",
        )  # fmt: skip
    if not grid.matched.any():
        raise Refused(
            "nothing-found", where=true.path, expected="found objects that overlap annotated ones",
            found=f"{counted(int(grid.found.sum(0).max()), 'found object')}, none of which does",
            remedy="No threshold will mend that. Check classes and pixel size, or train a model on such images.",
        )  # fmt: skip
    same = np.ptp(grid.found, axis=1).max() == np.ptp(grid.matched, axis=1).max() == 0
    if len(grid.confidences) > 1 and same:
        raise Refused(
            "no-confidence", where="model", expected="objects that depend on the confidence",
            found="the same ones at every confidence", remedy="There is nothing to tune in such a model.",
        )  # fmt: skip


def _facts(images: Images, rules: Rules, parameters: Mapping[str, Any], command: str) -> dict[str, Any]:
    """What the card says of how the thresholds were chosen, as JSON values."""
    return {
        "definition": "highest detection F1 of a grid of confidence and match IoU, classes ignored in matching",
        "command": command,
        "overlap": rules.kind,
        "confidences": sorted(parameters["confidences"]),
        "match_ious": sorted(parameters["ious"]),
        "tuned_on": {
            "dataset": images.dataset,
            "part": parameters["part"],
            "images": list(images.stems),
            "contents": dict(images.contents),
        },
    }


def _tables(made: Model, chosen: Choice, true: Side, images: Images, notes: Sequence[str]) -> dict[str, Table]:
    count = len(images.stems)
    heading = [
        f"TUNED ON THESE IMAGES: {true.title}, {counted(count, 'image')} ({listed(list(images.stems))}): figures on "
        "new images will be somewhat lower",
        f"model {made.card.name}, default threshold '{made.card.default_threshold}' "
        f"({made.card.thresholds[made.card.default_threshold]:g})",
    ]
    return {
        "heading": outputs.text_table(("Heading",), [(line,) for line in heading]),
        "chosen": chosen.table(),
        "at_iou": chosen.best_of_each_iou(),
        "grid": chosen.grid.table(),
        "notes": outputs.text_table(("Note",), [(note,) for note in dict.fromkeys(notes)]),
        "files": outputs.files_table({"model": made.folder / CARD, "grid": made.folder / "tuning.csv",
                                      "heat map": made.folder / "tuning.png"}),
    }  # fmt: skip
