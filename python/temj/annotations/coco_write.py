"""Sets of annotations -> COCO JSON that plain readers understand, with what COCO cannot say under ``temj``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from temj.annotations import rle
from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded, counted
from temj.annotations.coco_kinds import description, plain_numbers
from temj.annotations.losses import NO_CLASS, losses
from temj.annotations.outlines import axes, extents, polygons
from temj.annotations.pairing import Images, with_sizes
from temj.annotations.roi import class_of_name
from temj.data import IGNORE, Instances, RoiType, Shapes
from temj.geometry.curves import Rings
from temj.geometry.raster import rasterise, rasterise_filled

TITLE = "COCO"
HOLDS = frozenset(
    {
        "polygon", "mask", "box", "rotated_box", "ellipse", "overlap", "class", "score", "track", "position", "name",
        "group", "ignore", "empty",
    }
)  # fmt: skip
_EXTENSIONS = {RoiType.ELLIPSE: "ellipse", RoiType.ROTATED_RECT: "rotated_box"}


@dataclass(frozen=True)
class _Outlines:
    """What COCO says of the shapes of an image: flat polygons or a mask, box and area of each."""

    segmentation: list[Any]
    box: list[list[float]]
    area: np.ndarray


def encode(annotations: AnnotationSet, context: Context, alone: bool) -> Encoded:
    """The COCO file of a set. Points and lines are left out, which is told.

    Raises:
        BadAnnotation: the size of an annotated image is not known.
    """
    del alone
    sized = [_with_pixels(image) for image in with_sizes(annotations, context, TITLE)]
    known = iter([image for image, _bare in sized])
    images = Images(context)
    classes = _classes(annotations)
    numbers = {name: number for number, name in enumerate(classes, start=1)}
    rows: list[dict[str, Any]] = []
    pictures = []
    for key, image in enumerate(annotations.images, start=1):
        image = next(known) if image.instances is not None else image
        picture = {"id": key, "file_name": image.image}
        size = image.size or images.size(image.image)
        picture |= {"width": size[0], "height": size[1]} if size else {}
        if image.instances is None or not len(image.instances):
            picture["temj"] = {"annotated": image.instances is not None}
        pictures.append(picture)
        if image.instances is not None:
            own = _rows(image, numbers, context.every_mask)
            rows += [{"id": len(rows) + n, "image_id": key, **row} for n, row in enumerate(own, 1)]
    categories = [{"id": number, "name": name, "supercategory": ""} for name, number in numbers.items()]
    head = {"info": {"description": "written by TEMJ"}} | dict(annotations.info.get("coco", {}))
    document = {**head, "images": pictures, "categories": categories}
    text = _text(document, rows)
    told = losses(annotations.images, HOLDS, TITLE, {})
    bare = sum(count for _image, count in sized)
    if bare:
        what = counted(bare, "outline with holes or parts has", "outlines with holes or parts have")
        told += (f"{what} no pixel in the image and are left out: {TITLE} needs one for a mask",)
    return Encoded({"": text.encode()}, told)


def _with_pixels(image: AnnotatedImage) -> tuple[AnnotatedImage, int]:
    """An image without the objects that need a mask and have no pixel for it; how many these are."""
    shapes = image.instances.shapes
    paths = np.flatnonzero(shapes.roi_type == RoiType.COMPOSITE)
    if not len(paths):
        return image, 0
    part = shapes.take(paths)
    bare = rasterise(part, *image.size).counts(len(part)) == 0
    bare &= rasterise_filled(part, *image.size).counts(len(part)) != 0
    if not bare.any():
        return image, 0
    return replace(image, instances=image.instances.take(np.delete(np.arange(len(shapes)), paths[bare]))), int(
        bare.sum()
    )


def _text(document: dict[str, Any], rows: Sequence[dict[str, Any]]) -> str:
    """JSON with a line for each image, category and annotation."""

    def lines(values: Sequence[Any]) -> str:
        return ",\n".join(json.dumps(value, ensure_ascii=False, allow_nan=False) for value in values)

    parts = [f'"{key}": {lines([document[key]])}' for key in ("info", "licenses") if key in document]
    for name, values in (("images", document["images"]), ("categories", document["categories"]), ("annotations", rows)):
        parts.append(f'"{name}": [\n{lines(values)}\n]')
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _classes(annotations: AnnotationSet) -> list[str]:
    """Names of the categories: the set's own, then others, ``ignore`` last where it is needed."""
    found = dict.fromkeys(annotations.classes)
    unknown = False
    for image in annotations.annotated:
        found |= dict.fromkeys(name or NO_CLASS for name in image.instances.class_name if name != IGNORE)
    for image in annotations.annotated:
        unknown |= any(_crowd_category(name, found) == IGNORE for name in image.instances.name[image.instances.ignored])
    found.pop(IGNORE, None)
    return [*found, IGNORE] if unknown else list(found)


def _crowd_category(name: str, classes: Container[str]) -> str:
    """The class that an ignored object would have: ``loop`` of ``?loop-0001``."""
    category = class_of_name(name[1:]) if name.startswith("?") else ""
    return category if category in classes else IGNORE


def _rows(image: AnnotatedImage, numbers: dict[str, int], every_mask: bool) -> Iterator[dict[str, Any]]:
    """The annotations of an image, without their ids."""
    areas = np.flatnonzero(image.instances.shapes.roi_type <= RoiType.COMPOSITE)
    instances = image.instances.take(areas)
    outlines = _outlines(instances.shapes, *image.size, every_mask)
    for k, shape in enumerate(instances.shapes):
        name, kind = instances.name[k], instances.class_name[k]
        category = _crowd_category(name, numbers) if kind == IGNORE else kind or NO_CLASS
        row = {
            "category_id": numbers[category],
            "segmentation": outlines.segmentation[k],
            "area": int(outlines.area[k]),
            "bbox": outlines.box[k],
            "iscrowd": int(kind == IGNORE),
        }
        if not math.isnan(instances.score[k]):
            row["score"] = float(instances.score[k])
        if shape.roi_type in _EXTENSIONS:
            row[_EXTENSIONS[shape.roi_type]] = _ordered_axes(shape)
        row["temj"] = description(shape) | _facts(instances, k)
        yield row


def _ordered_axes(shape: Any) -> list[float]:
    """Centre, longer and shorter axis, angle of the longer one in [0, 180) ([0, 90) where they are equal)."""
    x, y, length, across, angle = axes(shape)
    if across > length:
        length, across, angle = across, length, angle + 90
    return [x, y, length, across, angle % (90 if length == across else 180)]


def _facts(instances: Instances, k: int) -> dict[str, Any]:
    """What COCO has no place for."""
    facts: dict[str, Any] = {
        "name": instances.name[k],
        "group": int(instances.group[k]),
        "position": instances.position[k].tolist() if instances.position[k].any() else None,
        "track": int(instances.track[k]),
    }
    kept = {key: value for key, value in facts.items() if value}
    return kept if instances.class_name[k] else kept | {"class": ""}


def _outlines(shapes: Shapes, width: int, height: int, every_mask: bool = False) -> _Outlines:
    """Polygons where the pixels are those of their union, else masks (``every_mask``: wherever there are pixels)."""
    count = len(shapes)
    runs = rasterise(shapes, width, height)
    area = runs.counts(count)
    holed = (rasterise_filled(shapes, width, height).counts(count) != area) & (shapes.roi_type == RoiType.COMPOSITE)
    segmentation = _flat(polygons(shapes), count)
    empty = np.array([not parts for parts in segmentation], bool)
    masked = np.flatnonzero(holed | empty | (every_mask & (area > 0)))
    if len(masked):
        place = np.searchsorted(masked, runs.object)
        chosen = runs.where(np.isin(runs.object, masked))
        chosen = type(runs)(place[np.isin(runs.object, masked)], chosen.y, chosen.start, chosen.stop)
        texts = rle.pack_strings(*rle.pack_runs(chosen, len(masked), width, height))
        for k, text in zip(masked, texts, strict=True):
            segmentation[k] = {"size": [height, width], "counts": text.decode()}
    around = extents(shapes)
    around[:, 2:] -= around[:, :2]
    return _Outlines(segmentation, [plain_numbers(box) for box in around], area)


def _flat(rings: Rings, count: int) -> list[list]:
    """The polygons of each shape as flat lists."""
    found: list[list] = [[] for _ in range(count)]
    offsets = rings.offsets.tolist()
    for k, owner in enumerate(rings.owner.tolist()):
        found[owner].append(plain_numbers(rings.points[offsets[k] : offsets[k + 1]].ravel()))
    return found
