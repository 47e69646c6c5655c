"""Sets of annotations -> Pascal VOC XML, one file an image."""

from __future__ import annotations

import math
import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded
from temj.annotations.losses import NO_CLASS, losses, nameless
from temj.annotations.outlines import axes, extents
from temj.annotations.pairing import file_stems, with_sizes
from temj.annotations.roi import class_of_name
from temj.data import IGNORE, RoiType, Shape

TITLE = "LabelImg / Pascal VOC"
HOLDS = frozenset({"box", "rotated_box", "overlap", "class", "ignore", "empty"})
BECOMES = {
    "ellipse": "the rotated box around it (ovals: the box)", "polygon": "the box around it",
    "mask": "the box around it",
}  # fmt: skip
_NOT_XML = re.compile("[\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_TURNED = (RoiType.ROTATED_RECT, RoiType.ELLIPSE)


def encode(annotations: AnnotationSet, context: Context, alone: bool) -> Encoded:
    """A file for each annotated image: ``bndbox`` of every object, ``robndbox`` of rotated boxes and ellipses.

    Raises:
        BadAnnotation: the size of an image is not known.
    """
    images = with_sizes(annotations, context, TITLE)
    names = [""] if alone else [f"{stem}.xml" for stem in file_stems(images)]
    files = {name: _document(image) for name, image in zip(names, images, strict=True)}
    return Encoded(files, losses(images, HOLDS, TITLE, BECOMES) + nameless(images))


def _document(image: AnnotatedImage) -> bytes:
    root = Element("annotation")
    _texts(root, folder="", filename=image.image)
    _texts(SubElement(root, "source"), database="TEMJ")
    _texts(SubElement(root, "size"), width=str(image.size[0]), height=str(image.size[1]), depth="1")
    _texts(root, segmented="0")
    box = extents(image.instances.shapes)
    for k, shape in enumerate(image.instances.shapes):
        if shape.roi_type.is_area:
            _object(root, image, k, (shape, box[k].tolist()))
    indent(root, "\t")
    return tostring(root, "utf-8", xml_declaration=True) + b"\n"


def _object(root: Element, image: AnnotatedImage, k: int, place: tuple[Shape, list[float]]) -> None:
    shape, (left, top, right, bottom) = place
    instances, turned = image.instances, shape.roi_type in _TURNED
    ignored = instances.class_name[k] == IGNORE
    width, height = image.size
    entry = SubElement(root, "object")
    _texts(
        entry, type="robndbox" if turned else "bndbox", name=_class(instances.class_name[k], instances.name[k]),
        pose="Unspecified", truncated=str(int(left <= 0 or top <= 0 or right >= width or bottom >= height)),
        difficult=str(int(ignored)),
    )  # fmt: skip
    corners = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}
    _texts(SubElement(entry, "bndbox"), **{name: _plain(value) for name, value in corners.items()})
    if turned:
        x, y, length, across, angle = axes(shape)
        numbers = {"cx": x, "cy": y, "w": length, "h": across, "angle": math.radians(-angle % 360)}
        _texts(SubElement(entry, "robndbox"), **{name: _plain(value) for name, value in numbers.items()})


def _class(kind: str, name: str) -> str:
    """The class that is written; an ignored object keeps that of its name ``?<class>-0001``."""
    if kind == IGNORE and name.startswith("?"):
        return class_of_name(name[1:]) or IGNORE
    return kind or NO_CLASS


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _texts(parent: Element, **texts: str) -> None:
    """Elements with these texts; characters that XML cannot hold are replaced."""
    for name, text in texts.items():
        SubElement(parent, name).text = _NOT_XML.sub("\ufffd", text)
