"""Dataset folders: made and split (:mod:`temj.workflows.dataset_check` checks them)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from temj import datasets
from temj.data import Column, Table
from temj.data.calibration import parse_pixel_size
from temj.datasets import Dataset, Item, Partition, SplitRule
from temj.datasets.create import Existing
from temj.datasets.description import read_values
from temj.datasets.groups import groups_by_pattern, groups_by_sheet
from temj.datasets.problems import counted, listed
from temj.datasets.split import refuse_second_split
from temj.errors import BadValue, TemjError
from temj.workflows import outputs
from temj.workflows.account import aligned


def new_dataset(
    folder: Path,
    images: Sequence[Path] = (),
    classes: Sequence[str] = (),
    pixel_size: str = "",
    existing: Existing | None = None,
) -> dict[str, Table]:
    """Make a dataset folder with ``dataset.json``, ``protocol.md`` and copies of images.

    Returns:
        Tables ``files`` and ``notes``.

    Raises:
        TemjError: as :func:`temj.datasets.create`; BadValue for a pixel size that is none.
    """
    given = parse_pixel_size(pixel_size) if pixel_size else None
    made = datasets.create(folder, images, classes, given, existing or Existing())
    notes = [*made.notes, f"fill in {folder / 'protocol.md'}: what counts, which edge, what is left out"]
    if not classes:
        names = [entry["name"] for entry in read_values(Path(folder))["classes"]]
        told = f"those of the annotations were taken: {listed(names)}"
        told = "replace 'object' in dataset.json" if names == ["object"] else told
        notes.append(f"no classes were named: {told}")
    if not any(path.parent.name == "images" for path in made.files):
        notes.append(f"put images and annotations into {folder / 'images'}")
    notes.append(f"then: temj dataset check {shlex.quote(str(folder))}")
    copied = [path for path in made.files if path.parent != folder]
    shown = {"copies": folder / "images"} if copied else {}
    shown |= {path.stem: path for path in made.files if path not in copied}
    return {
        "files": outputs.files_table(shown),
        "copied": outputs.text_table(("File",), [(str(path),) for path in copied]),
        "notes": outputs.text_table(("Note",), [(note,) for note in notes]),
    }


def new_account(tables: Mapping[str, Table]) -> str:
    """What was made and what is to be done next."""
    lines = [f"{counted(len(tables['copied']), 'file')} copied."] if len(tables["copied"]) else []
    lines += ["Written:", *(f"  {name}" for name in tables["files"]["File"])]
    return "\n".join([*lines, *(f"  note: {note}" for note in tables["notes"]["Note"])])


def split_dataset(
    folder: Path,
    rule: SplitRule,
    *,
    group_pattern: str = "",
    sheet: Path | None = None,
    column: str = "sample",
    overwrite: bool = False,
) -> dict[str, Table]:
    """Split a dataset and write it into ``dataset.json``.

    Args:
        folder: the dataset.
        rule: how it is split.
        group_pattern: a regular expression that finds the group in a file name.
        sheet: a sample sheet that says the groups, in ``column``.
        column: of the sheet.
        overwrite: whether a split that is there may be replaced.

    Returns:
        Tables ``parts`` (images and objects of each part and fold), ``files`` and ``notes``.

    Raises:
        BadDataset, BadValue, Refused, StorageError: as the functions of :mod:`temj.datasets.split`.
    """
    if group_pattern and sheet is not None:
        raise BadValue("groups", where="group_pattern", expected="a pattern or a sample sheet", found="both")
    if (group_pattern or sheet) and not rule.by_group:
        raise BadValue(
            "groups", where="by", expected="group, where a pattern or a sheet says the groups", found="image"
        )
    dataset = datasets.open_dataset(folder)
    refuse_second_split(dataset, overwrite)
    groups = None
    if group_pattern:
        groups = groups_by_pattern(dataset, group_pattern)
    elif sheet is not None:
        groups = groups_by_sheet(dataset, sheet, column)
    partition = datasets.make_split(dataset, rule, groups)
    tables = {"parts": _parts_table(dataset, partition, groups or dataset.description.groups, rule)}
    tables["notes"] = outputs.text_table(("Note",), [(note,) for note in _split_notes(dataset, rule)])
    datasets.write_split(dataset, partition, rule, groups, overwrite)
    return tables | {"files": outputs.files_table({"description": dataset.folder / "dataset.json"})}


def split_account(tables: Mapping[str, Table]) -> str:
    """What is in each part."""
    lines = [aligned(tables["parts"]), "Written:", *(f"  {name}" for name in tables["files"]["File"])]
    return "\n".join([*lines, *(f"  note: {note}" for note in tables["notes"]["Note"])])


def _split_notes(dataset: Dataset, rule: SplitRule) -> list[str]:
    """What a split has not taken as the user may think."""
    notes = []
    if rule.folds:
        test = rule.fractions[2] if len(rule.fractions) == 3 else 0.0
        tested = f"{test:.0%} are for the test, the folds share the rest" if test else "the folds share all images"
        notes.append(
            "with folds, of --fractions only the third share (test) counts: "
            f"{tested}; fold 1 validates, the others train"
        )
    bare = [item.image.name for item in dataset.items if item.annotation is None and not item.empty]
    if bare:
        notes.append(
            f"{counted(len(bare), 'image')} without annotation left out, in no part: {listed(bare)}; annotate them, or "
            "name those that show nothing under 'empty' in dataset.json, and split again"
        )
    return notes


def _parts_table(dataset: Dataset, partition: Partition, groups: Mapping[str, str], rule: SplitRule) -> Table:
    """Images, groups and objects of each class in each part of the split and in each fold."""
    parts = {name: getattr(partition.split, name) for name in ("train", "validation", "test")}
    parts |= {f"fold {number}": part for number, part in enumerate(partition.folds, start=1)}
    items = {item.stem: item for item in dataset.items}
    names = {stem: _class_names(dataset, items[stem]) for part in parts.values() for stem in part}
    columns = [
        Column("Part", np.array(list(parts), object)),
        Column("Images", np.array([len(part) for part in parts.values()], np.int64)),
    ]
    if rule.by_group:
        counts = [len({groups[stem] for stem in part}) for part in parts.values()]
        columns.append(Column("Groups", np.array(counts, np.int64)))
    for class_name in dataset.classes:
        counts = [sum(names[stem].count(class_name) for stem in part) for part in parts.values()]
        columns.append(Column(f"{class_name} objects", np.array(counts, np.int64)))
    return Table(tuple(columns))


def _class_names(dataset: Dataset, item: Item) -> list[str]:
    """The classes of an item's objects; nothing where they cannot be read (the check tells of it)."""
    try:
        return dataset.instances(item).class_name.tolist()
    except TemjError:
        return []
