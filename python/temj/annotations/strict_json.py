"""JSON as its standard has it, with line and column of what is wrong: no NaN, no key twice, no bomb."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from temj.errors import BadAnnotation

LARGEST = 2**31
LONGEST_NUMBER = 1000
DEEPEST = 100
_LONG = re.compile(rf"\d{{{LONGEST_NUMBER + 1}}}")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|NaN|-?Infinity|-?\d[\d.eE+-]*', re.DOTALL)

_WORDS = {
    "Expecting property name": 'a key in double quotes ("), or the closing }',
    "Expecting value": 'a value: text in double quotes ("), a number, true, false, null, a list [ ] or an object { }',
    "Expecting ':'": "a colon (:) between key and value",
    "Expecting ','": "a comma (,) between entries, or the closing bracket",
    "Unterminated string": 'a closing double quote (") of the text that begins here',
    "Invalid control character": 'no tab or line break in a text, and a double quote (") at its end',
    "Invalid \\": "no single backslash in a text (write / or two backslashes)",
    "Extra data": "the end of the file after the last closing bracket",
}
"""How the messages of :mod:`json` begin, and what was expected, for people."""


class _Twice(ValueError):
    """A key that stands twice in an object."""


def load(path: Path) -> Any:
    """The value in a JSON file (UTF-8; a byte order mark is allowed).

    Raises:
        BadAnnotation: unreadable, larger than 2 GiB, another encoding, no JSON, NaN or Infinity, numbers of more than
            1,000 digits, brackets more than 100 deep, a key twice in one object. Line and column are named.
    """
    text = _text(path)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        _fail(path, text, error.pos, _expected(error, text), _excerpt(text, error.pos))
    except (ValueError, RecursionError) as error:
        for position, expected, found in _faults(text):
            _fail(path, text, position, expected, found)
        _fail(path, text, 0, "JSON", str(error))
    if _LONG.search(text):  # or a text with so many digits: then there is no fault
        for position, expected, found in _faults(text):
            _fail(path, text, position, expected, found)
    _require_shallow(path, text, value)
    return value


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise BadAnnotation("too-large", where=path, expected="at most 2 GiB", remedy="Split the file.")
        data = path.read_bytes()
    except OSError as error:
        raise BadAnnotation(
            "unreadable", where=path, found=error.strerror or error, remedy="Check the path."
        ) from error
    if not data.strip():
        raise BadAnnotation("empty", where=path, expected="JSON", found=f"{len(data)} bytes", remedy="Fetch it again.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _line(data[: error.start].decode("utf-8", "replace"), error.start)
        raise BadAnnotation(
            "encoding", where=path, expected="text in UTF-8",
            found=f"byte 0x{data[error.start]:02x} at line {line}, column {column}; the first bytes are {data[:16]!r}",
            remedy="Save it as UTF-8.",
        ) from None  # fmt: skip


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Twice("a key twice")
    return made


def _constant(name: str) -> NoReturn:
    raise ValueError(f"the constant {name}")


def _require_shallow(path: Path, text: str, value: Any) -> None:
    """Refuse what is nested deeper than any annotation, level by level, without recursion."""
    level = [value]
    for _ in range(DEEPEST):
        deeper = []
        for item in level:
            inside = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
            deeper += [part for part in inside if isinstance(part, list | dict)]
        if not deeper:
            return
        level = deeper
    for position, expected, found in _faults(text):
        _fail(path, text, position, expected, found)


def _faults(text: str) -> Iterator[tuple[int, str, str]]:
    """Position, what was expected and what stands there instead, of the faults that json itself does not place."""
    stack: list[set[str] | None] = []
    before: re.Match[str] | None = None
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in "[{":
            stack.append(set() if word == "{" else None)
            if len(stack) > DEEPEST:
                yield token.start(), f"brackets at most {DEEPEST} deep", "more"
        elif word in "]}":
            stack and stack.pop()
        elif word == ":" and before and stack and stack[-1] is not None:
            if before[0] in stack[-1]:
                yield before.start(), "every key once in an object", f"the key {before[0][:60]} twice"
            stack[-1].add(before[0])
        elif word.lstrip("-") in ("NaN", "Infinity"):
            yield token.start(), "numbers", word
        elif word[0] not in '":,' and len(word) > LONGEST_NUMBER:
            yield token.start(), f"numbers of at most {LONGEST_NUMBER:,} characters", f"{len(word):,} characters"
        before = token


def _expected(error: json.JSONDecodeError, text: str) -> str:
    """What should stand where the reader stopped, for people."""
    before, here = text[: error.pos].rstrip(), text[error.pos : error.pos + 1]
    if before.endswith(",") and here in ("]", "}"):
        return f"no comma before the closing {here}"
    return next((words for begin, words in _WORDS.items() if error.msg.startswith(begin)), "JSON")


def _line(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _excerpt(text: str, position: int) -> str:
    rest = text[position:]
    if not rest.strip():
        return "the end of the file"
    part = rest.splitlines()[0].rstrip()[:16]
    mark = '"' if "'" in part else "'"
    return f"{mark}{part}{mark}" if part else "the end of the line"


def _fail(path: Path, text: str, position: int, expected: str, found: str) -> NoReturn:
    line, column = _line(text, position)
    raise BadAnnotation(
        "json", where=f"{path}, line {line}, column {column}", expected=expected, found=found,
        remedy="Correct the file, or export it again.",
    ) from None  # fmt: skip
