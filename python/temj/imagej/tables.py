"""Table <-> ResultsTable, and rows for the user's own Results."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from temj.data import Column, Micrograph, Table
from temj.imagej.java import J, headless

LABEL, RESULTS = "Label", "Results"
_BY_MEASUREMENT = {
    "AREA": "Area", "MEAN": "Mean", "STD_DEV": "StdDev", "MODE": "Mode", "MIN_MAX": "Min Max", "CENTROID": "X Y",
    "CENTER_OF_MASS": "XM YM", "PERIMETER": "Perim.", "RECT": "BX BY Width Height", "ELLIPSE": "Major Minor Angle",
    "SHAPE_DESCRIPTORS": "Circ. AR Round Solidity", "FERET": "Feret FeretX FeretY FeretAngle MinFeret",
    "INTEGRATED_DENSITY": "IntDen RawIntDen", "MEDIAN": "Median", "SKEWNESS": "Skew", "KURTOSIS": "Kurt",
    "AREA_FRACTION": "%Area", "STACK_POSITION": "Ch Slice Frame", "LABELS": LABEL,
}  # fmt: skip
"""Names of ``ij.measure.Measurements`` → the columns that each switches on."""


def to_results(table: Table) -> Any:
    """A new ResultsTable with all columns, ImageJ's in ImageJ's order; not shown."""
    import jpype

    made = J.ResultsTable()
    if LABEL in table:
        made.setDefaultHeadings()  # in Results ImageJ's columns have fixed places
    for column in table:
        if column.name == LABEL:
            continue
        if column.is_text:
            for row, text in enumerate(column.values):
                made.setValue(column.name, row, str(text))
        else:
            made.setValues(column.name, jpype.JArray(jpype.JDouble)(column.values.astype(float)))
        if not len(table):
            made.getFreeColumn(column.name)
        elif column.decimals:
            made.setDecimalPlaces(made.getColumnIndex(column.name), J.Analyzer.getPrecision())
    if LABEL in table:
        for row, text in enumerate(table[LABEL]):
            made.setLabel(str(text), row)
    return made


def from_results(results: Any) -> Table:
    """A ResultsTable as a Table; a column with any text is text."""
    columns = []
    for heading in map(str, results.getHeadings()):
        cells = [str(results.getStringValue(heading, row)) for row in range(results.size())]
        if heading == LABEL or any(_is_text(cell) for cell in cells):
            columns.append(Column(heading, np.array(cells, object)))
        else:
            columns.append(Column(heading, np.array(results.getColumn(heading))))
    return Table(tuple(columns))


def _is_text(cell: str) -> bool:
    return re.fullmatch(r"[-+]?(\d+\.?\d*(E-?\d+)?|Infinity|∞)|NaN", cell) is None


def append(table: Table, micrograph: Micrograph) -> None:
    """Add the rows to the user's Results: the measurements and decimals that he has set, and all of our own columns.

    No row of his changes; cells that a row has no value for are NaN.
    """
    wanted = int(J.Analyzer.getMeasurements())
    hidden = {
        heading
        for name, headings in _BY_MEASUREMENT.items()
        if not wanted & int(getattr(J.Measurements, name))
        for heading in headings.split()
    }
    if wanted & int(J.Measurements.INVERT_Y):
        table = _upwards(table, micrograph)
    shown = [column for column in table if column.name not in hidden]
    live = J.ResultsTable.getResultsTable()
    if live.size() == 0:
        live.setDefaultHeadings()
    first, before = live.size(), {str(heading) for heading in live.getHeadings()}
    for _ in range(len(table)):
        live.incrementCounter()
    for column in shown:
        _fill(live, column, first, new=column.name not in before)
    for heading in before - {column.name for column in shown} - {LABEL}:
        for row in range(first, live.size()):
            live.setValue(heading, row, float("nan"))
    _format(live, shown, wanted)
    if not headless():
        live.show(RESULTS)


def _fill(live: Any, column: Column, first: int, new: bool) -> None:
    """Write one column of our rows; where it is new to the table, the rows before get NaN or no text."""
    if column.name == LABEL:
        for row, text in enumerate(column.values, first):
            live.setLabel(str(text), row)
        return
    for row in range(first if new else 0):
        live.setValue(column.name, row, "" if column.is_text else float("nan"))
    for row, value in enumerate(column.values, first):
        live.setValue(column.name, row, str(value) if column.is_text else float(value))


def _format(live: Any, shown: list[Column], wanted: int) -> None:
    """The user's decimals, as ImageJ's own Measure sets them."""
    precision = int(J.Analyzer.getPrecision())
    places = -precision if wanted & int(J.Measurements.SCIENTIFIC_NOTATION) else precision
    live.setPrecision(places)
    for column in shown:
        if column.decimals and live.columnExists(column.name):
            live.setDecimalPlaces(live.getColumnIndex(column.name), places)


def _upwards(table: Table, micrograph: Micrograph) -> Table:
    """Set Measurements > Invert Y Coordinates, by ImageJ's rule (Calibration.getY)."""
    height, origin = micrograph.calibration.height, micrograph.calibration.y_origin
    top = origin or micrograph.height - 1

    def turned(column: Column) -> Column:
        if column.name not in ("Y", "YM", "BY"):
            return column
        down = column.values / height + origin
        return Column(column.name, (top - down) * height, column.unit, column.decimals)

    return Table(tuple(map(turned, table)))


def show_apart(table: Table, title: str) -> None:
    """Show the table in a window of its own; a window that is there keeps its name and its rows."""
    free, number = title, 1
    while J.WindowManager.getFrame(free) is not None:
        number += 1
        free = f"{title}-{number}"
    to_results(table).show(free)


def extend_apart(table: Table, title: str) -> None:
    """Add the rows to our own table of this title, shown where it is not yet."""
    shown = J.ResultsTable.getResultsTable(title)
    if shown is None:
        to_results(table).show(title)
        return
    first = shown.size()
    before = {str(heading) for heading in shown.getHeadings()}
    for _ in range(len(table)):
        shown.incrementCounter()
    for column in table:
        _fill(shown, column, first, new=column.name not in before)
    shown.show(title)
