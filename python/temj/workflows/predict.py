"""Find objects with a model in one open micrograph or film; what a prediction of files is made of too."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from temj import inference, models, storage
from temj.area import Areas
from temj.data import Film, Instances, Micrograph, Table
from temj.data.calibration import parse_pixel_size
from temj.data.frames import check_frames
from temj.data.table_text import to_csv
from temj.geometry.ellipse import fitted_ellipses
from temj.measurement.summary import summarise
from temj.models import Model
from temj.readers.calibration_table import read_calibrations
from temj.workflows import areas, films, outputs, record
from temj.workflows.inputs import Job, plan
from temj.workflows.measure import digits_note, measure

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PredictOptions:
    """How a prediction is made; every field decides about the results.

    Attributes:
        model: name of an installed model, or a model folder.
        threshold: ``auto`` (the model's default), the name of one of its thresholds, or a number in 0..1.
        ellipses: whether fitted ellipses are given besides.
        pixel_size: replaces the images' own, ``""`` to keep it (:func:`temj.data.calibration.parse_pixel_size`).
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        fill: whether pixels that are NaN or infinite take the median of the others for the network.
        frames: which frames of each film, ``""`` for all (:meth:`temj.data.Film.choose`).
        average: how many frames are averaged (:meth:`temj.data.Film.average`).
        film: whether a folder is one film and its images the frames.
        allow_partial: whether what can be read of a film that was cut off is predicted.
        area: what counts: ``auto``, ``all``, ``whole`` or a ROI set (:func:`temj.workflows.areas.chosen`).
        calibration_table: table for images that know their magnification only, ``""`` for none
            (:func:`temj.readers.calibration_table.read_calibrations`).
    """

    model: str = "loops"
    threshold: str = "auto"
    ellipses: bool = False
    pixel_size: str = ""
    device: str = "auto"
    fill: bool = False
    frames: str = ""
    average: int = 1
    film: bool = False
    allow_partial: bool = False
    area: str = "auto"
    calibration_table: str = ""


def predict(
    micrograph: Micrograph | Film,
    model: str = "loops",
    *,
    threshold: str | float = "auto",
    device: str = "auto",
    area: str | os.PathLike = "auto",
) -> Instances:
    """Find the objects of a micrograph (or of every plane of a film).

    Where its pixel size is unknown or wrong, give it first: ``temj.open(path, pixel_size=0.39)``. Nothing is found
    outside the analysed area: ``area`` is ``auto`` (without info bar, scale bar, text, blank borders and defects),
    ``all`` (also without vacuum, holes and saturated regions), ``whole``, or a ROI set whose ROIs named ``area`` and
    ``exclude`` say it.

    Returns:
        The objects by y, then x, named ``<class>-<0001>``; ``info["notes"]`` says what was done on the way,
        such as rescaling to the model's pixel size.
    """
    options = PredictOptions(model, str(threshold), device=device, area=os.fspath(area))
    regions = areas.chosen(options.area)
    found = _find(regions.apply(micrograph), checked_model(options), options)
    return _with_notes(found, regions.notes())


def predict_micrograph(
    micrograph: Micrograph,
    options: Mapping[str, Any],
    folder: Path | None,
    overwrite: bool,
    repeat: Mapping[str, str],
    *,
    area_rois: Instances | None = None,
    **hooks: Any,
) -> dict[str, Any]:
    """Predict an open image; write the same files as :func:`predict_files` where a folder is named.

    ``area_rois`` are the ROIs named ``area`` and ``exclude`` that the image has (:func:`temj.area.choose`); ``hooks``
    are ``progress`` and ``cancelled``.
    """
    chosen = PredictOptions(**options)
    model = checked_model(chosen)
    regions = areas.chosen(chosen.area, area_rois)
    micrograph = scaled(micrograph, chosen)
    if folder is None:
        return _values(make_prediction(micrograph, model, chosen, regions, **hooks))
    job = plan([Path(micrograph.name)])[0]
    folder = storage.make_folder(folder)
    files = outputs.paths(folder, job.stem, chosen.ellipses)
    if not overwrite:
        outputs.refuse_existing([*files.values(), *(folder / name for name in outputs.ONCE)])
    run = run_record(chosen, model, [job], repeat)
    prediction = make_prediction(micrograph, model, chosen, regions, **hooks)
    facts = {"image": micrograph.name, "stem": job.stem, "pixels_sha256": sha256(micrograph.pixels.data).hexdigest()}
    entry = write_prediction(prediction, files, facts, micrograph.metadata.get("notes", ()))
    outputs.remove_stale(folder, job.stem, [folder / name for name in entry["files"].values()])
    return _values(prediction) | finish(folder, run, [entry], [])


def checked_model(options: PredictOptions) -> Model:
    """The model; threshold, device, pixel size, frames and area are checked before any work begins."""
    model = models.open_model(options.model)
    model.check(options.threshold, options.device)
    if options.pixel_size:
        parse_pixel_size(options.pixel_size)
    if options.calibration_table:
        read_calibrations(options.calibration_table)
    check_frames(options.frames)
    areas.chosen(options.area)
    return model


def scaled(micrograph: Micrograph | Film, options: PredictOptions) -> Micrograph | Film:
    """With the pixel size of the calibration table where it has none, and with that of the user if he gave one."""
    if options.calibration_table:
        table = read_calibrations(options.calibration_table)
        one = isinstance(micrograph, Micrograph)
        micrograph = table.calibrate(micrograph) if one else table.calibrate_film(micrograph)
    return micrograph.with_pixel_size(parse_pixel_size(options.pixel_size)) if options.pixel_size else micrograph


def _find(film: Micrograph | Film, model: Model, options: PredictOptions, **hooks: Any) -> Instances:
    run = inference.predict if isinstance(film, Micrograph) else inference.predict_film
    return run(film, model, threshold=options.threshold, device=options.device, fill=options.fill, **hooks)


def make_prediction(
    film: Micrograph | Film,
    model: Model,
    options: PredictOptions,
    regions: Areas,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> outputs.Prediction:
    """Find, measure, summarise and, if asked, fit ellipses; within the analysed areas ``regions``."""
    film = regions.apply(film)
    found = _find(film, model, options, progress=progress, cancelled=cancelled)
    first = film if isinstance(film, Micrograph) else film[0]
    found = _with_notes(found, [*regions.notes(), *digits_note(first)])
    results = measure(film, found)
    colours = dict(model.card.colours)
    return outputs.Prediction(
        film=Film.of(film) if isinstance(film, Micrograph) else film,
        instances=found,
        results=results,
        summary=summarise(results, film, model.card.class_names),
        ellipses=fitted_ellipses(found, first.width, first.height) if options.ellipses else None,
        colours=colours,
        areas=regions,
    )


def _with_notes(found: Instances, notes: Sequence[str]) -> Instances:
    """The same objects, with further notes for the user."""
    return found.with_columns(info={**found.info, "notes": [*found.info["notes"], *notes]}) if notes else found


def _values(prediction: outputs.Prediction) -> dict[str, Any]:
    """What a host gets to show."""
    values = {"instances": prediction.instances, "results": prediction.results, "summary": prediction.summary}
    if prediction.areas.leave_out:
        values["excluded"] = prediction.areas.found_rois()
    return values if prediction.ellipses is None else values | {"ellipses": prediction.ellipses}


def write_prediction(
    prediction: outputs.Prediction, files: Mapping[str, Path], facts: dict[str, Any], notes: Sequence[str]
) -> dict[str, Any]:
    """Write the files of one image; gives its entry in run.json, with the reader's notes."""
    files = {kind: file for kind, file in files.items() if kind != "area" or prediction.areas.leave_out}
    overlapped = outputs.write(prediction, files)
    return facts | {
        "files": {kind: file.name for kind, file in files.items()},
        "area": prediction.areas.facts(),
        "objects": len(prediction.instances),
        "overlapped_pixels": overlapped,
        "prediction": dict(prediction.instances.info),
        "notes": list(dict.fromkeys([*notes, *prediction.instances.info.get("notes", ())])),
        "summary": record.table_rows(prediction.summary),
    }


def run_record(options: PredictOptions, model: Model, jobs: Sequence[Job], repeat: Mapping[str, Any]) -> dict[str, Any]:
    """The part of run.json that is known before the first image."""
    return {
        "format": 1,
        "command": "predict",
        **repeat,
        "options": asdict(options) | areas.identity(options.area),
        "model": {"name": model.card.name, "sha256": model.sha256},
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
    """Write Summary.csv and the final run.json; give the tables of the whole run (``kept``: notes of this one only)."""
    summary = record.rows_table(films.marked_rows(entries))
    if entries:
        storage.write_text(folder / "Summary.csv", to_csv(summary))
    else:
        (folder / "Summary.csv").unlink(missing_ok=True)
    record.write(
        folder, {**run, "state": "done", "finished": record.now(), "images": list(entries), "failures": list(failures)}
    )
    written = {f"{kind} {entry['stem']}": folder / name for entry in entries for kind, name in entry["files"].items()}
    once = {"summary": folder / "Summary.csv"} if entries else {}
    notes = [*kept, *((entry["image"], note) for entry in entries for note in entry["notes"])]
    return {
        "summary": summary,
        "files": outputs.files_table(written | once | {"run": folder / "run.json"}),
        "notes": outputs.text_table(("Image", "Note"), notes),
        "failures": outputs.text_table(("Image", "Code", "Message"), [tuple(failure.values()) for failure in failures]),
    }
