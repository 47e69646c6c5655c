"""Label masks as an annotation format: one file, or a folder of masks that are paired with the images by name.

A folder holds one mask an image (class masks, instance masks or binary ones), or two folders ``classes`` and
``instances`` with masks of the same names: then the class of an object is the commonest one among its pixels.
``classes.txt`` has the names of the classes 1, 2, …, one a line. In class masks of several classes, and in those of
a pair, 255 is ``ignore``; in a mask of one class it is that class.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Format, counted, raise_problems
from temj.annotations.mask_files import HOLDS, encode
from temj.annotations.masks import (
    IGNORE_VALUE,
    class_map,
    instances_of_classes,
    instances_of_labels,
    label_range,
    read_labels,
)
from temj.annotations.pairing import Images, files_of, read_each
from temj.data import IGNORE, Instances
from temj.errors import BadAnnotation

SUFFIXES = (
    "_mask", "-mask", "_masks", "_labels", "-labels", "_label", "-label", "_instances", "-instances", "_classes",
    "_cp_masks", "_seg",
)  # fmt: skip
CLASS_NAMES = "classes.txt"
DEFAULT_CLASS = "object"
_KINDS = {".tif", ".tiff", ".png"}


def recognises(path: Path) -> bool:
    """Whether it is a TIFF or PNG, or a folder with such files (or with a folder ``classes`` or ``instances``)."""
    if path.is_file():
        return path.suffix.lower() in _KINDS
    return bool(files_of(path, _KINDS)) or any(files_of(path / name, _KINDS) for name in ("classes", "instances"))


@dataclass(frozen=True)
class _Rules:
    """How the values of a set's masks are meant."""

    kind: str
    classes: tuple[str, ...]


def read(path: Path, context: Context) -> AnnotationSet:
    """The objects of a mask or of a folder of masks.

    Class masks whose classes nobody names have the classes ``class-1``, ``class-2`` … where there are several.
    ``auto`` means classes where several names of classes are given or no mask has other values than 0 and 1, or 0
    and 255; else instances.

    Raises:
        BadAnnotation: values without a class, two masks for one image, masks without a partner.
        BadImage: a mask that cannot be read.
    """
    files, beside = ([path], 0) if path.is_file() else _without_images(files_of(path, _KINDS))
    pair = [] if path.is_file() or files else [_by_name(path / name) for name in ("classes", "instances")]
    folder = path.parent if path.is_file() else path
    names = context.classes or (_class_names(folder / CLASS_NAMES) if path.is_dir() else ())
    if pair and all(pair):
        names = names or (DEFAULT_CLASS,)
        found, notes = _read_pairs(*pair, names, path, context)
    else:
        files = files or files_of(path / "classes", _KINDS) or files_of(path / "instances", _KINDS)
        told = context.masks != "auto" or path.is_file() or files_of(path, _KINDS)
        kind, notes = _kind(files, names, context.masks if told else files[0].parent.name)
        names, more = _numbered(files if kind == "classes" else (), names)
        found, paired = _read_files(files, _Rules(kind, names), context)
        notes += [*more, *paired]
    if beside:
        notes.append(f"{counted(beside, 'image')} beside {'its mask' if beside == 1 else 'their masks'} left out")
    twice = sorted({image.image for image in found if sum(image.image == other.image for other in found) > 1})
    raise_problems(path, [f"two masks for image {name}" for name in twice], "two-masks", "one mask an image")
    return AnnotationSet(tuple(found), names, {"notes": tuple(notes)} if notes else {})


def _without_images(files: list[Path]) -> tuple[list[Path], int]:
    """The masks of a folder in which images lie beside them (``a.png`` beside ``a_mask.png``), and how many do."""
    stems = {file.stem for file in files}
    images = {shorter for stem in stems if (shorter := _shorter(stem)) in stems}
    return [file for file in files if file.stem not in images], sum(file.stem in images for file in files)


def _shorter(stem: str) -> str | None:
    """A stem without an ending such as ``_mask``; None where it has none."""
    longest_first = sorted(SUFFIXES, key=len, reverse=True)
    return next(
        (stem[: -len(end)] for end in longest_first if stem.lower().endswith(end) and len(stem) > len(end)), None
    )


def _class_names(file: Path) -> tuple[str, ...]:
    if not file.is_file():
        return ()
    lines = file.read_text("utf-8-sig", "replace").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _by_name(folder: Path) -> dict[str, Path]:
    return {file.stem: file for file in files_of(folder, _KINDS)}


def _kind(files: Sequence[Path], names: tuple[str, ...], kind: str) -> tuple[str, list[str]]:
    """What the values of masks are, and what was decided where nobody said it."""
    if kind != "auto":
        return kind, []
    kind = "classes" if len(names) > 1 or all(read_each(files, _is_binary)) else "instances"
    words = {"classes": "classes", "instances": "objects, each with a value of its own"}
    return kind, [f"the values of the masks are taken as {words[kind]} (--masks)"]


def _numbered(files: Iterable[Path], names: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """The names of the classes: those that are given, else ``class-1``, ``class-2`` … where there are several.

    Args:
        files: class masks, which say how many there are; none: one.
        names: empty where nobody gave some.
    """
    if names:
        return names, []
    found = [np.unique(labels) for labels in read_each(files, read_labels)]
    highest = max((int(values[values != IGNORE_VALUE].max(initial=0)) for values in found), default=0)
    if highest < 2:
        return (DEFAULT_CLASS,), []
    made = tuple(f"class-{number}" for number in range(1, min(highest, IGNORE_VALUE - 1) + 1))
    return made, [f"the classes have numbers and no names: called {made[0]} to {made[-1]} (--classes names them)"]


def _read_files(files: Sequence[Path], rules: _Rules, context: Context) -> tuple[list[AnnotatedImage], list[str]]:
    """Masks that are complete in themselves."""
    notes = []
    found = read_each(files, lambda file: _read_one(file, rules))
    images, stripped = _image_names([file.stem for file in files], context)
    if stripped:
        notes.append(f"{counted(stripped, 'mask')} paired with images by leaving out an ending such as _mask")
    return [AnnotatedImage(name, size, part) for name, (size, part) in zip(images, found, strict=True)], notes


def _is_binary(file: Path) -> bool:
    values = np.unique(read_labels(file))
    return set(values.tolist()) <= {0, 1} or set(values.tolist()) <= {0, IGNORE_VALUE}


def _read_one(file: Path, rules: _Rules) -> tuple[tuple[int, int], Instances]:
    labels = read_labels(file)
    if rules.kind == "instances":
        found = instances_of_labels(labels, rules.classes[0])
    else:
        found = instances_of_classes(class_map(labels, len(rules.classes), file), rules.classes)
    return labels.shape[::-1], found


def _image_names(stems: Sequence[str], context: Context) -> tuple[list[str], int]:
    """The image of each mask, and how many were found only without an ending such as ``_mask``."""
    images = Images(context)
    names, stripped = [], 0
    for stem in stems:
        found = images.find(stem)
        shorter = _shorter(stem)
        if found is None and shorter:
            found = images.find(shorter) or (None if context.images else shorter)
            stripped += found is not None
        names.append(found or stem)
    return names, stripped


def _read_pairs(
    classes: dict[str, Path], instances: dict[str, Path], names: tuple[str, ...], path: Path, context: Context
) -> tuple[list[AnnotatedImage], list[str]]:
    """Masks of instances, each with one of the classes."""
    alone = sorted(classes.keys() ^ instances.keys())
    raise_problems(
        path, [f"{stem}: only in one of the two folders" for stem in alone], "pairs",
        "the same files in 'classes' and 'instances'",
    )  # fmt: skip
    stems = sorted(classes)
    found = read_each(stems, lambda stem: _read_pair(classes[stem], instances[stem], names))
    images, stripped = _image_names(stems, context)
    notes = [f"{counted(stripped, 'mask')} paired with images by leaving out an ending such as _mask"] * bool(stripped)
    mixed = sum(count for _size, _part, count in found)
    if mixed:
        notes.append(
            f"{counted(mixed, 'object has', 'objects have')} pixels of several classes: the commonest is taken"
        )
    return [AnnotatedImage(name, size, part) for name, (size, part, _) in zip(images, found, strict=True)], notes


def _read_pair(classes: Path, instances: Path, names: tuple[str, ...]) -> tuple[tuple[int, int], Instances, int]:
    """Size, objects, and how many of them have pixels of several classes."""
    kinds, labels = read_labels(classes), read_labels(instances)
    if kinds.shape != labels.shape:
        sizes = [f"{array.shape[1]} x {array.shape[0]}" for array in (kinds, labels)]
        raise BadAnnotation("size", where=classes, expected=f"{sizes[1]} pixels as {instances}", found=sizes[0])
    wrong = np.unique(kinds[(kinds > len(names)) & (kinds != IGNORE_VALUE)])
    if len(wrong):
        raise label_range(wrong, f"0 to {len(names)}, or {IGNORE_VALUE} for {IGNORE}", classes)
    inside = labels > 0
    values, place = np.unique(labels[inside], return_inverse=True)
    votes = np.zeros((len(values), len(names) + 2), np.int64)  # background, the classes, ignore
    np.add.at(votes, (place, np.minimum(kinds[inside], len(names) + 1)), 1)
    bare = values[votes[:, 1:].sum(axis=1) == 0]
    if len(bare):
        raise BadAnnotation(
            "no-class", where=classes, expected="a class for every object",
            found=f"none for {counted(len(bare), 'object')}: {', '.join(map(str, bare[:10]))}",
        )  # fmt: skip
    found = instances_of_labels(labels, "")
    chosen = np.array([*names, IGNORE], object)[votes[:, 1:].argmax(axis=1)]
    return labels.shape[::-1], found.with_columns(class_name=chosen), int((np.count_nonzero(votes, axis=1) > 1).sum())


FORMAT = Format(
    name="masks",
    title="label masks",
    holds=HOLDS,
    one_image=True,
    extension=".png",
    recognises=recognises,
    read=read,
    encode=encode,
)
