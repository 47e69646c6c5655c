"""Which files a run reads, and what its results are called."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from temj.errors import BadImage
from temj.readers import READERS


@dataclass(frozen=True)
class Job:
    """One image and the stem of its results."""

    image: Path
    stem: str


def find_images(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files among ``paths`` and the readable ones of the folders among them (not of sub-folders).

    Raises:
        BadImage: a path that does not exist, or nothing at all (an empty run is not a success).
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += sorted(file for file in path.iterdir() if _is_image(file))
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


def _is_image(file: Path) -> bool:
    return file.is_file() and not file.name.startswith((".", "._")) and file.suffix.lower() in READERS


def plan(images: Sequence[Path]) -> tuple[Job, ...]:
    """Stems for the results of each image.

    A stem that two images share (also by letter case) is replaced by the full file name
    (``a.tif_Results.csv``), and a file name that two folders share by ``<folder>-<file name>``.
    """
    jobs = []
    stems, names = (
        Counter(image.stem.casefold() for image in images),
        Counter(image.name.casefold() for image in images),
    )
    used: Counter[str] = Counter()
    for image in images:
        stem = image.stem if stems[image.stem.casefold()] == 1 else image.name
        if names[image.name.casefold()] > 1:
            stem = f"{image.resolve().parent.name}-{image.name}"
        used[stem.casefold()] += 1
        again = used[stem.casefold()]
        jobs.append(Job(image, stem if again == 1 else f"{stem}-{again}"))
    return tuple(jobs)


def sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
