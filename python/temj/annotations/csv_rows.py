"""Sets of annotations -> the table of :mod:`temj.annotations.objects_csv`."""

from __future__ import annotations

import csv
import io
import math

import numpy as np

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded, counted
from temj.annotations.losses import losses
from temj.annotations.outlines import axes, extents
from temj.data import Instances, RoiType, Shape, Shapes
from temj.geometry import fitted_ellipses, rasterise
from temj.spreadsheet import safe_text

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
    bare = sum(map(_bare, annotations.annotated))
    if bare:
        what = counted(bare, "outline without a pixel in the image is", "outlines without a pixel in the image are")
        told += (f"{what} written as the ellipse in the box around it",)
    data = buffer.getvalue().encode("utf-8-sig", "replace")
    return Encoded({"": data}, told)


def _bare(image: AnnotatedImage) -> int:
    """How many outlines have no pixel to which an ellipse could be fitted."""
    shapes = image.instances.shapes
    drawn = shapes.take((shapes.roi_type <= RoiType.COMPOSITE) & np.isin(shapes.roi_type, list(_WORDS), invert=True))
    return int((rasterise(drawn, *_size(image.size, drawn)).counts(len(drawn)) == 0).sum())


def _size(size: tuple[int, int] | None, shapes: Shapes) -> tuple[int, int]:
    """(width, height) of the image, or of what holds all the outlines where it is not known."""
    if size is not None:
        return size
    ends = np.nan_to_num(extents(shapes)[:, 2:]).max(axis=0, initial=1.0)
    return int(np.ceil(ends[0])), int(np.ceil(ends[1]))


def _rows(image: AnnotatedImage) -> list[list[str]]:
    """The rows of an image; one without numbers where it has no objects."""
    instances = image.instances.take(image.instances.shapes.roi_type <= RoiType.COMPOSITE)
    blank = dict.fromkeys(COLUMNS, "")
    if not len(instances):
        return [list((blank | {"image": safe_text(image.image), "unit": "pixel"}).values())]
    rows = []
    for k, shape in enumerate(_as_axes(instances, image.size).shapes):
        channel, plane, frame = (str(number or "") for number in instances.position[k].tolist())
        x, y, major, minor, angle = (_number(value) for value in _half_turn(shape))
        score = instances.score[k]
        cells = {
            "image": safe_text(image.image), "channel": channel, "slice": plane, "frame": frame,
            "shape": _WORDS[shape.roi_type], "x": x, "y": y, "major": major, "minor": minor, "angle": angle,
            "class": safe_text(instances.class_name[k]), "score": "" if math.isnan(score) else _number(score),
            "track": str(instances.track[k] or ""), "name": safe_text(instances.name[k]), "unit": "pixel",
        }  # fmt: skip
        rows.append(list((blank | cells).values()))
    return rows


def _as_axes(instances: Instances, size: tuple[int, int] | None) -> Instances:
    """The objects, outlines replaced by their ellipses (of all their pixels where the image's size is not known)."""
    outlined = np.flatnonzero(np.isin(instances.shapes.roi_type, list(_WORDS), invert=True))
    if not len(outlined):
        return instances
    part = instances.take(outlined)
    fitted = fitted_ellipses(part, *_size(size, part.shapes))
    shapes: list[Shape] = list(instances.shapes)
    for k, shape in zip(outlined, fitted.shapes, strict=True):
        shapes[k] = shape
    return Instances.of(shapes)


def _half_turn(shape: Shape) -> tuple[float, ...]:
    x, y, major, minor, angle = axes(shape)
    return x, y, major, minor, angle % 180


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
