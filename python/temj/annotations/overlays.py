"""The overlay that ImageJ keeps in a TIFF as an annotation format: image and objects in one file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from temj import readers
from temj.annotations import roiset
from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Encoded, Format, raise_problems
from temj.annotations.pairing import Images, file_stems, files_of, read_each
from temj.annotations.roi_sets import classes_of, labelled, told
from temj.data import Film, Instances
from temj.errors import BadAnnotation, BadImage
from temj.imagej_tiff import Header, write
from temj.readers.tiff_overlay import tiff_overlay

_SUFFIXES = (".tif", ".tiff")
LARGEST = 2**32 - 2**20
"""Bytes of pixels that a TIFF with 32-bit offsets holds beside its overlay."""


def recognises(path: Path) -> bool:
    """Whether it is a TIFF with an overlay, or a folder in which one lies."""
    return any(map(_has_overlay, _tiffs(path)))


def _tiffs(path: Path) -> list[Path]:
    return files_of(path, _SUFFIXES) if path.is_dir() else [path] if path.suffix.lower() in _SUFFIXES else []


def _has_overlay(file: Path) -> bool:
    try:
        return bool(tiff_overlay(file))
    except BadImage:
        return False


def read(path: Path, context: Context) -> AnnotationSet:
    """The overlays of a file or of all TIFFs in a folder; a TIFF without one is not annotated.

    Raises:
        BadAnnotation: no TIFF in the folder, or no ROI of an overlay can be used.
        BadImage: a TIFF or its overlay is damaged.
    """
    files = _tiffs(path)
    if not files:
        raise_problems(path, ["no TIFF in this folder"], "empty-folder", "TIFF files with an overlay")
    parts = read_each(files, lambda file: read_overlay(file, context.group_names))
    images = [
        AnnotatedImage(file.name, _size(file), instances if len(instances) else None)
        for file, instances in zip(files, parts, strict=True)
    ]
    pairs = [(file, image) for file, image in zip(files, images, strict=True) if image.instances is not None]
    info = told([file for file, _image in pairs], [image for _file, image in pairs])
    return AnnotationSet(tuple(images), classes_of(images), info)


def read_overlay(path: Path, group_names: Mapping[int, str] | None = None) -> Instances:
    """The objects in the overlay of a TIFF (with the selection that was saved with it); empty where it has none.

    Args:
        path: the TIFF.
        group_names: of ImageJ's groups, where they are known.

    Raises:
        BadImage, BadAnnotation: as :func:`read`.
    """
    members = [(f"{path}, ROI {number}", data) for number, data in enumerate(tiff_overlay(path), start=1)]
    return roiset.of_members(path, members, group_names=group_names)


def _size(file: Path) -> tuple[int, int]:
    first = readers.open_film(file)[0]
    return first.width, first.height


def encode(annotations: AnnotationSet, context: Context, alone: bool) -> Encoded:
    """A copy of each annotated image as an ImageJ TIFF, with its objects in the overlay.

    Raises:
        BadAnnotation: the image of a set is not among the images, or is too large for such a TIFF.
    """
    images, known = labelled(annotations), Images(context)
    files, empty = {}, 0
    for image, stem in zip(images, file_stems(images), strict=True):
        name = known.find(image.image)
        if name is None:
            raise BadAnnotation(
                "image", where=image.image, expected="the image, which is written together with its overlay",
                found="no such file", remedy="Name the folder of the images (--images).",
            )  # fmt: skip
        empty += not len(image.instances)
        film = context.films[name] if name in context.films else readers.open_film(context.images[name])
        files["" if alone else f"{stem}.tif"] = _tiff(film, roiset.encoded(image.instances))
    lost = [f"{empty} images without objects cannot be told from images that are not annotated"] if empty else []
    return Encoded(files, tuple(lost))


def _tiff(film: Film, rois: list[bytes]) -> bytes:
    """An ImageJ TIFF of all planes with an overlay."""
    planes = [micrograph.pixels for micrograph in film]
    if sum(plane.nbytes for plane in planes) > LARGEST:
        raise BadAnnotation(
            "too-large", where=film.name, expected="an image of less than 4 GB",
            found=f"{sum(plane.nbytes for plane in planes) / 1e9:.1f} GB", remedy="Write a RoiSet.zip instead.",
        )  # fmt: skip
    first, buffer = film[0], io.BytesIO()
    finite = first.pixels[np.isfinite(first.pixels)]
    display = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    header = Header(
        first.pixels.shape, first.pixels.dtype, display, first.calibration, film.dimensions, film.frame_interval,
        rois=rois,
    )  # fmt: skip
    write(buffer, planes, header)
    return buffer.getvalue()


FORMAT = Format(
    name="overlay",
    title="a TIFF with ImageJ's overlay",
    holds=frozenset(
        {
            "polygon", "mask", "box", "rotated_box", "ellipse", "point", "line", "overlap", "class", "score", "track",
            "position", "name", "group", "ignore",
        }
    ),
    one_image=True,
    extension=".tif",
    recognises=recognises,
    read=read,
    encode=encode,
)  # fmt: skip
