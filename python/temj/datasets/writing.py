"""Changing ``dataset.json``: all else that stands in it stays, in its order, in a form that people read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from temj import storage
from temj.datasets.description import FILE, Description, described, read_values

_WIDTH = 110


def readable(value: Any, indent: int = 0) -> str:
    """JSON in which what is short stands in one line and long lists of names are wrapped."""
    short = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, Mapping) and value:
        short = "{ " + short[1:-1] + " }"
    if not isinstance(value, Mapping | list | tuple) or (indent and len(short) + indent <= _WIDTH):
        return short
    if not value:
        return short
    pad = " " * (indent + 2)
    if isinstance(value, Mapping):
        inner = [
            f"{pad}{json.dumps(key, ensure_ascii=False)}: {readable(part, indent + 2)}" for key, part in value.items()
        ]
        return "{\n" + ",\n".join(inner) + "\n" + " " * indent + "}"
    if any(isinstance(part, Mapping | list | tuple) for part in value):
        inner = [pad + readable(part, indent + 2) for part in value]
        return "[\n" + ",\n".join(inner) + "\n" + " " * indent + "]"
    return "[\n" + _wrapped([readable(part) for part in value], pad) + "\n" + " " * indent + "]"


def _wrapped(words: list[str], pad: str) -> str:
    lines, line = [], pad
    for number, word in enumerate(words):
        word += "," if number < len(words) - 1 else ""
        if len(line) + len(word) > _WIDTH and line.strip():
            lines.append(line.rstrip())
            line = pad
        line += word + " "
    return "\n".join([*lines, line.rstrip()])


def write_description(folder: Path, values: Mapping[str, Any], *, overwrite: bool = False) -> None:
    """Write ``dataset.json``; it is proven to be a good one first.

    Raises:
        ValueError: the values are none (a defect of the caller).
        Refused, StorageError: as :func:`temj.storage.write_text`.
    """
    Description.model_validate(dict(values))
    storage.write_text(folder / FILE, readable(values) + "\n", overwrite=overwrite)


def update_description(folder: Path, changes: Mapping[str, Any]) -> None:
    """Replace keys of ``dataset.json``; new ones come last, None takes a key away, all others keep place and value.

    Raises:
        BadDataset: there is none, or it is not a good one.
        StorageError: it cannot be written; the old one is untouched.
    """
    values = read_values(folder)
    described(values, folder / FILE)
    values |= {key: value for key, value in changes.items() if value is not None}
    for key in [key for key, value in changes.items() if value is None]:
        values.pop(key, None)
    write_description(folder, values, overwrite=True)
