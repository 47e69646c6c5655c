"""One spelling of the names that people give to classes and groups, and what it changed in ``dataset.json``."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def one_spelling(name: str) -> str:
    """A name in one spelling: accents composed (Unicode NFC), no blanks at its ends, single ones inside."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def respelled(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What :func:`one_spelling` changes of the names in ``dataset.json``: ``classes: 'Loop ' is read as 'Loop'``.

    Args:
        values: of a ``dataset.json`` that was found to be a good one.
    """
    changed = dict.fromkeys((key, name) for key, name in _names(values) if name != one_spelling(name))
    return tuple(f"{key}: {shown(name)} is read as {shown(one_spelling(name))}" for key, name in changed)


def clashes(names: Iterable[object]) -> Iterator[str]:
    """Names that are there twice, or differ only by what :func:`one_spelling` takes away, each pair in words."""
    first: dict[str, str] = {}
    for name in (name for name in names if isinstance(name, str)):
        other = first.get(one_spelling(name))
        if other is None:
            first[one_spelling(name)] = name
        elif other == name:
            yield f"{shown(name)} is there twice"
        else:
            yield f"{shown(other)} and {shown(name)} differ only by blanks or the spelling of accents"


def _names(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(key of dataset.json, name) of all names of classes and groups."""
    for entry in values.get("classes", ()):
        yield "classes", entry if isinstance(entry, str) else entry["name"]
    for name, meant in values.get("class_map", {}).items():
        yield from (("class_map", name), ("class_map", meant))
    yield from (("labelled", name) for name in values.get("labelled", ()))
    yield from (("groups", group) for group in values.get("groups", {}).values())


def shown(name: str) -> str:
    """A name in quotes; one that is not in Unicode NFC with escapes, for on the screen it looks the same."""
    return repr(name) if unicodedata.is_normalized("NFC", name) else ascii(name)
