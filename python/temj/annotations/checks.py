"""What is asked of every annotation, whatever its format: sizes, images, objects outside, objects twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, counted, raise_problems
from temj.annotations.outlines import extents
from temj.annotations.pairing import Images
from temj.data import Instances
from temj.errors import BadAnnotation

_SHOWN = 5


def checked(annotations: AnnotationSet, path: Path, context: Context) -> AnnotationSet:
    """A set whose images are those of the context and whose objects lie in them.

    Objects partly outside their image are kept as they are and counted in a note; so are objects at the place of
    another one. Images of the context that are not mentioned come last, as not annotated.

    Raises:
        BadAnnotation: images that are not there or have another size, objects wholly outside; all at once.
    """
    problems: list[str] = []
    images, notes = _paired(annotations, context, problems)
    raise_problems(path, problems, "images", "annotations of the images in the folder", "Name the right folder.")
    for image in images:
        problems += _outside(image)
    raise_problems(path, problems, "outside", "objects in the image", "Move or remove these objects.")
    missing = [image.image for image in images if image.instances is None]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (" …" if len(missing) > _SHOWN else "")
        notes.append(f"{counted(len(missing), 'image is', 'images are')} not annotated: {shown}")
    notes += _partly_outside(images) + _same_place(images)
    return replace(annotations, images=tuple(images)).with_notes(notes)


def _paired(
    annotations: AnnotationSet, context: Context, problems: list[str]
) -> tuple[list[AnnotatedImage], list[str]]:
    """The images with the names and sizes of their files, and what was decided."""
    if not context.images and not context.films:
        return list(annotations.images), []
    files, images, notes = Images(context), [], []
    for image in annotations.images:
        found = files.find(image.image)
        if found is None and files.only and len(annotations.images) == 1:
            found = files.only
            notes.append(f"the annotations are taken to be those of {found}, the only image in the folder")
        if found is None:
            problems.append(_absent(image.image))
            continue
        size = files.size(found)
        problems += _other_size(found, image.size, size)
        images.append(replace(image, image=found, size=size))
    known = {image.image for image in images}
    images += [AnnotatedImage(name, None, None) for name in context.images if name not in known]
    return images, notes


def image_problems(named: Iterable[tuple[str, tuple[int, int] | None]], context: Context) -> list[str]:
    """Names that are not among the images of a context, and sizes that are not those of the files.

    Args:
        named: (file name, (width, height) or None) of each image of an annotation file.
        context: nothing is asked where it has no images.
    """
    if not context.images and not context.films:
        return []
    files, problems = Images(context), []
    for name, size in named:
        try:
            found = files.find(name)
        except BadAnnotation as error:
            problems.append(error.message)
            continue
        problems += [_absent(name)] if found is None else _other_size(found, size, files.size(found))
    return problems


def _absent(name: str) -> str:
    return f"image '{name}' is not in the folder of images"


def _other_size(name: str, said: tuple[int, int] | None, size: tuple[int, int]) -> list[str]:
    if said is None or tuple(said) == size:
        return []
    told, real = ("{} x {}".format(*pair) for pair in (said, size))
    return [f"{name} has {real} pixels, its annotation says {told}"]


def _outside(image: AnnotatedImage) -> Iterator[str]:
    """Objects of which nothing lies in the image."""
    if image.size is None or image.instances is None or not len(image.instances):
        return
    box = extents(image.instances.shapes)
    low, high = box[:, :2], box[:, 2:]  # a line on the border itself is not outside
    wholly = (((high <= 0) & (low < 0)) | ((low >= image.size) & (high > image.size))).any(axis=1)
    for index in np.flatnonzero(wholly):
        name = image.instances.name[index] or f"object {index + 1}"
        place = ", ".join(f"{value:g}" for value in box[index])
        yield f"{image.image}: {name} ({place}) lies outside its {image.size[0]} x {image.size[1]} pixels"


def _partly_outside(images: list[AnnotatedImage]) -> list[str]:
    count = 0
    for image in images:
        if image.size is not None and image.instances is not None:
            box = extents(image.instances.shapes)
            count += int(((box[:, :2] < 0) | (box[:, 2:] > image.size)).any(axis=1).sum())
    told = "partly outside the image: kept as drawn, clipped where pixels are counted"
    return [f"{counted(count, 'object lies', 'objects lie')} {told}"] if count else []


def _same_place(images: list[AnnotatedImage]) -> list[str]:
    """Counts objects that have the outline of an earlier one of the same plane."""
    twice = other = 0
    for image in images:
        seen: dict[tuple, str] = {}
        for name, key in _keys(image.instances):
            twice += key in seen
            other += seen.setdefault(key, name) != name
    told = f" ({counted(other, 'has', 'have')} another class)" if other else ""
    return [f"{counted(twice, 'object lies', 'objects lie')} exactly on another one{told}"] if twice else []


def _keys(instances: Instances | None) -> Iterator[tuple[str, tuple]]:
    """The class of each object and what is equal for equal outlines."""
    if instances is None:
        return
    shapes = instances.shapes
    bounds = shapes.offsets.tolist()
    rows = zip(
        instances.class_name, shapes.roi_type.tolist(), shapes.params, instances.position, bounds, bounds[1:],
        strict=False,
    )  # fmt: skip
    for name, kind, params, position, start, stop in rows:
        yield name, (kind, params.tobytes(), position.tobytes(), shapes.points[start:stop].tobytes())
