"""Find objects with a model: in one open micrograph, or in files with a result folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from temj import inference, models, storage
from temj.data import Film, Instances, Micrograph, Table
from temj.data.calibration import parse_pixel_size
from temj.data.table_text import to_csv
from temj.errors import Cancelled, Refused, ResourceError, StorageError, TemjError
from temj.geometry.ellipse import fitted_ellipses
from temj.measurement.summary import summarise
from temj.models import Model
from temj.readers import open_film
from temj.workflows import inputs, outputs, record
from temj.workflows.inputs import Job, find_images, plan
from temj.workflows.measure import measure

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
    """

    model: str = "loops"
    threshold: str = "auto"
    ellipses: bool = False
    pixel_size: str = ""
    device: str = "auto"
    fill: bool = False


def predict(
    micrograph: Micrograph | Film,
    model: str = "loops",
    *,
    threshold: str | float = "auto",
    device: str = "auto",
) -> Instances:
    """Find the objects of a micrograph (or of every plane of a film).

    Where its pixel size is unknown or wrong, give it first: ``temj.open(path, pixel_size=0.39)``.

    Returns:
        The objects by y, then x, named ``<class>-<0001>``; ``info["notes"]`` says what was done on the way,
        such as rescaling to the model's pixel size.
    """
    options = PredictOptions(model, str(threshold), device=device)
    return _find(micrograph, _model(options), options)


def predict_micrograph(
    micrograph: Micrograph,
    options: Mapping[str, Any],
    folder: Path | None,
    overwrite: bool,
    repeat: Mapping[str, str],
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Predict an open image; write the same files as :func:`predict_files` where a folder is named."""
    chosen = PredictOptions(**options)
    model = _model(chosen)
    micrograph = _scaled(micrograph, chosen)
    if folder is None:
        return _values(_predict(micrograph, model, chosen, progress, cancelled))
    job = plan([Path(micrograph.name)])[0]
    folder = storage.make_folder(folder)
    files = outputs.paths(folder, job.stem, chosen.ellipses)
    if not overwrite:
        outputs.refuse_existing([*files.values(), *(folder / name for name in outputs.ONCE)])
    run = _run_record(chosen, model, [job], repeat)
    prediction = _predict(micrograph, model, chosen, progress, cancelled)
    facts = {"image": micrograph.name, "stem": job.stem, "pixels_sha256": sha256(micrograph.pixels.data).hexdigest()}
    entry = _write(prediction, files, facts)
    outputs.remove_stale(folder, job.stem, files.values())
    return _values(prediction) | _finish(folder, run, [entry], [])


def predict_files(
    images: Sequence[Path],
    options: Mapping[str, Any],
    folder: Path,
    existing: str,
    repeat: Mapping[str, str],
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """Predict image files one after the other; a file that cannot be used is reported and the rest goes on.

    Args:
        images: files, or folders of images.
        options: the fields of :class:`PredictOptions`.
        folder: where the results go; made if it is not there.
        existing: what happens to results that are there: ``refuse``, ``overwrite``, or ``resume`` (images that
            this same job has finished are skipped).
        repeat: how the run can be repeated (``command_line``, ``macro_line``), for ``run.json``.

    Returns:
        Tables ``summary``, ``files``, ``notes`` (Image, Note) and ``failures`` (Image, Code, Message).
    """
    chosen = PredictOptions(**options)
    jobs = plan(find_images(images))
    model = _model(chosen)
    folder = storage.make_folder(folder)
    run = _run_record(chosen, model, jobs, repeat)
    done = _finished(folder, run, jobs, chosen, existing)
    record.write(folder, run | {"state": "unfinished", "images": [], "failures": []})
    entries: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    for number, job in enumerate(jobs):
        try:
            entry = done.get(job.stem) or _one_file(
                job, folder, model, chosen, progress=_part(progress, job, number, len(jobs)), cancelled=cancelled
            )
            entries.append(entry)
        except (Cancelled, StorageError, ResourceError):
            raise
        except TemjError as error:
            failures.append({"image": str(job.image), "code": error.code, "message": error.message})
        record.write(folder, run | {"state": "unfinished", "images": entries, "failures": failures})
    kept = [(entry["image"], "was done before; its results are as they were") for entry in done.values()]
    return _finish(folder, run, entries, failures, kept)


def _model(options: PredictOptions) -> Model:
    """The model; threshold, device and pixel size are checked before any work begins."""
    model = models.open_model(options.model)
    model.check(options.threshold, options.device)
    if options.pixel_size:
        parse_pixel_size(options.pixel_size)
    return model


def _scaled(micrograph: Micrograph | Film, options: PredictOptions) -> Micrograph | Film:
    """With the pixel size that the user gave, if he gave one."""
    return micrograph.with_pixel_size(parse_pixel_size(options.pixel_size)) if options.pixel_size else micrograph


def _find(film: Micrograph | Film, model: Model, options: PredictOptions, **hooks: Any) -> Instances:
    run = inference.predict if isinstance(film, Micrograph) else inference.predict_film
    return run(film, model, threshold=options.threshold, device=options.device, fill=options.fill, **hooks)


def _predict(
    film: Micrograph | Film,
    model: Model,
    options: PredictOptions,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> outputs.Prediction:
    """Find, measure, summarise and, if asked, fit ellipses."""
    found = _find(film, model, options, progress=progress, cancelled=cancelled)
    results = measure(film, found)
    colours = dict(model.card.colours)
    first = film if isinstance(film, Micrograph) else film[0]
    return outputs.Prediction(
        film=Film(film.name, (1, 1, 1), lambda _: film) if isinstance(film, Micrograph) else film,
        instances=found,
        results=results,
        summary=summarise(results, film, model.card.class_names),
        ellipses=fitted_ellipses(found, first.width, first.height) if options.ellipses else None,
        colours=colours,
    )


def _values(prediction: outputs.Prediction) -> dict[str, Any]:
    """What a host gets to show."""
    values = {"instances": prediction.instances, "results": prediction.results, "summary": prediction.summary}
    return values if prediction.ellipses is None else values | {"ellipses": prediction.ellipses}


def _one_file(job: Job, folder: Path, model: Model, options: PredictOptions, **hooks: Any) -> dict[str, Any]:
    """Read, predict and write one file; gives its entry in run.json."""
    digest = inputs.sha256(job.image)
    film = _scaled(open_film(job.image), options)
    prediction = _predict(film[0] if len(film) == 1 else film, model, options, **hooks)
    files = outputs.paths(folder, job.stem, options.ellipses)
    entry = _write(prediction, files, {"image": str(job.image), "stem": job.stem, "sha256": digest})
    outputs.remove_stale(folder, job.stem, files.values())
    return entry


def _write(prediction: outputs.Prediction, files: Mapping[str, Path], facts: dict[str, Any]) -> dict[str, Any]:
    """Write the files of one image; gives its entry in run.json."""
    overlapped = outputs.write(prediction, files)
    return facts | {
        "files": {kind: file.name for kind, file in files.items()},
        "objects": len(prediction.instances),
        "overlapped_pixels": overlapped,
        "prediction": dict(prediction.instances.info),
        "notes": [*prediction.first.metadata.get("notes", ()), *prediction.instances.info.get("notes", ())],
        "summary": record.table_rows(prediction.summary),
    }


def _run_record(
    options: PredictOptions, model: Model, jobs: Sequence[Job], repeat: Mapping[str, Any]
) -> dict[str, Any]:
    """The part of run.json that is known before the first image."""
    return {
        "format": 1,
        "command": "predict",
        **repeat,
        "options": asdict(options),
        "model": {"name": model.card.name, "sha256": model.sha256},
        "versions": record.versions(),
        "started": record.now(),
        "planned": _planned(jobs),
    }


def _planned(jobs: Sequence[Job]) -> list[dict[str, str]]:
    return [{"image": str(job.image), "stem": job.stem} for job in jobs]


def _finished(
    folder: Path, run: Mapping[str, Any], jobs: Sequence[Job], options: PredictOptions, existing: str
) -> dict[str, dict[str, Any]]:
    """Entries of the images that need not be done again, by stem.

    Raises:
        Refused: results are there and may neither be replaced nor continued, or are of another job.
    """
    once = [folder / name for name in outputs.ONCE]
    files = {job: list(outputs.paths(folder, job.stem, options.ellipses).values()) for job in jobs}
    outputs.existing(file for names in files.values() for file in names)
    before = record.read(folder) if existing == "resume" else None
    if existing == "refuse" or (existing == "resume" and before is None):
        outputs.refuse_existing([*(file for names in files.values() for file in names), *once])
    if before is None:
        return {}
    changed = record.differences(before, run)
    if changed:
        raise Refused(
            "other-job",
            where=folder / "run.json",
            found="; ".join(changed),
            remedy="Resume with the same settings and model, or use --overwrite or another folder.",
        )
    new = [job for job, plan in zip(jobs, _planned(jobs), strict=True) if plan not in before["planned"]]
    outputs.refuse_existing(file for job in new for file in files[job])
    known = {job.stem: job for job in jobs if job not in new}
    return {entry["stem"]: entry for entry in before["images"] if _is_done(entry, known.get(entry["stem"]), folder)}


def _is_done(entry: Mapping[str, Any], job: Job | None, folder: Path) -> bool:
    """Whether an image's results are all there and the image is still the same."""
    there = job is not None and all((folder / name).exists() for name in entry["files"].values())
    return there and job.image.exists() and inputs.sha256(job.image) == entry["sha256"]


def _finish(
    folder: Path,
    run: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    failures: Sequence[Mapping[str, str]],
    kept: Sequence[tuple[str, str]] = (),
) -> dict[str, Table]:
    """Write Summary.csv and the final run.json; give the tables of the whole run (``kept``: notes of this one only)."""
    summary = record.rows_table([row for entry in entries for row in entry["summary"]])
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


def _part(progress: Progress | None, job: Job, number: int, count: int) -> Progress | None:
    """Progress of one image as a part of the progress of all."""
    if progress is None:
        return None

    def report(message: str, current: int, maximum: int) -> None:
        progress(f"{job.image.name}: {message}", number * 1000 + 1000 * current // max(maximum, 1), count * 1000)

    return report
