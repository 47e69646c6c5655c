"""What run.json and evaluation.json tell, checked on reading: a file that was edited by hand ends in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from temj.errors import Refused

Cell = str | float | int | bool | None
LARGEST = 256 * 2**20
"""Bytes of the largest file of facts that is read."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class LeftOut(_Part):
    """A part of a plane that is not analysed: kind and percent of the plane."""

    kind: str = ""
    percent: float = 0.0


class AreaOf(_Part):
    """The analysed area of a plane: percent that counts, and what is left out."""

    percent: float = 100.0
    left_out: tuple[LeftOut, ...] = ()


class Entry(_Part):
    """One image of a prediction, as run.json has it; ``summary`` has a row for each plane and class."""

    image: str
    stem: str
    sha256: str = ""
    pixels_sha256: str = ""
    files: dict[str, str] = {}
    area: tuple[AreaOf, ...] = ()
    objects: int = 0
    prediction: dict[str, Any] = {}
    notes: tuple[str, ...] = ()
    summary: tuple[dict[str, Cell], ...] = ()
    film: dict[str, Any] = {}
    partial: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The image without its folder, as its Summary names it or as its path ends."""
        return self.image.replace("\\", "/").rpartition("/")[2] or self.image

    @property
    def pixel_size(self) -> tuple[float, float] | None:
        """In nm in x and y; None where it is unknown."""
        sizes = self.prediction.get("pixel_size")
        if not isinstance(sizes, list) or len(sizes) != 2 or not all(isinstance(size, int | float) for size in sizes):
            return None
        return float(sizes[0]), float(sizes[1])


class Failure(_Part):
    """An image that could not be predicted."""

    image: str = ""
    code: str = ""
    message: str = ""


class ModelUsed(_Part):
    """A model by name and the sha256 of its weights."""

    name: str = ""
    sha256: str = ""


class Record(_Part):
    """A run.json of any command; what a command does not tell is empty.

    ``images`` are those of a prediction; other commands tell names only (``image_names``). ``notes`` are (image, note).
    """

    command: str
    parameters: dict[str, Any] = {}
    options: dict[str, Any] = {}
    command_line: str = ""
    macro_line: str = ""
    model: ModelUsed = ModelUsed()
    models: tuple[ModelUsed, ...] = ()
    versions: dict[str, str] = {}
    started: str = ""
    finished: str = ""
    state: str = "done"
    images: tuple[Entry, ...] = ()
    failures: tuple[Failure, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    image_names: tuple[str, ...] = ()


class Side(_Part):
    """One side of an evaluation."""

    title: str = ""
    path: str = ""
    models: tuple[str, ...] = ()
    thresholds: dict[str, float] = {}


class Compared(_Part):
    """An image of an evaluation and the part of the dataset that it belongs to."""

    image: str
    part: str = ""


class Measured(_Part):
    """One figure of an evaluation."""

    name: str
    value: float | None = None
    unit: str = ""
    interval: tuple[float | None, float | None] | None = None
    interval_method: str = ""
    images: int = 0
    definition: str = ""
    class_name: str = ""


class Assessment(_Part):
    """evaluation.json."""

    truth: Side = Side()
    prediction: Side = Side()
    images: tuple[Compared, ...] = ()
    heading: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    metrics: tuple[Measured, ...] = ()
    files: tuple[str, ...] = ()


_Kind = TypeVar("_Kind", bound=BaseModel)


def read(path: Path, kind: type[_Kind]) -> _Kind:
    """The facts of a JSON file.

    Raises:
        Refused: it cannot be read, is no JSON, or has other facts than such a file has; the first one is named.
    """
    remedy = "The file was damaged or changed by hand: run the command again, or restore the file."
    try:
        if path.stat().st_size > LARGEST:
            raise Refused(
                path.name, where=path, expected=f"at most {LARGEST >> 20} MB", found=f"{path.stat().st_size >> 20} MB"
            )
        facts = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(path.name, where=path, expected="readable JSON", found=str(error), remedy=remedy) from None
    if isinstance(facts, dict):
        facts = _of_one_form(_with_class_names(facts))
    try:
        return kind.model_validate(facts)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise Refused(
            path.name, where=path, expected=f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}",
            found=repr(first.get("input"))[:80], remedy=remedy,
        ) from None  # fmt: skip


def _with_class_names(facts: dict[str, Any]) -> dict[str, Any]:
    """``class`` is no name that Python has: the figures of an evaluation call it ``class_name`` here."""
    rows = facts.get("metrics")
    if not isinstance(rows, list):
        return facts
    return facts | {
        "metrics": [row | {"class_name": row.get("class") or ""} if isinstance(row, dict) else row for row in rows]
    }


def _of_one_form(facts: dict[str, Any]) -> dict[str, Any]:
    """Images that are names only, and notes with and without an image, as :class:`Record` has them."""
    images, notes = facts.get("images"), facts.get("notes")
    told = dict(facts)
    if isinstance(images, list) and images and all(isinstance(image, str) for image in images):
        told |= {"images": [], "image_names": images}
    if isinstance(notes, list) and "command" in facts:
        told["notes"] = [["", note] if isinstance(note, str) else note for note in notes]
    return told
