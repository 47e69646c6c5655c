"""Label masks: images whose pixel values are classes or object numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np

from temj import readers, storage
from temj.data import IGNORE, Calibration, Instances
from temj.errors import BadAnnotation, BadValue
from temj.geometry.trace import trace
from temj.imagej_tiff import Header, write
from temj.opencv import opencv

IGNORE_VALUE = 255
"""The value of the class ``ignore`` in a mask of several classes."""

Kind = Literal["classes", "instances", "auto"]


def read_labels(path: str | os.PathLike) -> np.ndarray:
    """The values of a mask.

    Returns:
        (height, width) int32; 0 is background.

    Raises:
        BadImage: it cannot be read.
        BadAnnotation: a colour image, or values that are not whole numbers from 0 to 16,777,216.
    """
    path = Path(path).absolute()
    micrograph = readers.open(path)
    colour = next((note for note in micrograph.metadata.get("notes", ()) if note.startswith("colour")), None)
    pixels = micrograph.pixels
    if colour and colour.startswith("colour table") and path.suffix.lower() in (".tif", ".tiff"):
        pixels, colour = _indices(path), None  # as a class map of TEMJ has one: its values are the classes
    whole = pixels.dtype != np.float32 or np.array_equal(pixels, np.clip(np.rint(pixels), 0, 2**24))
    if colour or not whole:
        raise BadAnnotation(
            "mask-values",
            where=path,
            expected="a grey mask of whole numbers, 0 for background",
            found=colour or "fractions, negative numbers, numbers above 16,777,216 or NaN",
            remedy="Save it as an 8-bit or 16-bit grey image without colours (TIFF or PNG).",
        )
    return pixels.astype(np.int32)


def _indices(path: Path) -> np.ndarray:
    """The values (h, w) of the first page of a TIFF with a colour table, not their colours."""
    import tifffile

    return tifffile.imread(path, key=0)


def read(path: str | os.PathLike, kind: Kind = "auto", classes: Sequence[str] = ("object",)) -> Instances:
    """The objects of a mask, outlined along their pixels.

    Args:
        path: TIFF or PNG.
        kind: ``classes``: values are classes, the objects are 8-connected regions of equal value;
            ``instances``: each value is an object; ``auto``: ``classes`` where there are at most two
            different values and those are 0 and 1 or 0 and 255, else ``instances``.
        classes: names of the classes 1, 2, …; all objects of an instance mask have the first.

    Raises:
        BadImage, BadAnnotation: as :func:`read_labels`; a value that has no class.
    """
    labels = read_labels(path)
    if kind == "auto":
        kind = "classes" if set(np.unique(labels)) <= {0, labels.max()} and labels.max() in (0, 1, 255) else "instances"
    if kind == "instances":
        return instances_of_labels(labels, classes[0])
    return instances_of_classes(class_map(labels, len(classes), path), classes)


def class_map(labels: np.ndarray, count: int, where: object) -> np.ndarray:
    """Values of a class mask → uint8 class numbers 0 … ``count``, 255 for ``ignore``.

    With one class 255 means that class in a mask without 1 (a binary mask); else it means ``ignore``.

    Raises:
        BadAnnotation: a value that has no class.
    """
    if count == 1 and not (labels == 1).any():
        labels = np.where(labels == IGNORE_VALUE, 1, labels)
    wrong = np.unique(labels[(labels > count) & (labels != IGNORE_VALUE)])
    if len(wrong):
        meant = "the class" if count == 1 else "ignore"
        raise label_range(wrong, f"0 to {count}, or {IGNORE_VALUE} for {meant}", where)
    return labels.astype(np.uint8)


def label_range(wrong: np.ndarray, expected: str, where: object) -> BadAnnotation:
    """The error for values of a class mask that have no class."""
    return BadAnnotation(
        "label-range",
        where=where,
        expected=f"values {expected}",
        found=", ".join(map(str, wrong[:10])) + (" …" if len(wrong) > 10 else ""),
        remedy="Name all classes (--classes oxide crack; 'classes' in dataset.json), or say that each value is an "
        "object (--masks instances; 'masks': 'instances' in dataset.json).",
    )


def instances_of_labels(labels: np.ndarray, class_name: str) -> Instances:
    """Each value above 0 of (height, width) int labels as one object, in the order of the values."""
    values = np.unique(labels)
    values = values[values > 0]
    numbers = np.searchsorted(values, labels) + 1
    return Instances(trace(np.where(labels > 0, numbers, 0).astype(np.int32)), class_name=class_name)


def instances_of_classes(classes_of_pixels: np.ndarray, classes: Sequence[str]) -> Instances:
    """The 8-connected regions of each class of a uint8 class map, class after class; ``ignore`` last."""
    parts = []
    for number, name in [*enumerate(classes, start=1), (IGNORE_VALUE, IGNORE)]:
        region = (classes_of_pixels == number).astype(np.uint8)
        if region.any():
            _count, labels = opencv().connectedComponents(region, connectivity=8)
            parts.append(instances_of_labels(labels, name))
    return Instances.concatenate(parts)


def write_labels(
    path: str | os.PathLike,
    labels: np.ndarray,
    calibration: Calibration,
    *,
    dimensions: tuple[int, int, int] | None = None,
    overwrite: bool = True,
) -> None:
    """Write labels as a TIFF that ImageJ opens with its pixel size and dimensions; equal labels give equal bytes.

    Args:
        path: the file.
        labels: (height, width) or (planes, height, width) whole numbers from 0; written as uint16 where they fit,
            else as uint32 (which ImageJ shows as 32-bit float, exact up to 16,777,216).
        calibration: its origin is kept too.
        dimensions: (channels, slices, frames) of the planes, channel fastest, then slice; None: all are slices.
        overwrite: whether the file may exist.

    Raises:
        StorageError, Refused: as :func:`temj.storage.writing`.
        BadAnnotation: labels below 0 or above 16,777,216.
        BadValue: dimensions that do not make the number of planes.
    """
    largest = int(labels.max(initial=0))
    if labels.min(initial=0) < 0:
        raise BadAnnotation("labels", where=path, expected="0 to 16,777,216", found=f"{labels.min()} to {largest}")
    planes = labels if labels.ndim == 3 else labels[np.newaxis]
    dimensions = dimensions or (1, len(planes), 1)
    if prod(dimensions) != len(planes):
        raise BadValue(
            "dimensions", where=path, expected=f"channels x slices x frames = {len(planes)}", found=dimensions
        )
    header = label_header(labels.shape[-2:], largest, calibration, dimensions)
    write_label_planes(path, planes, header, overwrite=overwrite)


def label_header(
    shape: tuple[int, int],
    largest: int,
    calibration: Calibration,
    dimensions: tuple[int, int, int] = (1, 1, 1),
    frame_interval: float | None = None,
) -> Header:
    """The header of label planes: uint16 where ``largest`` fits, else uint32; the other arguments as in ``Header``.

    Raises:
        BadAnnotation: labels above 16,777,216.
    """
    if largest > 2**24:
        raise BadAnnotation("labels", expected="0 to 16,777,216", found=largest)
    dtype = np.dtype(np.uint16 if largest < 2**16 else np.uint32)
    return Header(tuple(shape), dtype, (0, max(largest, 1)), calibration, dimensions, frame_interval)


def write_label_planes(
    path: str | os.PathLike, planes: Iterable[np.ndarray], header: Header, *, overwrite: bool = True
) -> None:
    """As :func:`write_labels`, for a film of any length: one plane is in memory at a time.

    Args:
        path: the file.
        planes: as many as the header says, each (height, width) whole numbers from 0.
        header: of :func:`label_header`.
        overwrite: whether the file may exist.

    Raises:
        StorageError, Refused: as :func:`temj.storage.writing`.
    """
    with storage.writing(path, overwrite=overwrite) as file:
        write(file, planes, header)
