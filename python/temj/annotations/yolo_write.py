"""Sets of annotations -> YOLO text files and ``classes.txt``."""

from __future__ import annotations

import numpy as np

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded, counted
from temj.annotations.losses import NO_CLASS, losses, nameless
from temj.annotations.outlines import polygons
from temj.annotations.pairing import file_stems, with_sizes
from temj.data import IGNORE, RoiType
from temj.geometry.curves import Rings

TITLE = "YOLO"
HOLDS = frozenset({"polygon", "mask", "box", "rotated_box", "overlap", "class", "empty"})
BECOMES = {"ellipse": "outlines of their corners"}
SLACK = 0.5
"""Relative coordinates may leave 0 to 1 by this much: objects at the border."""


def encode(annotations: AnnotationSet, context: Context, alone: bool) -> Encoded:
    """A text file for each annotated image: ``class cx cy w h`` where all objects of the set are boxes, else outlines.

    YOLO allows no mixture. The parts and holes of an outline are joined by lines of no width, so that it encloses the
    same pixels. Objects of the class ``ignore`` are left out: YOLO would take them for a class. So are objects that
    reach more than half an image beyond the border: the numbers of YOLO are shares of the image.

    Raises:
        BadAnnotation: the size of an image is not known.
    """
    images = with_sizes(annotations, context, TITLE)
    classes = class_order(annotations)
    numbers = {name: number for number, name in enumerate(classes)}
    kinds = np.concatenate([[], *(image.instances.shapes.roi_type for image in images)])
    only_boxes = bool((kinds[kinds <= RoiType.COMPOSITE] == RoiType.RECT).all())
    names = [""] if alone else [f"{stem}.txt" for stem in file_stems(images)]
    made = [_rows(image, numbers, only_boxes) for image in images]
    files = {name: rows for name, (rows, _) in zip(names, made, strict=True)}
    if not alone:
        files["classes.txt"] = "".join(f"{name}\n" for name in classes).encode("utf-8", "replace")
    told = list(losses(annotations.images, HOLDS - ({"class"} if alone else set()), TITLE, BECOMES) + nameless(images))
    rounded = sum(int((image.instances.shapes.params[:, 4] >= 1)[_boxes(image)].sum()) for image in images)
    if rounded:
        told.append(f"{counted(rounded, 'box has', 'boxes have')} rounded corners, which are lost")
    far = sum(count for _, count in made)
    if far:
        what = counted(far, "object reaches", "objects reach")
        told.append(f"{what} more than half an image beyond the border, left out: {TITLE} has shares of the image")
    return Encoded(files, tuple(told))


def _boxes(image: AnnotatedImage) -> np.ndarray:
    return image.instances.shapes.roi_type == RoiType.RECT


def class_order(annotations: AnnotationSet) -> tuple[str, ...]:
    """The classes by number: those of the set, then others; objects without one are of the class ``object``."""
    names = [name or NO_CLASS for image in annotations.annotated for name in dict.fromkeys(image.instances.class_name)]
    return tuple(name for name in dict.fromkeys([*annotations.classes, *names]) if name != IGNORE)


def _rows(image: AnnotatedImage, numbers: dict[str, int], only_boxes: bool) -> tuple[bytes, int]:
    """The rows of an image, and how many objects reach too far out of it for one."""
    instances = image.instances.take(~image.instances.ignored & (image.instances.shapes.roi_type <= RoiType.COMPOSITE))
    width, height = image.size
    kinds = [numbers[name or NO_CLASS] for name in instances.class_name]
    if only_boxes:
        x, y, across, down = instances.shapes.params[:, :4].T
        relative = np.stack([(x + across / 2) / width, (y + down / 2) / height, across / width, down / height], 1)
        parts = list(relative)
    else:
        found = polygons(instances.shapes)
        parts = [(_joined(found, owner) / [width, height]).ravel() for owner in range(len(instances))]
    lines = [
        " ".join([str(kind), *(repr(value) for value in part.tolist())])
        for kind, part in zip(kinds, parts, strict=True)
        if ((part >= -SLACK) & (part <= 1 + SLACK)).all()
    ]
    return "".join(f"{line}\n" for line in lines).encode(), len(parts) - len(lines)


def _joined(rings: Rings, owner: int) -> np.ndarray:
    """The corners of all rings of an object as one outline; the way from ring to ring is gone forth and back."""
    first, last = np.searchsorted(rings.owner, [owner, owner + 1])
    parts = [rings.points[rings.offsets[k] : rings.offsets[k + 1]] for k in range(first, last)]
    if len(parts) == 1:
        return parts[0]
    ways = [np.concatenate([part, part[:1]]) for part in parts]
    back = [part[:1] for part in parts[-2::-1]]
    return np.concatenate([*ways, *back])
