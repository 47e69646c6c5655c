"""Files -> micrographs and films, with their pixel size."""

from __future__ import annotations

import os
from pathlib import Path

from temj.data import Calibration, Film, Micrograph
from temj.data.calibration import as_calibration
from temj.errors import BadImage, BadValue
from temj.readers.files import first_bytes
from temj.registry import load

__all__ = ["FOLDER_READERS", "READERS", "folder_kind", "open", "open_film"]

READERS = {
    ".tif": "temj.readers.tiff:open_film",
    ".tiff": "temj.readers.tiff:open_film",
    ".png": "temj.readers.picture:open_film",
    ".jpg": "temj.readers.picture:open_film",
    ".jpeg": "temj.readers.picture:open_film",
    ".mp4": "temj.readers.video:open_film",
    ".mov": "temj.readers.video:open_film",
    ".avi": "temj.readers.video:open_film",
    ".dm3": "temj.readers.dm:open_film",
    ".dm4": "temj.readers.dm:open_film",
    ".ser": "temj.readers.ser:open_film",
    ".emd": "temj.readers.emd:open_film",
    ".mrc": "temj.readers.mrc:open_film",
    ".mrcs": "temj.readers.mrc:open_film",
    ".rec": "temj.readers.mrc:open_film",
    ".st": "temj.readers.mrc:open_film",
}
"""Extension (lower case) -> function of (absolute path, allow_partial) that gives a :class:`Film`."""

FOLDER_READERS = {
    "zarr": "temj.readers.ome_zarr:open_film",
    "frames": "temj.readers.folder:open_film",
}
"""Kind of folder -> function as in :data:`READERS`."""

_ZARR_MARKS = ("zarr.json", ".zgroup", ".zarray", ".zattrs")


def open_film(
    path: str | os.PathLike, pixel_size: Calibration | str | float | None = None, allow_partial: bool = False
) -> Film:
    """All planes of an image file, read one by one when they are asked for.

    Args:
        path: a file with an extension of :data:`READERS`, an OME-Zarr folder, or a folder whose images are the frames
            of a film.
        pixel_size: replaces the file's own (nm where no unit is given: ``0.39``, ``"0.39x0.41"``, ``"0.4um"``); each
            micrograph's ``metadata["notes"]`` says so where they differ by more than 2 %.
        allow_partial: whether a file that was cut off gives the planes that are whole; ``Film.partial`` says how many
            of how many, and so does a note of each micrograph. Else it is an error.

    Raises:
        BadImage: it cannot be read, or not all of it; nothing is ever filled with zeros.
    """
    path = Path(path).absolute()
    kind = folder_kind(path)
    reader = FOLDER_READERS[kind] if kind else READERS.get(path.suffix.lower())
    if not kind:
        first_bytes(path)
    if reader is None:
        raise BadImage(
            "unknown-format",
            where=path,
            expected=f"one of {', '.join(READERS)}",
            found=f"the extension {path.suffix!r}",
            remedy="Save it as TIFF (in ImageJ: File > Save As > Tiff).",
        )
    film: Film = load(reader)(path, allow_partial)
    return film if pixel_size is None else film.with_pixel_size(as_calibration(pixel_size))


def folder_kind(path: Path) -> str:
    """How a folder is read: a key of :data:`FOLDER_READERS`; "" for files and for folders with an image's extension."""
    if not path.is_dir():
        return ""
    if path.suffix.lower() == ".zarr" or any((path / mark).is_file() for mark in _ZARR_MARKS):
        return "zarr"
    return "" if path.suffix.lower() in READERS else "frames"


def open(
    path: str | os.PathLike, pixel_size: Calibration | str | float | None = None, plane: int | None = None
) -> Micrograph:
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
