"""A result folder of predictions: the files of an image, Summary.csv, populations, run.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from temj import storage
from temj.data import Table
from temj.data.table_text import to_csv
from temj.models import Model
from temj.workflows import areas, films, outputs, population_fields, populations, record, report
from temj.workflows.inputs import Job
from temj.workflows.predict_options import PredictOptions


def write_prediction(
    prediction: outputs.Prediction, files: Mapping[str, Path], facts: dict[str, Any], notes: Sequence[str]
) -> dict[str, Any]:
    """Write the files of one image; gives its entry in run.json, with the reader's notes."""
    files = {kind: file for kind, file in files.items() if kind != "area" or prediction.areas.leave_out}
    overlapped = outputs.write(prediction, files)
    if not overlapped:
        files.pop("instances", None)
    shared = [
        f"{overlapped} px belong to several objects; in label image and class map the one with the higher score has "
        f"them, {files['instances'].name} and the ROIs have every object whole"
    ] if overlapped else []  # fmt: skip
    notes = [*notes, *prediction.instances.info.get("notes", ()), *shared]
    return facts | {
        "files": {kind: file.name for kind, file in files.items()},
        "area": prediction.areas.facts(),
        "objects": len(prediction.instances),
        "overlapped_pixels": overlapped,
        "prediction": dict(prediction.instances.info),
        "notes": list(dict.fromkeys(notes)),
        "summary": record.table_rows(prediction.summary),
    }


def run_record(
    options: PredictOptions, models: Sequence[Model], jobs: Sequence[Job], repeat: Mapping[str, Any]
) -> dict[str, Any]:
    """The part of run.json that is known before the first image."""
    return {
        "format": 1,
        "command": "predict",
        **repeat,
        "options": asdict(options) | areas.identity(options.area),
        "model": {
            "name": ",".join(model.card.name for model in models),
            "sha256": ",".join(model.sha256 for model in models),
        },
        "models": [{"name": model.card.name, "sha256": model.sha256} for model in models],
        "versions": record.versions(),
        "started": record.now(),
        "planned": planned(jobs),
    }


def planned(jobs: Sequence[Job]) -> list[dict[str, str]]:
    """The images of a run and the stems of their results, for run.json."""
    return [{"image": str(job.image), "stem": job.stem} for job in jobs]


def finish(
    folder: Path,
    run: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    failures: Sequence[Mapping[str, str]],
    kept: Sequence[tuple[str, str]] = (),
) -> dict[str, Table]:
    """Write Summary.csv, the populations and the final run.json; give the tables of the whole run (``kept``: notes of
    this one only). The report of an earlier run is removed."""
    report.remove(folder)
    summary = record.rows_table(films.marked_rows(entries))
    if entries:
        storage.write_text(folder / "Summary.csv", to_csv(summary))
    else:
        (folder / "Summary.csv").unlink(missing_ok=True)
    found = _populations(folder, run["options"], entries)
    record.write(
        folder, {**run, "state": "done", "finished": record.now(), "images": list(entries), "failures": list(failures)}
    )
    written = {f"{kind} {entry['stem']}": folder / name for entry in entries for kind, name in entry["files"].items()}
    once = ({"summary": folder / "Summary.csv"} if entries else {}) | found
    notes = [*kept, *((entry["image"], note) for entry in entries for note in entry["notes"])]
    return {
        "summary": summary,
        "files": outputs.files_table(written | once | {"run": folder / "run.json"}),
        "notes": outputs.text_table(("Image", "Note"), notes),
        "failures": outputs.text_table(("Image", "Code", "Message"), [tuple(failure.values()) for failure in failures]),
    }


def _populations(folder: Path, options: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> dict[str, Path]:
    """Write the populations of the run where they are wanted; gives their files."""
    if not entries or not (options["populations"] or options["shape_rule"]):
        populations.remove(folder)
        return {}
    chosen = population_fields.PopulationOptions(skeleton=options["skeleton"])
    return populations.write(folder, population_fields.of_run(folder, entries, chosen))
