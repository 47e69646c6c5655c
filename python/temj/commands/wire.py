"""Micrographs, instances and tables as JSON and named arrays, for a process on the other side of the seam."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from temj.commands.base import Value, Values
from temj.data import Calibration, Column, Instances, Micrograph, Shapes, Table

Arrays = dict[str, np.ndarray]


def to_wire(values: Values) -> tuple[dict[str, Any], Arrays]:
    """Named values as one JSON object and flat arrays named ``<value>/<array>``.

    Arrays without elements travel inside the JSON, since shared memory has no empty blocks.
    """
    record: dict[str, Any] = {}
    arrays: Arrays = {}
    for name, value in values.items():
        to_record, _ = _KINDS[type(value).__name__]
        facts, parts = to_record(value)
        empty = {key: [list(part.shape), part.dtype.str] for key, part in parts.items() if part.size == 0}
        arrays |= {f"{name}/{key}": part for key, part in parts.items() if part.size}
        record[name] = {"kind": type(value).__name__, "facts": facts, "empty": empty}
    return record, arrays


def from_wire(record: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Value]:
    """The inverse of :func:`to_wire`."""
    values = {}
    for name, entry in record.items():
        parts = {key: np.empty(shape, dtype) for key, (shape, dtype) in entry["empty"].items()}
        parts |= {key.removeprefix(f"{name}/"): part for key, part in arrays.items() if key.startswith(f"{name}/")}
        values[name] = _KINDS[entry["kind"]][1](entry["facts"], parts)
    return values


def _micrograph_to(value: Micrograph) -> tuple[dict, Arrays]:
    facts = {
        "calibration": dataclasses.asdict(value.calibration),
        "name": value.name,
        "position": list(value.position),
        "slice_label": value.slice_label,
        "metadata": dict(value.metadata),
    }
    parts = {name: getattr(value, name) for name in ("pixels", "area", "others")}
    return facts, {name: part for name, part in parts.items() if part is not None}


def _micrograph_from(facts: Mapping, parts: Arrays) -> Micrograph:
    calibration, position = Calibration(**facts["calibration"]), tuple(facts["position"])
    return Micrograph(**{**facts, "calibration": calibration, "position": position, **parts})


_SHAPES = tuple(field.name for field in dataclasses.fields(Shapes))


def _instances_to(value: Instances) -> tuple[dict, Arrays]:
    facts = {"class_name": list(value.class_name), "name": list(value.name), "info": dict(value.info)}
    parts = {key: getattr(value.shapes, key) for key in _SHAPES}
    return facts, parts | {key: getattr(value, key) for key in ("score", "group", "position", "track")}


def _instances_from(facts: Mapping, parts: Arrays) -> Instances:
    shapes = Shapes(**{key: parts.pop(key) for key in _SHAPES})
    names = {key: np.array(facts[key], object) for key in ("class_name", "name")}
    return Instances(shapes, info=facts["info"], **names, **parts)


def _table_to(value: Table) -> tuple[dict, Arrays]:
    facts = [
        {
            "name": column.name, "unit": column.unit, "decimals": column.decimals,
            "text": list(column.values) if column.is_text else None,
        }
        for column in value
    ]  # fmt: skip
    return {"columns": facts}, {str(k): column.values for k, column in enumerate(value) if not column.is_text}


def _table_from(facts: Mapping, parts: Arrays) -> Table:
    return Table(
        tuple(
            Column(
                fact["name"],
                parts[str(k)] if fact["text"] is None else np.array(fact["text"], object),
                fact["unit"],
                fact["decimals"],
            )
            for k, fact in enumerate(facts["columns"])
        )
    )


_KINDS = {
    "Micrograph": (_micrograph_to, _micrograph_from),
    "Instances": (_instances_to, _instances_from),
    "Table": (_table_to, _table_from),
}
