"""Find objects with a model in files: a result folder, one image after the other, what failed, and how to go on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from temj import inference, storage
from temj.data import Table
from temj.errors import Cancelled, Refused, StorageError, TemjError
from temj.models import Model
from temj.workflows import areas, films, inputs, outputs, record
from temj.workflows.inputs import Job, find_images, plan
from temj.workflows.predict import make_prediction
from temj.workflows.predict_folder import finish, planned, run_record, write_prediction
from temj.workflows.predict_options import PredictOptions, checked_models, scaled

Progress = Callable[[str, int, int], None]
_log = logging.getLogger(__name__)


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

    A film that was cut off and is predicted all the same stands among the failures too.

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
    jobs = plan(find_images(images, chosen.film))
    models = checked_models(chosen)
    folder = storage.make_folder(folder)
    run = run_record(chosen, models, jobs, repeat)
    done, changed = _finished(folder, run, jobs, chosen, existing)
    _tell_missing_scales(jobs, chosen)
    record.write(folder, run | {"state": "unfinished", "images": [], "failures": []})
    entries: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    for number, job in enumerate(jobs):
        try:
            entry = done.get(job.stem) or _one_file(
                job, folder, models, chosen, progress=_part(progress, job, number, len(jobs)), cancelled=cancelled
            )
            entries.append(entry)
            failures += films.partial_failure(entry)
        except (Cancelled, StorageError):
            raise
        except TemjError as error:
            failures.append({"image": str(job.image), "code": error.code, "message": error.message})
        record.write(folder, run | {"state": "unfinished", "images": entries, "failures": failures})
    kept = [(entry["image"], "was done before; its results are as they were") for entry in done.values()]
    kept += [(image, "has changed since the earlier run: predicted again") for image in changed]
    return finish(folder, run, entries, failures, kept)


def _tell_missing_scales(jobs: Sequence[Job], options: PredictOptions) -> None:
    """Before the first prediction of several images: which of them have no pixel size.

    Files that cannot be read are left for their turn.
    """
    if len(jobs) == 1 or options.pixel_size:
        return
    missing = [job.image.name for job in jobs if not _has_scale(job, options)]
    if missing:
        named = "\n".join(f"  {name}" for name in missing)
        _log.warning(
            "%d of %d images have no pixel size; their results will be in pixels, without densities:\n%s\n"
            "Give it with --pixel-size or --calibration-table where you know it.",
            len(missing), len(jobs), named,
        )  # fmt: skip


def _has_scale(job: Job, options: PredictOptions) -> bool:
    try:
        film = films.open_chosen(job.image, options.frames, options.average, options.allow_partial)
        return scaled(film, options)[0].calibration.known
    except TemjError:
        return True


def _one_file(job: Job, folder: Path, models: Sequence[Model], options: PredictOptions, **hooks: Any) -> dict[str, Any]:
    """Read, predict and write one file; gives its entry in run.json."""
    digest = inputs.sha256(job.image)
    chosen = films.open_chosen(job.image, options.frames, options.average, options.allow_partial)
    film = inference.as_model_sees(scaled(chosen, options), models)
    regions = areas.chosen(options.area)
    whole = regions.apply(film)
    notes = films.read_through(whole, options.fill, **hooks) if len(film) > 1 else film[0].metadata.get("notes", ())
    files = outputs.paths(folder, job.stem, options.wanted)
    one = films.is_single(film)
    maps_to = None if one else files.get("probability")
    try:
        shown = film[0] if one else film
        prediction = make_prediction(shown, models, options, regions, maps_to=maps_to, **hooks)
        facts = {"image": str(job.image), "stem": job.stem, "sha256": digest, **films.facts(film)}
        entry = write_prediction(prediction, files, facts, notes)
    except BaseException:
        if maps_to is not None:  # maps without objects would look like a result
            maps_to.unlink(missing_ok=True)
        raise
    outputs.remove_stale(folder, job.stem, [folder / name for name in entry["files"].values()])
    return entry


def _finished(
    folder: Path, run: Mapping[str, Any], jobs: Sequence[Job], options: PredictOptions, existing: str
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Entries of the images that need not be done again, by stem, and the images that have changed since.

    Raises:
        Refused: results are there and may neither be replaced nor continued, or are of another job.
    """
    once = [folder / name for name in outputs.ONCE]
    files = {job: list(outputs.paths(folder, job.stem, options.wanted).values()) for job in jobs}
    outputs.existing(file for names in files.values() for file in names)
    before = record.read(folder) if existing == "resume" else None
    if existing == "refuse" and _nothing_came(folder, [file for names in files.values() for file in names]):
        return {}, []
    if existing == "refuse" or (existing == "resume" and before is None):
        outputs.refuse_existing([*(file for names in files.values() for file in names), *once])
    if before is None:
        return {}, []
    changed = record.differences(before, run)
    if changed:
        raise Refused(
            "other-job",
            where=folder / "run.json",
            found="; ".join(changed),
            remedy="Resume with the same settings and model, or use --overwrite or another folder.",
        )
    new = [job for job, plan in zip(jobs, planned(jobs), strict=True) if plan not in before["planned"]]
    outputs.refuse_existing(file for job in new for file in files[job])
    known = {job.stem: job for job in jobs if job not in new}
    earlier = [entry for entry in before["images"] if entry["stem"] in known]
    same = {entry["stem"]: entry for entry in earlier if _is_same(entry, known[entry["stem"]])}
    done = {stem: entry for stem, entry in same.items() if _is_there(entry, folder)}
    return done, [entry["image"] for entry in earlier if entry["stem"] not in same]


def _nothing_came(folder: Path, files: Sequence[Path]) -> bool:
    """Whether all that an earlier run has left is a record that says that no image could be predicted."""
    once = [folder / name for name in outputs.ONCE if name != "run.json"]
    if outputs.existing([*files, *once]) or not (folder / "run.json").exists():
        return False
    before = record.read(folder)
    return before is not None and before.get("state") == "done" and not before.get("images")


def _is_same(entry: Mapping[str, Any], job: Job) -> bool:
    """Whether an image is still what it was."""
    return job.image.exists() and inputs.sha256(job.image) == entry["sha256"]


def _is_there(entry: Mapping[str, Any], folder: Path) -> bool:
    """Whether an image's results are all there."""
    return all((folder / name).exists() for name in entry["files"].values())


def _part(progress: Progress | None, job: Job, number: int, count: int) -> Progress | None:
    """Progress of one image as a part of the progress of all."""
    if progress is None:
        return None

    def report(message: str, current: int, maximum: int) -> None:
        progress(f"{job.image.name}: {message}", number * 1000 + 1000 * current // max(maximum, 1), count * 1000)

    return report
