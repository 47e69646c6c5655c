"""The film that a run works on: which of its frames, averaged how, and whether all of it can be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from temj.data import Film
from temj.data.notes import merged_notes
from temj.errors import BadImage, Cancelled
from temj.inference.checks import finite
from temj.readers import open_film

Progress = Callable[[str, int, int], None]


def open_chosen(path: Path, frames: str = "", average: int = 1, allow_partial: bool = False) -> Film:
    """The frames of a file that a user asked for; averages are made of what was chosen.

    Args:
        path: as in :func:`temj.readers.open_film`.
        frames: as in :meth:`temj.data.Film.choose`; "" for all.
        average: as in :meth:`temj.data.Film.average`.
        allow_partial: as in :func:`temj.readers.open_film`.

    Raises:
        BadImage: it cannot be read.
        BadValue: frames that it does not have, or fewer than are to be averaged.
    """
    film = open_film(path, allow_partial=allow_partial)
    if frames:
        film = film.choose(frames)
    return film.average(average)


def is_single(film: Film) -> bool:
    """Whether it is one image rather than a film, also of one frame."""
    return len(film) == 1 and not film.numbers


def read_through(
    film: Film, fill: bool, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> list[str]:
    """Read every plane once, so that hours of prediction are not lost to a plane that cannot be predicted.

    Args:
        film: any.
        fill: whether pixels that are NaN or infinite may be filled; else they are an error.
        progress: told which plane is being read.
        cancelled: polled before each plane.

    Returns:
        The notes of all planes, each once.

    Raises:
        BadImage: a plane that cannot be read, a frame unlike the others, or ``nonfinite`` pixels.
        Cancelled: asked to stop.
    """
    notes = []
    for number, micrograph in enumerate(film, start=1):
        if cancelled is not None and cancelled():
            raise Cancelled
        if progress is not None:
            progress(f"Reading plane {number} of {len(film)}", 0, len(film))
        finite(replace(micrograph, name=f"{film.name} (plane {film.plane_number(number - 1)})"), fill)
        notes.append(tuple(micrograph.metadata.get("notes", ())))
    return merged_notes(notes, [film.plane_number(index) for index in range(len(film))]) + _numbering(film)


def _numbering(film: Film) -> list[str]:
    if not film.numbers:
        return []
    return [
        f"ROIs and tables name the planes by their numbers in the file; labels.tif holds the {len(film)} chosen or "
        "averaged ones one after the other"
    ]


def facts(film: Film) -> dict[str, Any]:
    """What run.json tells of a film: ``film`` and, where it was cut off, ``partial``."""
    told: dict[str, Any] = {}
    if not is_single(film):
        told["film"] = {"dimensions": list(film.dimensions), "frame_interval_s": film.frame_interval}
    if film.partial is not None:
        told["partial"] = list(film.partial)
    return told


def partial_failure(entry: Mapping[str, Any]) -> list[dict[str, str]]:
    """The entry among the failures of a film that was predicted in part; none for a whole one."""
    if "partial" not in entry:
        return []
    read, announced = entry["partial"]
    dimensions = entry.get("film", {}).get("dimensions", [1])
    word = "frames" if max(dimensions) == prod(dimensions) else "planes"
    error = BadImage(
        "truncated",
        where=entry["image"],
        expected=f"{announced} {word}",
        found=f"a part: {read} of {announced} {word} were read",
        remedy=f"The results are those of these {word}; their rows in Summary.csv say so (Partial).",
    )
    return [{"image": entry["image"], "code": error.code, "message": error.message}]


def marked_rows(entries: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of Summary.csv; where a film was cut off there is a column Partial (``22/60``, else empty)."""
    some = any("partial" in entry for entry in entries)
    rows = []
    for entry in entries:
        mark = {"Partial": "/".join(map(str, entry.get("partial", ())))} if some else {}
        rows += [{**row, **mark} for row in entry["summary"]]
    return rows
