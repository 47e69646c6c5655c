"""Files <-> instances: ImageJ's ROIs and ROI sets, label masks."""

from __future__ import annotations

import os
from pathlib import Path

from temj.data import Instances
from temj.errors import BadAnnotation
from temj.registry import load

__all__ = ["FORMATS", "read"]

FORMATS = {
    ".roi": "temj.annotations.roiset:read",
    ".zip": "temj.annotations.roiset:read",
    ".tif": "temj.annotations.masks:read",
    ".tiff": "temj.annotations.masks:read",
    ".png": "temj.annotations.masks:read",
}
"""Extension (lower case) -> function of a path that gives :class:`Instances`."""


def read(path: str | os.PathLike) -> Instances:
    """The objects in an annotation file, by its extension.

    Raises:
        BadAnnotation: an extension that is not known, or a file that cannot be used.
        BadImage: a mask that cannot be read.
    """
    path = Path(path).absolute()
    if path.suffix.lower() not in FORMATS:
        raise BadAnnotation(
            "unknown-format",
            where=path,
            expected=f"one of {', '.join(FORMATS)}",
            found=f"the extension {path.suffix!r}",
            remedy="Save the ROIs as RoiSet.zip (in ImageJ's ROI Manager: More > Save).",
        )
    return load(FORMATS[path.suffix.lower()])(path)
