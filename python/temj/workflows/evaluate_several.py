"""Several predictions of the same images: each evaluated into a folder of its own, and a table that compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from temj import storage
from temj.data import Column, Table
from temj.data.table_text import to_csv
from temj.datasets.problems import counted, listed
from temj.evaluation.merit import BEST, merit_columns
from temj.evaluation.summary import ALL
from temj.workflows import evaluate_outputs as files
from temj.workflows import outputs, record
from temj.workflows.evaluate import Progress, evaluate_files
from temj.workflows.evaluate_images import EvaluateOptions
from temj.workflows.outputs import text_table

_SHARES = ("object F1", "IoU")
_MERIT = ("area error", "count error", "major axis error", "minor axis error", "P1", "r", "P2", "AP50:95")


def evaluate_all(
    truth: Path,
    predictions: Sequence[str],
    output: Path,
    options: EvaluateOptions,
    repeat: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """One prediction as :func:`temj.workflows.evaluate.evaluate_files`; several each into ``output/<name>``.

    Arguments and errors as of :func:`temj.workflows.evaluate.evaluate_files`. Nothing is evaluated where a result is
    there already and may not be replaced; what is done when it is cancelled, or when a later prediction cannot be used,
    stays.

    Returns:
        Of several the tables ``comparison``, ``heading``, ``notes`` and ``files``.
    """
    if len(predictions) == 1:
        return evaluate_files(
            truth, predictions[0], output, options, repeat, progress=progress, cancelled=cancelled
        )  # fmt: skip
    started, output = record.now(), output.absolute()
    names = folder_names(predictions)
    stale = files.make_room(output, options.overwrite)
    for name in names:
        files.make_room(output / name, options.overwrite)
    done = [
        evaluate_files(truth, one, output / name, options, repeat, progress=progress, cancelled=cancelled)
        for one, name in zip(predictions, names, strict=True)
    ]
    notes = _about_images(names, done)
    table = comparison(names, done, fair=not notes)
    facts = {"format": 1, "kind": "evaluation", "predictions": dict(zip(names, predictions, strict=True)),
             "best": BEST, "notes": notes, "comparison": record.table_rows(table)}  # fmt: skip
    written = files.write(output, {files.COMPARISON: to_csv(table, files.DECIMALS).encode()}, facts, stale)
    run = {"format": 1, "command": "evaluate", **repeat, "versions": record.versions(), "started": started}
    storage.write_json(output / files.RUN, run | {"finished": record.now()})
    told = {files.COMPARISON: written[files.COMPARISON], **{name: output / name for name in names}}
    heading = [line for name, tables in zip(names, done, strict=True) for line in _lines(name, tables)]
    return {
        "comparison": table,
        "heading": text_table(("Heading",), [(line,) for line in heading]),
        "notes": text_table(("Note",), [(note,) for note in notes]),
        "files": outputs.files_table(told),
    }


def folder_names(predictions: Sequence[str]) -> list[str]:
    """A name for each: its last part without extension, numbered where it is used already."""
    names: list[str] = []
    for one in predictions:
        plain = Path(one).name.partition(".")[0] or "prediction"
        number, name = 1, plain
        while name in names:
            number += 1
            name = f"{plain}-{number}"
        names.append(name)
    return names


def comparison(names: Sequence[str], done: Sequence[Mapping[str, Table]], fair: bool) -> Table:
    """``comparison.csv``: a row a prediction, all classes together; the best row is marked.

    Args:
        names: of the predictions.
        done: what each evaluation returned.
        fair: whether all are of the same images; else no row is the best.
    """
    rows = [_figures(tables["evaluation"]) for tables in done]

    def cells(metric: str, column: str = "Value") -> np.ndarray:
        return np.array([row.get(metric, {}).get(column, np.nan) for row in rows], float)

    shares = [
        Column(f"{metric}{end}", cells(metric, f"Value{end}")) for metric in _SHARES for end in ("", "_low", "_high")
    ]
    merit = merit_columns({metric: cells(metric) for metric in _MERIT})
    if not fair:
        merit = (*merit[:-1], Column("Best", np.zeros(len(names), np.int64)))
    return Table((
        Column("Prediction", np.array(names, object)),
        Column("Images", np.array([len(_images(tables)) for tables in done], np.int64)),
        Column("Objects annotated", cells("objects annotated").astype(np.int64)),
        Column("Objects found", cells("objects found").astype(np.int64)),
        *shares, *merit,
    ))  # fmt: skip


def _figures(table: Table) -> dict[str, dict[str, float]]:
    """Metric → its value and interval, of all classes together (or of the only one)."""
    classes = list(dict.fromkeys(table["Class"]))
    wanted = ALL if ALL in classes else classes[0]
    return {
        table["Metric"][row]: {name: table[name][row] for name in ("Value", "Value_low", "Value_high")}
        for row in np.flatnonzero(table["Class"] == wanted)
    }


def _images(tables: Mapping[str, Table]) -> set[str]:
    return set(tables["images"]["Image"])


def _about_images(names: Sequence[str], done: Sequence[Mapping[str, Table]]) -> list[str]:
    """A note where the predictions are not of the same images."""
    sets = [_images(tables) for tables in done]
    every = set.union(*sets)
    lacking = [
        f"{name} lacks {listed(sorted(every - own))}" for name, own in zip(names, sets, strict=True) if every - own
    ]
    if not lacking:
        return []
    return [
        f"the predictions are not of the same {counted(len(every), 'image')}: {'; '.join(lacking)}; none is the best"
    ]


def _lines(name: str, tables: Mapping[str, Table]) -> list[str]:
    """What is said first of each, and its notes."""
    return [f"{name}: {line}" for line in (*tables["heading"]["Heading"], *tables["notes"]["Note"])]
