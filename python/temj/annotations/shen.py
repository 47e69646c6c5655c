"""The text boxes of Shen et al. (Comput. Mater. Sci. 2021): rows ``class ymin xmin ymax xmax``.

Numbers are continuous pixel coordinates, y first (the authors wrote the boxes of ImageJ's ROIs so, with fractions);
classes count from 0. Understood are

- a folder with ``images.txt`` (or ``<part>images.txt``: one image name a line) and ``bounding_boxes/<stem>.txt``
  (or the files beside the list), as the authors' program reads it;
- a folder of ``<stem>.txt``, or one of these files;
- rows of four numbers without a class, rows with the class's name behind (``0 442.05 4.79 486.05 69.79 111``), and
  one file for many images whose rows begin with the image's name (which must have an extension).

A file without rows is an empty image; an image of the list without a file is not annotated. ``classes.txt`` has the
names of the classes, where they are known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded, raise_problems
from temj.annotations.losses import NO_CLASS, losses, nameless
from temj.annotations.outlines import extents, rect
from temj.annotations.pairing import Images, file_stems, plain_names, read_each, stem_of
from temj.annotations.text_rows import (
    NAMES,
    class_names,
    class_number,
    named,
    number,
    rows,
    text_files,
    text_format,
    unknown_class,
)
from temj.annotations.yolo_write import class_order
from temj.data import Instances, RoiType, Shape
from temj.errors import BadAnnotation

LIST, BOXES = "images.txt", "bounding_boxes"
TITLE = "text boxes (Shen et al.)"
HOLDS = frozenset({"box", "overlap", "class", "empty"})
_BECOMES = dict.fromkeys(("rotated_box", "ellipse", "polygon", "mask"), "the box around it")
_DEFAULT = "object"


def recognises(path: Path) -> bool:
    """Whether it is a text file of such rows, or a folder with some (and perhaps a list of images)."""
    files = [path] if path.is_file() else _files(path)
    if not files or files[0].suffix.lower() != ".txt":
        return False
    try:
        first = [found[1] for file in files[:20] if (found := next(rows(file), None))]
    except BadAnnotation:
        return False
    good = all(_parsed(words) is not None for words in first)
    return good and (bool(first) or bool(_lists(path)))


def _lists(folder: Path) -> list[Path]:
    return [file for file in text_files(folder) if file.name.lower().endswith(LIST)]


def _files(folder: Path) -> list[Path]:
    lists = tuple(file.name.lower() for file in _lists(folder))
    return text_files(folder / BOXES) or text_files(folder, (*lists, NAMES))


@dataclass
class _Boxes:
    """The boxes of one image."""

    shapes: list[Shape] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def read(path: Path, context: Context) -> AnnotationSet:
    """The boxes of a file or folder.

    Raises:
        BadAnnotation: rows that cannot be; the report has all of them.
        Refused: image names that lead out of the folder of images.
    """
    files = [path] if path.is_file() else _files(path)
    folder = path.parent if path.is_file() else path
    names = class_names([folder / NAMES] if path.is_dir() else [], context.classes)
    found: dict[str, _Boxes] = {}
    for file, part in zip(files, read_each(files, lambda file: _read_file(file, names)), strict=True):
        if "" in part or not part:
            found[file.stem] = part.pop("", _Boxes())
        for name, boxes in part.items():
            found[name] = boxes
    images = Images(context)
    listed = [" ".join(words) for file in (_lists(path) if path.is_dir() else []) for _, words in rows(file)]
    wanted = {stem_of(name): name for name in plain_names(listed, path)}
    made = [
        AnnotatedImage(images.find(name) or wanted.get(name) or name, None, _instances(boxes, names))
        for name, boxes in found.items()
    ]
    known = {stem_of(image.image) for image in made}
    made += [AnnotatedImage(name, None, None) for stem, name in wanted.items() if stem not in known]
    if not names:
        rows_of = [pair for boxes in found.values() for pair in zip(boxes.numbers, boxes.names, strict=True)]
        used = sorted({pair for pair in rows_of if pair[0] is not None})
        names = tuple(dict.fromkeys(name or str(kind) for kind, name in used))
    numbered = [name for name in names if name.isdecimal()]
    note = {"notes": ("the classes have numbers and no names (--classes)",)} if numbered and not context.classes else {}
    return AnnotationSet(tuple(made), names or (_DEFAULT,), note)


def _instances(boxes: _Boxes, names: tuple[str, ...]) -> Instances:
    classes = [
        _DEFAULT if number is None else name if name and not names else named(number, names)
        for number, name in zip(boxes.numbers, boxes.names, strict=True)
    ]
    return Instances.of(boxes.shapes, **({"class_name": np.array(classes, object)} if classes else {}))


def _read_file(file: Path, names: tuple[str, ...]) -> dict[str, _Boxes]:
    """Image name ("" where the rows name none) → boxes."""
    problems: list[str] = []
    found: dict[str, _Boxes] = {}
    for line, words in rows(file):
        parsed = _parsed(words)
        if parsed is None:
            problems.append(f"line {line}: '{' '.join(words)[:60]}'")
            continue
        image, kind, numbers, name = parsed
        top, left, bottom, right = numbers
        wrong = unknown_class(kind, names) if kind is not None else ""
        if bottom <= top or right <= left:
            wrong = f"the box {' '.join(map('{:g}'.format, numbers))} has no area, expected ymin xmin ymax xmax"
        if wrong:
            problems.append(f"line {line}: {wrong}")
            continue
        boxes = found.setdefault(plain_names([image], file)[0] if image else "", _Boxes())
        boxes.shapes.append(rect(left, top, right - left, bottom - top))
        boxes.numbers.append(kind)
        boxes.names.append(name)
    raise_problems(file, problems, "boxes", "rows 'class ymin xmin ymax xmax'")
    return found


def _parsed(words: list[str]) -> tuple[str, int | None, list[float], str] | None:
    """Image, class, the four numbers and the class's name of a row; None where it is none."""
    values = [number(word) for word in words]
    if len(words) == 4 and None not in values:
        return "", None, values, ""
    if len(words) >= 5 and class_number(words[0]) is not None and None not in values[:5]:
        return "", class_number(words[0]), values[1:5], " ".join(words[5:])
    if len(words) >= 5 and None not in values[-4:]:
        for length, kind in ((len(words) - 5, class_number(words[-5])), (len(words) - 4, None)):
            image = " ".join(words[:length])
            if re.search(r"\.[A-Za-z]\w{1,4}$", image) and (kind is not None or length == len(words) - 4):
                return image, kind, values[-4:], ""
    return None


def encode(annotations: AnnotationSet, _context: Context, alone: bool) -> Encoded:
    """The authors' folder: ``images.txt``, ``bounding_boxes/<stem>.txt``, and ``classes.txt`` with the names.

    Objects of the class ``ignore`` are left out: they would be taken for a class.
    """
    images = annotations.annotated
    classes = class_order(annotations)
    numbers = {name: k for k, name in enumerate(classes)}
    names = [""] if alone else [f"{BOXES}/{stem}.txt" for stem in file_stems(images)]
    files = {name: _rows(image, numbers) for name, image in zip(names, images, strict=True)}
    if not alone:
        files[LIST] = "".join(f"{image.image}\n" for image in images).encode("utf-8", "replace")
        files[NAMES] = "".join(f"{name}\n" for name in classes).encode("utf-8", "replace")
    told = losses(annotations.images, HOLDS - ({"class"} if alone else set()), TITLE, _BECOMES) + nameless(images)
    return Encoded(files, told)


def _rows(image: AnnotatedImage, numbers: dict[str, int]) -> bytes:
    instances = image.instances.take(~image.instances.ignored & (image.instances.shapes.roi_type <= RoiType.COMPOSITE))
    lines = []
    for name, box in zip(instances.class_name, extents(instances.shapes).tolist(), strict=True):
        left, top, right, bottom = (f"{int(value)}" if value.is_integer() else repr(value) for value in box)
        lines.append(f"{numbers[name or NO_CLASS]} {top} {left} {bottom} {right}\n")
    return "".join(lines).encode()


FORMAT = text_format("shen", (TITLE, HOLDS), recognises, read, encode)
