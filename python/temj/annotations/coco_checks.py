"""Every value of a COCO document is looked at before anything is made of it; all problems go into one report."""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from temj.annotations.encoding import LARGEST_COORDINATE
from temj.annotations.rle import LARGEST

_NUMBERS = {int, float}
_IDS = (int, str)


@dataclass
class Outline:
    """What one annotation says of its object's place: one of polygons, a mask, a box.

    Attributes:
        polygons: flat lists x, y, x, y …
        size: (height, width) of a mask.
        counts: of a mask, compressed (bytes) or plain (list).
        box: x, y, width, height; None where it says none.
        axes: centre x, y, length, across, angle of ``ellipse`` or ``rotated_box``; None where it has none of them.
    """

    polygons: list[list[float]] = field(default_factory=list)
    size: tuple[int, int] | None = None
    counts: bytes | list[int] | None = None
    box: list[float] | None = None
    axes: tuple[str, list[float]] | None = None


@dataclass
class Document:
    """A COCO document that has been checked.

    Attributes:
        images: id → (file name, (width, height) or None, whether it is marked as annotated or None).
        categories: id → name, ascending ids.
        entries: the annotations as they stand in the file, each with its outline.
    """

    images: dict[Any, tuple[str, tuple[int, int] | None, bool | None]]
    categories: dict[Any, str]
    entries: list[tuple[dict[str, Any], Outline]]


def check(document: Any, problems: list[str]) -> Document:
    """The parts of a document; what is wrong is added to ``problems``, and left out of the result."""
    found = Document({}, {}, [])
    if not isinstance(document, dict):
        what = "a list (of results? they need the file of their images)" if isinstance(document, list) else "no object"
        problems.append(f"the file holds {what}, expected an object with 'images', 'annotations' and 'categories'")
        return found
    for name in ("images", "annotations", "categories"):
        if not isinstance(document.get(name), list):
            told = "is missing" if name not in document else f"is {_short(document[name])}"
            problems.append(f"'{name}' {told}, expected a list")
            document = {**document, name: []}
    found.images = dict(_images(document["images"], problems))
    found.categories = dict(_categories(document["categories"], problems))
    ids: set[Any] = set()
    for number, entry in enumerate(document["annotations"], start=1):
        if not isinstance(entry, dict):
            problems.append(f"annotation number {number} is {_short(entry)}, expected an object")
            continue
        where = f"annotation {_short(entry['id'])}" if "id" in entry else f"annotation number {number}"
        _unique_id(entry, where, ids, problems, required=False)
        outline = _outline(entry, where, found, problems)
        if outline is not None:
            found.entries.append((entry, outline))
    return found


def _unique_id(entry: dict[str, Any], where: str, ids: set[Any], problems: list[str], required: bool = True) -> bool:
    key = entry.get("id")
    if key is None and not required and "id" not in entry:
        return True
    if not _is_id(key):
        problems.append(f"{where} has the id {_short(key)}, expected a number")
        return False
    if key in ids:
        problems.append(f"{where}: its id stands there twice")
        return False
    ids.add(key)
    return True


def _is_id(value: Any) -> bool:
    return isinstance(value, _IDS) and not isinstance(value, bool)


def _images(entries: list[Any], problems: list[str]) -> Iterator[tuple[Any, tuple]]:
    ids: set[Any] = set()
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            problems.append(f"image number {number} is {_short(entry)}, expected an object")
            continue
        where = f"image {_short(entry.get('id'))}"
        if not _unique_id(entry, where, ids, problems):
            continue
        name = entry.get("file_name")
        if not isinstance(name, str) or not name.strip():
            problems.append(f"{where} has the file_name {_short(name)}, expected a file name")
            name = ""
        size = _size(entry.get("width"), entry.get("height"))
        if size is None and ("width" in entry or "height" in entry):
            told = f"{_short(entry.get('width'))} x {_short(entry.get('height'))}"
            problems.append(f"{where} ({name}) has the size {told}, expected whole numbers from 1 to 1,000,000")
        ours = entry.get("temj")
        marked = ours.get("annotated") if isinstance(ours, dict) else None
        yield entry["id"], (name, size, marked if isinstance(marked, bool) else None)


def _size(width: Any, height: Any) -> tuple[int, int] | None:
    """(width, height) where both are whole numbers that an image can have (12.0 counts as 12)."""
    for value in (width, height):
        if type(value) not in _NUMBERS or not 1 <= value <= LARGEST_COORDINATE or value != int(value):
            return None
    return int(width), int(height)


def _categories(entries: list[Any], problems: list[str]) -> list[tuple[Any, str]]:
    ids: set[Any] = set()
    found = []
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            problems.append(f"category number {number} is {_short(entry)}, expected an object")
            continue
        where = f"category {_short(entry.get('id'))}"
        if not _unique_id(entry, where, ids, problems):
            continue
        name = entry.get("name")
        if not isinstance(name, str) or not name.strip():
            problems.append(f"{where} has the name {_short(name)}, expected a text")
            name = str(entry["id"])
        found.append((entry["id"], name))
    return sorted(found, key=lambda pair: (isinstance(pair[0], str), pair[0]))


def _outline(entry: dict[str, Any], where: str, known: Document, problems: list[str]) -> Outline | None:
    """The outline of an annotation; None where it has a problem."""
    before = len(problems)
    if not _is_id(entry.get("image_id")) or entry["image_id"] not in known.images:
        problems.append(f"{where} is for image {_short(entry.get('image_id'))}, which is not among the images")
        size = None
    else:
        size = known.images[entry["image_id"]][1]
    if not _is_id(entry.get("category_id")) or entry["category_id"] not in known.categories:
        told = _short(entry.get("category_id"))
        problems.append(f"{where} is of category {told}, which is not among the categories")
    for name, allowed in (("iscrowd", "0 or 1"), ("score", "a number from 0 to 1")):
        value = entry.get(name, 0)
        if value is not None and (type(value) not in (int, float, bool) or not 0 <= value <= 1):
            problems.append(f"{where} has {name} {_short(value)}, expected {allowed}")
    made = Outline()
    segmentation = entry.get("segmentation")
    problems += [f"{where}{text}" for text in _segmentation(segmentation, made, size)]
    if entry.get("bbox") is not None:
        problems += [f"{where}{text}" for text in _box(entry["bbox"])]
        made.box = entry["bbox"]
    elif not segmentation:
        problems.append(f"{where} has neither a segmentation nor a bbox")
    for name in ("ellipse", "rotated_box"):
        if entry.get(name) is not None:
            told = _numbers(entry[name], 5, 5)
            problems += [f"{where}: {name} {told}"] if told else []
            if not told and min(entry[name][2:4]) <= 0:
                problems.append(f"{where}: {name} has an axis of no length")
            made.axes = (name, entry[name])
    return made if len(problems) == before else None


def _segmentation(value: Any, made: Outline, size: tuple[int, int] | None) -> Iterator[str]:
    """Problems of a segmentation; what is right is put into ``made``."""
    if value is None or value == []:
        return
    if isinstance(value, dict):
        yield from _mask(value, made, size)
        return
    if not isinstance(value, list):
        yield f" has the segmentation {_short(value)}, expected polygons or a run-length code"
        return
    flat = not any(isinstance(part, list) for part in value)
    for number, part in enumerate([value] if flat else value, start=1):
        told = _polygon(part)
        if told:
            yield f", polygon {number}: {told}"
        else:
            made.polygons.append(part)


def _polygon(part: Any) -> str:
    """What is wrong with the numbers of a polygon; "" where nothing is."""
    told = _numbers(part, 6, math.inf)
    if told:
        return told
    if len(part) % 2:
        return f"has {len(part)} numbers, expected x and y of each corner"
    x, y = part[::2], part[1::2]
    x0, y0 = x[0], y[0]
    if min(x) == max(x) or min(y) == max(y):
        return "encloses no area"
    far = max(range(len(x)), key=lambda k: abs(x[k] - x0) + abs(y[k] - y0))
    dx, dy = x[far] - x0, y[far] - y0
    if all(abs((x[k] - x0) * dy - (y[k] - y0) * dx) < 1e-9 for k in range(len(x))):
        return "encloses no area"
    return ""


def _numbers(values: Any, least: int, most: float) -> str:
    """What is wrong with a list of coordinates; "" where nothing is."""
    if not isinstance(values, list):
        return f"is {_short(values)}, expected a list of numbers"
    if not least <= len(values) <= most:
        more = f"at least {least}" if most > least else str(least)
        return f"has {len(values)} numbers, expected {more}"
    if not set(map(type, values)) <= _NUMBERS:
        wrong = next(value for value in values if type(value) not in _NUMBERS)
        return f"has {_short(wrong)} among its numbers"
    # a NaN that hides in min and max shows in the sum, which is safe once the rest is known to be small
    if not (min(values) >= -LARGEST_COORDINATE and max(values) <= LARGEST_COORDINATE and sum(values) == sum(values)):
        wrong = next(value for value in values if not -LARGEST_COORDINATE <= value <= LARGEST_COORDINATE)
        return f"has the coordinate {_short(wrong)}, expected -1,000,000 to 1,000,000"
    return ""


def _box(values: Any) -> list[str]:
    told = _numbers(values, 4, 4)
    if told:
        return [f": bbox {told}"]
    if values[2] <= 0 or values[3] <= 0:
        return [f": bbox has the width {values[2]:g} and the height {values[3]:g}, expected more than 0"]
    return []


def _mask(value: dict[str, Any], made: Outline, size: tuple[int, int] | None) -> Iterator[str]:
    shape = value.get("size")
    pair = _size(shape[1], shape[0]) if isinstance(shape, list) and len(shape) == 2 else None
    if pair is None:
        yield f": RLE of the size {_short(shape)}, expected [height, width]"
        return
    if size is not None and pair != size:
        yield f": RLE of {pair[0]} x {pair[1]} pixels, its image has {size[0]} x {size[1]}"
        return
    if pair[0] * pair[1] >= LARGEST:
        yield f": RLE of {pair[0]} x {pair[1]} pixels, expected less than 2^32 pixels"
        return
    counts = value.get("counts")
    if isinstance(counts, str) and counts.isascii():
        counts = counts.encode()
    elif not (isinstance(counts, list) and counts and set(map(type, counts)) == {int}):
        yield f": RLE with the counts {_short(counts)}, expected a text or a list of whole numbers"
        return
    elif not (min(counts) >= 0 and max(counts) <= LARGEST):
        yield f": RLE with the count {_short(min(counts) if min(counts) < 0 else max(counts))}"
        return
    made.size, made.counts = (pair[1], pair[0]), counts


def _short(value: Any) -> str:
    """A value in a few characters, whatever it is."""
    return re.sub(r"\s+", " ", reprlib.repr(value))
