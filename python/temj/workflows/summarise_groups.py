"""Which images belong together: groups, samples and foils of a study, from its sample sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from temj import registry
from temj.datasets.problems import counted, listed
from temj.datasets.sheet import COLUMNS, Sample
from temj.errors import BadDataset, BadValue
from temj.measurement.populations import ALL_CLASSES, Field
from temj.physics.foil import Foil, method_name
from temj.physics.visibility import miller

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
        source: the result folder or annotations that it is of, as far as it tells them apart.
    """

    field: Field
    sample: Sample | None = None
    classes: frozenset[str] | None = None
    stack: str = ""
    source: str = ""

    def looked(self, name: str) -> bool:
        """Whether objects of a class were looked for in it."""
        return self.classes is None or name in self.classes

    @property
    def sample_name(self) -> str:
        """The sample or foil; "" where nothing is said."""
        return (self.sample.sample or "") if self.sample else ""

    @property
    def place(self) -> tuple[str, ...] | None:
        """What images of one place have in common: sample and name of the place, or source and file; None where an
        image is taken to show a place of its own."""
        named = self.sample.more.get(FIELD, "").strip() if self.sample else ""
        if named:
            return FIELD, self.sample_name, named
        return (self.source, self.stack) if self.stack else None


@dataclass(frozen=True, eq=False)
class Group:
    """Images that are put together.

    Attributes:
        name: for tables and pictures: ``316L, 0.5 dpa``.
        keys: column of the sheet → what stands there, with its unit.
        numbers: column → number, of the columns that hold one.
        shots: its images; of several of one place the first.
        notes: for the user.
        left_out: image → the one that counts in its place.
    """

    name: str
    keys: Mapping[str, str]
    shots: tuple[Shot, ...]
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def fields(self) -> list[Field]:
        """Of its images."""
        return [shot.field for shot in self.shots]

    @property
    def samples(self) -> list[str]:
        """Of its images."""
        return [shot.sample_name for shot in self.shots]

    def common(self, column: str) -> str | None:
        """What stands in a column of all images alike; None where it differs, is not given, or is a diffraction vector
        that is not understood (:func:`temj.workflows.summarise_study.with_samples` tells which)."""
        values = {cell(shot.sample, column) for shot in self.shots}
        value = values.pop() if len(values) == 1 else None
        return None if value is not None and column == "g" and not understood(value) else value

    def without_thickness(self) -> list[str]:
        """Its images whose foil the sample sheet does not know, where it knows that of others."""
        unknown = [shot.field.image for shot in self.shots if not (shot.sample and shot.sample.thickness_nm)]
        return unknown if len(unknown) < len(self.shots) else []


def understood(g: str) -> bool:
    """Whether a diffraction vector is one of three indices."""
    try:
        return bool(miller(g))
    except BadValue:
        return False


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


def looked_for(group: Group, classes: Sequence[str]) -> tuple[Group, tuple[str, ...], list[str]]:
    """The group with the classes that were looked for in all of its images: any other would wrongly count as 0.

    Args:
        group: objects of other classes are taken out of its images.
        classes: of the study, in order.

    Returns:
        The group, its classes, and notes about the others.

    Raises:
        BadValue: images in which no class was looked for that all have.
    """
    lacking = {name: [shot.field.image for shot in group.shots if not shot.looked(name)] for name in classes}
    chosen = tuple(name for name in classes if not lacking[name])
    nowhere = [name for name in classes if len(lacking[name]) == len(group.shots)]
    partly = [name for name in classes if lacking[name] and name not in nowhere]
    if partly and not chosen:
        raise BadValue(
            "classes", where=group.name, expected="images in which the same classes were looked for",
            found="; ".join(f"{name} not looked for in {listed(lacking[name])}" for name in partly),
            remedy="Summarise the results of different models apart, or in different groups.",
        )  # fmt: skip
    notes = [f"not looked for: {listed(nowhere)}"] if nowhere else []
    notes += [f"{name} was not looked for in {listed(lacking[name])}: left out of this group" for name in partly]
    if partly:
        shots = tuple(replace(shot, field=_without(shot.field, frozenset(partly))) for shot in group.shots)
        group = replace(group, shots=shots)
    return group, chosen, notes


def _without(one: Field, names: frozenset[str]) -> Field:
    """A field without the objects of these classes; what all classes together cover is not known then (NaN)."""
    kept = np.array([str(name) not in names for name in one.objects["Class"]], bool)
    covered = {name: pixels for name, pixels in one.covered.items() if name not in names}
    if not kept.all():
        covered[ALL_CLASSES] = math.nan
    neighbours = {name: sums for name, sums in one.neighbours.items() if name not in {*names, ALL_CLASSES}}
    return replace(one, objects=one.objects.take(kept), covered=covered, neighbours=neighbours)


def _group(keys: Mapping[str, str], shots: Sequence[Shot]) -> Group:
    kept, repeated = _once(shots)
    name = ", ".join(keys.values()) or ALL
    numbers = {column: value for column in keys if (value := _number(shots[0].sample, column)) is not None}
    note = (
        f"{counted(len(repeated), 'image')} of a place that another one shows already: "
        f"{listed(list(repeated))} (column '{FIELD}' of the sample sheet, or planes of one "
        "file); left out"
    )
    return Group(name, keys, tuple(kept), numbers, (note,) if repeated else (), repeated)


def _once(shots: Sequence[Shot]) -> tuple[list[Shot], dict[str, str]]:
    """Of images of one place the first; and each other → that first one."""
    seen: dict[tuple[str, ...], str] = {}
    kept: list[Shot] = []
    repeated: dict[str, str] = {}
    for shot in shots:
        if shot.place in seen:
            repeated[shot.field.image] = seen[shot.place]
            continue
        kept.append(shot)
        if shot.place is not None:
            seen[shot.place] = shot.field.image
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
