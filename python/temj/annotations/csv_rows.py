"""Sets of annotations -> the table of :mod:`temj.annotations.objects_csv`."""

from __future__ import annotations

import csv
import io
import math

import numpy as np

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded
from temj.annotations.losses import losses
from temj.annotations.outlines import axes, extents
from temj.data import Instances, RoiType, Shape
from temj.geometry import fitted_ellipses

TITLE = "a table of objects"
HOLDS = frozenset(
    {"box", "rotated_box", "ellipse", "overlap", "class", "score", "track", "position", "name", "ignore", "empty"}
)
COLUMNS = (
    "image", "channel", "slice", "frame", "shape", "x", "y", "major", "minor", "angle", "class", "score", "track",
    "name", "unit", "pixel_size",
)  # fmt: skip
_WORDS = {
    RoiType.ELLIPSE: "ellipse", RoiType.ROTATED_RECT: "rotated box", RoiType.RECT: "box", RoiType.OVAL: "oval",
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def encode(annotations: AnnotationSet, _context: Context, alone: bool) -> Encoded:
    """The table of a set; outlines become the ellipses that ImageJ fits to their pixels, which is told."""
    del alone
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for image in annotations.annotated:
        writer.writerows(_rows(image))
    becomes = dict.fromkeys(("polygon", "mask"), "the ellipse that fits its pixels")
    told = losses(annotations.images, HOLDS, TITLE, becomes)
    data = buffer.getvalue().encode("utf-8-sig", "replace")
    return Encoded({"": data}, told)


def _rows(image: AnnotatedImage) -> list[list[str]]:
    """The rows of an image; one without numbers where it has no objects."""
    instances = image.instances.take(image.instances.shapes.roi_type <= RoiType.COMPOSITE)
    blank = dict.fromkeys(COLUMNS, "")
    if not len(instances):
        return [list((blank | {"image": _text(image.image), "unit": "pixel"}).values())]
    rows = []
    for k, shape in enumerate(_as_axes(instances, image.size).shapes):
        channel, plane, frame = (str(number or "") for number in instances.position[k].tolist())
        x, y, major, minor, angle = (_number(value) for value in _half_turn(shape))
        score = instances.score[k]
        cells = {
            "image": _text(image.image), "channel": channel, "slice": plane, "frame": frame,
            "shape": _WORDS[shape.roi_type], "x": x, "y": y, "major": major, "minor": minor, "angle": angle,
            "class": _text(instances.class_name[k]), "score": "" if math.isnan(score) else _number(score),
            "track": str(instances.track[k] or ""), "name": _text(instances.name[k]), "unit": "pixel",
        }  # fmt: skip
        rows.append(list((blank | cells).values()))
    return rows


def _as_axes(instances: Instances, size: tuple[int, int] | None) -> Instances:
    """The objects, outlines replaced by their ellipses (of all their pixels where the image's size is not known)."""
    outlined = np.flatnonzero(np.isin(instances.shapes.roi_type, list(_WORDS), invert=True))
    if not len(outlined):
        return instances
    part = instances.take(outlined)
    if size is None:
        box = extents(part.shapes)
        size = tuple(np.maximum(np.ceil(box[:, 2:].max(axis=0)), 1).astype(int).tolist())
    fitted = fitted_ellipses(part, *size)
    shapes: list[Shape] = list(instances.shapes)
    for k, shape in zip(outlined, fitted.shapes, strict=True):
        shapes[k] = shape
    return Instances.of(shapes)


def _half_turn(shape: Shape) -> tuple[float, ...]:
    x, y, major, minor, angle = axes(shape)
    return x, y, major, minor, angle % 180


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _text(text: str) -> str:
    """A text cell that no spreadsheet runs; the reader takes the mark away again."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text
