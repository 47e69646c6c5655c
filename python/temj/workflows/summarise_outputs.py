"""The files of a summary: tables as CSV, for Origin and for spreadsheets, and pictures."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import numpy as np

from temj.data import Column, Table
from temj.data.table_text import to_csv
from temj.datasets.problems import listed
from temj.errors import MissingSoftware, Refused
from temj.measurement.populations import ALL_CLASSES
from temj.plots.colours import class_colours, hexadecimal
from temj.plots.study import Point, quantity_figure, rose_figure, size_figure
from temj.spreadsheet import safe_text
from temj.workflows.outputs import existing, refuse_existing, text_table
from temj.workflows.summarise_tables import (
    Summed,
    difference_table,
    neighbour_table,
    object_table,
    quantity_table,
    rose_table,
    size_table,
    wide_table,
)

RUN, WORKBOOK = "run.json", "Summary.xlsx"
CSV = {
    "groups": "Groups.csv", "images": "Images.csv", "quantities": "Quantities.csv", "sizes": "Sizes.csv",
    "directions": "Directions.csv", "neighbours": "Neighbours.csv", "differences": "Differences.csv",
    "objects": "Objects.csv",
}  # fmt: skip
ORIGIN = {"groups": "Groups_Origin.csv", "sizes": "Sizes_Origin.csv"}
PICTURES = ("Quantities", "Sizes", "Directions")
NAMES = (
    *CSV.values(),
    *ORIGIN.values(),
    *(f"{one}.{end}" for one in PICTURES for end in ("png", "svg")),
    WORKBOOK,
    RUN,
)
MARK = {"format": 1, "command": "summarise"}
"""How ``run.json`` of a summary begins."""
SHEETS = {"objects": "Objects", "images": "Images", "groups": "Groups", "quantities": "Quantities"}
SHOWN = ("number density", "mean diameter", "area fraction", "volume number density", "hardening", "swelling")
"""Quantities that have a panel where they are there."""
DIGITS = 6


@dataclass(frozen=True)
class Told:
    """What is said beside the estimates.

    Attributes:
        notes: (image or group, note).
        left_out: image → the one that counts in its place.
        colours: class → ``#rrggbb``.
    """

    notes: Sequence[tuple[str, str]] = ()
    left_out: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    colours: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def make_room(folder: Path, overwrite: bool) -> list[Path]:
    """Prove that nothing of somebody else is there, and name the files of an earlier summary: those that its
    ``run.json`` lists.

    Raises:
        Refused: a summary that may not be replaced, results of another command, or files of the same names that no
            summary has written.
    """
    there = existing(folder / name for name in NAMES)
    own = _own_files(folder)
    foreign = [path for path in there if path.name not in own]
    if foreign:
        raise Refused(
            "other-files", where=folder, expected="a folder of its own for the summary",
            found=f"files that no summary has written: {listed([path.name for path in foreign])}",
            remedy="Choose another output folder, or move these files. They were not changed.",
        )  # fmt: skip
    if not overwrite:
        refuse_existing(there)
    return there


def _own_files(folder: Path) -> set[str]:
    """The files of an earlier summary, after its ``run.json``; none where there is no such file."""
    run = folder / RUN
    if not run.exists():
        return set()
    try:
        facts = json.loads(run.read_text("utf-8"))
        command, files = facts.get("command"), facts.get("files", [])
    except (OSError, ValueError, AttributeError):
        command, files = None, []
    if command != MARK["command"]:
        raise Refused(
            "other-results", where=run, expected="a folder of its own for the summary",
            found=f"results of temj {command or 'something else'}", remedy="Choose another output folder.",
        )  # fmt: skip
    return {RUN, *(name for name in files if isinstance(name, str))} if isinstance(files, list) else {RUN}


def files_of(
    groups: Sequence[Summed],
    images: Sequence[Summed],
    told: Told,
    excel: bool,
) -> tuple[dict[str, Table], dict[str, bytes]]:
    """The tables of a summary, and file name → content of all that is written.

    Raises:
        MissingSoftware: a workbook is wanted and nothing that writes one is installed.
    """
    tables = {
        "groups": wide_table(groups), "images": _noted(wide_table(images, "Image"), told.left_out),
        "quantities": quantity_table(groups),
        "sizes": size_table(groups), "directions": rose_table(groups), "neighbours": neighbour_table(groups),
        "differences": _comparable(difference_table(groups), groups),
        "objects": object_table(groups),
    }  # fmt: skip
    shown = {kind: table for kind, table in tables.items() if len(table) or kind not in ("differences", "directions")}
    files = {CSV[kind]: to_csv(table, digits=DIGITS).encode() for kind, table in shown.items()}
    files |= {name: origin_csv(tables[kind]).encode() for kind, name in ORIGIN.items()}
    files |= _pictures(groups, tables, told.colours)
    if excel:
        sheets = {sheet: tables[kind] for kind, sheet in SHEETS.items()}
        files[WORKBOOK] = workbook({**sheets, "Notes": text_table(("Image", "Note"), list(told.notes))})
    return tables, files


def _noted(table: Table, left_out: Mapping[str, str]) -> Table:
    """The images with a note where one does not count in its group."""
    notes = [f"left out: the place of {left_out[image]}" if image in left_out else "" for image in _texts(table)]
    return table.with_columns(Column("Note", np.array(notes, object))) if len(table) else table


def _texts(table: Table) -> list[str]:
    return [str(name) for name in table["Image"]] if len(table) else []


def _comparable(table: Table, groups: Sequence[Summed]) -> Table:
    """Differences without those of all classes together between groups in which different classes were looked for."""
    if not len(table):
        return table
    classes = {one.group.name: one.population.classes for one in groups}
    kept = [
        name != ALL_CLASSES or classes[first] == classes[second]
        for name, first, second in zip(table["Class"], table["First"], table["Second"], strict=True)
    ]
    return table.take(np.array(kept, bool))


def _pictures(groups: Sequence[Summed], tables: Mapping[str, Table], colours: Mapping[str, str]) -> dict[str, bytes]:
    classes = tuple(dict.fromkeys(name for one in groups for name in one.population.classes))
    shades = {name: hexadecimal(colour) for name, colour in class_colours(classes, colours).items()}
    points, axis = _points(groups)
    files = {}
    for format in ("png", "svg"):
        files[f"Quantities.{format}"] = quantity_figure(points, shades, axis, format)
        files[f"Sizes.{format}"] = size_figure(tables["sizes"], format)
        if len(tables["directions"]) and tables["directions"]["Count"].sum():
            files[f"Directions.{format}"] = rose_figure(tables["directions"], format)
    return files


def _points(groups: Sequence[Summed]) -> tuple[dict[str, list[Point]], str]:
    """Label → values of all groups; and what the axis is, where all groups have a number and differ in it alone."""
    column = next(iter(groups[0].group.keys), "") if groups else ""
    numbers = [one.group.numbers.get(column) for one in groups]
    alone = bool(column) and None not in numbers and len(set(numbers)) == len(groups) > 1
    found: dict[str, list[Point]] = {}
    for one, number in zip(groups, numbers, strict=True):
        for told in one.estimates:
            if told.name in SHOWN:
                points = found.setdefault(f"{told.name} ({told.unit})", [])
                points.append(Point(one.group.name, told.class_name, number, told.value, told.low, told.high))
    known = {label: points for label, points in found.items() if any(math.isfinite(point.value) for point in points)}
    return known, _axis(groups, column) if alone else ""


def _axis(groups: Sequence[Summed], column: str) -> str:
    """``dose (dpa)``: the column with the unit of its cells."""
    units = {one.group.keys[column].partition(" ")[2] for one in groups}
    word = column.removesuffix("_C").removesuffix("_nm")
    return f"{word} ({units.pop()})" if len(units) == 1 and units != {""} else word


def origin_csv(table: Table) -> str:
    """A table as Origin imports it: names, units and comments in the first three rows, then the numbers."""
    names, units = zip(*(_named(column) for column in table), strict=True) if len(table.names) else ((), ())
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n")
    write.writerow(map(safe_text, names))
    write.writerow(map(safe_text, units))
    write.writerow([_COMMENTS.get(name.rpartition("_")[2], "") for name in names])
    for row in range(len(table)):
        write.writerow([_cell(column.values[row]) for column in table])
    return text.getvalue()


_COMMENTS = {
    "low": "lower end of the 95 % interval", "high": "upper end of the 95 % interval",
    "systematic": "by pixel size and thickness, one standard deviation, not in the interval",
}  # fmt: skip


def _named(column: Column) -> tuple[str, str]:
    """``mean diameter (nm)_low`` → ``mean diameter_low``, ``nm``."""
    name, bracket, rest = column.name.partition(" (")
    unit, _, end = rest.partition(")")
    return (name + end, unit) if bracket else (column.name, column.unit)


def _cell(value: object) -> str:
    if isinstance(value, str):
        return safe_text(value)
    number = float(value)
    return "" if math.isnan(number) else f"{number:.{DIGITS}g}"


_CREATED = datetime(2000, 1, 1, tzinfo=UTC)
"""In every workbook, so that the same tables give the same bytes."""


def workbook(sheets: Mapping[str, Table]) -> bytes:
    """An Excel workbook with a sheet for each table, its first row frozen.

    Raises:
        MissingSoftware: XlsxWriter is not installed.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise MissingSoftware(
            "xlsxwriter", where="excel", expected="XlsxWriter, which writes workbooks",
            remedy="pip install temj[excel], or leave excel out: the tables are there as CSV.",
        ) from error  # fmt: skip
    data = io.BytesIO()
    with xlsxwriter.Workbook(
        data, {"in_memory": True, "nan_inf_to_errors": False, "strings_to_formulas": False}
    ) as book:
        book.set_properties({"created": _CREATED})
        bold = book.add_format({"bold": True})
        for name, table in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for place, column in enumerate(table):
                sheet.write_string(0, place, column.name, bold)
                sheet.set_column(place, place, min(max(len(column.name), 8), 40))
                for row, value in enumerate(column.values.tolist(), start=1):
                    if isinstance(value, str):
                        sheet.write_string(row, place, value)
                    elif math.isfinite(value):
                        sheet.write_number(row, place, value)
    return data.getvalue()
