"""``run.json``: what was done, with what, and how to do it again. It alone holds times."""

from __future__ import annotations

import functools
import json
import math
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from temj import storage
from temj._version import __version__
from temj.data import Column, Table
from temj.errors import Refused

_LIBRARIES = ("torch", "numpy", "opencv-python", "scikit-image", "segmentation-models-pytorch")
_NUMBERS = {None: math.nan, "inf": math.inf, "-inf": -math.inf}


def now() -> str:
    """The time in ISO 8601 (UTC, seconds)."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@functools.cache
def versions() -> dict[str, str]:
    """TEMJ, Python and the libraries that results depend on."""
    found = {"temj": __version__, "python": platform.python_version()}
    return found | {name: metadata.version(name) for name in _LIBRARIES}


def read(folder: Path) -> dict[str, Any] | None:
    """The ``run.json`` of a prediction in a result folder; None where there is none.

    Raises:
        Refused: it cannot be read, or is not of a prediction.
    """
    path = folder / "run.json"
    if not path.exists():
        return None
    remedy = "Use --overwrite or another folder."
    try:
        run = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise Refused("run.json", where=path, found=str(error), remedy=remedy) from None
    if not isinstance(run, dict) or (run.get("format"), run.get("command")) != (1, "predict") or "planned" not in run:
        raise Refused("run.json", where=path, expected="the run.json of temj predict", remedy=remedy)
    return run


def write(folder: Path, run: Mapping[str, Any]) -> None:
    """Write ``run.json``, replacing the one of the step before."""
    storage.write_json(folder / "run.json", run)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """In which of the facts that decide about results two runs differ."""

    def facts(run: Mapping[str, Any]) -> dict[str, Any]:
        return {"model": run["model"]["sha256"], "temj": run["versions"]["temj"], **run["options"]}

    old, new = facts(before), facts(after)
    return [f"{key}: {old.get(key)} -> {value}" for key, value in new.items() if old.get(key) != value]


def table_rows(table: Table) -> list[dict[str, Any]]:
    """A table as JSON: a dict for each row; NaN is null, infinities are text."""
    return [{column.name: _plain(column.values[row]) for column in table} for row in range(len(table))]


def rows_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """The inverse of :func:`table_rows` (numbers as float64, without units)."""
    columns = []
    for name in rows[0] if rows else ():
        cells = [row[name] for row in rows]
        numbers = [_NUMBERS.get(cell, cell) for cell in cells]
        text = any(isinstance(number, str) for number in numbers)
        columns.append(Column(name, np.array(cells, object) if text else np.array(numbers, float)))
    return Table(tuple(columns))


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
