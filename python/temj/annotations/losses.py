"""What a format cannot hold of a set, counted from what the format says that it holds."""

from __future__ import annotations

import re
from collections import Counter
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
_PLANES = ("channels", "slices", "frames")
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
    yield "group", _own_groups(parts)
    yield "name", sum(_own_name(*pair) for part in parts for pair in zip(part.name, part.class_name, strict=True))


def _own_groups(parts: list[Instances]) -> int:
    """How many objects have a group that says more than their class.

    It says no more where each class has one group of its own and the groups are numbers of classes, as
    :func:`temj.annotations.roi_sets.labelled` gives them.
    """
    objects = Counter(pair for part in parts for pair in zip(part.class_name, part.group.tolist(), strict=True))
    groups_of, classes_of = Counter(kind for kind, _ in objects), Counter(group for _, group in objects)
    return sum(
        count
        for (kind, group), count in objects.items()
        if group and not (kind and group <= len(groups_of) and groups_of[kind] == 1 and classes_of[group] == 1)
    )


def _own_name(name: str, kind: str) -> bool:
    """Whether a name is more than the class and a number, or the number alone, which are made anew."""
    made = f"{re.escape(kind.replace('.', '_'))}-" if kind else ""
    return bool(name) and not re.fullmatch(rf"{made}\d{{4,}}", name)


def stacked(images: Iterable[AnnotatedImage]) -> tuple[str, ...]:
    """The sentence that counts objects of several planes of a film or stack on one image; none where none are."""
    count, places = 0, []
    for image in images:
        position = np.zeros((0, 3), int) if image.instances is None else image.instances.position
        found = np.unique(position[(position != 0).any(axis=1)], axis=0)
        if len(found) > 1:
            count += int((position != 0).any(axis=1).sum())
            places.append(found)
    if not places:
        return ()
    differs = [any((found[:, axis] != found[0, axis]).any() for found in places) for axis in range(3)]
    word = _PLANES[differs.index(True)] if sum(differs) == 1 else "planes"
    where = f"{len(places[0])} {word} stand on one image" if len(places) == 1 else (
        f"several {word} stand on one image each, {len(places)} images"
    )  # fmt: skip
    return (f"{count:,} objects of {where}: other programs see them on top of each other",)
