"""Which files a run reads, and what its results are called."""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from temj.errors import BadImage
from temj.readers import READERS, folder_kind
from temj.readers.folder import earlier_results, is_junk

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One image and the stem of its results."""

    image: Path
    stem: str


def find_images(paths: Iterable[Path], film: bool = False) -> tuple[Path, ...]:
    """The files among ``paths`` and the readable ones of the folders among them (not of sub-folders).

    A folder that is an image itself (OME-Zarr) counts as a file.

    Args:
        paths: files and folders.
        film: whether any other folder is one film too, with its images as frames.

    Raises:
        BadImage: a path that does not exist, or nothing at all (an empty run is not a success).
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if folder_kind(path) == "zarr" or (film and path.is_dir()):
            found.append(path)
        elif path.is_dir():
            found += _images_of(path)
        elif path.exists():
            found.append(path)
        else:
            raise BadImage(
                "missing", where=path, expected="an image file or a folder of images", remedy="Check the path."
            )
    if not found:
        raise BadImage(
            "no-images",
            where=", ".join(map(str, paths)),
            expected=f"files ending in {', '.join(sorted(READERS))}",
            remedy="Name the images, or a folder that holds some.",
        )
    return tuple(dict.fromkeys(found))


def _images_of(folder: Path) -> list[Path]:
    """The images in a folder, sorted, without those that are results of an earlier run."""
    files = [file for file in folder.iterdir() if _is_image(file)]
    made = earlier_results(file.name for file in folder.iterdir())
    if made:
        _log.warning("%d pictures in %s are results of an earlier run and are left out", len(made), folder)
    return sorted(file for file in files if file.name not in made)


def _is_image(file: Path) -> bool:
    if is_junk(file.name):
        return False
    return folder_kind(file) == "zarr" or (file.is_file() and file.suffix.lower() in READERS)


KINDS = {
    "rois": "RoiSet.zip",
    "results": "Results.csv",
    "overlay": "overlay.png",
    "labels": "labels.tif",
    "probability": "probability.tif",
    "classes": "classes.tif",
    "ellipses": "ellipses_RoiSet.zip",
    "area": "area_RoiSet.zip",
    "instances": "instances.json",
}
"""kind of result -> end of its file's name, behind the image's stem."""


def plan(images: Sequence[Path]) -> tuple[Job, ...]:
    """Stems for the results of each image, such that no two results have one name (whatever the letter case).

    A stem that two images share is replaced by the full file name (``a.tif_Results.csv``), and a file name that
    two folders share by ``<folder>-<file name>``. So is a stem whose files would have the names of another's:
    ``a_ellipses.tif`` beside ``a.tif``. What still collides is numbered.
    """
    stems, names = (
        Counter(_stem(image).casefold() for image in images),
        Counter(image.name.casefold() for image in images),
    )
    jobs: list[Job] = []
    used: set[str] = set()
    for image in images:
        wanted = [_stem(image)] if stems[_stem(image).casefold()] == 1 else []
        wanted += [image.name] if names[image.name.casefold()] == 1 else []
        full = image.name if names[image.name.casefold()] == 1 else f"{image.resolve().parent.name}-{image.name}"
        choices = itertools.chain(wanted, [full], (f"{full}-{number}" for number in itertools.count(2)))
        stem = next(stem for stem in choices if not used & _files(stem))
        used |= _files(stem)
        jobs.append(Job(image, stem))
    return tuple(jobs)


def _stem(image: Path) -> str:
    """The name without its extension; the whole name of a folder of frames, where a point means nothing."""
    return image.name if folder_kind(image) == "frames" else image.stem


def _files(stem: str) -> set[str]:
    """The names of all files that an image of this stem may get, without letter case."""
    return {f"{stem}_{end}".casefold() for end in KINDS.values()}


def sha256(path: Path) -> str:
    """The hash of a file's bytes; of a folder that of the names and hashes of all its files.

    Raises:
        BadImage: it cannot be read.
    """
    files = _files_of(path)
    if files:
        whole = hashlib.sha256()
        for file in files:
            whole.update(f"{file.relative_to(path).as_posix()}\0{sha256(file)}\n".encode("utf-8", "surrogateescape"))
        return whole.hexdigest()
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadImage("unreadable", where=path, found=error.strerror, remedy="Check that you may read it.") from None


def _files_of(folder: Path) -> list[Path]:
    """The files that make up an image that is a folder, in order: all of a Zarr, the images of a folder of frames."""
    kind = folder_kind(folder)
    if kind == "frames":
        return sorted(file for file in folder.iterdir() if _is_image(file))
    places = os.walk(folder) if kind == "zarr" else ()  # links to folders are not followed
    found = [Path(place) / name for place, _folders, names in places for name in names]
    return sorted(file for file in found if file.is_file())
