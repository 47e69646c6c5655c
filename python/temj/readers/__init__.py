"""Files -> micrographs and films, with their pixel size."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from temj.data import Calibration, Film, Micrograph
from temj.errors import BadImage, BadValue
from temj.readers.files import first_bytes
from temj.registry import load

__all__ = ["READERS", "open", "open_film"]

READERS = {
    ".tif": "temj.readers.tiff:open_film",
    ".tiff": "temj.readers.tiff:open_film",
    ".png": "temj.readers.picture:open_film",
    ".jpg": "temj.readers.picture:open_film",
    ".jpeg": "temj.readers.picture:open_film",
}
"""Extension (lower case) -> function of a path (absolute) that gives a :class:`Film`."""

PIXEL_SIZE_TOLERANCE = 0.02


def open_film(path: str | os.PathLike, pixel_size: Calibration | None = None) -> Film:
    """All planes of an image file, read one by one when they are asked for.

    Args:
        path: TIFF (ImageJ's stacks and hyperstacks too), PNG or JPEG.
        pixel_size: replaces the file's own pixel size; each micrograph's ``metadata["notes"]`` says so
            where they differ by more than 2 %.

    Raises:
        BadImage: it cannot be read, or not all of it; nothing is ever filled with zeros.
    """
    path = Path(path).absolute()
    reader = READERS.get(path.suffix.lower())
    first_bytes(path)
    if reader is None:
        raise BadImage(
            "unknown-format",
            where=path,
            expected=f"one of {', '.join(READERS)}",
            found=f"the extension {path.suffix!r}",
            remedy="Save it as TIFF (in ImageJ: File > Save As > Tiff).",
        )
    film: Film = load(reader)(path)
    return film if pixel_size is None else replace(film, read=_at_scale(film.read, pixel_size))


def open(path: str | os.PathLike, pixel_size: Calibration | None = None, plane: int | None = None) -> Micrograph:
    """One micrograph from an image file.

    Args:
        path: as in :func:`open_film`.
        pixel_size: as in :func:`open_film`.
        plane: which plane of a stack, counted from 0; not needed where the file has one.

    Raises:
        BadImage: it cannot be read.
        BadValue: the file has several planes and ``plane`` is not given, or has no such plane.
    """
    film = open_film(path, pixel_size)
    if plane is None and len(film) == 1:
        plane = 0
    if plane is None or not 0 <= plane < len(film):
        raise BadValue(
            "plane",
            where=Path(path).absolute(),
            expected=f"a plane from 0 to {len(film) - 1}: the file has {len(film)}",
            found="none chosen" if plane is None else plane,
            remedy="Choose one with plane=, or open all of them with temj.readers.open_film.",
        )
    return film[plane]


def _at_scale(read: Callable[[int], Micrograph], wanted: Calibration) -> Callable[[int], Micrograph]:
    """A reader whose micrographs have the pixel size that the user gave."""

    def read_at_scale(index: int) -> Micrograph:
        micrograph = read(index)
        own = micrograph.calibration
        differs = own.known and wanted.known and _differ(own, wanted)
        note = f"pixel size {_size(wanted)} given by the user instead of the file's {_size(own)}"
        notes = (*micrograph.metadata.get("notes", ()), *([note] if differs else []))
        calibration = replace(wanted, x_origin=own.x_origin, y_origin=own.y_origin)
        return replace(micrograph, calibration=calibration, metadata={**micrograph.metadata, "notes": notes})

    return read_at_scale


def _differ(one: Calibration, other: Calibration) -> bool:
    """Whether two pixel sizes differ by more than 2 % in x or y."""
    return any(abs(a / b - 1) > PIXEL_SIZE_TOLERANCE for a, b in zip(one.nm, other.nm, strict=True))


def _size(calibration: Calibration) -> str:
    sizes = dict.fromkeys(f"{size:.6g}" for size in (calibration.width, calibration.height))
    return f"{' x '.join(sizes)} {calibration.unit}"
