"""How well a prediction agrees with annotations: the figures of an evaluation with their intervals."""

from __future__ import annotations

from collections.abc import Iterable

from temj.report.blocks import Block, Definitions, Section
from temj.report.csv_tables import grid
from temj.report.record import Measured
from temj.report.run import Run
from temj.report.wording import counted, listed
from temj.report.wording import unit as shown_unit

_SHARES = ("area error", "count error", "diameter error", "major axis error", "minor axis error")
"""Relative errors, given as fractions; shown in percent."""


_MOST = 150
"""Figures of a class; more are in the file."""
_METHODS = {"t": "Student's t with jackknife", "BCa": "BCa bootstrap"}


def section(run: Run) -> Section | None:
    """A table for each class, and what its figures are; None for what is no evaluation."""
    if run.assessment is None:
        return None
    metrics = run.assessment.metrics
    blocks: list[Block] = [_of_class(metrics, name) for name in dict.fromkeys(one.class_name for one in metrics)]
    if blocks:
        blocks.append(definitions((one.name, one.definition) for one in metrics))
    return Section("assessment", "Agreement with the truth", tuple(blocks)) if blocks else None


def definitions(told: Iterable[tuple[str, str]]) -> Definitions:
    """Each figure once: of ``AP50 (below 8 nm)`` and ``AP50`` the first that comes."""
    first: dict[str, str] = {}
    for name, definition in told:
        if definition:
            first.setdefault(name.partition(" (")[0], definition)
    return Definitions(tuple(first.items()))


def _of_class(metrics: tuple[Measured, ...], name: str) -> Block:
    rows = [_row(figure) for figure in metrics if figure.class_name == name]
    images = max((figure.images for figure in metrics), default=0)
    methods = dict.fromkeys(figure.interval_method for figure in metrics if figure.interval_method)
    kinds = listed(_METHODS.get(method, method) for method in methods)
    note = f"95 % intervals over {counted(images, 'image')}: {kinds}." if methods else "No intervals over images."
    return grid(
        f"Figures of {name or 'the objects'}.", rows, note=f"{note} images.csv has the figures of each image.",
        file="evaluation.csv", digits=3, most=_MOST,
    )  # fmt: skip


def _row(figure: Measured) -> dict[str, object]:
    factor, unit = (100.0, "%") if figure.name in _SHARES else (1.0, shown_unit(figure.unit))
    low, high = figure.interval or (None, None)
    return {
        "Figure": figure.name,
        "Value (95 % interval)": _times(figure.value, factor),
        "Value (95 % interval)_low": _times(low, factor),
        "Value (95 % interval)_high": _times(high, factor),
        "Unit": unit,
    }


def _times(value: float | None, factor: float) -> float:
    return float("nan") if value is None else factor * value
