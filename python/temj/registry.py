"""Names that stand for code: ``name -> "module:attribute"``, imported on first use."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping

from temj.errors import BadValue


def load(target: str) -> object:
    """Import ``"module:attribute"`` and return the attribute."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def unknown(kind: str, name: str, known: Iterable[str]) -> BadValue:
    """The error for a name that is not in a table: it names the nearest one and lists all."""
    known = sorted(known)
    advice = did_you_mean(name, known)
    return BadValue(
        f"unknown-{kind}",
        where=name,
        expected=f"one of: {', '.join(known) or '(none)'}",
        remedy=f"{advice}Check the spelling.",
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The question for the nearest known name, with a space behind it; "" where none is near."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"Did you mean '{near[0]}'? " if near else ""


def look_up(table: Mapping[str, str], kind: str, name: str) -> object:
    """Import what ``name`` stands for in ``table``.

    Raises:
        BadValue: the name is not in the table.
    """
    if name not in table:
        raise unknown(kind, name, table)
    return load(table[name])
