"""Figures as tables and as JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from temj.data import Column, Table
from temj.evaluation.agreement import ERRORS, Agreement, figures
from temj.evaluation.judging import Judged
from temj.evaluation.summary import ALL, COUNTS, FIELDS, PLACE, Figure, quantities


def summary_table(rows: Sequence[Figure], images: int) -> Table:
    """``evaluation.csv``: a row a figure."""
    return Table(
        (
            _texts("Class", [row.class_name for row in rows]),
            _texts("Metric", [row.name for row in rows]),
            _numbers("Value", [row.value for row in rows]),
            _numbers("Value_low", [row.interval.low for row in rows]),
            _numbers("Value_high", [row.interval.high for row in rows]),
            _texts("Unit", [row.unit for row in rows]),
            _texts("Interval", [f"95 %, {row.interval.method}" if row.interval.method else "" for row in rows]),
            Column("Images", np.full(len(rows), images, np.int64)),
            _texts("Definition", [row.definition for row in rows]),
        )
    )


def images_table(stems: Sequence[str], images: Sequence[Judged], unit: str, parts: Mapping[str, str]) -> Table:
    """``images.csv``: a row an image and class, and one for all classes where there are several."""
    rows: list[tuple[str, str, Agreement, int]] = []
    for stem, image in zip(stems, images, strict=True):
        rows += [(stem, name, part, image.counted) for name, part in image.classes.items()]
        if len(image.classes) > 1:
            rows.append((stem, ALL, image.total, image.counted))
    sums = np.array([[*part.sums, counted] for _, _, part, counted in rows], float).reshape(len(rows), FIELDS + 1)
    columns = [_texts("Image", [row[0] for row in rows])]
    if any(parts.values()):
        columns.append(_texts("Part", [parts.get(row[0], "") for row in rows]))
    columns.append(_texts("Class", [row[1] for row in rows]))
    columns.append(Column("Pixels counted", sums[:, FIELDS].astype(np.int64)))
    columns += [Column(_title(name), sums[:, PLACE[field]].astype(np.int64)) for name, field in COUNTS.items()]
    for name, (statistic, its_unit, _) in quantities(unit).items():
        columns.append(_numbers(f"{_title(name)} ({its_unit})", statistic(sums), its_unit))
    return Table((*columns, *(_numbers(_title(name), values) for name, values in figures(sums).items())))


def in_percent(table: Table) -> Table:
    """The table with its relative errors (:data:`temj.evaluation.agreement.ERRORS`) in percent, unit ``%``."""
    return Table(tuple(
        Column(column.name, 100 * column.values, "%") if column.name in ERRORS else column for column in table
    ))  # fmt: skip


def json_rows(rows: Sequence[Figure], images: int) -> list[dict[str, Any]]:
    """The figures as JSON values; what is not known is null."""
    return [
        {
            "class": row.class_name, "name": row.name, "value": _json(row.value), "unit": row.unit,
            "interval": [_json(row.interval.low), _json(row.interval.high)] if row.interval.method else None,
            "interval_method": row.interval.method, "images": images, "definition": row.definition,
        }
        for row in rows
    ]  # fmt: skip


def _json(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _title(name: str) -> str:
    return name[0].upper() + name[1:] if len(name) > 1 else name  # r is a symbol


def _texts(name: str, cells: Sequence[str]) -> Column:
    return Column(name, np.array(cells, object))


def _numbers(name: str, values: Sequence[float] | np.ndarray, unit: str = "") -> Column:
    return Column(name, np.asarray(values, float), unit)
