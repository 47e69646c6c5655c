"""Tables of a run as tables of a page: intervals beside their value, units in the head, long ones cut and named."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from temj.errors import Refused
from temj.report.blocks import Grid, Head
from temj.report.wording import counted, interval, named

MOST_ROWS, MOST_COLUMNS = 50, 12

_LARGEST = 64 * 2**20
Row = Mapping[str, object]


def read_csv(path: Path) -> list[dict[str, object]]:
    """The rows of a CSV file of TEMJ, numbers as float; the column that counts the rows is left out.

    Raises:
        Refused: it cannot be read.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise Refused("table", where=path, expected="at most 64 MB", remedy="Open it with another program.")
        text = path.read_text("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
    except (OSError, ValueError, csv.Error) as error:
        raise Refused("table", where=path, found=str(error), remedy="Write it again with its command.") from None
    return [{name: _cell(cell) for name, cell in row.items() if name and name.strip()} for row in rows]


def _cell(text: object) -> object:
    """A number, NaN for an empty cell of numbers, or the text."""
    if not isinstance(text, str):
        return ""
    try:
        return float(text)
    except ValueError:
        return text[1:] if text[:1] == "'" and text[1:2] in "=+-@\t\r" else text


def grid(
    caption: str,
    rows: Sequence[Row],
    columns: Sequence[tuple[str, str]] | None = None,
    *,
    file: str = "",
    note: str = "",
    digits: int = 4,
    most: int = MOST_ROWS,
) -> Grid:
    """Rows as a table of the page.

    ``X_low`` and ``X_high`` (95 % interval) go into the column ``X``. A column in which nothing stands is left out.

    Args:
        caption: above it.
        rows: name → value.
        columns: (name in the rows, name shown), in order; None for all that the rows have.
        file: where all of it stands, named where rows or columns are cut off.
        note: below it.
        digits: significant ones of numbers.
        most: rows that are shown.
    """
    names = columns if columns is not None else [(name, name) for name in (rows[0] if rows else ())]
    ends = {f"{name}_{end}" for name, _ in names for end in ("low", "high")}
    names = [(name, shown) for name, shown in names if name not in ends and any(_said(row.get(name)) for row in rows)]
    across = MOST_COLUMNS if columns is None else len(names)
    shown_names, shown_rows = names[:across], rows[:most]
    heads = [Head(*named(shown), _is_numeric(rows, name)) for name, shown in shown_names]
    cells = [tuple(_text(row, name, digits) for name, _ in shown_names) for row in shown_rows]
    told = [note, *_cut(len(rows), most, len(names) - across, file)]
    return Grid(caption, tuple(heads), tuple(cells), " ".join(filter(None, told)))


def _said(value: object) -> bool:
    return value is not None and value != "" and value == value


def _is_numeric(rows: Sequence[Row], name: str) -> bool:
    values = [row.get(name) for row in rows if _said(row.get(name))]
    return all(isinstance(value, int | float) for value in values)


def _text(row: Row, name: str, digits: int) -> str:
    value = row.get(name)
    if isinstance(value, str):
        return value
    return interval(value, row.get(f"{name}_low"), row.get(f"{name}_high"), digits)


def _cut(rows: int, most: int, hidden: int, file: str) -> list[str]:
    """What is said where the table is longer than the ``most`` rows that are shown, or ``hidden`` columns wider."""
    where = f" {file} has all." if file else ""
    told = []
    if rows > most:
        told.append(f"The first {most} of {counted(rows, 'row')}." + where)
    if hidden > 0:
        told.append(
            f"{counted(hidden, 'more column')} {'is' if hidden == 1 else 'are'} not shown."
            + (where if not told else "")
        )
    return told
