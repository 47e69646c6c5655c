"""From an annotation file to the objects and the class map of an image, with the classes of the dataset."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from temj import annotations, readers
from temj.annotations import masks, roiset
from temj.annotations.base import AnnotatedImage, Context
from temj.annotations.masks import IGNORE_VALUE
from temj.data import IGNORE, Film, Instances, Micrograph
from temj.data.detectors import together
from temj.datasets.description import Description
from temj.datasets.mask_values import explained
from temj.datasets.problems import counted
from temj.datasets.sources import OVERLAY, context_for, same
from temj.datasets.spelling import one_spelling
from temj.errors import BadAnnotation, BadImage, BadValue, TemjError

_SEPARATE = "Save each plane as an image of its own, with its annotation (in ImageJ: Image > Stacks > Stack to Images)."
_SCALE_BAR = "|SB|"
"""Name that ImageJ gives to the parts of a scale bar in an overlay (``ij.plugin.ScaleBar``)."""


def open_image(path: Path, detectors: int = 1) -> Micrograph:
    """The image of a dataset; where it has several detectors as channels, the first with the others in it.

    Raises:
        BadImage: it cannot be read, was cut off, is a stack, or has another number of channels.
    """
    try:
        film = readers.open_film(path)
        if len(film) == 1 == detectors:
            return film[0]
        if detectors > 1 and film.dimensions == (detectors, 1, 1):
            return together(film)[0]
    except BadImage as error:
        raise advised(error) from error
    raise _stack(path, film, detectors)


def advised(error: TemjError) -> TemjError:
    """An error of a reader with what to do in a dataset, where a file is one whole image, or it is none.

    For a file that was cut off a reader advises to take what is left of it.
    """
    if not isinstance(error, BadImage) or error.problem != "truncated":
        return error
    return BadImage(
        error.problem, where=error.where, expected=error.expected, found=error.found,
        remedy="The file was cut off or is damaged: copy it again from where it was taken, or leave it out.",
    )  # fmt: skip


def _stack(path: Path, film: Film, detectors: int) -> BadImage:
    """The error for a file with other planes than the detectors of one image."""
    expected, advice = "one image a file", ""
    if detectors > 1:
        expected = f"{counted(detectors, 'channel')}: dataset.json says 'detectors': {detectors}"
        advice = "Save each image as a hyperstack of one slice and frame (in ImageJ: Image > Hyperstacks)."
    elif film.dimensions == (len(film), 1, 1):
        advice = f" Where its channels show the same at once, write 'detectors': {len(film)} into dataset.json instead."
    planes = zip(film.dimensions, ("channel", "slice", "frame"), strict=True)
    return BadImage(
        "stack" if detectors == 1 else "channels",
        where=path,
        expected=expected,
        found=f"{counted(len(film), 'plane')} ({', '.join(counted(count, name) for count, name in planes)})",
        remedy=advice if detectors > 1 else _SEPARATE + advice,
    )


def reported(names: Iterable[str], description: Description, where: Path | None) -> np.ndarray:
    """The classes that labelled names count as, after ``class_map`` of dataset.json.

    Accents and blanks are brought to one spelling (:func:`temj.datasets.spelling.one_spelling`); in a dataset of
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
    meant = meant_by(names, description)
    strange = unknown_classes(meant, description, where)
    if strange is not None:
        raise strange
    return meant


def meant_by(names: Iterable[str], description: Description) -> np.ndarray:
    """As :func:`reported`, but names that the dataset has not stay as they are, "" where there is none: (n,) str."""
    classes = [entry.name for entry in description.classes]
    only = classes[0] if len(classes) == 1 else ""
    return np.array([description.class_map.get(name, name) or only for name in map(one_spelling, names)], object)


def unknown_classes(meant: np.ndarray, description: Description, where: Path | None) -> BadAnnotation | None:
    """What is wrong with the classes of :func:`meant_by`; None where the dataset has all of them."""
    classes = [entry.name for entry in description.classes]
    counts = Counter(meant[~np.isin(meant, [*classes, IGNORE])].tolist())
    if not counts:
        return None
    known, strange = [*classes, *description.class_map], sorted(counts)
    number = {name: f" ({count} objects)" if count > 1 else "" for name, count in counts.items()}
    return BadAnnotation(
        "class",
        where=where,
        expected=f"objects of class {', '.join((*classes, IGNORE))}",
        found=", ".join((f"'{name}'" if name else "objects without a class") + number[name] for name in strange),
        remedy="".join(_meant(name, known) for name in strange)
        + "Give them a class (a group, a property 'class' or a name such as loop-0001), or add it to "
        "'classes' or 'class_map' in dataset.json.",
    )


def _meant(name: str, known: list[str]) -> str:
    """The known class that an unknown one was perhaps meant to be, by case or spelling."""
    by_case = {entry.casefold(): entry for entry in reversed(known)}
    near = difflib.get_close_matches(name.casefold(), by_case, n=1, cutoff=0.7) if name else []
    return f"'{name}' is perhaps '{by_case[near[0]]}'. " if near else ""


def labels_of(path: Path) -> np.ndarray:
    """The numbers of a label mask.

    Raises:
        BadImage, BadAnnotation: it cannot be read, is a stack, or no mask.
    """
    try:
        return masks.read_labels(path)
    except BadImage as error:
        raise advised(error) from error
    except BadValue as error:
        film = readers.open_film(path)
        raise _stack(path, film, 1) if len(film) > 1 else error from error


def _class_map(labels: np.ndarray, count: int, path: Path) -> np.ndarray:
    """As :func:`temj.annotations.masks.class_map`; values that a lossy file has left are called so."""
    try:
        return masks.class_map(labels, count, path)
    except BadAnnotation as error:
        raise explained(error, labels, count) from error


def map_of_mask(path: Path, description: Description) -> np.ndarray:
    """The class map (height, width) uint8 of a label mask: 0 background, k the k-th class, 255 ``ignore``.

    Raises:
        BadImage, BadAnnotation: it cannot be read, or has values without a class.
    """
    labels = labels_of(path)
    if description.masks == "instances":
        return (labels > 0).astype(np.uint8)
    names = _labelled(description)
    numbers = _class_map(labels, len(names), path)
    return _numbers(description, reported(names, description, path))[numbers]


def instances_of_mask(path: Path, description: Description) -> Instances:
    """The objects of a label mask with their labelled names.

    Raises:
        BadImage, BadAnnotation: as :func:`map_of_mask`.
    """
    labels, names = labels_of(path), _labelled(description)
    if description.masks == "instances":
        return masks.instances_of_labels(labels, names[0])
    return masks.instances_of_classes(_class_map(labels, len(names), path), names)


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
        height, width = labels_of(path).shape
        return width, height
    return _entry(path, format_name, context)[0].size


def has_value_and_ignore(path: Path) -> tuple[bool, bool]:
    """Whether a mask has the values 1 and 255: with both, 255 is ``ignore``; with 255 alone, it is the only class.

    Raises:
        BadImage, BadAnnotation: it cannot be read.
    """
    labels = labels_of(path)
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
    numbers = {name: number for number, name in enumerate(classes, start=1)} | {IGNORE: IGNORE_VALUE}
    last = np.argsort(found.class_name == IGNORE, kind="stable")
    return _filled(found.take(last), [numbers[name] for name in found.class_name[last]], shape).astype(np.uint8)


def painted_planes(found: Instances, classes: tuple[str, ...], shape: tuple[int, int]) -> np.ndarray:
    """(k, height, width) uint8: 1 where an object of the k-th class is, 255 where one of ``ignore`` is, else 0."""
    planes = [_filled(of, [1] * len(of), shape) for of in (found.take(found.class_name == name) for name in classes)]
    ignored = found.take(found.ignored)
    unknown = _filled(ignored, [IGNORE_VALUE] * len(ignored), shape)
    return np.where(unknown > 0, unknown, np.stack(planes)).astype(np.uint8)


def painted_objects(found: Instances, shape: tuple[int, int]) -> np.ndarray:
    """(height, width) int32: the number (from 1) of the object that a pixel belongs to, later ones win; else 0."""
    objects = found.take(~found.ignored)
    return _filled(objects, range(1, len(objects) + 1), shape)


def _filled(found: Instances, values: Sequence[int], shape: tuple[int, int]) -> np.ndarray:
    """(height, width) int32: the value of the last outline that covers a pixel, else 0."""
    from temj.geometry.raster import rasterise

    height, width = shape
    filled = np.zeros((height, width), np.int32)
    runs = rasterise(found.shapes, width, height)
    for number, y, start, stop in zip(runs.object, runs.y, runs.start, runs.stop, strict=True):
        filled[y, start:stop] = values[number]
    return filled
