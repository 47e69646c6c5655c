"""Pascal VOC XML, as LabelImg writes it, and roLabelImg's rotated boxes: one file an image.

- ``bndbox``: xmin, ymin, xmax, ymax are pixels counted from 1, the last one included: left edge xmin - 1, right edge
  xmax. LabelImg cuts the corners that it draws to whole numbers of at least 1 (``convert_points_to_bnd_box`` in its
  libs/labelFile.py); its boxes are read by the same rule and so are exact to about a pixel, which is said.
- ``robndbox`` (roLabelImg, libs/pascal_voc_io.py): cx, cy, w, h in continuous coordinates and ``angle`` in radians
  from +x to the side w, clockwise as seen on the screen (its reader turns the corner offsets by +angle with y down):
  ours is the other way round. An object with both kinds of box is the rotated one: we write both, because LabelImg
  reads no file that has an object without ``bndbox``.
- ``difficult`` 1 means the class ``ignore``, named ``?<class>-0001``.
- A file without objects is an empty image; an image without a file is not annotated.
- ``folder`` and ``path`` are not looked at; ``filename`` must be a plain name. In a folder of files it must fit
  the name of its own file; a file that is named alone is about the image that its ``filename`` says.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Format, counted, raise_problems
from temj.annotations.encoding import LARGEST_COORDINATE
from temj.annotations.outlines import from_axes, rect
from temj.annotations.pairing import Images, files_of, plain_names, read_each, same, stem_of
from temj.annotations.roi_sets import classes_of
from temj.annotations.voc_write import HOLDS, TITLE, encode
from temj.annotations.voc_xml import load
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.errors import BadAnnotation

_LABELIMG = "Unknown"
"""What LabelImg and roLabelImg write as the name of the database."""
_KNOWN = {"name", "type", "pose", "truncated", "difficult", "bndbox", "robndbox"}


def recognises(path: Path) -> bool:
    """Whether it is an XML file, or a folder with some."""
    return path.suffix.lower() == ".xml" if path.is_file() else bool(files_of(path, (".xml",)))


def read(path: Path, context: Context) -> AnnotationSet:
    """The boxes of a file or of all files of a folder.

    Raises:
        BadAnnotation: no XML, or values that cannot be; the report has all of them.
        Refused: entities, or a ``filename`` that leads out of the folder of images.
    """
    files = files_of(path, (".xml",)) if path.is_dir() else [path]
    found = Counter[str]()
    images = read_each(files, lambda file: _image(file, found, path.is_dir()))
    known = Images(context)
    images = [
        AnnotatedImage(known.find(image.image) or known.find(file.stem) or image.image, image.size, image.instances)
        for file, image in zip(files, images, strict=True)
    ]
    twice = sorted({i.image for i in images if sum(i.image == other.image for other in images) > 1})
    raise_problems(path, [f"two files for image {name}" for name in twice], "two-files", "one file an image")
    notes = []
    drawn = found.pop(_LABELIMG, 0)
    if drawn:
        told = "written by LabelImg, which cuts corners to whole pixels: exact to about a pixel"
        notes.append(f"{counted(drawn, 'box', 'boxes')} {told}")
    if found:
        told = ", ".join(f"{name} ({count:,})" for name, count in sorted(found.items()))
        notes.append(f"what stands in these elements of objects is not used: {told}")
    return AnnotationSet(tuple(images), classes_of(images, context.classes), {"notes": tuple(notes)} if notes else {})


def _image(file: Path, counts: Counter[str], paired: bool) -> AnnotatedImage:
    root = load(file)
    if root.tag != "annotation":
        raise BadAnnotation("voc", where=file, expected="XML of an <annotation>", found=f"<{root.tag[:40]}>")
    problems: list[str] = []
    name = _file_name(root, file, problems if paired else [])
    size = _size(root, problems)
    shapes, names, ignored = [], [], []
    boxes = 0
    for number, entry in enumerate(root.iterfind("object"), start=1):
        where = f"object {number}"
        kind = (entry.findtext("name") or "").strip()
        if not kind:
            problems.append(f"{where} has no name")
        shape = _shape(entry, where, problems)
        if shape is not None:
            shapes.append(shape)
            names.append(same(kind))
            ignored.append(_flag(entry, where, problems) or kind == IGNORE)
            boxes += shape.roi_type == RoiType.RECT
    raise_problems(file, problems, "voc", "boxes without errors")
    if root.findtext("source/database") == _LABELIMG:
        counts[_LABELIMG] += boxes
    counts.update(part.tag for entry in root.iterfind("object") for part in entry if part.tag not in _KNOWN)
    pairs = enumerate(zip(names, ignored, strict=True), start=1)
    numbered = [f"?{kind}-{k:04d}" if no and kind != IGNORE else "" for k, (kind, no) in pairs]
    classes = [IGNORE if no else kind for kind, no in zip(names, ignored, strict=True)]
    columns = {"class_name": np.array(classes, object), "name": np.array(numbered, object)} if shapes else {}
    return AnnotatedImage(name, size, Instances.of(shapes, **columns))


def _file_name(root: Element, file: Path, problems: list[str]) -> str:
    """The image's file name: that in the file, which must fit the file's own (roLabelImg leaves the extension out)."""
    told = (root.findtext("filename") or "").strip()
    if not told:
        return file.stem
    (name,) = plain_names([told], file)
    stems = {same(name), same(stem_of(name))}
    if same(file.stem) not in stems and same(stem_of(file.stem)) not in stems:
        problems.append(f"filename is '{name}', the file itself is called {file.name}: one of them is another image's")
    return name


def _size(root: Element, problems: list[str]) -> tuple[int, int] | None:
    found = root.find("size")
    if found is None:
        return None
    pair = [_number(found, side, 1, "size", problems) for side in ("width", "height")]
    if None in pair:
        return None
    if any(value != int(value) for value in pair):
        problems.append(f"size is {pair[0]:g} x {pair[1]:g}, expected whole numbers")
    return int(pair[0]), int(pair[1])


def _flag(entry: Element, where: str, problems: list[str]) -> bool:
    text = (entry.findtext("difficult") or "0").strip().lower()
    if text not in ("0", "1", "true", "false"):
        problems.append(f"{where} has difficult '{text[:20]}', expected 0 or 1")
    return text in ("1", "true")


def _shape(entry: Element, where: str, problems: list[str]) -> Shape | None:
    for name, make in (("robndbox", _rotated), ("bndbox", _upright)):
        found = entry.find(name)
        if found is not None:
            return make(found, where, problems)
    problems.append(f"{where} has neither bndbox nor robndbox")
    return None


def _upright(box: Element, where: str, problems: list[str]) -> Shape | None:
    numbers = [_number(box, side, -LARGEST_COORDINATE, where, problems) for side in ("xmin", "ymin", "xmax", "ymax")]
    if None in numbers:
        return None
    left, top, right, bottom = numbers[0] - 1, numbers[1] - 1, numbers[2], numbers[3]
    if right <= left or bottom <= top:
        told = ", ".join(f"{value:g}" for value in numbers)
        problems.append(f"{where} has the box {told} without area, expected xmin, ymin, xmax, ymax")
        return None
    return rect(left, top, right - left, bottom - top)


def _rotated(box: Element, where: str, problems: list[str]) -> Shape | None:
    numbers = [_number(box, side, -LARGEST_COORDINATE, where, problems) for side in ("cx", "cy", "w", "h", "angle")]
    if None in numbers:
        return None
    x, y, length, across, angle = numbers
    if length <= 0 or across <= 0:
        problems.append(f"{where} has a rotated box of {length:g} x {across:g}, expected more than 0")
        return None
    return from_axes(RoiType.ROTATED_RECT, x, y, length, across, -math.degrees(angle))


def _number(parent: Element, name: str, least: float, where: str, problems: list[str]) -> float | None:
    text = (parent.findtext(name) or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= LARGEST_COORDINATE:
        problems.append(f"{where} has {name} '{text[:40]}', expected a number from {least:g} to 1,000,000")
        return None
    return value


FORMAT = Format(
    name="voc",
    title=TITLE,
    holds=HOLDS,
    one_image=True,
    extension=".xml",
    recognises=recognises,
    read=read,
    encode=encode,
)
