"""Files <-> instances: ImageJ's ROI sets, COCO, label masks, LabelImg, text boxes, tables."""

from __future__ import annotations

import os
from pathlib import Path

from temj import registry
from temj.annotations.base import AnnotatedImage, AnnotationSet, Context, Format, refuse_existing, write_files
from temj.annotations.checks import checked
from temj.data import Instances
from temj.errors import BadAnnotation

__all__ = [
    "FORMATS", "AnnotatedImage", "AnnotationSet", "Context", "Format", "format_named", "read", "read_set",
    "recognise", "write_set",
]  # fmt: skip

FORMATS = {
    "roiset": "temj.annotations.roi_sets:FORMAT",
    "coco": "temj.annotations.coco:FORMAT",
    "voc": "temj.annotations.voc:FORMAT",
    "yolo": "temj.annotations.yolo:FORMAT",
    "shen": "temj.annotations.shen:FORMAT",
    "csv": "temj.annotations.objects_csv:FORMAT",
    "overlay": "temj.annotations.overlays:FORMAT",
    "masks": "temj.annotations.mask_sets:FORMAT",
}
"""Name of an annotation format -> its :class:`temj.annotations.base.Format`; tried in this order to recognise
one: masks come last, because images lie beside the files of other formats."""

_ONE_IMAGE = {
    ".roi": "temj.annotations.roiset:read",
    ".zip": "temj.annotations.roiset:read",
    ".tif": "temj.annotations.masks:read",
    ".tiff": "temj.annotations.masks:read",
    ".png": "temj.annotations.masks:read",
}


def read(path: str | os.PathLike) -> Instances:
    """The objects of one image in a ROI, a ROI set or a mask, by its extension.

    Raises:
        BadAnnotation: an extension that is not known, or a file that cannot be used.
        BadImage: a mask that cannot be read.
    """
    path = Path(path).absolute()
    if path.suffix.lower() not in _ONE_IMAGE:
        raise BadAnnotation(
            "unknown-format",
            where=path,
            expected=f"one of {', '.join(_ONE_IMAGE)}",
            found=f"the extension {path.suffix!r}",
            remedy="Save the ROIs as RoiSet.zip (in ImageJ's ROI Manager: More > Save).",
        )
    return registry.load(_ONE_IMAGE[path.suffix.lower()])(path)


def format_named(name: str) -> Format:
    """The format of a name in :data:`FORMATS`.

    Raises:
        BadValue: there is none of that name.
    """
    return registry.look_up(FORMATS, "format", name)


def recognise(path: str | os.PathLike) -> str:
    """The name of the format that a file or folder has.

    Raises:
        BadAnnotation: nothing there, or no format that is known.
    """
    path = _existing(path)
    for name in FORMATS:
        if format_named(name).recognises(path):
            return name
    raise BadAnnotation(
        "unknown-format",
        where=path,
        expected=f"annotations in one of the formats {', '.join(FORMATS)}",
        found="an empty folder" if path.is_dir() and not any(path.iterdir()) else "something else",
        remedy="Name the format (--source-format), or check that this is the right file or folder.",
    )


def read_set(path: str | os.PathLike, format: str | None = None, context: Context | None = None) -> AnnotationSet:
    """All images of an annotation file or folder, with their objects.

    Images of ``context.images`` that the annotations do not mention come last, as not annotated. ``info["notes"]``
    says what was decided or changed in reading, ``info["format"]`` the format's name.

    Args:
        path: a file or folder.
        format: a key of :data:`FORMATS`; None: it is recognised.
        context: folder of images, names of classes, kind of masks.

    Raises:
        BadAnnotation: nothing there, an unknown format, or a file with problems: all are in one report.
        BadImage: a mask or an image that cannot be read.
        BadValue: an unknown name of a format.
        Refused: image names that lead out of the folder of images, or XML with entities.
    """
    path = _existing(path)
    name = format or recognise(path)
    context = context or Context()
    found = checked(format_named(name).read(path, context), path, context)
    return AnnotationSet(found.images, found.classes, {**found.info, "format": name})


def write_set(
    path: str | os.PathLike,
    annotations: AnnotationSet,
    format: str,
    context: Context | None = None,
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Write a set to a file or folder; nothing is written where anything of it cannot be.

    Args:
        path: a file with the format's extension, or a folder.
        annotations: the set.
        format: a key of :data:`FORMATS`.
        context: folder of images (for formats that need their sizes), names of classes, kind of masks.
        overwrite: whether files that are there may be replaced.

    Returns:
        What the format could not hold, in sentences with counts.

    Raises:
        Refused: a file is there and ``overwrite`` is false.
        BadAnnotation: what the format needs is not known (the sizes of images), or coordinates nobody can use.
        StorageError: as :func:`temj.storage.writing`.
    """
    path = Path(path).absolute()
    files, losses = format_named(format).encoded(path, annotations, context or Context())
    if not overwrite:
        refuse_existing(files)
    write_files(path, files)
    return losses


def _existing(path: str | os.PathLike) -> Path:
    path = Path(path).absolute()
    if not path.exists():
        raise BadAnnotation(
            "missing", where=path, expected="annotations", found="no such file or folder", remedy="Check the path."
        )
    return path
