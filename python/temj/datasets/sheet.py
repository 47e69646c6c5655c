"""The sample sheet: what the files of a study do not know of themselves, a line for each image, for people to fill in.

A CSV file, which a spreadsheet opens. A cell that is empty or holds "not given" is not known. Columns of other names
are the user's own and are kept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from temj import spreadsheet
from temj.errors import BadDataset, BadValue
from temj.spreadsheet import NOT_GIVEN, Row, Sheet

TEXTS = ("sample", "material", "dose_unit", "thickness_method", "mode", "g", "zone_axis")
NUMBERS = ("dose", "temperature_C", "thickness_nm", "thickness_error_nm")
COLUMNS = (
    "image", "sample", "material", "dose", "dose_unit", "temperature_C", "thickness_nm", "thickness_error_nm",
    "thickness_method", "mode", "g", "zone_axis",
)  # fmt: skip
"""For people to fill in; ``dose_unit`` is dpa, ions/cm^2 …, thickness is that of the foil, g and zone_axis are Miller
indices such as 200 or 0-11."""
FOUND = ("pixel_size_nm", "pixel_size_from", "microscope", "voltage_kV", "magnification", "date")
"""What the files say, written behind the others for information; it is not read back."""


@dataclass(frozen=True)
class Sample:
    """What is known of one image; None is "not given".

    Attributes:
        image: its file, relative to the sheet's folder, with forward slashes.
        sample: which sample (foil) it shows; images of one sample are not independent.
        material: what it is made of.
        dose, dose_unit: e.g. 0.5 and ``dpa``.
        temperature_C: of the irradiation or treatment.
        thickness_nm, thickness_error_nm, thickness_method: of the foil, ± one standard deviation.
        mode: e.g. ``BF``, ``WBDF``.
        g, zone_axis: diffraction vector and zone axis, as written.
        more: the user's own columns.
    """

    image: str
    sample: str | None = None
    material: str | None = None
    dose: float | None = None
    dose_unit: str | None = None
    temperature_C: float | None = None
    thickness_nm: float | None = None
    thickness_error_nm: float | None = None
    thickness_method: str | None = None
    mode: str | None = None
    g: str | None = None
    zone_axis: str | None = None
    more: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def read_sheet(path: str | os.PathLike) -> tuple[Sample, ...]:
    """The lines of a sample sheet.

    Raises:
        BadValue: it is no table, or has no column ``image``.
        BadDataset: lines without an image, an image twice, or cells that are no numbers; all are listed.
    """
    path = Path(path)
    sheet = spreadsheet.read(path, required=("image",))
    problems: list[str] = []
    samples = [_sample(row, problems) for row in sheet.rows]
    lines: dict[str, list[int]] = {}
    for row, sample in zip(sheet.rows, samples, strict=True):
        lines.setdefault(sample.image, []).append(row.line)
    problems += [
        f"'{image}' stands in lines {', '.join(map(str, used))}" for image, used in lines.items() if len(used) > 1
    ]
    if problems:
        raise BadDataset(
            "sample-sheet", where=path, found="; ".join(problems), remedy="Correct these cells of the sample sheet."
        )
    return tuple(samples)


def _sample(row: Row, problems: list[str]) -> Sample:
    image = row.text("image")
    if image is None:
        problems.append(f"line {row.line} names no image")
    values = {name: row.text(name) for name in TEXTS} | {name: row.number(name, problems) for name in NUMBERS}
    if values["dose"] is not None and values["dose_unit"] is None:
        problems.append(f"line {row.line}: the dose has no unit; write it into dose_unit (dpa, ions/cm^2 …)")
    for name in ("thickness_nm", "thickness_error_nm", "dose"):
        if values[name] is not None and values[name] < 0:
            problems.append(f"line {row.line}: {name} is negative")
    known = {*COLUMNS, *FOUND}
    more = {name: cell for name, cell in row.cells.items() if name and name not in known and cell.strip()}
    return Sample(_slashes(image or ""), **values, more=MappingProxyType(more))


def _slashes(image: str) -> str:
    return str(PurePosixPath(image.replace("\\", "/")))


def complete_sheet(path: str | os.PathLike, found: Sequence[tuple[Path, Mapping[str, str]]]) -> int:
    """Write a sample sheet with a line for each image; a sheet that is there keeps all that was filled in.

    Args:
        path: the sheet.
        found: the images, and what their files say (by the names of :data:`FOUND`, and ``mode``).

    Returns:
        How many lines were added.

    Raises:
        BadValue: what stands at ``path`` is no sample sheet.
        StorageError: it cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        raise BadValue("sheet", where=path, expected="a name that ends in .csv", remedy="Name the sample sheet so.")
    before = spreadsheet.read(path, required=("image",)) if path.exists() else Sheet((*COLUMNS, *FOUND), ())
    known = {_slashes(row.cells.get("image", "")) for row in before.rows}
    named = [(_relative(image, path), facts) for image, facts in found]
    rows = [
        Row(0, dict.fromkeys(COLUMNS, NOT_GIVEN) | dict.fromkeys(FOUND, NOT_GIVEN) | dict(facts) | {"image": name})
        for name, facts in named
        if name not in known
    ]
    columns = before.columns + tuple(name for name in (*COLUMNS, *FOUND) if name not in before.columns)
    spreadsheet.write(path, Sheet(columns, before.rows + tuple(rows), before.separator), overwrite=True)
    return len(rows)


def _relative(image: Path, sheet: Path) -> str:
    """The image as the sheet names it: from its own folder where the image lies in it, else the whole path."""
    image, folder = image.absolute(), sheet.absolute().parent
    return image.relative_to(folder).as_posix() if image.is_relative_to(folder) else image.as_posix()
