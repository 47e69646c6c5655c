"""What the card of a new model says of its training, as tables to read side by side."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from temj.data import Column, Table
from temj.models.card import Card, Metric

_DATA = re.compile(r"(?P<images>.+?)(?:, class (?P<class>.+?))?(?:, threshold '(?P<threshold>[^']*)')?")
_COLUMNS = {
    "training images at own pixel size": "Training",
    "validation images at own pixel size": "Validation",
    "validation images at 2 x the pixel size": "Validation at 2 x the pixel size",
}
_QUANTITIES = ("area", "count", "diameter")


def comparison(card: Card) -> Table:
    """Training and validation metrics at the default threshold side by side; NaN where one of them is not known.

    Columns: Metric, Class where there are several, Training, Validation, Validation at 2 x the pixel size. Relative
    errors are in percent.
    """
    cells: dict[tuple[str, str], dict[str, float]] = {}
    for metric in card.metrics:
        place = _place(metric, card.default_threshold)
        if place is not None:
            column, class_name = place
            cells.setdefault((with_unit(metric.name), class_name), {})[column] = shown(metric)
    used = [name for name in _COLUMNS.values() if any(name in row for row in cells.values())]
    columns = [Column("Metric", np.array([name for name, _ in cells], object))]
    if len(card.classes) > 1:
        columns.append(Column("Class", np.array([class_name for _, class_name in cells], object)))
    rows = list(cells.values())
    columns += [Column(name, np.array([row.get(name, math.nan) for row in rows], float)) for name in used]
    return Table(tuple(columns))


def _place(metric: Metric, threshold: str) -> tuple[str, str] | None:
    """Column and class of a metric; None where it is not for this table."""
    found = _DATA.fullmatch(metric.data)
    if found is None or found["images"] not in _COLUMNS or found["threshold"] not in (threshold, None):
        return None
    return _COLUMNS[found["images"]], found["class"] or ""


def thresholds(card: Card) -> Table:
    """The thresholds by name, and how far quantities are off at each, in percent.

    Columns: Threshold, Value, Area error (%), Count error (%), Diameter error (%) as text with a 95 % interval:
    ``+3.1 (-2 to 8.4)``, and Judged on.
    """
    names = list(card.thresholds)
    columns = [
        Column("Threshold", np.array([f"{n} (default)" if n == card.default_threshold else n for n in names], object)),
        Column("Value", np.array([card.thresholds[name] for name in names], float)),
    ]
    for quantity in _QUANTITIES:
        texts = np.array([_bias(card, name, quantity) for name in names], object)
        columns.append(Column(f"{quantity.capitalize()} error (%)", texts))
    judged = [facts.get("judged_on", "") for facts in (_facts(card, name) for name in names)]
    return Table((*columns, Column("Judged on", np.array(judged, object))))


def _facts(card: Card, name: str) -> dict[str, Any]:
    facts = card.calibration.get(name)
    return facts if isinstance(facts, dict) else {}


def _bias(card: Card, name: str, quantity: str) -> str:
    bias = _facts(card, name).get("bias", {}).get(quantity, {})
    value, low, high = (bias.get(key) for key in ("value", "low", "high"))
    if value is None:
        return "not known"
    limits = "" if low is None or high is None else f" ({100 * low:.3g} to {100 * high:.3g})"
    return f"{100 * value:+.3g}{limits}"


def shown(metric: Metric) -> float:
    """The value as people read it: relative errors in percent."""
    return metric.value * (100 if _is_error(metric.name) else 1)


def with_unit(name: str) -> str:
    """The name of a metric with its unit."""
    return f"{name} (%)" if _is_error(name) else name


def _is_error(name: str) -> bool:
    return name.endswith(" error")
