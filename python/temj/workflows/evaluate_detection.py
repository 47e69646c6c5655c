"""Figures, tables and pictures of detection: average precision, curves, confusion matrix."""

from __future__ import annotations

import numpy as np

from temj.data import Table
from temj.data.table_text import to_csv
from temj.datasets.problems import counted
from temj.evaluation.confusion import Confusion
from temj.evaluation.grid import DEFINITIONS, Grid
from temj.evaluation.intervals import interval
from temj.evaluation.sizes import average_precisions, quartiles
from temj.evaluation.summary import ALL, Figure
from temj.plots.detection import confusion_map, detection_curves
from temj.population.quotients import divided
from temj.workflows import evaluate_outputs as files
from temj.workflows.evaluation import Evaluation, Part

MATCH_IOUS = tuple(round(0.05 * step, 2) for step in range(2, 20))
"""Match IoUs of the curve: 0.1, 0.15 … 0.95."""


def detection(evaluation: Evaluation) -> Part:
    """Tables ``match_iou`` and ``confusion``, and ``confidence`` where scores are known."""
    images = [judged.compared for judged in evaluation.judged.values()]
    classes, iou = evaluation.rules.classes, evaluation.rules.iou
    title = evaluation.title
    rows = _ignoring_classes(evaluation) if len(classes) > 1 else []
    ranked, notes = _ranked(evaluation)
    confusion = Confusion.of(images, classes, iou)
    grid = Grid.of([lambda _confidence, image=image: image for image in images], [0.0], MATCH_IOUS)
    tables = {"match_iou": _without(grid.table(), "Confidence"), "confusion": confusion.table()}
    confidence = _against_confidence(evaluation)
    if confidence is not None:
        tables["confidence"] = confidence
    made = {f"{name}.csv": to_csv(table, files.DECIMALS).encode() for name, table in tables.items()}
    made[files.DETECTION_PNG] = detection_curves(
        tables["match_iou"], confidence, evaluation.guessed.thresholds, iou, title
    )
    if len(classes) > 1:
        made[files.CONFUSION_PNG] = confusion_map(
            classes, confusion.matched, confusion.missed, confusion.extra, f"{title}, match IoU > {iou:g}"
        )
    return Part((*rows, *ranked), tables, made, tuple(notes))


def _without(table: Table, name: str) -> Table:
    return Table(tuple(column for column in table if column.name != name))


def _ignoring_classes(evaluation: Evaluation) -> list[Figure]:
    """Precision, recall and F1 where a match may be of any class."""
    iou = evaluation.rules.iou
    images = [judged.compared for judged in evaluation.judged.values()]
    units = np.array([[len(i.matched(iou)), len(i.score), len(i.true_class)] for i in images], float)
    rows = []
    for name, statistic in zip(DEFINITIONS, (_precision, _recall, _f1), strict=True):
        value = float(statistic(units.sum(0)))
        told = DEFINITIONS[name].replace("IoU > 0.5", f"IoU > {iou:g}")
        rows.append(Figure(ALL, name, value, interval(units, statistic, (0.0, 1.0)), "", told))
    return rows


def _precision(sums: np.ndarray) -> np.ndarray:
    return divided(sums[..., 0], sums[..., 1])


def _recall(sums: np.ndarray) -> np.ndarray:
    return divided(sums[..., 0], sums[..., 2])


def _f1(sums: np.ndarray) -> np.ndarray:
    return divided(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def _ranked(evaluation: Evaluation) -> tuple[list[Figure], list[str]]:
    """Average precision, where all objects of all images have scores; and what to know of it."""
    known = list(evaluation.scored.values())
    found = sum(len(image.compared.score) for image in known)
    if len(known) < len(evaluation.judged) or not (found or evaluation.guessed.side is None):
        without = [stem for stem in evaluation.judged if stem not in evaluation.scored]
        partly = bool(known) and found > 0
        return [], [
            f"no average precision: some objects have no score (in {counted(len(without), 'image')}); they were drawn "
            "or corrected by a person"
        ] if partly else []  # fmt: skip
    images = [image.compared for image in known]
    limits = evaluation.size_bins or quartiles(images)
    rows = average_precisions(images, evaluation.rules.classes, limits, evaluation.unit)
    lowest = evaluation.guessed.lowest
    told = [
        f"average precision is of the objects of a score above {lowest:g} only: what is less sure was not kept, which "
        "can only lower it"
    ] if lowest else []  # fmt: skip
    return rows, told


def _against_confidence(evaluation: Evaluation) -> Table | None:
    """Precision, recall and F1 at each confidence that is known of all images; None where none is."""
    known = list(evaluation.scored.values())
    if len(known) < len(evaluation.judged):
        return None
    levels = sorted(set.intersection(*(set(image.levels) for image in known)))
    if len(levels) < 2:
        return None
    grid = Grid.of([image.at for image in known], levels, [evaluation.rules.iou])
    return _without(grid.table(), "Match IoU")
