"""A table of objects, one row each, that people and spreadsheets read.

====================== ================================================================================================
image                  file name of the image
channel, slice, frame  position, counted from 1; empty where there is none
shape                  ``ellipse``, ``rotated box``, ``box`` or ``oval``; empty for an image without objects
x, y                   centre
major, minor           full lengths of the axes (of a box or oval: width and height; of a rotated box: the side that
                       the angle belongs to, and the other one)
angle                  of the major axis, degrees counter-clockwise as seen on the screen from +x, [0, 180)
class, score, track, name
unit, pixel_size       of x, y, major, minor: ``pixel``, or a unit of length with the size of a pixel in it
====================== ================================================================================================

Commas or semicolons, decimal points or commas are understood; columns but ``image``, ``x``, ``y``, ``major`` may be
missing. We write pixels. Text that a spreadsheet would take for a formula has a ``'`` in front (see
:mod:`temj.spreadsheet`). An image with a row without numbers has no objects; an image without a row is not annotated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from temj import spreadsheet
from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded, Format, raise_problems
from temj.annotations.csv_rows import COLUMNS, HOLDS, TITLE, encode
from temj.annotations.encoding import LARGEST_COORDINATE
from temj.annotations.outlines import from_axes, rect, snapped
from temj.annotations.pairing import Images, plain_names, same
from temj.annotations.roi_sets import classes_of
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.data.calibration import NM_PER_UNIT, canonical_unit
from temj.errors import BadAnnotation, BadValue
from temj.spreadsheet import Row

__all__ = ["COLUMNS", "FORMAT", "Encoded"]

_REQUIRED = ("image", "x", "y", "major")
_PIXELS = ("", "pixel", "pixels", "px")
_KINDS = ("ellipse", "rotated box", "box", "oval")


def recognises(path: Path) -> bool:
    """Whether it is a ``.csv`` file with these columns."""
    if path.is_dir() or path.suffix.lower() != ".csv":
        return False
    with path.open("rb") as file:
        head = file.readline(4096).decode("utf-8-sig", "replace").lower()
    return all(name in head for name in _REQUIRED)


@dataclass
class _Objects:
    """The rows of one image."""

    shapes: list[Shape] = field(default_factory=list)
    columns: dict[str, list] = field(
        default_factory=lambda: {key: [] for key in ("class_name", "score", "name", "position", "track")}
    )


def read(path: Path, context: Context) -> AnnotationSet:
    """The objects of a table.

    Raises:
        BadAnnotation: no table, missing columns, or cells that cannot be; the report has all of them.
        Refused: image names that lead out of the folder of images.
    """
    try:
        sheet = spreadsheet.read(path)
    except BadValue as error:
        raise BadAnnotation(
            error.problem, where=error.where, expected=error.expected, found=error.found, remedy=error.remedy
        ) from error
    missing = [f"no column '{name}'" for name in _REQUIRED if name not in {c.lower() for c in sheet.columns}]
    raise_problems(path, missing, "csv", f"a table with the columns {', '.join(COLUMNS)}")
    problems: list[str] = []
    plain_names({row.cells.get("image", "") or "?" for row in sheet.rows}, path)
    found: dict[str, _Objects] = {}
    for row in sheet.rows:
        row = Row(row.line, {name.lower(): cell for name, cell in row.cells.items()})
        name = row.cells.get("image", "").strip()
        if not name:
            problems.append(f"line {row.line}: no image")
            continue
        _add(row, found.setdefault(plain_names([name], path)[0], _Objects()), problems)
    raise_problems(path, problems, "csv", "rows of objects")
    images = Images(context)
    made = [AnnotatedImage(images.find(name) or name, None, _instances(objects)) for name, objects in found.items()]
    return AnnotationSet(tuple(made), classes_of(made, context.classes))


def _add(row: Row, objects: _Objects, problems: list[str]) -> None:
    """Put a row's object to those of its image; nothing for the row of an image without objects."""
    cells = {name: row.text(name) for name in ("x", "y", "major", "minor")}
    if not any(cells.values()) and not row.text("shape"):
        return
    before = len(problems)
    shape = _shape(row, problems)
    score = row.number("score", problems)
    if score is not None and not 0 <= score <= 1:
        problems.append(f"line {row.line}: score is {score:g}, expected 0 to 1")
    whole = [_whole(row, name, problems) for name in ("channel", "slice", "frame", "track")]
    if shape is None or len(problems) > before:
        return
    objects.shapes.append(shape)
    name = row.cells.get("name", "")
    kind = same(row.cells.get("class", "")).strip()
    values = (IGNORE if kind.startswith("?") else kind, np.nan if score is None else score, name, whole[:3], whole[3])
    for key, value in zip(objects.columns, values, strict=True):
        objects.columns[key].append(value)


def _shape(row: Row, problems: list[str]) -> Shape | None:
    """The shape of a row; None (and a problem) where there is something wrong."""
    before = len(problems)
    scale = _scale(row, problems)
    kind = (row.text("shape") or "ellipse").lower().replace("_", " ")
    if kind not in _KINDS:
        problems.append(f"line {row.line}: shape is '{kind[:40]}', expected one of {', '.join(_KINDS)}")
    numbers = {name: row.number(name, problems) for name in ("x", "y", "major", "minor", "angle")}
    numbers["minor"] = numbers["major"] if numbers["minor"] is None else numbers["minor"]
    numbers["angle"] = numbers["angle"] or 0.0
    missing = [name for name in ("x", "y", "major") if numbers[name] is None]
    if missing and len(problems) == before:
        problems.append(f"line {row.line}: no {', '.join(missing)}")
    if len(problems) > before:
        return None
    x, y, major, minor = (numbers[name] / scale for name in ("x", "y", "major", "minor"))
    if not (major > 0 and minor > 0 and max(abs(x), abs(y), major, minor) <= LARGEST_COORDINATE):
        told = f"centre {x:g}, {y:g}, axes {major:g}, {minor:g} in pixels"
        problems.append(f"line {row.line}: {told}; expected axes above 0 and coordinates within 1,000,000")
        return None
    return _made(kind, (x, y, major, minor, numbers["angle"]))


def _made(kind: str, numbers: tuple[float, ...]) -> Shape:
    x, y, major, minor, angle = numbers
    if kind in ("ellipse", "rotated box"):
        roi_type = RoiType.ELLIPSE if kind == "ellipse" else RoiType.ROTATED_RECT
        return from_axes(roi_type, x, y, major, minor, angle)
    left, top = snapped(np.array([x - major / 2, y - minor / 2])).tolist()
    box = rect(left, top, major, minor)
    return box if kind == "box" else Shape(RoiType.OVAL, params=box.params[:4], subpixel=box.subpixel)


def _scale(row: Row, problems: list[str]) -> float:
    """The size of a pixel in the row's unit."""
    unit = row.cells.get("unit", "").strip()
    if unit.lower() in _PIXELS:
        return 1.0
    if canonical_unit(unit) not in NM_PER_UNIT:
        problems.append(f"line {row.line}: unit is '{unit[:20]}', expected pixel or a unit of length")
        return 1.0
    size = row.number("pixel_size", problems)
    if size is None or size <= 0:
        problems.append(f"line {row.line}: unit is {unit}, so pixel_size must be the size of a pixel in {unit}")
        return 1.0
    return size


def _whole(row: Row, name: str, problems: list[str]) -> int:
    value = row.number(name, problems)
    if value is None:
        return 0
    if value != int(value) or not 0 <= value <= 2**31:
        problems.append(f"line {row.line}: {name} is {value:g}, expected a whole number")
        return 0
    return int(value)


def _instances(objects: _Objects) -> Instances:
    kinds: Mapping[str, type] = {"class_name": object, "score": float, "name": object, "position": int, "track": int}
    columns = {key: np.array(objects.columns[key], kind) for key, kind in kinds.items() if objects.shapes}
    return Instances.of(objects.shapes, **columns)


FORMAT = Format(
    name="csv",
    title=TITLE,
    holds=HOLDS,
    one_image=False,
    extension=".csv",
    recognises=recognises,
    read=read,
    encode=encode,
)
