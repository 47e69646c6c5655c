"""Dataset folders checked: all problems, counts, sizes, a contact sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from temj import datasets, storage
from temj.data import Column, Instances, Table
from temj.data.table_text import to_csv
from temj.datasets import Dataset, Item, Report
from temj.datasets.problems import counted, listed
from temj.errors import Cancelled, TemjError
from temj.plots import png_bytes
from temj.plots.classes import class_charts
from temj.plots.contact import PER_PAGE, Tile, contact_sheets, tile
from temj.workflows import outputs, record
from temj.workflows.account import aligned

Progress = Callable[[str, int, int], None]
_PARTS = ("train", "validation", "test", "")
_SHOWN = 20
_FILES = 8
"""Files that a problem of many files names."""
_TOGETHER = 3
"""So many files with one problem are told together."""
_HEADS = {"error": "Errors", "warning": "Warnings", "info": "Good to know"}


def check_dataset(
    folder: Path,
    output: Path | None,
    strict: bool,
    repeat: Mapping[str, Any],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """List all problems of a dataset; with ``output`` also as tables and pictures.

    Args:
        folder: the dataset.
        output: folder for ``problems.csv``, ``classes.csv``, ``objects.csv``, ``images.csv``, ``contact_sheet.png``
            (more pages as ``contact_sheet_2.png`` …), ``classes.png`` and ``run.json``; None: nothing is written.
        strict: whether warnings count as errors.
        repeat: of the command, for ``run.json``.
        overwrite: whether files of an earlier check may be replaced.
        progress: called with (message, current, maximum).
        cancelled: polled between two images.

    Returns:
        Tables ``problems``, ``classes``, ``files``, and ``failures`` with the errors.

    Raises:
        BadDataset: it cannot be opened at all.
        Refused: results of an earlier check.
        Cancelled: as asked for.
    """
    started = record.now()
    dataset = datasets.open_dataset(folder)
    if output is not None and not overwrite:
        outputs.refuse_existing(_files(dataset, output).values())
    stopping = _stopping(progress, cancelled)
    report = datasets.check(dataset, stopping)
    tables = {"problems": _problems_table(report), "classes": classes_table(dataset, report)}
    counts = ("error", "warning") if strict else ("error",)
    wrong = [problem for problem in report.problems if problem.severity in counts]
    failures = [(problem.where, problem.code, problem.text) for problem in wrong]
    tables["failures"] = outputs.text_table(("Image", "Code", "Message"), failures)
    files = {} if output is None else _files(dataset, output)
    if output is not None:
        storage.make_folder(output)
        _write(dataset, report, tables, files, stopping)
        record.write(
            output,
            {"format": 1, "command": "dataset check", **repeat, "versions": record.versions(), "started": started,
             "finished": record.now(), "errors": len(report.errors), "warnings": len(report.of("warning"))},
        )  # fmt: skip
    return tables | {"files": outputs.files_table(files)}


def check_account(tables: Mapping[str, Table]) -> str:
    """Counts of the classes and all problems, the worst first."""
    problems, lines = tables["problems"], []
    if len(tables["classes"]):
        lines += [aligned(tables["classes"]), ""]
    for severity, head in _HEADS.items():
        lines += _list_of(problems.take(problems["Severity"] == severity), head)
    errors, warnings = (int((problems["Severity"] == severity).sum()) for severity in ("error", "warning"))
    lines.append(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}.")
    if len(tables["failures"]) and not errors:
        lines[-1] += " Warnings count as errors (--strict)."
    files = list(tables["files"]["File"])
    return "\n".join([*lines, *(["Written:", *(f"  {name}" for name in files)] if files else [])])


def _list_of(problems: Table, head: str) -> list[str]:
    """The problems of one severity: those of several files with one remedy together; of each kind the first 20."""
    if not len(problems):
        return []
    lines, kinds = [f"{head} ({len(problems)}):"], Counter()
    for number, rows in enumerate(_groups(problems), start=1):
        code, remedy = problems["Code"][rows[0]], problems["Remedy"][rows[0]]
        kinds[code] += 1
        if kinds[code] > _SHOWN:
            continue
        told = problems["Problem"][rows[0]].rstrip(".")
        others = [problems["Where"][row] for row in rows[1:]]
        lines.append(f"  {number}. {problems['Where'][rows[0]]}: {told}.")
        if others:
            same = len({problems["Problem"][row] for row in rows}) == 1
            what = "the same" if same else "the like"
            lines.append(f"     {what} in {counted(len(others), 'more file')}: {listed(others, _FILES - 1)}")
        lines += [f"     {remedy}"] if remedy else []
    more = {code: count - _SHOWN for code, count in kinds.items() if count > _SHOWN}
    return [*lines, *(f"  … and {count} more {code} (--output writes them all)" for code, count in more.items())]


def _groups(problems: Table) -> list[list[int]]:
    """Rows that are told as one: equal in code and remedy, each about another file; one or two stand alone."""
    groups: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(problems["Code"], problems["Remedy"], strict=True)):
        groups.setdefault(key, []).append(row)
    parts = []
    for rows in groups.values():
        together = len(rows) >= _TOGETHER and len({problems["Where"][row] for row in rows}) == len(rows)
        parts += [rows] if together else [[row] for row in rows]
    return sorted(parts)


def classes_table(dataset: Dataset, report: Report) -> Table:
    """How many objects each class has in each part of the split, and their median diameter.

    Where several labelled classes count as one, a line each (Class is the reported one, Labelled the labelled one)
    and one for all of them (Labelled is "all").
    """
    objects = report.objects
    rows: list[tuple[str, str, np.ndarray]] = []
    for name in dataset.classes:
        of_class = objects["Class"] == name
        labelled = sorted(set(objects["Labelled"][of_class]))
        rows.append((name, "all" if len(labelled) > 1 else "".join(labelled) or name, of_class))
        if len(labelled) > 1:
            rows += [(name, given, of_class & (objects["Labelled"] == given)) for given in labelled]
    parts = [part for part in _PARTS if part in ("train", "validation") or (objects["Part"] == part).any()]
    unit = next(column.unit for column in objects if column.name == "Diameter")
    columns = [
        Column("Class", np.array([name for name, _, _ in rows], object)),
        Column("Labelled", np.array([given for _, given, _ in rows], object)),
        Column("Images", np.array([len(set(objects["Image"][chosen])) for *_, chosen in rows], np.int64)),
        Column("Objects", np.array([chosen.sum() for *_, chosen in rows], np.int64)),
    ]
    for part in parts:
        counts = [(chosen & (objects["Part"] == part)).sum() for *_, chosen in rows]
        columns.append(Column(part.capitalize() or "Unused", np.array(counts, np.int64)))
    medians = [np.median(objects["Diameter"][chosen]) if chosen.any() else np.nan for *_, chosen in rows]
    return Table((*columns, Column(f"Median diameter ({unit})", np.array(medians, float), unit)))


def _problems_table(report: Report) -> Table:
    rows = [(p.severity, p.code, p.where, p.what, p.remedy) for p in report.problems]
    return outputs.text_table(("Severity", "Code", "Where", "Problem", "Remedy"), rows)


def _files(dataset: Dataset, output: Path) -> dict[str, Path]:
    """What a check writes, by kind."""
    pages = -(-len(dataset.items) // PER_PAGE)
    names = {name: f"{name}.csv" for name in ("problems", "classes", "objects", "images")}
    names |= {f"sheet {n}": f"contact_sheet{'' if n == 1 else f'_{n}'}.png" for n in range(1, pages + 1)}
    return {kind: output / name for kind, name in {**names, "charts": "classes.png", "run": "run.json"}.items()}


def _write(
    dataset: Dataset, report: Report, tables: Mapping[str, Table], files: Mapping[str, Path], progress: Progress
) -> None:
    for name in ("problems", "classes"):
        storage.write_text(files[name], to_csv(tables[name]))
    storage.write_text(files["objects"], to_csv(report.objects))
    storage.write_text(files["images"], to_csv(report.images))
    tiles = []
    for number, item in enumerate(dataset.items):
        progress(f"drawing {item.image.name}", number, len(dataset.items))
        tiles.append(_tile(dataset, item))
    title = f"{dataset.name}: {counted(len(dataset.items), 'image')}"
    for number, page in enumerate(contact_sheets(tiles, dataset.colours, title), start=1):
        storage.write_bytes(files[f"sheet {number}"], png_bytes(page))
    storage.write_bytes(files["charts"], class_charts(report.objects, dataset.colours))


def _tile(dataset: Dataset, item: Item) -> Tile:
    """An image with its objects and their number; one that cannot be read says so."""
    part = item.part or "not used"
    try:
        micrograph = dataset.micrograph(item)
    except TemjError:
        return Tile(np.full((200, 300, 3), 60, np.uint8), item.image.name, f"{part}: cannot be read", True)
    try:
        found, told = dataset.instances(item), ""
    except TemjError:
        found, told = Instances.concatenate([]), "annotation cannot be used"
    if item.annotation is None and not item.empty:
        told = "not annotated"
    ignored = int(found.ignored.sum())
    objects = "empty" if item.empty else counted(len(found) - ignored, "object")
    caption = f"{part}, {told or objects}" + (f", {ignored} to ignore" if ignored else "")
    return Tile(tile(micrograph, found, dataset.colours), item.image.name, caption, bool(told))


def _stopping(progress: Progress | None, cancelled: Callable[[], bool] | None) -> Progress:
    """Progress that also asks whether to stop."""

    def report(message: str, current: int, maximum: int) -> None:
        if cancelled is not None and cancelled():
            raise Cancelled()
        if progress is not None:
            progress(message, current, maximum)

    return report
