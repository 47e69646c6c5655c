"""Which image an annotation belongs to. Names in files are only ever compared, never opened."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import TypeVar

from temj import readers
from temj.annotations.base import CONTROL, AnnotatedImage, AnnotationSet, Context
from temj.errors import BadAnnotation, BadValue, Refused, TemjError

_OUTSIDE = re.compile(r"[/\\]|[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]*:[/\\]{2}")
"""Starts of names that are not relative to the folder of images: absolute, drive, network share, URL."""
_SHOWN = 10
Result = TypeVar("Result")


def list_images(folder: Path) -> dict[str, Path]:
    """File name → path of the images in a folder (not in its sub-folders); hidden files are left out.

    Raises:
        BadValue: it is no folder.
    """
    if not folder.is_dir():
        raise BadValue("images", where=folder, expected="a folder of images", remedy="Check the path.")
    return {file.name: file for file in files_of(folder, readers.READERS)}


def files_of(folder: Path, suffixes: Container[str]) -> list[Path]:
    """The files of a folder (not of its sub-folders) with one of these extensions, sorted; none where it is no folder.

    Hidden files are left out: macOS puts one beside each file.

    Args:
        folder: where to look.
        suffixes: in small letters, with the dot.
    """
    files = folder.iterdir() if folder.is_dir() else ()
    return sorted(
        file for file in files
        if file.suffix.lower() in suffixes and not file.name.startswith(".") and file.is_file()
    )  # fmt: skip


def plain_names(names: Iterable[object], where: Path) -> list[str]:
    """The last component of image names that a file gives: sub-folders of the folder of images are allowed.

    Raises:
        Refused: names that are absolute, lead upwards, to a network share or to a URL; all are listed.
    """
    names = [str(name) for name in names]
    plain = [re.split(r"[/\\]", name)[-1] for name in names]
    wrong = [
        name
        for name, last in zip(names, plain, strict=True)
        if _OUTSIDE.match(name) or CONTROL.search(name) or ".." in re.split(r"[/\\]", name) or last in ("", ".")
    ]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise Refused(
            "path",
            where=where,
            expected="names of images inside one folder",
            found=", ".join(map(repr, wrong[:_SHOWN])) + more,
            remedy="Replace them by the plain file names of the images; TEMJ opens nothing outside the folder of "
            "images that you name.",
        )
    return plain


def stem_of(name: str) -> str:
    """An image's name without an extension that a reader knows (other dots belong to the name)."""
    path = Path(name)
    known = path.suffix.lower() in readers.READERS or re.fullmatch(r"\.[A-Za-z0-9]{2,4}", path.suffix)
    return path.stem if known else name


def same(name: str) -> str:
    """A name in one spelling of its accents."""
    return unicodedata.normalize("NFC", name)


class Images:
    """The images of a context by name and by stem.

    Attributes:
        only: the name of the only image; None where there are several or none.
    """

    def __init__(self, context: Context):
        names = dict.fromkeys([*context.images, *context.films])
        self.only = next(iter(names)) if len(names) == 1 else None
        self._by_name = {same(name): name for name in names}
        self._by_stem: dict[str, list[str]] = {}
        for name in names:
            self._by_stem.setdefault(same(Path(name).stem), []).append(name)
        self._paths, self._films = context.images, context.films

    def find(self, name: str) -> str | None:
        """The file name that ``name`` (with or without an extension) stands for.

        Raises:
            BadAnnotation: two images have that stem.
        """
        if same(name) in self._by_name:
            return self._by_name[same(name)]
        found = self._by_stem.get(same(name)) or self._by_stem.get(same(stem_of(name)), [])
        if len(found) > 1:
            raise BadAnnotation(
                "ambiguous", where=name, expected="one image of this name", found=", ".join(found),
                remedy="Move all but one of them into another folder.",
            )  # fmt: skip
        return found[0] if found else None

    def size(self, name: str) -> tuple[int, int] | None:
        """(width, height) of an image's file; None where it is not among the images."""
        found = self.find(name)
        if found in self._films:
            first = self._films[found][0]
            return first.width, first.height
        return None if found is None else size_of(self._paths[found])


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) of the planes of an image file."""
    status = path.stat()
    return _size(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=4096)
def _size(path: Path, _changed: int, _length: int) -> tuple[int, int]:
    first = readers.open_film(path)[0]
    return first.width, first.height


def with_sizes(annotations: AnnotationSet, context: Context, where: str) -> list[AnnotatedImage]:
    """The annotated images, each with its size from the set or the folder of images.

    Raises:
        BadAnnotation: a size is not known; all such images are listed.
    """
    images = Images(context)
    known = []
    for image in annotations.annotated:
        size = image.size or images.size(image.image)
        known.append(AnnotatedImage(image.image, size, image.instances))
    missing = [image.image or "(an image without a name)" for image in known if image.size is None]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise BadAnnotation(
            "size",
            where=", ".join(missing[:_SHOWN]) + more,
            expected=f"width and height of the image, which {where} needs",
            found="nothing that says them",
            remedy="Name the folder of the images (--images).",
        )
    return known


def file_stems(images: Iterable[AnnotatedImage]) -> list[str]:
    """The stem of each image's annotation file: that of the image, or its whole name where two share a stem.

    Raises:
        BadAnnotation: two images have the same name.
        Refused: a name leads out of a folder.
    """
    names = plain_names([image.image or "image" for image in images], Path("image names"))
    stems = [stem_of(name) for name in names]
    counts = Counter(map(_folded, stems))
    stems = [stem if counts[_folded(stem)] == 1 else name for stem, name in zip(stems, names, strict=True)]
    counts = Counter(map(_folded, stems))
    twice = sorted({stem for stem in stems if counts[_folded(stem)] > 1})
    if twice:
        raise BadAnnotation(
            "same-name", where=", ".join(map(repr, twice[:_SHOWN])),
            expected="images with different names, for each gets a file of its name", remedy="Rename the images.",
        )  # fmt: skip
    return stems


def _folded(name: str) -> str:
    return same(name).casefold()


def read_each(files: Iterable[Path], read: Callable[[Path], Result]) -> list[Result]:
    """What ``read`` gives for each file; the problems of all of them are raised at once.

    Raises:
        TemjError: that of the only file with a problem, or BadAnnotation with all of them.
    """
    results: list[Result] = []
    errors: list[TemjError] = []
    for file in files:
        try:
            results.append(read(file))
        except TemjError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        more = f"\n  … and {len(errors) - 20} more files" if len(errors) > 20 else ""
        raise BadAnnotation(
            "several-files", expected="files that can be read",
            found=f"{len(errors)} files with problems:\n  " + "\n  ".join(e.message for e in errors[:20]) + more,
        )  # fmt: skip
    return results
