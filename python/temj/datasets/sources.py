"""Which annotation files of a dataset folder are about which image, whatever their format.

::

    masks/<stem>.png            label masks (TIFF, PNG)
    rois/<stem>_RoiSet.zip      ROI sets; they may also stand in images/ or beside dataset.json; rois/<stem>.roi
    labels/<stem>.txt           text boxes, one file an image
    annotations/<stem>.xml      any format with one file an image
    annotations.json            any format with many images in one file, here or in annotations/
    images/<stem>.tif           the overlay that ImageJ keeps in it, where there is nothing else
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from temj import annotations, readers
from temj.annotations.base import AnnotatedImage, AnnotationSet, Context
from temj.annotations.pairing import files_of
from temj.errors import BadAnnotation, TemjError

OVERLAY = "overlay"
ROI_SET_END = "_RoiSet.zip"
NO_ANNOTATIONS = ("classes.txt", "predefined_classes.txt")
"""Lists of class names that labelling programs put beside their files."""

_NEED_SIZES = ("yolo",)
"""Formats with coordinates as shares of the image's width and height."""


@dataclass(frozen=True)
class Source:
    """An annotation file of one image, or the part of a file of many images that is about one."""

    path: Path
    format: str


@dataclass(frozen=True)
class Sources:
    """All annotations of a folder.

    Attributes:
        by_stem: stem (:func:`same` spelling) → what is about this image; there should be one.
        sets: files about many images, as they were read.
        problems: files that cannot be read or are of no known format.
    """

    by_stem: Mapping[str, list[Source]]
    sets: Mapping[Path, AnnotationSet] = field(default_factory=dict)
    problems: tuple[TemjError, ...] = ()


def same(stem: str) -> str:
    """A stem in one spelling of its accents, which file systems and editors write in two ways."""
    return unicodedata.normalize("NFC", stem)


def context_for(format_name: str, context: Context) -> Context:
    """What a format is told: the images only where it needs their sizes, for pairing and checking is done here."""
    return context if format_name in _NEED_SIZES else replace(context, images={})


def find_sources(folder: Path, context: Context) -> Sources:
    """Look for annotations in all places; files about many images are read.

    Args:
        folder: of the dataset.
        context: its images by file name, and its classes.
    """
    found: dict[str, list[Source]] = {}
    sets: dict[Path, AnnotationSet] = {}
    problems: list[TemjError] = []
    for stem, source in (*_masks(folder), *_roi_sets(folder)):
        found.setdefault(stem, []).append(source)
    stems = {same(Path(name).stem) for name in context.images}
    for path in _others(folder):
        try:
            source = Source(path, _format_of(path))
            if same(path.stem) in stems:
                found.setdefault(same(path.stem), []).append(source)
                continue
            sets[path] = annotations.read_set(path, source.format, context_for(source.format, context))
        except TemjError as error:
            problems.append(error)
            continue
        for stem in entries(sets[path]):
            found.setdefault(stem, []).append(source)
    return Sources(found, sets, tuple(problems))


def entries(read: AnnotationSet) -> dict[str, list[AnnotatedImage]]:
    """Stem → the images of a set with this stem that are annotated."""
    found: dict[str, list[AnnotatedImage]] = {}
    for entry in read.annotated:
        found.setdefault(same(Path(entry.image).stem), []).append(entry)
    return found


def only_entry(named: Sequence[AnnotatedImage], stem: str, where: Path) -> AnnotatedImage:
    """The one image of a set with a stem.

    Raises:
        BadAnnotation: it is there several times.
    """
    if len(named) != 1:
        raise BadAnnotation(
            "image-twice", where=where, expected=f"the image '{stem}' once", found=f"{len(named)} times",
            remedy="Give images different names, and each image its annotations in one place.",
        )  # fmt: skip
    return named[0]


def overlay_of(image: Path) -> Source | None:
    """The overlay that ImageJ keeps in a TIFF, where it has one; it counts where there is no other annotation."""
    kept_in = image.suffix.lower() in (".tif", ".tiff") and annotations.format_named(OVERLAY).recognises(image)
    return Source(image, OVERLAY) if kept_in else None


def list_images(folder: Path) -> list[Path]:
    """The files of ``images/`` that a reader knows, sorted; hidden ones are left out."""
    return files_of(folder / "images", readers.READERS)


def _masks(folder: Path) -> list[tuple[str, Source]]:
    return [(same(file.stem), Source(file, "masks")) for file in files_of(folder / "masks", readers.READERS)]


def _roi_sets(folder: Path) -> list[tuple[str, Source]]:
    found = []
    for place in (folder / "rois", folder / "images", folder):
        for file in files_of(place, (".zip", ".roi")):
            if file.name.endswith(ROI_SET_END):
                found.append((same(file.name.removesuffix(ROI_SET_END)), Source(file, "roiset")))
            elif place.name == "rois":
                found.append((same(file.stem), Source(file, "roiset")))
    return found


def _others(folder: Path) -> list[Path]:
    """Files of the other formats: all in annotations/ and labels/, and those called ``annotations`` in the folder.

    A folder with a list of images (Shen et al.) is one set.
    """
    kinds = (".json", ".xml", ".txt", ".csv")
    found = [file for file in files_of(folder, kinds) if file.stem.lower() == "annotations"]
    for place in (folder / "annotations", folder / "labels"):
        files = files_of(place, kinds)
        if any(file.name.lower().endswith("images.txt") for file in files):
            found.append(place)
            files = [file for file in files if file.suffix.lower() != ".txt"]
        found += files
    return [file for file in found if file.name.lower() not in NO_ANNOTATIONS]


def _format_of(path: Path) -> str:
    """The format of a file; a text file without rows (an image without objects) has that of its neighbours.

    Raises:
        BadAnnotation: no format that is known.
    """
    try:
        return annotations.recognise(path)
    except BadAnnotation:
        if path.suffix.lower() != ".txt" or path.read_bytes().strip():
            raise
    for other in files_of(path.parent, (".txt",)):
        if other.name.lower() not in NO_ANNOTATIONS and other.read_bytes().strip():
            return annotations.recognise(other)
    return "yolo"
