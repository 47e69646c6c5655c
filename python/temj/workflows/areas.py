"""The analysed area as a user names it: a word, or a ROI set."""

from __future__ import annotations

from pathlib import Path

from temj import annotations
from temj.area import CHOICES, Areas, split_area_rois
from temj.data import Instances
from temj.errors import BadValue
from temj.workflows.inputs import sha256

ROI_FILES = (".zip", ".roi")


def chosen(option: str, drawn: Instances | None = None) -> Areas:
    """What an option ``area`` means, for one image.

    Args:
        option: ``auto``, ``all``, ``whole`` (:data:`temj.area.CHOICES`), or the path of a ROI set whose ROIs named
            ``area`` and ``exclude`` alone say it: then nothing is looked for.
        drawn: ROIs named so that belong to the image already; they are used besides.

    Raises:
        BadValue: neither a word nor a ROI set with such ROIs.
        BadAnnotation: a ROI set that cannot be read.
    """
    if option in CHOICES:
        return Areas(option, drawn)
    path = Path(option)
    words = f"{', '.join(CHOICES)}, or a ROI set (.zip, .roi) with ROIs named area or exclude"
    if path.suffix.lower() not in ROI_FILES or not path.exists():
        raise BadValue("area", where="area", expected=words, found=repr(option), remedy="Check the word or the path.")
    objects, said = split_area_rois(annotations.read(path))
    if not len(said):
        raise BadValue(
            "area", where=path, expected="ROIs named area or exclude", found=f"{len(objects)} others",
            remedy="Name the ROIs in ImageJ's ROI Manager (Rename...): area counts, exclude does not.",
        )  # fmt: skip
    return Areas("whole", said if drawn is None else Instances.concatenate([said, drawn]))


def identity(option: str) -> dict[str, str]:
    """What run.json keeps of the option besides itself, so that another ROI set is another job."""
    return {} if option in CHOICES else {"area_sha256": sha256(Path(option))}


def not_measured(rois: Instances | None) -> list[str]:
    """The note that ROIs named ``area`` and ``exclude`` are no objects; none where there are none."""
    count = 0 if rois is None else len(rois)
    if not count:
        return []
    which = "1 ROI named area or exclude is" if count == 1 else f"{count} ROIs named area or exclude are"
    return [f"{which} not measured: such ROIs say which part of the image counts"]
