"""A study summed up: many images, grouped by their sample sheet, with intervals and physics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from temj import storage
from temj.data import Table
from temj.datasets.problems import listed
from temj.measurement.populations import in_common_units
from temj.population.estimates import estimates
from temj.population.sums import population
from temj.workflows import record
from temj.workflows.outputs import files_table, text_table
from temj.workflows.summarise_groups import Group, grouped, looked_for
from temj.workflows.summarise_options import SummariseOptions, require_classes
from temj.workflows.summarise_outputs import MARK, Told, files_of, make_room
from temj.workflows.summarise_physics import physics
from temj.workflows.summarise_study import Notes, Progress, read_study
from temj.workflows.summarise_tables import Summed

WITHOUT_SCALE = "images without pixel size"


def summarise(
    sources: Sequence[Path],
    output: Path,
    options: SummariseOptions,
    repeat: Mapping[str, Any],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], None] | None = None,
) -> dict[str, Table]:
    """The command: read, group, estimate, write.

    Args:
        sources: result folders of ``temj predict``, or annotations.
        output: folder for the files of :mod:`temj.workflows.summarise_outputs`.
        options: how.
        repeat: the lines that repeat it, for ``run.json``.
        overwrite: whether the files of an earlier summary may be replaced.
        progress: called with (message, current, maximum).
        cancelled: called between images; raises where the user has cancelled. Nothing is written then.

    Returns:
        Tables ``groups``, ``images``, ``quantities``, ``sizes``, ``directions``, ``differences``, ``notes``, ``files``.

    Raises:
        Refused: a summary is there already.
        BadValue, BadDataset, BadAnnotation, BadImage: what cannot be used.
        StorageError: a file could not be written.
    """
    started, stop = record.now(), cancelled or (lambda: None)
    stale = make_room(output, overwrite)
    study = read_study(sources, options, stop, progress)
    require_classes(options, study.classes)
    together = grouped(study.shots, options.group_by)
    groups, notes = sum_up(together, study.classes, options)
    stop()
    alone = [Group(shot.field.image, {}, (shot,)) for shot in study.shots]
    images, _ = sum_up(alone, study.classes, options, with_physics=False)
    stop()
    every = [*(("", note) for note in options.notes), *study.notes, *notes]
    left_out = {image: first for group in together for image, first in group.left_out.items()}
    tables, files = files_of(groups, images, Told(every, left_out, study.colours), options.excel)
    facts = {**MARK, **repeat, "versions": record.versions()}
    facts |= {"started": started, "images": [shot.field.image for shot in study.shots], "notes": every}
    written = write(output, files, facts, stale)
    return {**tables, "notes": text_table(("Image", "Note"), every), "files": files_table(written)}


def sum_up(
    groups: Sequence[Group], classes: Sequence[str], options: SummariseOptions, with_physics: bool = True
) -> tuple[list[Summed], Notes]:
    """Estimates of each group, images with and without a pixel size apart, and notes (group, note)."""
    found: list[Summed] = []
    notes: Notes = []
    for whole in groups:
        group, looked, told = looked_for(whole, classes)
        notes += [(group.name, note) for note in (*group.notes, *(told if with_physics else ()))]
        for part in _in_units(group):
            made = population(part.fields, looked, part.samples)
            physical = physics(made, part, options) if with_physics else None
            estimated = (*estimates(made, options.pixel_error), *(physical.estimates if physical else ()))
            found.append(Summed(part, made, estimated))
            notes += [(part.name, note) for note in (*physical.notes, *_thickness(part, options))] if physical else []
            if with_physics and len(made.units) == 1:
                notes.append((part.name, "one independent unit: intervals are of the counting error only"))
    return found, notes


def _thickness(group: Group, options: SummariseOptions) -> list[str]:
    """A note where some images of a group, all with a pixel size, lack what the others have."""
    known = options.foil or not all(one.calibration.known for one in group.fields)
    lacking = [] if known else group.without_thickness()
    return [f"nothing per volume: no thickness of {listed(lacking)}"] if lacking else []


def _in_units(group: Group) -> list[Group]:
    """The images of a group with a pixel size, in one unit, and those without."""
    places = {id(shot.field): shot for shot in group.shots}
    parts = in_common_units(group.fields)
    if len(parts) == 1 and all(id(one) in places for one in parts[0]):
        return [group]
    known = [shot for shot in group.shots if shot.field.calibration.known]
    unknown = [shot for shot in group.shots if not shot.field.calibration.known]
    made = []
    for shots, fields in zip([part for part in (known, unknown) if part], parts, strict=True):
        name = group.name if shots is known or not known else f"{group.name}, {WITHOUT_SCALE}"
        same = tuple(replace(shot, field=one) for one, shot in zip(fields, shots, strict=True))
        made.append(Group(name, group.keys, same, group.numbers))
    return made


def write(output: Path, files: Mapping[str, bytes], facts: Mapping[str, Any], stale: Sequence[Path]) -> dict[str, Path]:
    """Write the files and remove those of an earlier summary that are not of this one.

    ``run.json`` is there before all of them and says ``unfinished``, so that a summary that was interrupted is known as
    one and may be replaced; at the end it says ``done``.
    """
    folder = storage.make_folder(output)
    named = sorted({*files, *(path.name for path in stale)} - {"run.json"})
    record.write(folder, {**facts, "state": "unfinished", "files": named})
    for name, data in files.items():
        storage.make_folder((folder / name).parent)
        storage.write_bytes(folder / name, data)
    for path in stale:
        if path.name not in files and path.name != "run.json":
            path.unlink(missing_ok=True)
    record.write(folder, {**facts, "state": "done", "files": sorted(files)})
    return {name: folder / name for name in (*files, "run.json")}
