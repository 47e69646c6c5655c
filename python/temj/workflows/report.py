"""The report of a run: ``report.html``, ``report.pdf`` where an engine is there, and what was drawn for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from temj import storage
from temj.data import Table
from temj.data.table_text import to_csv
from temj.errors import Refused, TemjError
from temj.report.run import POPULATIONS, QUANTITIES, Run, open_run
from temj.workflows import outputs, population_fields, populations, record
from temj.workflows.outputs import FIGURES, REPORT, REPORT_PDF
from temj.workflows.summarise import sum_up
from temj.workflows.summarise_groups import Shot, grouped
from temj.workflows.summarise_options import SummariseOptions
from temj.workflows.summarise_tables import quantity_table

_DIGITS = 6


@dataclass(frozen=True)
class ReportOptions:
    """How a report is made.

    Attributes:
        output: folder for it; None for that of the run.
        title: of the page; "" for one made of the run's facts.
        pdf: ``auto``: also a PDF where an engine is there; ``no``: none.
        overwrite: whether an earlier report may be replaced.
    """

    output: Path | None = None
    title: str = ""
    pdf: str = "auto"
    overwrite: bool = False


def report(folder: Path, options: ReportOptions | None = None) -> dict[str, Table]:
    """Report a run.

    Args:
        folder: of a prediction, populations, an evaluation, or a model.
        options: None for the defaults.

    Returns:
        Tables ``files`` (Kind, File) and ``notes`` (Note).

    Raises:
        BadValue, Refused, BadModel: no run, or one that cannot be read; a report is there and may not be replaced.
    """
    from temj.report.page import page
    from temj.report.pdf import make_pdf

    options = options or ReportOptions()
    run = open_run(folder)
    place = options.output or folder
    there = existing(place)
    if there and not options.overwrite:
        raise Refused(
            "exists", where=", ".join(map(str, there[:3])),
            remedy="It was not changed. Choose another output, or replace it with --overwrite.",
        )  # fmt: skip
    place = storage.make_folder(place)
    remove(place)
    drawn, notes = _drawn(run)
    written = _write(place / FIGURES, drawn)
    run = replace(run, figures=place / FIGURES if drawn else None, notes=tuple(notes))
    made = page(run, options.title)
    told = []
    if options.pdf != "no":
        data, why = make_pdf(made)
        told += [why] if why else []
        if data:
            storage.write_bytes(place / REPORT_PDF, data)
            written = {"report (PDF)": place / REPORT_PDF, **written}
    storage.write_bytes(place / REPORT, made)
    files = {"report": place / REPORT, **written}
    return {
        "files": outputs.files_table(files),
        "notes": outputs.text_table(("Note",), [(note,) for note in (*notes, *told)]),
    }


def with_report(found: Mapping[str, Table], folder: Path) -> dict[str, Table]:
    """The tables of a run that has just ended in a folder, with the files and notes of its report, which is made here.

    An earlier report was removed with the results that it was of.
    """
    made = report(folder, ReportOptions(overwrite=True))
    told = [("", str(note)) for note in made["notes"]["Note"]]
    notes = outputs.text_table(("Image", "Note"), [*_rows(found["notes"]), *told])
    return {**found, "files": Table.concatenate([made["files"], found["files"]]), "notes": notes}


def existing(folder: Path) -> list[Path]:
    """The files of a report that are in a folder."""
    names = [REPORT, REPORT_PDF, *(f"{FIGURES}/{name}" for name in (*populations.NAMES, QUANTITIES))]
    return outputs.existing(folder / name for name in names)


def remove(folder: Path) -> None:
    """Remove an earlier report, so that it does not stand beside results that it is not of."""
    for path in existing(folder):
        path.unlink(missing_ok=True)
    figures = folder / FIGURES
    if figures.is_dir() and not any(figures.iterdir()):
        figures.rmdir()


def _drawn(run: Run) -> tuple[dict[str, bytes], list[str]]:
    """Name → content of what a prediction has not and its report needs, and notes: estimates with intervals, histograms
    and populations where it has none of its own."""
    if run.kind != "prediction" or not run.record.images:
        return {}, []
    try:
        facts = record.read(run.folder)
        chosen = population_fields.PopulationOptions(skeleton="none")
        found = population_fields.of_run(run.folder, facts["images"], chosen)
        files = {} if (run.folder / POPULATIONS).exists() else populations.files_of(found)
        estimated, notes = _estimated(run, found, chosen)
        return files | estimated, notes
    except TemjError as error:
        return {}, [f"No distributions: {error.message}"]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OSError) as error:
        return {}, [f"No distributions: run.json or the files that it names were changed ({error})."]


def _estimated(
    run: Run, found: populations.Population, chosen: population_fields.PopulationOptions
) -> tuple[dict[str, bytes], list[str]]:
    """The quantities of all images together with their intervals, every image a field of its own."""
    if any(entry.film or len({row.get("Slice") for row in entry.summary}) > 1 for entry in run.record.images):
        return {}, ["No intervals: frames of a film show the same objects and are no independent fields."]
    shots = [Shot(one) for one in found.fields]
    summed, notes = sum_up(grouped(shots, ()), found.classes, SummariseOptions(chosen))
    files = {QUANTITIES: to_csv(quantity_table(summed), _DIGITS).encode()}
    return files, [f"{group[:1].upper()}{group[1:]}: {note}." for group, note in notes]


def _write(folder: Path, files: Mapping[str, bytes]) -> dict[str, Path]:
    if files:
        storage.make_folder(folder)
    for name, data in files.items():
        storage.write_bytes(folder / name, data)
    return {f"report, {name}": folder / name for name in files}


def _rows(table: Table) -> Iterable[tuple[str, ...]]:
    return zip(*(map(str, column.values) for column in table), strict=True)
