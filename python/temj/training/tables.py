"""Tables of a training as CSV files: folds and trials."""

from __future__ import annotations

import csv
import io
import math

from temj.data import Table
from temj.spreadsheet import safe_text


def csv_bytes(table: Table) -> bytes:
    """A table as CSV in UTF-8: numbers with 6 digits, unknown ones empty, no text that a spreadsheet runs."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(f"{column.name} ({column.unit})" if column.unit else column.name for column in table)
    writer.writerows(zip(*(map(_cell, column.values.tolist()) for column in table), strict=True))
    return file.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, str):
        return safe_text(value)
    return "" if isinstance(value, float) and math.isnan(value) else f"{value:.6g}"
