"""What an annotation file is, whatever its format: images with their objects; and what a format can hold."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from temj import storage
from temj.annotations.flat import with_area
from temj.data import Film, Instances
from temj.errors import BadAnnotation, Refused, StorageError

_FILES = (".zip", ".roi", ".json", ".xml", ".csv", ".txt", ".png", ".tif", ".tiff")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
"""Characters that no name of an image may have: line breaks and other signs that nobody sees."""
_SHOWN = 20
_NAMED = 3


@dataclass(frozen=True)
class AnnotatedImage:
    """One image of an annotation file.

    Attributes:
        image: the file name of the image as the annotation says it, without folders; "" where it names none.
        size: (width, height) in pixels; None where nothing says it.
        instances: the objects; empty for "looked at, there is none"; None for "not annotated".
    """

    image: str
    size: tuple[int, int] | None
    instances: Instances | None


@dataclass(frozen=True)
class AnnotationSet:
    """All images of an annotation file or folder.

    Attributes:
        images: one entry an image, in the order of the file.
        classes: names in the order of the file's numbers (without ``ignore``), also those without objects.
        info: where it came from, licence, ``notes`` (what was changed in reading, counted), ``skipped`` (entries that
            cannot be used: code and message each). JSON values only.
    """

    images: tuple[AnnotatedImage, ...]
    classes: tuple[str, ...] = ()
    info: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def annotated(self) -> tuple[AnnotatedImage, ...]:
        """The images that somebody has looked at, with objects or without."""
        return tuple(image for image in self.images if image.instances is not None)

    def with_notes(self, notes: Iterable[str]) -> AnnotationSet:
        """The same set with more to tell under ``info["notes"]``."""
        told = (*self.info.get("notes", ()), *notes)
        return replace(self, info={**self.info, "notes": told}) if told else self


@dataclass(frozen=True)
class Context:
    """What a format may need besides its own file.

    Attributes:
        images: image file name → path, of the folder of images; empty where there is none.
        classes: names of the classes 1, 2, … for formats that only have numbers.
        masks: what the values of label masks are: ``classes``, ``instances`` or ``auto``.
        films: image file name → its planes, of images that are open and need not be files.
        group_names: of ImageJ's groups 1 … 255, where they are known: ROIs may say their class by them.
        every_mask: whether COCO gets the pixels of every object as run-length code, not only where polygons cannot say
            them.
        found: whether the files say what was found, not what is annotated: then an image that a COCO file lists without
            objects is one in which nothing was found.
    """

    images: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    classes: tuple[str, ...] = ()
    masks: str = "auto"
    films: Mapping[str, Film] = field(default_factory=lambda: MappingProxyType({}))
    group_names: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    every_mask: bool = False
    found: bool = False


class Encode(Protocol):
    """How a format turns a set into files."""

    def __call__(self, annotations: AnnotationSet, context: Context, alone: bool) -> Encoded:
        """The files of a set; with ``alone`` the one file of the one image (or of the whole set)."""


@dataclass(frozen=True)
class Encoded:
    """Files that are ready to be written, and what they cannot hold.

    Attributes:
        files: name relative to the folder (with ``/``) → bytes; "" is the target itself.
        losses: what of the set is not in them, in sentences with counts.
    """

    files: Mapping[str, bytes]
    losses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """One format of annotation files: a line of :data:`temj.annotations.FORMATS` names it.

    Attributes:
        name: as in ``temj convert --to NAME``.
        title: what people call it.
        holds: what survives: of ``polygon``, ``mask`` (holes, several parts), ``box``, ``rotated_box``, ``ellipse``,
            ``point``, ``line``, ``overlap``, ``class``, ``score``, ``track``, ``position``, ``name``, ``group``,
            ``ignore``, ``empty`` (an image without objects).
        one_image: whether a file is about one image (a set becomes a folder of files).
        extension: of the file that is written, with its dot; "" where it is always a folder.
        recognises: whether a file or folder looks like this format (cheap: extension and first bytes).
        read: the set in a file or folder; BadAnnotation with all problems at once where it cannot be used.
        encode: the files of a set, in memory.
    """

    name: str
    title: str
    holds: frozenset[str]
    one_image: bool
    extension: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, Context], AnnotationSet]
    encode: Encode

    def encoded(
        self, path: Path, annotations: AnnotationSet, context: Context
    ) -> tuple[dict[Path, bytes], tuple[str, ...]]:
        """(path → bytes of every file, losses) of a set that is to be written to ``path``; nothing is written.

        A path with the format's extension is one file, any other one a folder. Outlines without area (see
        :mod:`temj.annotations.flat`) are left out and counted where the format holds no lines.

        Raises:
            BadAnnotation: several images for one file, control characters in the name of an image, or what the format
                needs is not known.
        """
        _refuse_control(path, annotations)
        alone = bool(self.extension) and path.suffix.lower() == self.extension
        if alone and self.one_image and len(annotations.annotated) != 1:
            raise BadAnnotation(
                "one-image", where=path, expected="one annotated image, for that is what the file is about",
                found=len(annotations.annotated), remedy="Name a folder as the output: each image gets its file.",
            )  # fmt: skip
        if not alone and (not self.one_image or path.suffix.lower() in _FILES):
            other = ", or a folder" if self.one_image else ""
            raise BadAnnotation(
                "extension", where=path, expected=f"a file name that ends in {self.extension} ({self.title}){other}",
                remedy="Name the output so.",
            )  # fmt: skip
        kept, flat = (annotations, ()) if "line" in self.holds else with_area(annotations)
        made = self.encode(kept, context, alone)
        return {path / name if name else path: data for name, data in made.files.items()}, (*flat, *made.losses)

    def write(self, path: Path, annotations: AnnotationSet, context: Context) -> tuple[str, ...]:
        """Write a set (files that are there are replaced); gives what could not be held, in sentences with counts.

        Raises:
            StorageError: as :func:`temj.storage.writing`.
            BadAnnotation: as :meth:`encoded`.
        """
        files, losses = self.encoded(path, annotations, context)
        write_files(path, files)
        return losses


def _refuse_control(path: Path, annotations: AnnotationSet) -> None:
    """Stop before names that no reader would take back."""
    wrong = [repr(image.image) for image in annotations.images if CONTROL.search(image.image)]
    raise_problems(
        path, wrong, "image-name", "names of images without line breaks and other control characters",
        "Rename these images; nothing was written.",
    )  # fmt: skip


def write_files(path: Path, files: Mapping[Path, bytes]) -> None:
    """Write what :meth:`Format.encoded` gave, through :mod:`temj.storage`.

    Raises:
        StorageError: a file could not be written; those that were made before it are removed again, and files that
            were replaced stay replaced.
    """
    new = [file for file in files if not file.exists()]
    folders = {path if set(files) != {path} else path.parent, *(file.parent for file in files)}
    try:
        for folder in sorted(folders):
            storage.make_folder(folder)
        for file, data in files.items():
            storage.write_bytes(file, data)
    except StorageError:
        for file in new:
            with contextlib.suppress(OSError):
                file.unlink()
        raise


def refuse_existing(files: Iterable[Path]) -> None:
    """Stop before the first write if one of the files is there.

    Raises:
        Refused: names the first ones.
    """
    there = [file for file in files if file.exists()]
    if there:
        more = f" and {len(there) - _NAMED} more" if len(there) > _NAMED else ""
        raise Refused(
            "exists", where=", ".join(map(str, there[:_NAMED])) + more,
            remedy="They were not changed. Choose another output, or allow replacing (--overwrite).",
        )  # fmt: skip


def raise_problems(where: object, problems: list[str], problem: str, expected: str, remedy: str = "") -> None:
    """Raise one BadAnnotation for all problems of a file (the first 20 and how many); nothing where there is none."""
    if not problems:
        return
    more = [f"… and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    raise BadAnnotation(
        problem, where=where, expected=expected, found=":\n  ".join([count, "\n  ".join([*problems[:_SHOWN], *more])]),
        remedy=remedy or "Correct these entries, or remove them; nothing was read.",
    )  # fmt: skip


def counted(count: int, one: str, several: str = "") -> str:
    """``1 object``, ``2 objects``."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {several or one + 's'}"
