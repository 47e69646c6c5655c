"""From an annotation file to the objects and the class map of an image, with the classes of the dataset."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from temj import annotations, readers
from temj.annotations import masks, roiset
from temj.annotations.base import AnnotatedImage, Context
from temj.annotations.masks import IGNORE_VALUE
from temj.data import IGNORE, Instances, Micrograph
from temj.data.detectors import together
from temj.datasets.description import Description, one_spelling
from temj.datasets.sources import OVERLAY, context_for, same
from temj.errors import BadAnnotation, BadImage

_SCALE_BAR = "|SB|"
"""Name that ImageJ gives to the parts of a scale bar in an overlay (``ij.plugin.ScaleBar``)."""


def open_image(path: Path, detectors: int = 1) -> Micrograph:
    """The image of a dataset; where it has several detectors as channels, the first with the others in it.

    Raises:
        BadImage, BadValue: it cannot be read, is a stack, or has another number of channels.
    """
    if detectors == 1:
        return readers.open(path)
    film = readers.open_film(path)
    if film.dimensions != (detectors, 1, 1):
        channels, slices, frames = film.dimensions
        raise BadImage(
            "channels",
            where=path,
            expected=f"{detectors} channels: dataset.json says 'detectors': {detectors}",
            found=f"{channels} channels, {slices} slices, {frames} frames",
            remedy="Save each image as a hyperstack of one slice and frame (in ImageJ: Image > Hyperstacks).",
        )
    return together(film)[0]


def reported(names: Iterable[str], description: Description, where: Path | None) -> np.ndarray:
    """The classes that labelled names count as, after ``class_map`` of dataset.json.

    Accents and blanks are brought to one spelling (:func:`temj.datasets.description.one_spelling`); in a dataset of
    one class, objects without a class have that one.

    Args:
        names: as they stand in the annotation.
        description: of the dataset.
        where: the annotation, for the message.

    Returns:
        (n,) str.

    Raises:
        BadAnnotation: a class that the dataset has not.
    """
    classes = [entry.name for entry in description.classes]
    only = classes[0] if len(classes) == 1 else ""
    spelled = [one_spelling(name) for name in names]
    meant = np.array([description.class_map.get(name, name) or only for name in spelled], object)
    strange = sorted(set(meant) - {*classes, IGNORE})
    if strange:
        known = [*classes, *description.class_map]
        raise BadAnnotation(
            "class",
            where=where,
            expected=f"objects of class {', '.join((*classes, IGNORE))}",
            found=", ".join(f"'{name}'" if name else "objects without a class" for name in strange),
            remedy="".join(_meant(name, known) for name in strange)
            + "Give them a class (a group, a property 'class' or a name such as loop-0001), or add it to "
            "'classes' or 'class_map' in dataset.json.",
        )
    return meant


def _meant(name: str, known: list[str]) -> str:
    """The known class that an unknown one was perhaps meant to be, by case or spelling."""
    by_case = {entry.casefold(): entry for entry in reversed(known)}
    near = difflib.get_close_matches(name.casefold(), by_case, n=1, cutoff=0.7) if name else []
    return f"'{name}' is perhaps '{by_case[near[0]]}'. " if near else ""


def map_of_mask(path: Path, description: Description) -> np.ndarray:
    """The class map (height, width) uint8 of a label mask: 0 background, k the k-th class, 255 ``ignore``.

    Raises:
        BadImage, BadAnnotation: it cannot be read, or has values without a class.
    """
    labels = masks.read_labels(path)
    if description.masks == "instances":
        return (labels > 0).astype(np.uint8)
    names = _labelled(description)
    numbers = masks.class_map(labels, len(names), path)
    return _numbers(description, reported(names, description, path))[numbers]


def instances_of_mask(path: Path, description: Description) -> Instances:
    """The objects of a label mask with their labelled names.

    Raises:
        BadImage, BadAnnotation: as :func:`map_of_mask`.
    """
    labels, names = masks.read_labels(path), _labelled(description)
    if description.masks == "instances":
        return masks.instances_of_labels(labels, names[0])
    return masks.instances_of_classes(masks.class_map(labels, len(names), path), names)


def _labelled(description: Description) -> tuple[str, ...]:
    return description.labelled or tuple(entry.name for entry in description.classes)


def _numbers(description: Description, meant: np.ndarray) -> np.ndarray:
    """(256,) uint8: number in the mask → class number."""
    numbers = {entry.name: number for number, entry in enumerate(description.classes, start=1)} | {IGNORE: IGNORE_VALUE}
    table = np.zeros(256, np.uint8)
    table[1 : len(meant) + 1] = [numbers[name] for name in meant]
    table[IGNORE_VALUE] = IGNORE_VALUE
    return table


def instances_of_file(path: Path, format_name: str, context: Context, stem: str, description: Description) -> Instances:
    """The objects in an annotation file of one image, with their labelled names.

    ROIs without a class whose group n stands in ``class_map`` as ``"group n"`` have that name: a file has the numbers
    of ImageJ's groups and not their names.

    Raises:
        BadAnnotation: it cannot be used, or says that it is about another image.
    """
    if format_name == "roiset":
        return _by_group(roiset.read(path), description)
    entry, info = _entry(path, format_name, context)
    if entry.image and same(Path(entry.image).stem) != stem:
        raise BadAnnotation(
            "other-image", where=path, expected=f"the objects of '{stem}'", found=f"those of '{entry.image}'",
            remedy="Correct the file name in the annotation, or give the file the name of its image.",
        )  # fmt: skip
    if entry.instances is None:
        raise BadAnnotation("not-annotated", where=path, expected="objects, or 'there is none'", found="neither")
    found = entry.instances
    if format_name == OVERLAY:
        found = found.take(~np.array([name.startswith(_SCALE_BAR) for name in found.name], bool))
    told = {key: info[key] for key in ("notes", "skipped") if key in info}
    return found.with_columns(info={**found.info, **told})


def _by_group(found: Instances, description: Description) -> Instances:
    pairs = zip(found.class_name, (f"group {number}" for number in found.group), strict=True)
    names = [group if not name and group in description.class_map else name for name, group in pairs]
    return found.with_columns(class_name=np.array(names, object))


def size_in_file(path: Path, format_name: str, context: Context) -> tuple[int, int] | None:
    """(width, height) that an annotation file of one image says; None where it says none.

    Raises:
        BadImage, BadAnnotation: it cannot be read.
    """
    if format_name == "roiset":
        return None
    if format_name == "masks":
        height, width = masks.read_labels(path).shape
        return width, height
    return _entry(path, format_name, context)[0].size


def has_value_and_ignore(path: Path) -> tuple[bool, bool]:
    """Whether a mask has the values 1 and 255: with both, 255 is ``ignore``; with 255 alone, it is the only class.

    Raises:
        BadImage, BadAnnotation: it cannot be read.
    """
    labels = masks.read_labels(path)
    return bool((labels == 1).any()), bool((labels == IGNORE_VALUE).any())


def _entry(path: Path, format_name: str, context: Context) -> tuple[AnnotatedImage, Mapping[str, object]]:
    """The one image of a file, and what reading it told."""
    found = annotations.read_set(path, format_name, context_for(format_name, context))
    if len(found.annotated) != 1:
        raise BadAnnotation(
            "one-image", where=path, expected="the annotation of one image", found=f"{len(found.annotated)} images",
            remedy="Put a file about several images into annotations/ under a name that no image has.",
        )  # fmt: skip
    return found.annotated[0], found.info


def painted(found: Instances, classes: tuple[str, ...], shape: tuple[int, int]) -> np.ndarray:
    """The class map (height, width) uint8 of outlines, filled as ImageJ fills them; later ones win, ``ignore`` last."""
    from temj.geometry.raster import rasterise

    height, width = shape
    numbers = {name: number for number, name in enumerate(classes, start=1)} | {IGNORE: IGNORE_VALUE}
    last = np.argsort(found.class_name == IGNORE, kind="stable")
    values = np.array([numbers[name] for name in found.class_name[last]], np.uint8)
    painted = np.zeros((height, width), np.uint8)
    runs = rasterise(found.shapes.take(last), width, height)
    for number, y, start, stop in zip(runs.object, runs.y, runs.start, runs.stop, strict=True):
        painted[y, start:stop] = values[number]
    return painted
