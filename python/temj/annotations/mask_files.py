"""Sets of annotations -> label masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded, counted
from temj.annotations.losses import KINDS, NO_CLASS, losses, nameless
from temj.annotations.masks import IGNORE_VALUE
from temj.annotations.pairing import file_stems, with_sizes
from temj.data import IGNORE, RoiType
from temj.errors import BadAnnotation
from temj.geometry.labels import paint
from temj.opencv import opencv

LARGEST_CLASS = 254
TITLE = "a label mask"
HOLDS = frozenset({"mask", "class", "ignore", "empty"})


@dataclass
class _Count:
    """What is lost while painting."""

    overlapped: int = 0
    hidden: int = 0
    joined: int = 0
    images: int = 0


def encode(annotations: AnnotationSet, context: Context, alone: bool) -> Encoded:
    """Masks of all annotated images as PNG (TIFF for more than 65,535 objects) with ``classes.txt``.

    ``context.masks``: ``classes``: class masks; ``instances``: instance masks, which know no classes; ``auto``:
    instance masks where there is one class and nothing is ``ignore``, else folders ``classes`` and ``instances``
    (class masks where one file is asked for). Where objects overlap the one with the higher score has the pixels,
    among equals the earlier one.

    Raises:
        BadAnnotation: the size of an image is not known, or more than 254 classes.
    """
    images = with_sizes(annotations, context, "a mask")
    classes = _classes(annotations, images)
    kinds = _kinds(context.masks, classes, images, alone)
    count, files = _Count(), {}
    for stem, image in zip(file_stems(images), images, strict=True):
        planes = _painted(image, classes, count)
        if kinds == ("classes",):
            count.joined += _joined(planes["instances"], planes["classes"])
        for kind in kinds:
            data, end = _file(planes[kind])
            name = "" if alone else f"{stem}{end}" if len(kinds) == 1 else f"{kind}/{stem}{end}"
            files[name] = data
    if not alone:
        files["classes.txt"] = "".join(f"{name}\n" for name in classes).encode()
    return Encoded(files, _told(images, count, kinds, classes, alone))


def _classes(annotations: AnnotationSet, images: list[AnnotatedImage]) -> tuple[str, ...]:
    """Classes 1, 2, …; objects without a class are of the class ``object``."""
    names = [name or NO_CLASS for image in images for name in dict.fromkeys(image.instances.class_name)]
    classes = tuple(name for name in dict.fromkeys([*annotations.classes, *names]) if name != IGNORE)
    if len(classes) > LARGEST_CLASS:
        raise BadAnnotation("classes", expected=f"at most {LARGEST_CLASS} classes in a mask", found=len(classes))
    return classes or (NO_CLASS,)


def _kinds(wanted: str, classes: tuple[str, ...], images: list[AnnotatedImage], alone: bool) -> tuple[str, ...]:
    if wanted != "auto":
        return (wanted,)
    simple = len(classes) == 1 and not any(image.instances.ignored.any() for image in images)
    return ("instances",) if simple else ("classes",) if alone else ("classes", "instances")


def _painted(image: AnnotatedImage, classes: tuple[str, ...], count: _Count) -> dict[str, np.ndarray]:
    """Both kinds of mask of an image; what is lost is counted."""
    instances = image.instances
    labels, overlapped = paint(instances.shapes, instances.score, *image.size)
    numbers = {name: number for number, name in enumerate(classes, start=1)} | {IGNORE: IGNORE_VALUE}
    values = np.array([0, *(numbers[name or NO_CLASS] for name in instances.class_name)], np.uint8)
    pixels = np.bincount(labels.ravel(), minlength=len(instances) + 1)[1:]
    area = instances.shapes.roi_type <= RoiType.COMPOSITE
    count.overlapped += overlapped
    count.images += overlapped > 0
    count.hidden += int(((pixels == 0) & area).sum())
    kept = np.concatenate([[0], np.cumsum(pixels > 0)]) * np.concatenate([[False], pixels > 0])
    kinds = values[labels]
    dtype = np.uint8 if kept.max(initial=0) < 2**8 else np.uint16 if kept.max() < 2**16 else np.uint32
    return {"classes": kinds, "instances": kept.astype(dtype)[labels]}


def _between_pixels(image: AnnotatedImage) -> int:
    """Objects whose outline does not run along the edges of pixels."""
    shapes = image.instances.shapes
    box = (shapes.roi_type == RoiType.RECT) & ~shapes.subpixel & ~(shapes.params[:, 4] >= 1)
    exact = box | np.isin(shapes.roi_type, (RoiType.TRACED, RoiType.COMPOSITE))
    whole = np.ones(len(shapes), bool)
    owner = np.repeat(np.arange(len(shapes)), np.diff(shapes.offsets))
    whole[owner[(shapes.points != np.trunc(shapes.points)).any(axis=1)]] = False
    return int((~(exact & whole) & (shapes.roi_type <= RoiType.COMPOSITE)).sum())


def _joined(labels: np.ndarray, kinds: np.ndarray) -> int:
    """Objects that are not exactly one region of their class in a class mask: they touch another one or have parts."""
    total, size = 0, int(labels.max(initial=0)) + 1
    for value in np.unique(kinds[kinds > 0]):
        inside = kinds == value
        regions = opencv().connectedComponents(inside.astype(np.uint8), connectivity=8)[1]
        region, label = np.divmod(np.unique(regions[inside].astype(np.int64) * size + labels[inside]), size)
        unclear = (np.bincount(region)[region] > 1) | (np.bincount(label)[label] > 1)
        total += len(np.unique(label[unclear]))
    return total


def _file(mask: np.ndarray) -> tuple[bytes, str]:
    """The bytes of an image file, and the end of its name."""
    if mask.dtype == np.uint32:
        import io

        import tifffile

        buffer = io.BytesIO()
        tifffile.imwrite(buffer, mask, photometric="minisblack", metadata=None, software="TEMJ", compression="zlib")
        return buffer.getvalue(), ".tif"
    return opencv().imencode(".png", mask)[1].tobytes(), ".png"


def _told(
    images: list[AnnotatedImage], count: _Count, kinds: tuple[str, ...], classes: tuple[str, ...], alone: bool
) -> tuple[str, ...]:
    """What the masks do not say."""
    holds = HOLDS | KINDS.keys() - {"point", "line"}
    if kinds == ("instances",) and (len(classes) > 1 or alone):
        holds = holds - {"class", "ignore"}
    elif kinds == ("classes",) and alone:
        holds = holds - {"class"}
    told = [*losses(images, holds, TITLE, {}), *nameless(images)]
    drawn = sum(map(_between_pixels, images))
    if drawn:
        what = counted(drawn, "outline is", "outlines are")
        told.append(f"{what} written as the pixels inside: a mask has no corners between pixels")
    if count.overlapped:
        told.append(
            f"{counted(count.overlapped, 'pixel')} of {counted(count.images, 'image')} are claimed by several objects: "
            "given to the one with the highest score, else to the earliest one"
        )
    if count.hidden:
        told.append(f"{counted(count.hidden, 'object has', 'objects have')} no pixel of their own and are lost")
    if kinds == ("classes",) and count.joined:
        told.append(f"{counted(count.joined, 'object')} cannot be told apart in class masks: they touch or have parts")
    return tuple(told)
