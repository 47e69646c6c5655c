"""What several annotators' ROI sets of one open image agree on, as ImageJ shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from temj import annotations, storage
from temj.annotations import AnnotatedImage
from temj.annotations.pairing import files_of, stem_of
from temj.area import split_area_rois
from temj.data import Instances, Micrograph, Table
from temj.datasets.decisions import UNDECIDED
from temj.datasets.problems import counted
from temj.errors import BadValue
from temj.workflows import consensus_files as files
from temj.workflows import outputs, record
from temj.workflows.consensus import Options, refuse_own_inputs, settle_all, write
from temj.workflows.consensus_inputs import Inputs, Source, annotator_names, together, told_of
from temj.workflows.consensus_settle import Settled
from temj.workflows.consensus_tables import all_tables

COLOUR = "#d55e00"
"""Of undecided ROIs."""


def consensus_of_image(
    micrograph: Micrograph, sets: Sequence[Path], options: Options
) -> tuple[Inputs, list[Settled], list[str]]:
    """What the ROI sets of several annotators of one open image agree on.

    Raises:
        BadValue, BadAnnotation: fewer than two sets, or one that cannot be used.
    """
    if len(sets) < 2:
        raise BadValue(
            "annotators", where="first_annotator, second_annotator, folder_of_sets",
            expected="two ROI sets, or a folder with two or more, one an annotator",
            found=counted(len(sets), "ROI set"),
        )  # fmt: skip
    stem = stem_of(micrograph.name)
    sources = []
    for name, path in zip(annotator_names(sets, options.annotators), sets, strict=True):
        read = annotations.read(path)
        objects, areas = split_area_rois(read)
        entry = AnnotatedImage(micrograph.name, (micrograph.width, micrograph.height), objects)
        sources.append(Source(name, path, {stem: entry}, (), None, told_of(read.info, len(areas))))
    inputs = together(sources, {})
    images, notes = settle_all(inputs, options)
    return inputs, images, [*inputs.notes, *notes]


def merge_open_image(
    micrograph: Micrograph, sets: Sequence[Path], output: Path | None, options: Options, repeat: Mapping[str, Any]
) -> dict[str, Table | Instances]:
    """The ImageJ command: objects to show, tables, and files where an output is named.

    Returns:
        ``instances``: the agreed objects, and behind them the undecided ones, of class ``undecided``; tables
        ``consensus``, ``undecided``, ``agreement``, ``summary``, ``notes`` and ``files``.
    """
    started = record.now()
    if output is not None:
        output = output.absolute()
        refuse_own_inputs(output, sets)
    inputs, (image,), notes = consensus_of_image(micrograph, sets, options)
    shown = Instances.concatenate([image.instances, image.questions], {"colours": {UNDECIDED: COLOUR}})
    tables = all_tables([source.name for source in inputs.sources], [image])
    written: dict[str, Path] = {}
    if output is not None:
        made = files.encoded([image]) | files.tables_as_files(tables)
        stale = files.make_room(output, made, options.overwrite)
        write(output, made, {}, stale)
        storage.write_json(output / files.RECORD, files.record_of([image], inputs, options.settings, made))
        run = {"format": 1, "command": "dataset consensus", **repeat, "versions": record.versions()}
        record.write(output, run | {"started": started, "finished": record.now()})
        written = {"folder": output}
    return tables | {
        "instances": shown.with_columns(position=_here(shown, micrograph)),
        "notes": outputs.text_table(("Note",), [(note,) for note in notes]),
        "files": outputs.files_table(written),
    }


def _here(shown: Instances, micrograph: Micrograph) -> np.ndarray:
    """Positions of ROIs: those without one belong to the plane that is shown."""
    nowhere = (shown.position == 0).all(axis=1)
    return np.where(nowhere[:, None], np.array(micrograph.position), shown.position)


def roi_sets(first: Path | None, second: Path | None, folder: Path | None) -> list[Path]:
    """The ROI sets that are named, and all of a folder.

    Raises:
        BadValue: no folder of that name.
    """
    if folder is not None and not folder.is_dir():
        raise BadValue("folder_of_sets", where=folder, expected="a folder of ROI sets (.zip)", remedy="Check the path.")
    inside = [] if folder is None else files_of(folder, (".zip",))
    return [*(path for path in (first, second) if path is not None), *inside]
