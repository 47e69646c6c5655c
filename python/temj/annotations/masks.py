"""Label masks: images whose pixel values are classes or object numbers."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np

from temj import readers, storage
from temj.data import IGNORE, Calibration, Instances
from temj.errors import BadAnnotation, BadValue
from temj.geometry.trace import trace
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

    With one class 255 means that class (a binary mask), with several it means ``ignore``.

    Raises:
        BadAnnotation: a value that has no class.
    """
    if count == 1:
        labels = np.where(labels == IGNORE_VALUE, 1, labels)
    wrong = np.unique(labels[(labels > count) & (labels != IGNORE_VALUE)])
    if len(wrong):
        last = f"0 to {count}, or {IGNORE_VALUE} for {'the class' if count == 1 else 'ignore'}"
        raise BadAnnotation(
            "label-range",
            where=where,
            expected=f"values {last}",
            found=", ".join(map(str, wrong[:10])) + (" …" if len(wrong) > 10 else ""),
            remedy="Name the missing classes, or give each object its value (in dataset.json 'masks': 'instances').",
        )
    return labels.astype(np.uint8)


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
    import tifffile

    largest = int(labels.max(initial=0))
    if largest > 2**24 or labels.min(initial=0) < 0:
        raise BadAnnotation("labels", where=path, expected="0 to 16,777,216", found=f"{labels.min()} to {largest}")
    count = len(labels) if labels.ndim == 3 else 1
    dimensions = dimensions or (1, count, 1)
    if prod(dimensions) != count:
        raise BadValue("dimensions", where=path, expected=f"channels x slices x frames = {count}", found=dimensions)
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        labels.astype(np.uint16 if largest < 2**16 else np.uint32),
        photometric="minisblack",
        description=_imagej_description(calibration, largest, dimensions),
        metadata=None,
        software="TEMJ",
        resolution=(_ratio(calibration.width), _ratio(calibration.height)) if calibration.known else None,
        resolutionunit=1,
    )
    storage.write_bytes(path, buffer.getvalue(), overwrite=overwrite)


def _imagej_description(calibration: Calibration, largest: int, dimensions: tuple[int, int, int]) -> str:
    """ImageJ's own text (``FileSaver.getDescriptionString``): planes, unit, display range, origin. It has no date."""
    lines = ["ImageJ=1.54p"]
    if prod(dimensions) > 1:
        sizes = zip(("images", "channels", "slices", "frames"), (prod(dimensions), *dimensions), strict=True)
        lines += [f"{key}={size}" for key, size in sizes if size > 1]
        channels, _slices, frames = dimensions
        lines += ["hyperstack=true"] if channels > 1 or frames > 1 else []
    if calibration.known:
        lines.append("unit=" + {"µm": "um", "Å": "A"}.get(calibration.unit, calibration.unit))
    lines += ["min=0.0", f"max={max(largest, 1)}.0"]
    origins = {"xorigin": calibration.x_origin, "yorigin": calibration.y_origin}
    lines += [f"{key}={value!r}" for key, value in origins.items() if value]
    return "\n".join(lines) + "\n"


def _ratio(size: float) -> tuple[int, int]:
    """1 / ``size`` as a fraction of two 32-bit numbers that gives ``size`` back to 9 significant digits."""
    exact = 1 / Fraction(size)
    limit = 2**32 - 1
    fraction = exact.limit_denominator(limit)
    if fraction.numerator > limit:
        fraction = 1 / Fraction(size).limit_denominator(limit)
    return fraction.numerator, fraction.denominator
