"""What an evaluation tells: figures, tables, facts for programs, and what to know of them first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from temj.data import Table
from temj.data.table_text import to_csv
from temj.datasets.problems import counted, listed
from temj.evaluation.agreement import ERRORS
from temj.evaluation.calibration import GRID, Calibrated, calibrate
from temj.evaluation.intervals import BOOTSTRAP_FROM, Interval
from temj.evaluation.ranking import DEFINITIONS as RANKS
from temj.evaluation.summary import Figure, summary
from temj.evaluation.tables import images_table, json_rows, summary_table
from temj.workflows import evaluate_outputs as files
from temj.workflows import record
from temj.workflows.account import aligned
from temj.workflows.evaluate_detection import detection
from temj.workflows.evaluate_sizes import merit, persons, quantities
from temj.workflows.evaluation import Evaluation
from temj.workflows.known_images import training_use, tuning_use
from temj.workflows.outputs import text_table

_SHOWN = (
    "objects annotated", "objects found", "mean diameter annotated", "mean diameter found", "IoU", "object F1",
    "object precision", "object recall", "detection F1", "AP50", "AP50:95", "area error", "count error",
    "diameter error", "mean diameter difference", "diameter with 50 % recall", "P1", "P2", "r", "mean IoU",
    "mean IoU with background", "PR-AUC", "ROC-AUC",
)  # fmt: skip
"""Figures that are printed; all are in the files."""
_LONG = ("pairs",)
"""Tables of objects: in their CSV file only."""
_IOU_OF = {"outlines": "outlines", "boxes": "upright boxes", "rotated": "rotated boxes"}


def report(evaluation: Evaluation) -> tuple[dict[str, Table], dict[str, bytes], dict[str, Any]]:
    """Tables to show, files (name → bytes) and the facts for ``evaluation.json``."""
    images = list(evaluation.judged.values())
    parts = [quantities(evaluation), persons(evaluation), detection(evaluation), merit(evaluation)]
    rows = [*summary(images, evaluation.unit, evaluation.rules.iou), *(row for part in parts for row in part.rows)]
    rows += _ranked(evaluation)
    heading = [*_heading(evaluation), *_about_training(evaluation), *(line for part in parts for line in part.heading)]
    each = images_table(list(evaluation.judged), images, evaluation.unit, evaluation.parts)
    tables = {"evaluation": summary_table(rows, len(images)), "images": each}
    made = {
        files.TABLE: to_csv(tables["evaluation"], files.DECIMALS).encode(),
        files.IMAGES: to_csv(each, files.DECIMALS).encode(),
    }
    calibrated = _calibrated(evaluation)
    if calibrated is not None:
        tables["curve"] = calibrated.curve
        made |= files.curve_files(calibrated.curve, evaluation.guessed.thresholds, evaluation.title)
    for part in parts:
        tables |= part.tables
        made |= part.made
    told = tuple(dict.fromkeys([*evaluation.notes, *(note for part in parts for note in part.notes)]))
    tables["heading"] = text_table(("Heading",), [(line,) for line in heading])
    tables["notes"] = text_table(("Note",), [(note,) for note in told])
    shown = {name: table for part in parts for name, table in part.tables.items() if name not in _LONG}
    more = {name: record.table_rows(table) for name, table in shown.items()}
    return tables, made, _facts(evaluation, rows, heading, told, each, calibrated) | more


def _facts(
    evaluation: Evaluation,
    rows: Sequence[Figure],
    heading: Sequence[str],
    notes: Sequence[str],
    each: Table,
    calibrated: Calibrated | None,
) -> dict[str, Any]:
    """``evaluation.json``; no times in it."""
    return {
        "format": 1,
        "truth": {"title": evaluation.true.title, "path": str(evaluation.true.path)},
        "prediction": {
            "title": evaluation.guessed.title,
            "path": str(evaluation.guessed.side.path) if evaluation.guessed.side else "",
            "models": [card.name for card in evaluation.guessed.cards],
            "thresholds": dict(evaluation.guessed.thresholds),
        },
        "images": [{"image": stem, "part": part} for stem, part in evaluation.parts.items()],
        "heading": list(heading),
        "notes": list(notes),
        "metrics": json_rows(rows, len(evaluation.judged)),
        "by_image": record.table_rows(each),
        "thresholds_on_these_images": calibrated.thresholds if calibrated else {},
        "calibration_on_these_images": calibrated.facts() if calibrated else {},
        "curve": record.table_rows(calibrated.curve) if calibrated else [],
    }


def _ranked(evaluation: Evaluation) -> list[Figure]:
    return [
        Figure(name, metric, value, Interval(), "", RANKS[metric])
        for name, ranking in evaluation.rankings.items()
        for metric, value in {"PR-AUC": ranking.pr_auc(), "ROC-AUC": ranking.roc_auc()}.items()
    ]


def _calibrated(evaluation: Evaluation) -> Calibrated | None:
    """Only where the curve is known of every image: a part of them would be another set."""
    if set(evaluation.curves) != set(evaluation.judged):
        return None
    return calibrate(list(evaluation.curves.values()), GRID)


def _heading(evaluation: Evaluation) -> list[str]:
    count = len(evaluation.judged)
    intervals = (
        "intervals: 95 % over images, " + ("BCa bootstrap" if count >= BOOTSTRAP_FROM else "Student's t with jackknife")
        if count > 1
        else "one image: no intervals, and none should be guessed"
    )
    match = f"IoU of {_IOU_OF[evaluation.rules.kind]} > {evaluation.rules.iou:g}"
    return [
        f"{evaluation.guessed.title} against {evaluation.true.title}: {counted(count, 'image')} "
        f"({listed(list(evaluation.judged))})",
        f"a match: one to one, same class, {match}; lengths in {evaluation.unit}; {intervals}",
    ]


def _about_training(evaluation: Evaluation) -> list[str]:
    """What the models knew of these images before, where that is known."""
    guessed, images = evaluation.guessed, evaluation.images
    told = [line for card in guessed.cards for line in training_use(card, images)]
    return told + [line for card in guessed.cards for line in tuning_use(card, guessed.used, images)]


def evaluation_account(tables: Mapping[str, Any]) -> str:
    """What was compared, the figures that matter most with their intervals, notes, and where the files are."""
    lines = list(tables["heading"]["Heading"])
    shown = (
        aligned(_compared(tables["comparison"])) if "comparison" in tables else aligned(_short(tables["evaluation"]))
    )
    lines += [shown, *(f"  note: {note}" for note in tables["notes"]["Note"])]
    return "\n".join([*lines, "Written:", *(f"  {name}" for name in tables["files"]["File"])])


def _compared(table: Table) -> Table:
    """A row a prediction, the best one marked."""
    names = ("object F1", *(name for name in table.names if name.endswith("(%)")))
    rows = [
        (table["Prediction"][row], *(f"{table[name][row]:.3g}" if table[name][row] == table[name][row] else "-"
                                     for name in names), "best" if table["Best"][row] else "")
        for row in range(len(table))
    ]  # fmt: skip
    return text_table(("Prediction", *names, ""), rows)


def _short(table: Table) -> Table:
    """Metric, and for each class its value and interval as text."""
    classes = list(dict.fromkeys(table["Class"]))
    cells: dict[tuple[str, str], str] = {}
    for row in range(len(table)):
        value = {column.name: column.values[row] for column in table}
        cells[value["Class"], value["Metric"]] = _cell(value)
    names = [name for name in _SHOWN if any((label, name) in cells for label in classes)]
    return text_table(
        ("Metric", *classes), [(name, *(cells.get((label, name), "") for label in classes)) for name in names]
    )


def _cell(value: Mapping[str, Any]) -> str:
    """``0.567 (0.42 to 0.71)``, ``+12.3 % (-4.1 to 28.7)``."""
    if value["Value"] != value["Value"]:
        return "-"
    percent = value["Metric"] in ERRORS
    factor, unit = (100.0, " %") if percent else (1.0, f" {value['Unit']}" if value["Unit"] else "")
    numbers = [factor * value[name] for name in ("Value", "Value_low", "Value_high")]
    whole = value["Metric"].startswith("objects")
    digits = "d" if whole else ".1f" if percent or abs(numbers[0]) >= 10 else ".3f"
    first = format(int(numbers[0]), "d") if whole else f"{numbers[0]:{'+' if percent else ''}{digits}}"
    if not value["Interval"]:
        return first + unit
    return f"{first}{unit} ({numbers[1]:{digits}} to {numbers[2]:{digits}})"
