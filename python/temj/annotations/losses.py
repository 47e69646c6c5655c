"""What a format cannot hold of a set, counted from what the format says that it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from temj.annotations.base import AnnotatedImage, counted
from temj.data import IGNORE, Instances, RoiType
from temj.geometry.vertices import POLYLINES

NO_CLASS = "object"
"""The class of objects without one in formats in which each needs one."""
KINDS = {
    "box": (RoiType.RECT,),
    "rotated_box": (RoiType.ROTATED_RECT,),
    "ellipse": (RoiType.OVAL, RoiType.ELLIPSE),
    "polygon": (RoiType.POLYGON, RoiType.FREEROI, RoiType.TRACED),
    "mask": (RoiType.COMPOSITE,),
    "point": (RoiType.POINT,),
    "line": (RoiType.LINE, *POLYLINES),
}
"""What ``Format.holds`` calls the kinds of ImageJ's selections."""
_WORDS = {
    "box": ("box", "boxes"), "rotated_box": ("rotated box", "rotated boxes"), "ellipse": ("ellipse", "ellipses"),
    "polygon": ("polygon", "polygons"), "mask": ("outline with holes or parts", "outlines with holes or parts"),
    "point": ("point", "points"), "line": ("line", "lines"),
}  # fmt: skip


def losses(
    images: Iterable[AnnotatedImage], holds: frozenset[str], title: str, becomes: dict[str, str]
) -> tuple[str, ...]:
    """Sentences with counts on kinds of shapes, columns and empty images that are lost.

    Args:
        images: all of them, also those that are not annotated.
        holds: as in :class:`temj.annotations.base.Format`.
        title: what people call the format.
        becomes: kind that is not held → what is written instead; a kind that is missing here is left out.
    """
    images = list(images)
    parts = [image.instances for image in images if image.instances is not None]
    told = []
    for kind, types in KINDS.items():
        count = sum(int(np.isin(part.shapes.roi_type, types).sum()) for part in parts)
        if count and kind not in holds:
            what = f"written as {becomes[kind]}" if kind in becomes else "left out"
            told.append(f"{counted(count, *_WORDS[kind])} {what}: {title} holds no {_WORDS[kind][1]}")
    for column, count in _columns(parts):
        if count and column == IGNORE and IGNORE not in holds:
            what = counted(count, "object marked 'ignore' is", "objects marked 'ignore' are")
            told.append(f"{what} left out: {title} cannot say 'ignore'")
        elif count and column not in holds:
            of = "object" if count == 1 else "objects"
            told.append(f"the {column} of {count:,} {of} is lost: {title} has no place for it")
    empty = sum(not len(part) for part in parts)
    if empty and "empty" not in holds:
        told.append(f"{counted(empty, 'image')} without objects left out: {title} cannot tell them from others")
    return tuple(told)


def nameless(images: Iterable[AnnotatedImage]) -> tuple[str, ...]:
    """The sentence that counts objects without a class, for formats in which each needs one; none where none is."""
    parts = [image.instances for image in images if image.instances is not None]
    count = sum(int(((part.class_name == "") & (part.shapes.roi_type <= RoiType.COMPOSITE)).sum()) for part in parts)
    what = counted(count, "object without a class is", "objects without a class are")
    return (f"{what} written as the class '{NO_CLASS}'",) if count else ()


def _columns(parts: list[Instances]) -> Iterator[tuple[str, int]]:
    """How many objects have something in each column."""
    ignored = [part.ignored for part in parts]
    yield (
        "class",
        sum(sum(bool(name) for name in part.class_name[~ignore]) for part, ignore in zip(parts, ignored, strict=True)),
    )
    yield IGNORE, sum(int(ignore.sum()) for ignore in ignored)
    yield "score", sum(int((~np.isnan(part.score)).sum()) for part in parts)
    yield "track", sum(int((part.track != 0).sum()) for part in parts)
    yield "position", sum(int((part.position != 0).any(axis=1).sum()) for part in parts)
    yield "group", sum(int((part.group != 0).sum()) for part in parts)
    yield "name", sum(sum(map(bool, part.name)) for part in parts)
