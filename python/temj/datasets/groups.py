"""Which images belong together: by a rule for file names, or by a column of the sample sheet."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from temj.datasets.folder import Dataset
from temj.datasets.problems import counted, listed
from temj.datasets.sheet import COLUMNS, read_sheet
from temj.datasets.sources import same
from temj.errors import BadDataset, BadValue

_LONGEST_PATTERN = 200


def groups_by_pattern(dataset: Dataset, pattern: str) -> dict[str, str]:
    """stem → what a regular expression finds in it: its first bracket, or else all of it.

    Raises:
        BadValue: no regular expression.
        BadDataset: images whose name it does not fit; all are listed.
    """
    try:
        rule = re.compile(pattern[:_LONGEST_PATTERN])
    except (re.error, RecursionError, OverflowError) as error:
        raise BadValue(
            "pattern",
            where="group_pattern",
            expected="a regular expression such as (.*)_[0-9]+",
            found=f"{pattern!r}: {error}",
        ) from None
    found = {item.stem: rule.search(item.stem) for item in dataset.items}
    wrong = [stem for stem, match in found.items() if match is None or not _group(match)]
    if wrong:
        raise BadDataset(
            "no-group", where=dataset.folder, expected=f"file names in which {pattern} finds a group",
            found=f"{counted(len(wrong), 'image')} in which it finds none: {listed(wrong)}",
            remedy="Change the pattern, or write 'groups' into dataset.json.",
        )  # fmt: skip
    return {stem: _group(match) for stem, match in found.items()}


def _group(match: re.Match[str]) -> str:
    return ((match[1] if match.re.groups else match[0]) or "").strip()


def groups_by_sheet(dataset: Dataset, sheet: Path, column: str = "sample") -> dict[str, str]:
    """stem → what stands in a column of the sample sheet.

    Raises:
        BadValue: the sheet is no table.
        BadDataset: images that it does not name, or with nothing in the column; all are listed.
    """
    values: dict[str, str | None] = {}
    for sample in read_sheet(sheet):
        value = getattr(sample, column) if column in COLUMNS else sample.more.get(column)
        values[same(PurePosixPath(sample.image).stem)] = None if value is None else str(value).strip()
    wrong = [item.stem for item in dataset.items if not values.get(same(item.stem))]
    if wrong:
        raise BadDataset(
            "no-group", where=sheet, expected=f"the column '{column}' filled in for each image",
            found=f"{counted(len(wrong), 'image')} without: {listed(wrong)}", remedy="Complete the sample sheet.",
        )  # fmt: skip
    return {item.stem: values[same(item.stem)] for item in dataset.items}
