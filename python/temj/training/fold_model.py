"""What comes out of K folds: a table of how good they are, and one model."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from temj.cores import Predictor, make_core
from temj.cores.ensemble import NAME, joined, joined_weights
from temj.data import Table
from temj.datasets import Dataset
from temj.evaluation.calibration import GRID, Calibrated, calibrate
from temj.evaluation.tables import in_percent
from temj.models import Card, Model, write_model
from temj.models.copying import copy_model
from temj.training.asking import ask
from temj.training.curve import CURVE_CSV
from temj.training.fold_table import Rows, fold_metrics, fold_table, rows_of
from temj.training.job import sample_of
from temj.training.judging import DEFAULT_THRESHOLD, Judge
from temj.training.load import model_size, pictures
from temj.training.machine import Machine
from temj.training.options import TrainingOptions
from temj.training.report import Facts, Judged, make_card, papers, threshold_files
from temj.training.sampling import Picture
from temj.training.tables import csv_bytes
from temj.training.validation import Answers, Reading, View, coarse_view, own_view

FOLDS_CSV = "folds.csv"


@dataclass(frozen=True, eq=False)
class Fold:
    """A finished training of a cross-validation.

    Attributes:
        number: from 1.
        dataset: with the split of this fold.
        model: what was trained.
    """

    number: int
    dataset: Dataset
    model: Model


@dataclass(frozen=True, eq=False)
class _Asked:
    """A fold's network, the images that it did not see, and what it answers to their views."""

    core: Predictor
    pictures: tuple[Picture, ...]
    answers: tuple[Reading, ...]


def write_fold_model(output: Path, dataset: Dataset, folds: Sequence[Fold], options: TrainingOptions) -> Model:
    """Judge all folds and write the model: the ensemble of their networks, or the best one.

    Thresholds are chosen on the out-of-fold answers: every image is judged by the network that did not see it. In the
    table each fold is judged at the threshold that the other folds chose.

    Args:
        output: the model folder.
        dataset: the whole one.
        folds: all of them.
        options: of the run; ``members`` says which networks are kept.
    """
    size = model_size(dataset, options)
    asked = [_ask(fold, options, size) for fold in folds]
    diameters = {entry.name: entry.diameter for entry in dataset.description.classes}
    judge = Judge(asked[0].core, diameters)
    tried = [judge.agreements(one.answers) for one in asked]
    calibrated = calibrate([image for images in tried for image in images.values()], GRID)
    rows = []
    for number, one in enumerate(asked):
        others = [image for other, images in enumerate(tried) if other != number for image in images.values()]
        threshold = calibrate(others, GRID).thresholds[DEFAULT_THRESHOLD]
        rows.append(rows_of(judge, one.answers[0], threshold))
    table = fold_table(rows, judge.core.classes)
    if options.members == "best":
        return _write_best(output, folds, rows, table, judge.core.classes)
    return _write_ensemble(output, dataset, folds, asked, calibrated, (judge, table, options, size))


def _ask(fold: Fold, options: TrainingOptions, size: float | None) -> _Asked:
    """What a fold's network, as it is stored, answers to its validation images."""
    machine = Machine.of(options)
    core = fold.model.load_core(machine.device.type)
    shown = pictures(fold.dataset, "validation", core, options.area, options.input_size, size)
    views = [own_view(shown, core), *([coarse_view(shown, core)] if size else [])]
    network = machine.network(core)
    return _Asked(core, shown, tuple(ask(network, view) for view in views))


def _joined(parts: Sequence[Reading]) -> Answers:
    """The answers of all folds to one kind of view as those to a single one."""
    first = parts[0].view
    view = View(
        first.name, first.column, sum((part.view.names for part in parts), ()), (),
        sum((part.view.truths for part in parts), ()), first.classes, first.factor,
    )  # fmt: skip
    return Answers(view, sum((part.levels for part in parts), ()), parts[0].alone)


def _write_ensemble(
    output: Path,
    dataset: Dataset,
    folds: Sequence[Fold],
    asked: Sequence[_Asked],
    calibrated: Calibrated,
    rest: tuple[Judge, Table, TrainingOptions, float | None],
) -> Model:
    judge, table, options, size = rest
    inner = folds[0].model.card.core.name
    core = make_core(NAME, joined(inner, [fold.model.card.core.settings for fold in folds]))
    weights = joined_weights([one.core.network.state_dict() for one in asked])
    shown = tuple(picture for one in asked for picture in one.pictures)
    metrics = fold_metrics(table, len(folds))
    for parts in zip(*(one.answers for one in asked), strict=True):
        metrics += judge.metrics(_joined(parts), calibrated.thresholds, "out-of-fold images")
    count = len(folds)
    kept = f"mean of the answers of the networks of {count} folds"
    note = (
        f"an ensemble of {count} networks takes {count} times as long as one; its figures are those of single networks "
        "on images that they did not see, so it is rather better than they say"
    )
    smoother = (
        "the thresholds were chosen, and their bias was judged, on answers of single networks too; the mean answer "
        "of the ensemble is smoother, so its own bias may differ: where a quantity matters to the percent, check it on "
        "annotated images that no network saw"
    )
    notes = [f"fold {fold.number}: {told}" for fold in folds for told in fold.model.card.trained.notes]
    notes += [*_unequal(folds), note, smoother]
    facts = Facts(dataset, NAME, core, shown, options, size, folds[0].model.card.trained.start)
    card = make_card(output.resolve().name, facts, Judged(calibrated, tuple(metrics), kept, tuple(notes)))
    card = card.model_copy(update={"data": tuple(_with_folds(card, folds))})
    extra = {FOLDS_CSV: csv_bytes(in_percent(table))} | threshold_files(calibrated) | papers(dataset)
    return write_model(output, card, weights, sample_of(shown, size), extra=extra, overwrite=True)


def _with_folds(card: Card, folds: Sequence[Fold]) -> list[Any]:
    """The card's data: every image was trained on by some networks, and which fold judged it."""
    everything = sorted({stem for fold in folds for stem in fold.dataset.split.validation})
    split = {"train": tuple(everything)}
    split |= {f"fold {fold.number}": fold.dataset.split.validation for fold in folds}
    if folds[0].dataset.split.test:
        split["test"] = folds[0].dataset.split.test
    return [data.model_copy(update={"split": split}) for data in card.data]


def _write_best(
    output: Path, folds: Sequence[Fold], rows: Sequence[Rows], table: Table, classes: Sequence[str]
) -> Model:
    """The model of the fold with the best object F1, of equal ones with the best IoU."""
    scores = [[np.nan_to_num(row.mean(name, classes), nan=-1.0) for name in ("object F1", "IoU")] for row in rows]
    best = folds[max(range(len(folds)), key=lambda number: tuple(scores[number]))]
    card = best.model.card
    note = (
        f"the network of fold {best.number}, the best of {len(folds)} on images of its own: part of what makes it the "
        "best may be that these are easy; the mean of all folds is what to expect"
    )
    card = card.model_copy(update={
        "name": output.resolve().name,
        "metrics": (*_as_metrics(fold_metrics(table, len(folds))), *card.metrics),
        "trained": card.trained.model_copy(update={"notes": (*card.trained.notes, *_unequal(folds), note)}),
    })  # fmt: skip
    return copy_model(best.model, output, card, {FOLDS_CSV: csv_bytes(in_percent(table))})


def _unequal(folds: Sequence[Fold]) -> list[str]:
    """A note where the folds differ in the length of their training; of classical methods, which have none, nothing."""
    curves = [fold.model.read(CURVE_CSV).decode() for fold in folds if CURVE_CSV in fold.model.card.files]
    steps = [int(list(csv.DictReader(io.StringIO(curve)))[-1]["step"]) for curve in curves]
    if len(set(steps)) < 2:
        return []
    return [
        f"the folds were trained for different numbers of steps ({', '.join(map(str, steps))}), as minutes, patience "
        "or unequal numbers of images decide: that is a part of how much they differ"
    ]


def _as_metrics(rows: Sequence[dict[str, Any]]) -> list[Any]:
    from temj.models.card import Metric

    return [Metric.model_validate(row) for row in rows]
