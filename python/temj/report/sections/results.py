"""What was found: counts, sizes, densities, with units and intervals; and every other table that the run has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from temj.errors import Refused
from temj.report.blocks import Block, Grid, Section, Sentence, Text
from temj.report.csv_tables import MOST_COLUMNS, Row, grid, read_csv
from temj.report.plot_files import numbers_of_plots
from temj.report.run import Run
from temj.report.sections.assessment import definitions
from temj.report.wording import unit as shown_unit

SUMMARY = "Summary.csv"
_NO_TABLES = frozenset({"evaluation.csv", "images.csv", "Porosity.csv", "Objects.csv"})
"""Shown in another section, in Populations.csv too, or with a row for each object."""
_OF_STUDY = frozenset({"Groups.csv", "Images.csv", "Quantities.csv"})
"""Wide, or shown by the section of a study."""
_FOR_ORIGIN = "_Origin"

TITLES = {
    "Populations.csv": "Populations of all images together: every object found, also those that the frame cuts.",
    "Summary.csv": "Summary.",
    "quantities.csv": "Quantities of truth and prediction.",
    "creme.csv": "Relative errors and scores by threshold, as the CREME study has them.",
    "Differences.csv": "Differences between groups, with 95 % intervals.",
    "confusion.csv": "Confusion of classes: matched objects, missed ones (predicted: none), extra (annotated: none).",
}
_DEFINITION, _NAMING = "Definition", ("Quantity", "Metric")
_ALL, _ALL_CLASSES = "all images", "all"
_POPULATION = (
    ("Class", "Class"), ("Unit", "Unit of length"), ("Images", "Images or planes"), ("Count", "Objects"),
    ("Touching", "Cut by the frame"),
    ("Analysed Area", "Analysed area"), ("Projected Area (%)", "Projected area fraction (%)"),
    ("N_A (m^-2)", "Number density N_A (m^-2)"), ("Mean EquivalentDiameter", "Mean equivalent diameter"),
    ("Median EquivalentDiameter", "Median"), ("SD EquivalentDiameter", "sd"),
    ("SE EquivalentDiameter", "Standard error"),
)  # fmt: skip


def section(run: Run) -> Section | None:
    """The Summary of a prediction, and the tables of the folder that no plot has as its numbers."""
    blocks = [*_summary(run), *_tables(run)]
    if run.kind == "prediction" and not run.record.images:
        blocks.append(Text((Sentence("No image was analysed, so there are no results."),)))
    return Section("results", "Results", tuple(blocks)) if blocks else None


def _summary(run: Run) -> list[Grid]:
    rows = [row for entry in run.record.images for row in entry.summary] if run.kind == "prediction" else []
    if not rows:
        return []
    units = dict.fromkeys(str(row.get("Unit", "")) for row in rows)
    unit = next(iter(units)) if len(units) == 1 else ""
    length, area = (f" ({unit})", f" ({unit}^2)") if unit else ("", "")
    columns = [
        ("Slice", "Image"), ("Class", "Class"), ("Count", "Objects"), ("Mean Diameter", f"Mean diameter{length}"),
        ("SD Diameter", f"sd{length}"), ("N_A (m^-2)", "Number density N_A (m^-2)"), ("%Area", "Area fraction (%)"),
        ("Analysed Area", f"Analysed area{area}"), ("Unit", "" if unit else "Unit of length"),
        ("Threshold", "Threshold"),
    ]  # fmt: skip
    note = (
        "sd: standard deviation of the diameters of the objects of one image, not an uncertainty of the mean. Number "
        "density: objects found divided by the analysed area. "
    )
    if not unit:
        note += "Areas are in the square of the unit of length; a pixel is no length, so such rows have no density."
    caption = "Objects found in each image, by class."
    return [grid(caption, rows, [column for column in columns if column[1]], file=SUMMARY, note=note)]


def _tables(run: Run) -> list[Block]:
    """The CSV files of the folder, and of what was made for the report, that are no numbers of a plot."""
    used = numbers_of_plots(run) | _NO_TABLES
    if run.kind == "prediction":
        used |= {SUMMARY}
    if run.quantities is not None:
        used |= _OF_STUDY | {"Populations.csv"}
    if run.kind == "evaluation":
        used |= {"match_iou.csv", "confidence.csv", "curve.csv"}
    found = [path for folder in (run.folder, run.figures) if folder for path in sorted(folder.glob("*.csv"))]
    blocks: list[Block] = []
    for path in found:
        if run.kind == "prediction" and path.name not in TITLES:
            continue  # the tables of single images, with a row for each object, or another's
        if path.name not in used and not path.stem.endswith(_FOR_ORIGIN):
            blocks += _table(run, path)
    return blocks


def _table(run: Run, path: Path) -> list[Block]:
    """A table of the folder; what its rows mean stands below it, not in a column."""
    try:
        rows = read_csv(path)
    except Refused as error:
        return [Text((Sentence(error.message),))]
    name = path.relative_to(run.folder).as_posix() if path.is_relative_to(run.folder) else path.name
    caption = TITLES.get(path.name, f"{path.stem.replace('_', ' ')}.")
    if path.name == "Populations.csv":
        return [grid(caption, _together(rows), _POPULATION, file=name, note=_populations_note(rows))]
    if not rows:
        return [Text((Sentence(f"{name} has no rows."),))]
    whole = [row for row in rows if row.get("Image") == _ALL]
    note = f"Of all images together; {name} has those of each image too." if whole else ""
    left_out = {_DEFINITION, *(("Image",) if whole else ())}
    columns = [(column, column) for column in rows[0] if column not in left_out]
    columns = [column for column in columns if not column[0].endswith(("_low", "_high"))]
    shown = grid(caption, whole or rows, columns[:MOST_COLUMNS], file=name, note=note)
    named = next((column for column in _NAMING if column in rows[0]), None)
    if named is None or _DEFINITION not in rows[0]:
        return [shown]
    return [shown, definitions((str(row[named]), str(row[_DEFINITION])) for row in rows)]


def _together(rows: Sequence[Row]) -> Sequence[Mapping[str, object]]:
    """The rows of all images together, where the table has them, of one image its own; of one class without ``all``."""
    whole = [row for row in rows if row.get("Image") == _ALL] or list(rows)
    classes = {row.get("Class") for row in whole} - {_ALL_CLASSES}
    return whole if len(classes) > 1 else [row for row in whole if row.get("Class") != _ALL_CLASSES]


def _populations_note(rows: Sequence[Row]) -> str:
    units = dict.fromkeys(str(row.get("Unit", "")) for row in rows)
    told = ", ".join(f"{unit} and {shown_unit(f'{unit}^2')}" for unit in units if unit)
    return (
        f"Lengths and areas in {told}. Means, sd and standard errors are of the objects found, which is right for "
        "these images; for the specimen behind them, with edge rules and intervals over fields: temj summarise."
    )
