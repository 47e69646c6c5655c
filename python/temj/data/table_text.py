"""Tables as text, character for character as ImageJ saves its Results (``ResultsTable.save("x.csv")`` of 1.54p)."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from temj.data.table import Column, Table

_DECIDING_ROWS = 24
_SAME_DIGITS = 3
_LARGEST = 999999999999.0
_LARGEST_FLOAT = 3.4028234663852886e38
_EXPONENT = re.compile(r"e([+-]\d+)$")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def to_csv(table: Table, precision: int = 3, digits: int | None = None) -> str:
    """The table as ImageJ writes it to a .csv file, with ``\\n`` at the end of each line.

    The first column, headed by a space, counts the rows from 1. A column has ``precision`` decimals in all its rows
    if one of its first 24 rows holds a number that is not an integer of 32 bits; otherwise only the cells that are
    not such integers have. In text commas become ``;``, and what a spreadsheet would take for a formula gets a
    leading ``'``.

    Args:
        table: any table; without rows only the header is written.
        precision: decimals, 0 to 9.
        digits: significant digits of every number, in place of ``precision`` and ImageJ's form: densities and shares
            stand in one table.
    """
    cells = [[str(number) for number in range(1, len(table) + 1)]]
    for column in table:
        if column.is_text:
            cells.append(_text_cells(column))
        else:
            cells.append(_number_cells(column, precision) if digits is None else _significant(column, digits))
    header = ",".join([" ", *(_text(name) for name in table.names)])
    return "\n".join([header, *map(",".join, zip(*cells, strict=True))]) + "\n"


def format_number(value: float, places: int) -> str:
    """A number with the given decimals as ImageJ prints it (``IJ.d2s``, as ResultsTable calls it).

    Very small and very large numbers have the form 1.234E-5 (3 decimals). Ties are rounded half-even on the exact
    binary value, but half-up with 0 decimals.
    """
    value = float(value)
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == _LARGEST_FLOAT:
        return "3.4e38"
    size = abs(value)
    if (size != 0 and size < 1.0 / 10.0**places) or size > _LARGEST:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{mantissa}E{int(exponent)}"
    if places == 0:
        return ("-" if math.copysign(1, value) < 0 else "") + str(Decimal(size).quantize(Decimal(1), ROUND_HALF_UP))
    shortest = Decimal(repr(value)) if places > _SAME_DIGITS else None  # with more digits than a double has, zeros
    if shortest is not None and -shortest.as_tuple().exponent <= places:
        return f"{shortest:.{places}f}"
    return f"{value:.{places}f}"


def _significant(column: Column, digits: int) -> list[str]:
    """Integers whole, other numbers with so many digits: 0.00123457, 1.23457E14."""
    if column.values.dtype.kind == "i":
        return [str(value) for value in column.values.tolist()]
    texts = (f"{value:.{digits}g}" if math.isfinite(value) else format_number(value, 0) for value in column.values)
    return [_EXPONENT.sub(lambda found: f"E{int(found[1])}", text) for text in texts]


def _number_cells(column: Column, places: int) -> list[str]:
    if column.values.dtype.kind == "i":
        return _cells(column.values.astype(float), column.decimals, places)
    return _cells(column.values, column.decimals, places)


def _cells(values: np.ndarray, always: bool, places: int) -> list[str]:
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(values) & (values == np.trunc(values)) & (values >= -(2**31)) & (values < 2**31)
    decimals = always or bool((~whole & ~np.isnan(values))[:_DECIDING_ROWS].any())
    size = np.abs(values)
    plain = np.isfinite(values) & (size <= _LARGEST) & ((size == 0) | (size >= 1.0 / 10.0**places))
    usual = plain if decimals and 0 < places <= _SAME_DIGITS else np.zeros(len(values), bool)
    texts = np.empty(len(values), object)
    numbers = values[usual].tolist()
    texts[usual] = (f"%.{places}f\n" * len(numbers) % tuple(numbers)).split("\n")[:-1]
    for row in np.flatnonzero(~usual):
        texts[row] = format_number(values[row], 0 if whole[row] and not decimals else places)
    return texts.tolist()


def _text_cells(column: Column) -> list[str]:
    return [_text(value) for value in column.values]


def _text(value: object) -> str:
    text = str(value).replace(",", ";").replace("\r\n", " ").replace("\n", " ")
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
