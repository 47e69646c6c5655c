"""Annotations that exist already, and the places where they go in a new dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from temj import annotations, readers
from temj.annotations import masks, roiset
from temj.annotations.mask_sets import SUFFIXES
from temj.annotations.pairing import files_of
from temj.area import split_area_rois
from temj.data import IGNORE, Instances
from temj.datasets.problems import counted, listed
from temj.datasets.sources import NO_ANNOTATIONS, ROI_SET_END, same
from temj.errors import BadAnnotation, TemjError

AREA_END = "_area_RoiSet.zip"
"""Ending of the ROI sets in which ``temj predict`` writes the analysed area of an image."""
_TEXTS = (".json", ".xml", ".csv", ".txt")
_ROIS = (".zip", ".roi")


@dataclass(frozen=True)
class Taken:
    """What is copied, and what is told of it.

    Attributes:
        copies: path within the dataset → file.
        left: files that belong to no image.
    """

    copies: Mapping[str, Path]
    left: tuple[Path, ...] = ()


def take(places: Sequence[Path], images: Sequence[Path]) -> Taken:
    """Where annotations of the images go in a dataset; nothing is written.

    Args:
        places: files of any format, and folders of them.
        images: of the dataset, wherever they are now.

    Raises:
        BadAnnotation: nothing there, nothing that belongs to an image, or two files for one place.
    """
    stems = {same(image.stem): image.stem for image in images}
    own = {image.resolve() for image in images}
    copies: dict[str, Path] = {}
    left: list[Path] = []
    for file in (file for place in places for file in _files(place) if file.resolve() not in own):
        target = _target(file, stems)
        if target is None:
            left.append(file)
        elif copies.setdefault(target, file).resolve() != file.resolve():
            raise BadAnnotation(
                "two-annotations", where=target, expected="one annotation of an image",
                found=f"{copies[target]} and {file}", remedy="Name the folder of one of them. Nothing was written.",
            )  # fmt: skip
    if not copies:
        raise BadAnnotation(
            "no-annotations", where=listed(list(places), 3),
            expected="masks, ROI sets or other annotations that are called as the images",
            found=f"{counted(len(left), 'other file')}: {listed(left, 3)}" if left else "none",
            remedy="Name masks <image>.png or <image>_mask.png and ROI sets <image>_RoiSet.zip. Nothing was written.",
        )  # fmt: skip
    return Taken(copies, tuple(left))


def _files(place: Path) -> list[Path]:
    """A file, or those of a folder (and of the folder of boxes that Shen et al. put into it)."""
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise BadAnnotation(
            "missing", where=place, expected="annotations", found="no such file or folder", remedy="Check the path."
        )
    boxes = files_of(place / "bounding_boxes", (".txt",))
    return [*files_of(place, {*readers.READERS, *_ROIS, *_TEXTS}), *boxes]


def _target(file: Path, stems: Mapping[str, str]) -> str | None:
    """The place of a file in a dataset; None where it is about none of the images."""
    kind = file.suffix.lower()
    if kind in _ROIS:
        end = ROI_SET_END if file.name.endswith(ROI_SET_END) else file.suffix
        stem = stems.get(same(file.name.removesuffix(end)))
        return None if stem is None else f"rois/{stem}{ROI_SET_END if kind == '.zip' else '.roi'}"
    if kind in readers.READERS and kind not in _TEXTS:
        stem = stem_of_mask(file, stems)
        return None if stem is None else f"masks/{stem}{kind}"
    if file.parent.name == "bounding_boxes":
        return f"annotations/bounding_boxes/{file.name}"
    if kind == ".txt":
        listing = file.name.lower().endswith("images.txt")
        return f"{'annotations' if listing else 'labels'}/{file.name}" if listing or _known(file, stems) else None
    return f"annotations/{file.name}" if _known(file, stems) else None


def stem_of_mask(file: Path, stems: Mapping[str, str]) -> str | None:
    """The image that a mask is about: of its name, or of its name without an ending such as ``_mask``."""
    name = same(file.stem)
    shorter = [name[: -len(end)] for end in sorted(SUFFIXES, key=len, reverse=True) if name.lower().endswith(end)]
    return next((stems[stem] for stem in (name, *shorter) if stem in stems), None)


def _known(file: Path, stems: Mapping[str, str]) -> bool:
    """Whether a text file is an annotation: it has the name of an image, or a format that can be about many."""
    if same(file.stem) in stems:
        return True
    try:
        return annotations.recognise(file) in ("coco", "csv", "shen", "voc")
    except TemjError:
        return False


def area_sets(images: Sequence[Path]) -> dict[Path, Path]:
    """Image → the ROI set of its analysed area beside it."""
    return {image: file for image in images if (file := image.with_name(image.stem + AREA_END)).is_file()}


def with_area(rois: Path | None, area: Path) -> bytes:
    """A ROI set of the objects in ``rois`` with the ROIs named ``area`` and ``exclude`` of ``area``.

    Raises:
        BadAnnotation: one of them cannot be read.
    """
    own = Instances.concatenate([]) if rois is None else roiset.read(rois)
    found = split_area_rois(roiset.read(area))[1]
    return roiset.archived(Instances.concatenate([own, found]))


def kind_of_masks(files: Sequence[Path], classes: int) -> str:
    """``classes`` where no mask has other values than those of the classes and 255, or odd ones as JPEG leaves them;
    else ``instances``."""
    from temj.datasets.mask_values import blurred

    for file in files:
        try:
            labels = masks.read_labels(file)
        except TemjError:
            continue
        strange = (labels > classes) & (labels != masks.IGNORE_VALUE)
        if strange.any() and not blurred(labels, classes):
            return "instances"
    return "classes"


def named_classes(taken: Taken) -> list[str]:
    """Names of the classes: those of a list ``classes.txt`` beside the annotations in its order, or else those in the
    annotations themselves, sorted; files that cannot be read are left to the check."""
    lists = [file for file in taken.left if file.name.lower() in NO_ANNOTATIONS]
    if lists:
        lines = lists[0].read_text("utf-8-sig", "replace").splitlines()
        return [line.strip() for line in lines if line.strip()]
    names: set[str] = set()
    for target, file in taken.copies.items():
        if target.startswith(("masks/", "labels/", "annotations/bounding_boxes/")):
            continue
        try:
            if file.suffix.lower() in _ROIS:
                names |= set(np.unique(split_area_rois(roiset.read(file))[0].class_name.astype(str)))
            else:
                read = annotations.read_set(file)
                names |= {*read.classes, *(name for one in read.annotated for name in one.instances.class_name)}
        except TemjError:
            continue
    return sorted(names - {"", IGNORE})
