"""What our own entry ``temj`` of a COCO annotation says beside COCO: ImageJ's kind of selection and its numbers.

``{"roi": "ellipse", "numbers": [x1, y1, x2, y2, ratio], "name": …, "group": …, "position": [c, s, f], "track": …}``.
A composite has ``path``: the points' numbers, and a letter for each: M move, L line, Q quadratic, C cubic, Z close.
``ellipse`` and ``rotated_box`` stand beside it for other programs: [centre x, centre y, length, width across it,
angle], full lengths in pixels, degrees counter-clockwise as seen on the screen.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from temj.annotations.coco_checks import Outline
from temj.annotations.encoding import LARGEST_COORDINATE
from temj.annotations.outlines import from_axes
from temj.data import CLOSE, CUBIC, MOVE, QUADRATIC, RoiType, Shape

LETTERS = "MLQCZ"
_NUMBERED = {RoiType.RECT: 5, RoiType.OVAL: 4, RoiType.ELLIPSE: 5, RoiType.ROTATED_RECT: 5}
_AXES = {"ellipse": RoiType.ELLIPSE, "rotated_box": RoiType.ROTATED_RECT}
_OUTLINES = (RoiType.POLYGON, RoiType.FREEROI, RoiType.TRACED)


def described(entry: dict[str, Any], outline: Outline, plain: Shape) -> Shape | None:
    """The shape that an annotation says it stands for; None where it says nothing that can be used.

    Args:
        entry: the annotation.
        outline: what was checked of it.
        plain: the shape of its segmentation or box.
    """
    ours = entry.get("temj")
    if isinstance(ours, dict) and isinstance(ours.get("roi"), str):
        return _ours(ours, plain)
    if outline.axes is not None:
        name, numbers = outline.axes
        return from_axes(_AXES[name], *map(float, numbers))
    return None


def _ours(ours: dict[str, Any], plain: Shape) -> Shape | None:
    kind = RoiType.__members__.get(ours["roi"].upper())
    if kind in _NUMBERED:
        numbers = ours.get("numbers")
        count = _NUMBERED[kind]
        if not (isinstance(numbers, list) and len(numbers) == count and _usable(numbers)):
            return None
        return Shape(kind, params=tuple(map(float, numbers)), subpixel=ours.get("subpixel") is not False)
    if kind == RoiType.COMPOSITE:
        return _composite(ours.get("path"))
    if kind in _OUTLINES and plain.roi_type == RoiType.POLYGON:
        shape = Shape(kind, plain.points, subpixel=ours.get("subpixel") is not False)
        skew = ours.get("skew") is True
        return shape if (shape.subpixel or not plain.subpixel) and (skew or not _skew(shape)) else None
    return None


def _skew(shape: Shape) -> bool:
    """Whether an outline is called traced, but does not run along the edges of pixels as those that we trace do."""
    if shape.roi_type != RoiType.TRACED:
        return False
    step = shape.points - np.concatenate([shape.points[-1:], shape.points[:-1]])
    return not ((shape.points == np.trunc(shape.points)).all() and ((step != 0).sum(axis=1) == 1).all())


def _composite(path: Any) -> Shape | None:
    if not isinstance(path, dict):
        return None
    numbers, letters = path.get("points"), path.get("codes")
    if not (isinstance(numbers, list) and _usable(numbers) and isinstance(letters, str) and set(letters) <= {*LETTERS}):
        return None
    codes = np.array([LETTERS.index(letter) for letter in letters], np.uint8)
    drawn = codes != CLOSE
    if len(numbers) != 2 * int(drawn.sum()) or not len(codes) or codes[0] != MOVE or not _whole_curves(codes):
        return None
    points = np.zeros((len(codes), 2))
    points[drawn] = np.array(numbers, float).reshape(-1, 2)
    start = np.maximum.accumulate(np.where(codes == MOVE, np.arange(len(codes)), 0))
    points[~drawn] = points[start[~drawn]]
    return Shape(RoiType.COMPOSITE, points, codes=codes)


def _whole_curves(codes: np.ndarray) -> bool:
    """Whether every quadratic has 2 and every cubic 3 points."""
    change = np.flatnonzero(np.diff(codes, prepend=-1, append=255))
    sizes, kinds = np.diff(change), codes[change[:-1]]
    return not ((sizes[kinds == QUADRATIC] % 2).any() or (sizes[kinds == CUBIC] % 3).any())


def _usable(numbers: list[Any]) -> bool:
    """Whether all are finite numbers within ImageJ's reach."""
    if not numbers or not set(map(type, numbers)) <= {int, float}:
        return False
    return min(numbers) >= -LARGEST_COORDINATE and max(numbers) <= LARGEST_COORDINATE and sum(numbers) == sum(numbers)


def description(shape: Shape) -> dict[str, Any]:
    """The inverse of :func:`described`: the kind and numbers that the segmentation does not say."""
    made: dict[str, Any] = {"roi": shape.roi_type.name.lower()}
    if shape.roi_type in _NUMBERED:
        made["numbers"] = plain_numbers(np.array(shape.params[: _NUMBERED[shape.roi_type]]))
    if shape.roi_type == RoiType.COMPOSITE:
        drawn = shape.codes != CLOSE
        made["path"] = {
            "points": plain_numbers(shape.points[drawn].ravel()),
            "codes": "".join(LETTERS[code] for code in shape.codes),
        }
    if not shape.subpixel:
        made["subpixel"] = False
    if _skew(shape):
        made["skew"] = True
    return made


def plain_numbers(values: np.ndarray) -> list[float] | list[int]:
    """Numbers for JSON: whole ones without a point."""
    if (values == np.trunc(values)).all():
        return values.astype(np.int64).tolist()
    return [int(value) if value.is_integer() else value for value in values.tolist()]
