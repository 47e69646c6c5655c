"""A study: the quantities of each group with their intervals, kinds of intervals, systematic parts, definitions."""

from __future__ import annotations

from collections.abc import Sequence

from temj.errors import Refused
from temj.report.blocks import Block, Grid, Section, Sentence, Text
from temj.report.csv_tables import Row, grid, read_csv
from temj.report.run import Run
from temj.report.sections.assessment import definitions
from temj.report.wording import number

_COLUMNS = {"Group", "Class", "Quantity", "Value", "Low", "High", "Unit"}
_SECONDARY = ("quantile", "standard error", "unweighted", "mean of fields", "mean area")
_MOST_COLUMNS = 7


def section(run: Run) -> Section | None:
    """None where the run has no quantities of groups."""
    path = run.quantities
    if path is None:
        return None
    heading = "Groups" if run.kind == "populations" else "Estimates with intervals"
    try:
        rows = read_csv(path)
    except Refused as error:
        return Section("study", heading, (Text((Sentence(error.message),)),))
    if not rows or not _COLUMNS.issubset(rows[0]):
        return None
    shown = path.relative_to(run.folder).as_posix() if path.is_relative_to(run.folder) else path.name
    if len({row["Group"] for row in rows}) == 1:
        rows = [{name: cell for name, cell in row.items() if name != "Group"} for row in rows]
    blocks: list[Block] = [_groups(rows, shown), _quantities(rows, shown)]
    told = [(str(row["Quantity"]), str(row.get("Definition") or "")) for row in rows]
    return Section("study", heading, (*blocks, definitions(told)))


def _groups(rows: Sequence[Row], file: str) -> Grid:
    """A row for each group and class, a column for each of the main quantities."""
    found: dict[tuple[object, object], dict[str, object]] = {}
    names: dict[str, None] = {}
    for row in rows:
        quantity = str(row["Quantity"])
        line = found.setdefault((row.get("Group"), row["Class"]), {"Group": row.get("Group"), "Class": row["Class"]})
        for name in ("Objects", "Units"):
            line.setdefault(name, row.get(name))
        if any(word in quantity for word in _SECONDARY):
            continue
        column = f"{quantity} ({row['Unit']})" if row["Unit"] else quantity
        line |= {column: row["Value"], f"{column}_low": row["Low"], f"{column}_high": row["High"]}
        if row["Value"] == row["Value"]:
            names[column] = None
    shown = list(names)[:_MOST_COLUMNS]
    columns = [("Group", "Group"), ("Class", "Class"), ("Objects", "Objects"), ("Units", "Units")]
    columns += [(name, name[:1].upper() + name[1:]) for name in shown]
    hidden = len(names) - len(shown)
    note = "Units: independent fields or samples, over which intervals are."
    note += f" Further quantities of them ({number(hidden)}) are in the next table." if hidden else ""
    caption = "The main quantities by class, with 95 % intervals."
    return grid(caption, list(found.values()), columns, file=file, note=note, digits=3)


def _quantities(rows: Sequence[Row], file: str) -> Grid:
    known = [row for row in rows if row["Value"] == row["Value"]]
    renamed = [row | {"Value_low": row["Low"], "Value_high": row["High"]} for row in map(dict, known)]
    columns = [
        ("Group", "Group"), ("Class", "Class"), ("Quantity", "Quantity"), ("Value", "Value (95 % interval)"),
        ("Unit", "Unit"), ("Systematic", "Systematic"), ("Method", "Interval"), ("Objects", "Objects"),
        ("Units", "Units"), ("Note", "Note"),
    ]  # fmt: skip
    note = (
        "Systematic: the part of the error that all images share (pixel size, thickness), one standard deviation, not "
        "in the interval. Interval: how it was found."
    )
    return grid("All quantities.", renamed, columns, file=file, note=note, digits=3)
