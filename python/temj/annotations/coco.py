"""COCO JSON: polygons, run-length encoded masks and boxes of many images in one file.

- ``iscrowd`` 1 means the class ``ignore``: the object is named ``?<category>-0001`` so that its category is not lost.
- An image without annotations is *empty* where its entry says ``"temj": {"annotated": true}`` (as we write it), and
  *not annotated* otherwise, which is said: COCO itself cannot tell the two apart. Where the file is what was found
  (:attr:`temj.annotations.base.Context.found`) nothing was found in it, which is said too.
- ``file_name`` is used by its last component only and is compared with the images that the user named; nothing is
  opened by it. A name that leads out of a folder is refused.
- ``area`` is the number of ImageJ's pixels in the image. A box that disagrees with its outline is told, an outline
  decides; where more than half of them disagree nothing is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from temj.annotations import strict_json
from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Format, counted, raise_problems
from temj.annotations.checks import image_problems
from temj.annotations.coco_boxes import compare_boxes
from temj.annotations.coco_checks import Document, check
from temj.annotations.coco_shapes import shapes_of
from temj.annotations.coco_write import HOLDS, TITLE, encode
from temj.annotations.pairing import files_of, plain_names, same
from temj.data import IGNORE, Instances, Shapes

_HEAD = 4096
_SHOWN = 10
_KEYS = {
    "id", "image_id", "category_id", "segmentation", "area", "bbox", "iscrowd", "score", "ellipse", "rotated_box",
    "temj",
}  # fmt: skip


def recognises(path: Path) -> bool:
    """Whether it is a ``.json`` file (reading says where it is none), or a folder with one that speaks of images."""
    return path.suffix.lower() == ".json" if path.is_file() else bool(_files(path))


def _files(folder: Path) -> list[Path]:
    """The files of a folder that look like COCO."""
    return [file for file in files_of(folder, (".json",)) if _looks(file)]


def _looks(file: Path) -> bool:
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    return any(word in head for word in (b'"images"', b'"annotations"', b'"categories"', b'"info"', b'"licenses"'))


def read(path: Path, context: Context) -> AnnotationSet:
    """The images and objects of a COCO file (the module's docstring has the rules).

    Raises:
        BadAnnotation: no JSON, or values that cannot be; the report has all of them, and with them the images that are
            not in the folder of images.
        Refused: file names that lead out of the folder of images.
    """
    if path.is_dir():
        files = _files(path)
        several = [f"it has {len(files)} of them: {', '.join(file.name for file in files)}"] * (len(files) != 1)
        raise_problems(path, several, "several-files", "a folder with one COCO file", "Name the file.")
        path = files[0]
    problems: list[str] = []
    notes: list[str] = []
    value = strict_json.load(path)
    document = check(value, problems)
    shapes = shapes_of(document.entries, problems, notes)
    names = plain_names([name for name, _size, _marked in document.images.values() if name], path)
    problems += [f"two images have the file name {name}" for name in sorted({n for n in names if names.count(n) > 1})]
    problems += compare_boxes(document, shapes, notes)
    if problems:  # where the file itself is in order, the images are looked at with those of all other formats
        sizes = [size for name, size, _marked in document.images.values() if name]
        problems += image_problems(zip(names, sizes, strict=True), context)
    raise_problems(path, problems, "coco", "a COCO file without errors")
    categories = _categories(document, notes)
    made = Shapes.of(shapes)
    index: dict[Any, list[int]] = {key: [] for key in document.images}
    for number, (entry, _outline) in enumerate(document.entries):
        index[entry["image_id"]].append(number)
    if context.found:
        document.images = _all_looked_at(document.images, index, notes)
    images = []
    for key, name in zip(document.images, names, strict=True):
        images.append(_image(document, key, name, np.array(index[key], np.int64), (made, categories)))
    boxes = sum(not outline.polygons and outline.counts is None for _entry, outline in document.entries)
    if boxes:
        notes.append(f"{counted(boxes, 'object has', 'objects have')} a box and no outline")
    nameless = {categories[entry["category_id"]] for entry, _ in document.entries if _has_no_class(entry)}
    named = {categories[entry["category_id"]] for entry, _ in document.entries if not _has_no_class(entry)}
    left_out = {IGNORE, *(nameless - named)}
    classes = tuple(name for name in dict.fromkeys(categories.values()) if name not in left_out)
    unused = Counter(key for entry, _outline in document.entries for key in entry if key not in _KEYS)
    if unused:
        told = ", ".join(f"{key} ({count:,})" for key, count in sorted(unused.items())[:_SHOWN])
        notes.append(f"what stands under these keys of annotations is not used: {told}")
    head = {key: value[key] for key in ("info", "licenses") if key in value}
    info = ({"coco": head} if head else {}) | _licence(value)
    return AnnotationSet(tuple(images), classes, info | ({"notes": tuple(notes)} if notes else {}))


def _all_looked_at(images: dict[Any, tuple], index: dict[Any, list[int]], notes: list[str]) -> dict[Any, tuple]:
    """The images with those without objects and without a mark marked as looked at; they are counted in a note."""
    nothing = [key for key, (_name, _size, marked) in images.items() if marked is None and not index[key]]
    if nothing:
        notes.append(f"nothing was found in {counted(len(nothing), 'image')} that the file lists without objects")
    return {key: (name, size, marked or key in nothing) for key, (name, size, marked) in images.items()}


def _licence(value: dict[str, Any]) -> dict[str, str]:
    """The names of the licences, where the file has some."""
    entries = value.get("licenses")
    names = [entry.get("name") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    told = ", ".join(dict.fromkeys(name for name in names if isinstance(name, str) and name))
    return {"licence": told} if told else {}


def _categories(document: Document, notes: list[str]) -> dict[Any, str]:
    """id → name, in one spelling of accents and without blanks around it."""
    names = {key: same(name).strip() for key, name in document.categories.items()}
    merged = len(names) - len(set(names.values()))
    if merged:
        notes.append(f"{counted(merged, 'category has', 'categories have')} the name of another one and are merged")
    return names


def _image(
    document: Document, key: Any, name: str, index: np.ndarray, made: tuple[Shapes, dict[Any, str]]
) -> AnnotatedImage:
    _name, size, marked = document.images[key]
    if not len(index) and not marked:
        return AnnotatedImage(name, size, None)
    shapes, categories = made
    entries = [document.entries[number][0] for number in index]
    return AnnotatedImage(name, size, _instances(shapes.take(index), entries, categories))


def _instances(shapes: Shapes, entries: Sequence[dict[str, Any]], categories: dict[Any, str]) -> Instances:
    columns: dict[str, list] = {key: [] for key in ("class_name", "score", "name", "group", "position", "track")}
    for number, entry in enumerate(entries, start=1):
        ours = entry.get("temj") if isinstance(entry.get("temj"), dict) else {}
        category, name = categories[entry["category_id"]], ours.get("name")
        name = name if isinstance(name, str) else ""
        crowd = bool(entry.get("iscrowd")) or category == IGNORE
        if crowd and not name and category != IGNORE:
            name = f"?{category}-{number:04d}"
        columns["class_name"].append(IGNORE if crowd else "" if _has_no_class(entry) else category)
        columns["score"].append(np.nan if entry.get("score") is None else float(entry["score"]))
        columns["name"].append(name)
        columns["group"].append(_whole(ours.get("group"), 255))
        position = ours.get("position")
        good = isinstance(position, list) and len(position) == 3
        columns["position"].append([_whole(value, 10**6) for value in position] if good else [0, 0, 0])
        columns["track"].append(_whole(ours.get("track"), 2**53))
    kinds = {"class_name": object, "score": float, "name": object, "group": int, "position": int, "track": int}
    if not entries:
        return Instances(shapes)
    return Instances(shapes, **{key: np.array(columns[key], kind) for key, kind in kinds.items()})


def _has_no_class(entry: dict[str, Any]) -> bool:
    """Whether our own entry says that the object has no class: COCO needs one all the same."""
    return isinstance(entry.get("temj"), dict) and entry["temj"].get("class") == ""


def _whole(value: Any, largest: int) -> int:
    """A whole number from 0 on, or 0."""
    return value if type(value) is int and 0 <= value <= largest else 0


FORMAT = Format(
    name="coco",
    title=TITLE,
    holds=HOLDS,
    one_image=False,
    extension=".json",
    recognises=recognises,
    read=read,
    encode=encode,
)
