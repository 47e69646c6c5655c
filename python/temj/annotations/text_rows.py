"""Text files of rows, one object a row: what YOLO's and Shen's have in common."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from temj.annotations.base import Format
from temj.annotations.encoding import LARGEST_COORDINATE
from temj.annotations.pairing import files_of
from temj.errors import BadAnnotation

LARGEST = 64 * 2**20
NAMES = "classes.txt"
_CLASSES = 100_000


def rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Number of the line, from 1, and its words; empty lines are left out.

    Raises:
        BadAnnotation: unreadable, larger than 64 MiB, or no text in UTF-8.
    """
    try:
        if file.stat().st_size > LARGEST:
            raise BadAnnotation("too-large", where=file, expected="at most 64 MiB of text")
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadAnnotation(
            "unreadable", where=file, found=error.strerror or error, remedy="Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise BadAnnotation(
            "encoding", where=file, expected="rows of text in UTF-8", found=f"a byte at number {error.start}",
            remedy="Save it as UTF-8.",
        ) from None  # fmt: skip
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if words:
            yield number, words


def text_files(folder: Path, leave_out: Sequence[str] = ()) -> list[Path]:
    """The ``.txt`` files of a folder but those of certain names, sorted."""
    return [file for file in files_of(folder, (".txt",)) if file.name.lower() not in leave_out]


def text_format(name: str, says: tuple[str, frozenset[str]], recognises: Any, read: Any, encode: Any) -> Format:
    """A format of one ``.txt`` file an image; ``says`` is its title and what it holds."""
    return Format(name, *says, True, ".txt", recognises, read, encode)


def class_number(word: str) -> int | None:
    """A class's number, from 0; None where the word is none."""
    value = number(word)
    return int(value) if value is not None and 0 <= value < _CLASSES and value == int(value) else None


def number(word: str) -> float | None:
    """A finite number within ±1,000,000; None where the word is none."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if not math.isnan(value) and abs(value) <= LARGEST_COORDINATE else None


def class_names(files: Sequence[Path], given: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the classes 0, 1, …: those given, else those of the first file that is there."""
    for file in files:
        if given:
            break
        if file.is_file():
            given = tuple(" ".join(words) for _, words in rows(file))
    return given


def named(number: int, names: tuple[str, ...]) -> str:
    """The name of a class, or its number where there are no names."""
    return names[number] if number < len(names) else str(number)


def unknown_class(number: int, names: tuple[str, ...]) -> str:
    """What is wrong with a class's number; "" where nothing is."""
    if not names or number < len(names):
        return ""
    return f"class {number}, but there are {len(names)} names of classes (0 to {len(names) - 1})"
