"""Compare what was found with what is annotated: figures, tables, a curve against the threshold, pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from temj import storage
from temj.annotations import Context
from temj.annotations.pairing import list_images
from temj.data import Table
from temj.data.calibration import parse_pixel_size
from temj.datasets.problems import counted, listed
from temj.errors import BadValue, Cancelled
from temj.workflows import evaluate_outputs as files
from temj.workflows import outputs, record
from temj.workflows.evaluate_classes import read_class_map, truth_with_classes, with_classes
from temj.workflows.evaluate_edges import edge_notes
from temj.workflows.evaluate_guess import Asking, Prediction
from temj.workflows.evaluate_images import EvaluateOptions, Work, rules_for
from temj.workflows.evaluate_prediction import open_prediction
from temj.workflows.evaluate_report import report
from temj.workflows.evaluate_sides import Side, read_side
from temj.workflows.swapped import require_dataset

Progress = Callable[[str, int, int], None]


def evaluate_files(
    truth: Path,
    prediction: str,
    output: Path,
    options: EvaluateOptions,
    repeat: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """The command: compare, and write the tables and pictures.

    Args:
        truth: a dataset folder, or an annotation file or folder.
        prediction: a result folder, an annotation file or folder, a model folder, or the name of a model.
        output: folder for the files of :mod:`temj.workflows.evaluate_outputs`.
        options: how.
        repeat: the lines that repeat it, for ``run.json``.
        progress: called with (message, current, maximum).
        cancelled: polled between images; nothing is written then.

    Returns:
        Tables ``evaluation``, ``images``, ``quantities``, ``sizes``, ``pairs``, ``image_errors``, ``match_iou``,
        ``confusion``, ``heading``, ``notes`` and ``files``; ``curve``, ``creme``, ``confidence`` and ``persons`` where
        they are known.

    Raises:
        BadValue, BadAnnotation, BadDataset, BadImage, BadModel: the inputs cannot be used, or do not fit each other.
        Refused: results are there already.
        Cancelled: as asked for.
        StorageError: a file could not be written.
    """
    started, output = record.now(), output.absolute()
    require_dataset(truth, prediction, "truth")
    stale = files.make_room(output, options.overwrite)
    if options.pixel_size:
        parse_pixel_size(options.pixel_size)
    context = Context(list_images(options.images) if options.images else {}, options.classes, options.masks)
    true = truth_with_classes(read_side(truth.absolute(), options.part, context))
    asking = Asking(
        options.threshold, options.device, options.tta, options.input_size, read_class_map(options.class_map), cancelled
    )
    guessed = open_prediction(prediction, true.classes, context, asking)
    guessed, stems, notes = matched(true, guessed)
    second = read_second(options.second, true, context)
    notes += edge_notes(true, guessed) + _about_second(second, stems)
    done = Work(true, guessed, rules_for(true, guessed, options), options, second)
    for number, stem in enumerate(stems):
        if cancelled and cancelled():
            raise Cancelled(where="evaluate", found=f"{number} of {len(stems)} images compared")
        if progress:
            progress(f"Comparing {stem}", number, len(stems))
        done.add(stem)
    evaluation = done.evaluation(notes)
    tables, made, facts = report(evaluation)
    made |= done.pictures(files.worst_first(evaluation.judged)[: options.pictures])
    written = files.write(output, made, {"kind": "evaluation", **facts, "settings": _settings(options)}, stale)
    run = {"format": 1, "command": "evaluate", **repeat, "versions": record.versions(), "started": started}
    storage.write_json(output / files.RUN, run | {"finished": record.now()})
    return tables | {"files": outputs.files_table(files.shown_files(written, files.ONCE))}


def _settings(options: EvaluateOptions) -> dict[str, Any]:
    """What decides about the result, as JSON values."""
    names = (
        "part", "classes", "masks", "class_map", "iou", "overlap", "size_bins", "threshold", "tta", "input_size",
        "pixel_size", "area",
    )  # fmt: skip
    values = {name: getattr(options, name) for name in names}
    values["second"] = str(options.second) if options.second else None
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def read_second(path: Path | None, true: Side, context: Context) -> Side | None:
    """The annotations of a second person, with the classes of the truth; None where there are none.

    Raises:
        BadDataset, BadAnnotation, BadImage, Refused: they cannot be used, or have classes that the truth has not.
    """
    return None if path is None else with_classes(read_side(path.absolute(), "all", context), true.classes, {})


def _about_second(second: Side | None, stems: Sequence[str]) -> list[str]:
    """Notes about the second person.

    Raises:
        BadValue: no image in common.
    """
    if second is None:
        return []
    if not set(second.images) & set(stems):
        raise BadValue(
            "no-image-in-common", where=f"second ({second.path})",
            expected=f"annotations of the images that are compared: {listed(list(stems), 5)}",
            found=listed(sorted(second.images), 5), remedy="Give files the names of their images.",
        )  # fmt: skip
    return [f"second person: {note}" for note in second.notes]


def matched(true: Side, guessed: Prediction) -> tuple[Prediction, list[str], list[str]]:
    """The images of both sides, by name; and notes about those of one side only.

    Where each side is about one image only, they are about the same one, whatever their names.

    Raises:
        BadValue: none in common.
    """
    if guessed.stems is None:
        return guessed, sorted(true.images), []
    common = sorted(set(true.images) & guessed.stems)
    if not common and len(true.images) == len(guessed.stems) == 1:
        (stem,), (other,) = true.images, guessed.stems
        find = guessed.find
        same_one = replace(guessed, find=lambda _stem, micrograph: find(other, micrograph), stems=frozenset([stem]))
        return same_one, [stem], [f"'{stem}' and '{other}' are taken as the same image, each being the only one"]
    if not common:
        raise BadValue(
            "no-image-in-common", where=f"{true.path} and {guessed.title}",
            expected="images of the same names on both sides (without extensions)",
            found=f"{listed(sorted(true.images), 5)} annotated; {listed(sorted(guessed.stems), 5)} predicted",
            remedy="Predict the annotated images, or give files the names of their images (--part all takes all of a "
            "dataset).",
        )  # fmt: skip
    notes = []
    missing, extra = sorted(set(true.images) - guessed.stems), sorted(guessed.stems - set(true.images))
    if missing:
        notes.append(
            f"{counted(len(missing), 'annotated image')} without a prediction left out: {listed(missing)}; the figures "
            "are about the others"
        )
    if extra:
        notes.append(f"{counted(len(extra), 'predicted image')} without an annotation left out: {listed(extra)}")
    return guessed, common, notes
