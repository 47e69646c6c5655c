"""Tables that people fill in with a spreadsheet: CSV with commas, semicolons or tabs.

Excel writes semicolons and decimal commas in half of the world, and a byte order mark; all are understood. Text
that a spreadsheet would take for a formula is written with a leading ``'``, which is taken away again on reading.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from temj import storage
from temj.errors import BadValue

LARGEST = 64 * 2**20
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
NOT_GIVEN = "not given"
"""What stands in a cell that nobody knows; an empty cell means the same."""


@dataclass(frozen=True)
class Row:
    """One line of a table: its number in the file (the header is line 1) and its cells by column."""

    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str | None:
        """A cell; None where it is not given."""
        cell = self.cells.get(column, "").strip()
        return None if cell.casefold() in ("", NOT_GIVEN) else cell

    def number(self, column: str, problems: list[str]) -> float | None:
        """A cell as a finite number (a decimal comma is understood); None where it is not given.

        What is no number is told in ``problems``.
        """
        cell = self.text(column)
        if cell is None:
            return None
        plain = cell.replace("\N{NO-BREAK SPACE}", "").replace("\N{MINUS SIGN}", "-")
        if "." not in plain and plain.count(",") == 1:
            plain = plain.replace(",", ".")
        try:
            value = float(plain)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            problems.append(f"line {self.line}: {column} is '{cell}', expected a number or '{NOT_GIVEN}'")
            return None
        return value


@dataclass(frozen=True)
class Sheet:
    """A table as text: its columns in order, its rows, and what separates its cells."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    separator: str = ","


def read(path: str | os.PathLike, required: Iterable[str] = ()) -> Sheet:
    """The cells of a CSV file.

    Args:
        path: the file, UTF-8 (with or without a byte order mark), or Latin-1 as old spreadsheets write it.
        required: columns that must be there.

    Raises:
        BadValue: missing, unreadable, larger than 64 MiB, without a header or a required column, columns that are
            there twice, or lines with more cells than the header.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise BadValue("too-large", where=path, expected="a table of at most 64 MiB")
        data = path.read_bytes()
    except OSError as error:
        raise BadValue(
            "unreadable", where=path, found=error.strerror, remedy="Check the path and that it is no folder."
        ) from error
    text = _decoded(data)
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise BadValue("csv", where=path, expected="a table as CSV", found=str(error)) from error
    columns = tuple(cell.strip() for cell in lines[0]) if lines else ()
    _require_columns(path, columns, required)
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            raise BadValue(
                "csv", where=f"{path}, line {number}", expected=f"{len(columns)} cells", found=len(cells),
                remedy="Put a text with a separator in it into double quotes.",
            )  # fmt: skip
        rows.append(Row(number, dict(zip(columns, map(_plain, cells), strict=False))))
    return Sheet(columns, tuple(rows), separator)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1", "replace")


def _require_columns(path: Path, columns: Sequence[str], required: Iterable[str]) -> None:
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    missing = [name for name in required if name not in columns]
    if twice or missing:
        found = f"columns that are there twice: {', '.join(twice)}" if twice else f"the columns {_shown(columns)}"
        raise BadValue(
            "columns", where=path, expected=f"a first line with {', '.join(required)}, each once", found=found,
            remedy="Correct the first line of the table.",
        )  # fmt: skip


def _shown(columns: Sequence[str]) -> str:
    """The first columns of a file that may be anything, without what would upset a terminal."""
    text = ", ".join(columns[:20])[:200]
    return "".join(character if character.isprintable() else "?" for character in text)


def _plain(cell: str) -> str:
    """A cell without the mark that keeps spreadsheets from taking it for a formula."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell


def write(path: str | os.PathLike, sheet: Sheet, *, overwrite: bool = False) -> None:
    """Write a table as UTF-8 with a byte order mark, by which spreadsheets recognise it.

    Raises:
        Refused, StorageError: as :func:`temj.storage.write_bytes`.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=sheet.separator, lineterminator="\r\n")
    writer.writerow(map(_safe, sheet.columns))
    for row in sheet.rows:
        writer.writerow(_safe(row.cells.get(column, "")) for column in sheet.columns)
    storage.write_bytes(path, buffer.getvalue().encode("utf-8-sig"), overwrite=overwrite)


def safe_text(text: str) -> str:
    """A text cell that no spreadsheet runs, by a ``'`` in front that :func:`read` takes away again."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def _safe(cell: str) -> str:
    """As :func:`safe_text`, but numbers stay numbers, negative ones too."""
    try:
        float(cell)
    except ValueError:
        return safe_text(cell)
    return cell
