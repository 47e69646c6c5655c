"""ImageJ's options strings (``model=loops threshold=0.5 output=[/a b/c] ellipses``), read and written exactly.

ImageJ's own search for a key also finds it inside other values and returns the default where brackets do
not match; here every token is read once, from left to right, and what cannot be read is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from temj.errors import BadValue


def read_options(options: str) -> dict[str, str | bool]:
    """Keys and values of an options string; a bare key is True.

    A value in square brackets may hold blanks, ``=`` and matched brackets; the outer ones are dropped.

    Raises:
        BadValue: brackets that do not match, or a key given twice.
    """
    found: dict[str, str | bool] = {}
    at, end = 0, len(options)
    while at < end:
        if options[at].isspace():
            at += 1
            continue
        stop = at
        while stop < end and options[stop] != "=" and not options[stop].isspace():
            stop += 1
        key, value, at = options[at:stop], True, stop
        if stop < end and options[stop] == "=":
            value, at = _value(options, stop + 1)
        if key in found:
            raise BadValue("twice", where=key, expected="each key once", found=options)
        found[key] = value
    return found


def _value(options: str, start: int) -> tuple[str, int]:
    """The value that starts at ``start`` and the index behind it."""
    if options[start : start + 1] != "[":
        stop = start
        while stop < len(options) and not options[stop].isspace():
            stop += 1
        return options[start:stop], stop
    depth = 0
    for index in range(start, len(options)):
        depth += {"[": 1, "]": -1}.get(options[index], 0)
        if depth == 0:
            return options[start + 1 : index], index + 1
    raise BadValue(
        "brackets", where=options[start:], expected="a ] for every [", remedy="Close the bracket, or rename the file."
    )


def write_options(values: Mapping[str, Any]) -> str:
    """The options string that :func:`read_options` reads back as these values (numbers and paths as text).

    True is the bare key; False and None are left out.

    Raises:
        BadValue: a value that no options string can hold (brackets that do not match, a line break).
    """
    words = []
    for key, value in values.items():
        if value is True:
            words.append(key)
        elif value is not False and value is not None:
            words.append(f"{key}={_quoted(key, str(value))}")
    return " ".join(words)


def _quoted(key: str, text: str) -> str:
    plain = text and not any(letter.isspace() or letter in "[]" for letter in text)
    quoted = text if plain else f"[{text}]"
    if "\n" in text or "\r" in text or _value(f"{quoted} ", 0) != (text, len(quoted)):
        raise BadValue(
            "brackets",
            where=key,
            expected="a value whose square brackets match, on one line",
            found=repr(text),
            remedy="Rename the file or folder.",
        )
    return quoted


def macro_string(text: str) -> str:
    """``text`` as a string literal of ImageJ's macro language."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
