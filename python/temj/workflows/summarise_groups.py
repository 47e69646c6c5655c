"""Which images belong together: groups, samples and foils of a study, from its sample sheet."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from temj import registry
from temj.datasets.problems import counted, listed
from temj.datasets.sheet import COLUMNS, Sample, read_sheet
from temj.datasets.sources import same
from temj.errors import BadDataset, BadValue
from temj.measurement.populations import Field
from temj.physics.foil import Foil, method_name

ALL = "all images"
FIELD = "field"
"""Column of the sample sheet that names the place: images of one place and sample overlap, and count once."""
_UNITS = {"dose": "dose_unit"}
_GIVEN = {"temperature_C": "°C", "thickness_nm": "nm", "thickness_error_nm": "nm"}


@dataclass(frozen=True, eq=False)
class Shot:
    """One image of a study.

    Attributes:
        field: what was found in it.
        sample: its line of the sample sheet; None where there is no sheet.
        classes: that were looked for in it; None where nobody knows that there are no others.
        stack: the file, where it has several planes: frames of a film show the same objects.
    """

    field: Field
    sample: Sample | None = None
    classes: frozenset[str] | None = None
    stack: str = ""

    @property
    def sample_name(self) -> str:
        """The sample or foil; "" where nothing is said."""
        return (self.sample.sample or "") if self.sample else ""

    @property
    def place(self) -> tuple[str, str] | None:
        """Sample and place; None where an image is known to show a place of its own."""
        named = (self.sample.more.get(FIELD, "").strip() if self.sample else "") or self.stack
        return (self.sample_name, named) if named else None


@dataclass(frozen=True, eq=False)
class Group:
    """Images that are put together.

    Attributes:
        name: for tables and pictures: ``316L, 0.5 dpa``.
        keys: column of the sheet → what stands there, with its unit.
        numbers: column → number, of the columns that hold one.
        shots: its images; of several of one place the first.
        notes: for the user.
    """

    name: str
    keys: Mapping[str, str]
    shots: tuple[Shot, ...]
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()

    @property
    def fields(self) -> list[Field]:
        """Of its images."""
        return [shot.field for shot in self.shots]

    @property
    def samples(self) -> list[str]:
        """Of its images."""
        return [shot.sample_name for shot in self.shots]

    def common(self, column: str) -> str | None:
        """What stands in a column of all images alike; None where it differs or is not given."""
        values = {cell(shot.sample, column) for shot in self.shots}
        return values.pop() if len(values) == 1 else None


def with_samples(shots: Sequence[Shot], sheet: Path | None) -> tuple[list[Shot], list[str]]:
    """The images with their lines of the sample sheet, and notes about images that are not in it.

    An image is known by the stem of its file.

    Raises:
        BadValue: the sheet is no table.
        BadDataset: a line that cannot be used, or an image that several lines of the sheet could be of.
    """
    if sheet is None:
        return list(shots), []
    lines: dict[str, list[Sample]] = {}
    for sample in read_sheet(sheet):
        lines.setdefault(_stem(sample.image), []).append(sample)
    several = [shot.field.image for shot in shots if len(lines.get(_stem(shot.field.image), ())) > 1]
    if several:
        raise BadDataset(
            "sample-sheet", where=sheet, expected="one line for each file name",
            found=f"several lines for {listed(several)}", remedy="Give the images names of their own.",
        )  # fmt: skip
    shots = [replace(shot, sample=next(iter(lines.get(_stem(shot.field.image), ())), None)) for shot in shots]
    unknown = [shot.field.image for shot in shots if shot.sample is None]
    note = f"{counted(len(unknown), 'image')} not in the sample sheet: {listed(unknown)}"
    return shots, [note] if unknown else []


def with_stacks(shots: Sequence[Shot]) -> list[Shot]:
    """The images of one source, those that are planes of one file marked as such."""
    planes = Counter(_stem(shot.field.image) for shot in shots if ":" in shot.field.image)
    return [
        replace(shot, stack=stem) if planes[stem := _stem(shot.field.image)] > 1 and ":" in shot.field.image else shot
        for shot in shots
    ]


def _stem(image: str) -> str:
    """The stem of a file name; planes of a stack (``film.tif:3``) have that of their file."""
    return same(PurePosixPath(image.partition(":")[0].replace("\\", "/")).stem).casefold()


def grouped(shots: Sequence[Shot], by: Sequence[str]) -> list[Group]:
    """Groups of images, in the order of their numbers or else in which they come.

    Args:
        shots: all images.
        by: columns of the sample sheet; none puts all images together.

    Raises:
        BadValue: no sheet, or a column that it does not have.
        BadDataset: images without a value in such a column; all are named.
    """
    _require_columns(shots, by)
    missing = {column: [shot.field.image for shot in shots if cell(shot.sample, column) is None] for column in by}
    if any(missing.values()):
        raise BadDataset(
            "not-given", where="sample sheet", expected=f"a value of {', '.join(by)} for each image",
            found="; ".join(f"no {column} for {listed(images)}" for column, images in missing.items() if images),
            remedy="Fill these cells in, or take the images out.",
        )  # fmt: skip
    found: dict[tuple[str, ...], list[Shot]] = {}
    for shot in shots:
        found.setdefault(tuple(str(cell(shot.sample, column)) for column in by), []).append(shot)
    made = [_group(dict(zip(by, key, strict=True)), members) for key, members in found.items()]
    return sorted(made, key=lambda group: tuple(_rank(group, column) for column in by))


def require_same_classes(group: Group) -> None:
    """Prove that the same classes were looked for in all images: elsewhere a class would wrongly count as 0.

    Raises:
        BadValue: results of models with different classes.
    """
    known = {shot.classes: shot.field.image for shot in group.shots if shot.classes is not None}
    if len(known) > 1:
        (first, one), (second, other) = list(known.items())[:2]
        raise BadValue(
            "classes", where=group.name, expected="images in which the same classes were looked for",
            found=f"{', '.join(sorted(first))} in {one}; {', '.join(sorted(second))} in {other}",
            remedy="Summarise the results of different models apart, or in different groups.",
        )  # fmt: skip


def _group(keys: Mapping[str, str], shots: Sequence[Shot]) -> Group:
    kept, repeated = _once(shots)
    name = ", ".join(keys.values()) or ALL
    numbers = {column: value for column in keys if (value := _number(shots[0].sample, column)) is not None}
    note = (
        f"{counted(len(repeated), 'image')} of a place that another one shows already: "
        f"{listed([shot.field.image for shot in repeated])} (column '{FIELD}' of the sample sheet, or planes of one "
        "file); left out"
    )
    return Group(name, keys, tuple(kept), numbers, (note,) if repeated else ())


def _once(shots: Sequence[Shot]) -> tuple[list[Shot], list[Shot]]:
    """Of images of one place the first, and the others."""
    seen: set[tuple[str, str]] = set()
    kept: list[Shot] = []
    repeated: list[Shot] = []
    for shot in shots:
        (repeated if shot.place in seen else kept).append(shot)
        if shot.place is not None:
            seen.add(shot.place)
    return kept, repeated


def _require_columns(shots: Sequence[Shot], by: Sequence[str]) -> None:
    lines = [shot.sample for shot in shots if shot.sample is not None]
    if by and not lines:
        raise BadValue(
            "group-by", where="group_by", expected="a sample sheet with these images", found="none",
            remedy="Name it with --sheet; 'temj info IMAGES --sheet study.csv' writes one to fill in.",
        )  # fmt: skip
    known = dict.fromkeys((*COLUMNS[1:], *(name for line in lines for name in line.more)))
    for column in by:
        if column not in known:
            raise registry.unknown("column", column, tuple(known))


def cell(sample: Sample | None, column: str) -> str | None:
    """A cell of a sample's line as text with its unit; None where it is not given."""
    if sample is None:
        return None
    value = getattr(sample, column) if column in COLUMNS else sample.more.get(column)
    if value is None or value == "":
        return None
    text = f"{value:g}" if isinstance(value, float) else str(value)
    unit = getattr(sample, _UNITS[column]) if column in _UNITS else _GIVEN.get(column)
    return f"{text} {unit}" if unit else text


def _number(sample: Sample | None, column: str) -> float | None:
    value = getattr(sample, column, None) if column in COLUMNS else (sample.more.get(column) if sample else None)
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def _rank(group: Group, column: str) -> tuple[bool, float, str]:
    value = group.numbers.get(column)
    return value is None, 0.0 if value is None else value, "" if value is not None else group.keys[column]


def foils(shots: Sequence[Shot], given: Foil | None) -> list[Foil] | None:
    """The foil of each image: what is given, else what the sheet says; None where one is not known."""
    if given is not None:
        return [given] * len(shots)
    found = []
    for shot in shots:
        line = shot.sample
        if line is None or line.thickness_nm is None:
            return None
        error = math.nan if line.thickness_error_nm is None else line.thickness_error_nm
        found.append(Foil(line.thickness_nm, error, method_name(line.thickness_method)))
    return found
