"""A new dataset folder: images, ``dataset.json`` and the labelling protocol to fill in."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from temj import readers, storage
from temj.data import Calibration
from temj.datasets.description import FILE, FORMAT, Description, what_is_wrong
from temj.datasets.folder import PROTOCOL
from temj.datasets.problems import counted, listed
from temj.datasets.protocol import template
from temj.datasets.reading import advised
from temj.datasets.sources import ROI_SET_END, files_in, same
from temj.datasets.writing import write_description
from temj.errors import BadImage, BadValue, Refused, TemjError

_BLOCK = 2**22


@dataclass(frozen=True)
class Created:
    """What :func:`create` made.

    Attributes:
        files: all that was written.
        notes: for the user.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def create(
    folder: Path,
    images: Sequence[Path] = (),
    classes: Sequence[str] = ("object",),
    pixel_size: Calibration | None = None,
) -> Created:
    """Make a dataset folder; nothing that is there is ever replaced.

    Args:
        folder: made if it is not there; images that stand in its ``images/`` already stay.
        images: files and folders whose images are copied into ``images/``, with the ROI sets
            ``<stem>_RoiSet.zip`` that stand beside them (into ``rois/``).
        classes: names of the classes.
        pixel_size: of the images whose file has none; None takes the one that all images have, if they do.

    Raises:
        Refused: there is a dataset already, or a file of an image's name.
        BadImage, BadValue: no image in a folder, two images with one stem, or classes whose names are none or equal.
        StorageError: a file could not be written.
    """
    found = [file for place in images for file in _images_of(place)]
    rois = [file for file in (image.with_name(image.stem + ROI_SET_END) for image in found) if file.is_file()]
    copies = {folder / "images" / file.name: file for file in found} | {
        folder / "rois" / file.name: file for file in rois
    }
    there = [path for path in (folder / FILE, folder / PROTOCOL, *copies) if path.exists()]
    if there:
        raise Refused(
            "exists", where=listed(there, 3), remedy="Nothing was changed. Choose another folder, or other images."
        )
    _refuse_same_stems([*found, *files_in(folder / "images", readers.READERS)])
    size, notes = _pixel_size([*found, *files_in(folder / "images", readers.READERS)], pixel_size)
    values = _values(classes, size)
    try:
        Description.model_validate(values)
    except ValidationError as error:
        raise BadValue(
            "classes", where="classes", expected="different names of classes", found=what_is_wrong(error),
            remedy="Nothing was written.",
        ) from None  # fmt: skip
    for place in ("", "images", *(("rois",) if rois else ())):
        storage.make_folder(folder / place)
    for target, source in copies.items():
        _copy(source, target)
    storage.write_text(folder / PROTOCOL, template(folder.absolute().name, classes), overwrite=False)
    write_description(folder, values)
    if rois:
        notes.append(f"{counted(len(rois), 'ROI set')} beside the images {'was' if len(rois) == 1 else 'were'} copied")
    return Created((*copies, folder / PROTOCOL, folder / FILE), tuple(notes))


def _values(classes: Sequence[str], size: Calibration | None) -> dict[str, object]:
    """``dataset.json`` with all keys that a person may want to fill in."""
    sizes = None if size is None else size.width if size.width == size.height else [size.width, size.height]
    return {
        "format": FORMAT,
        "description": "",
        "classes": [{"name": name} for name in classes],
        "masks": "classes",
        "pixel_size": sizes,
        "unit": "nm" if size is None else size.unit,
        "symmetry": {"rotation": 180, "flip_horizontal": True, "flip_vertical": True},
        "polarity": "fixed",
        "edge": "",
        "empty": [],
        "licence": "",
    }


def _images_of(place: Path) -> list[Path]:
    """An image, or all of a folder."""
    if place.is_dir():
        found = files_in(place, readers.READERS)
        if found:
            return found
    elif place.suffix.lower() in readers.READERS and place.is_file():
        return [place]
    raise BadImage(
        "no-images", where=place, expected=f"an image or a folder of images ({', '.join(readers.READERS)})",
        found="none" if place.exists() else "nothing there", remedy="Check the path.",
    )  # fmt: skip


def _refuse_same_stems(files: Sequence[Path]) -> None:
    stems: dict[str, list[Path]] = {}
    for file in files:
        stems.setdefault(same(file.stem).casefold(), []).append(file)
    twice = [path for found in stems.values() if len(found) > 1 for path in found]
    if twice:
        raise BadValue(
            "same-name", where="images", expected="images whose names differ in more than the extension",
            found=listed(twice, 6), remedy="Rename some: annotations are found by the name of their image.",
        )  # fmt: skip


def _pixel_size(files: Sequence[Path], given: Calibration | None) -> tuple[Calibration | None, list[str]]:
    """The pixel size for dataset.json: the one given, or the one all images agree on; and what to tell of it."""
    notes, sizes = [], []
    for file in files:
        try:
            sizes.append(readers.open_film(file)[0].calibration)
        except TemjError as error:
            notes.append(advised(error).message)
    if given is not None:
        return given, notes
    known = {size.nm: size for size in sizes if size.known}
    if len(known) == 1 and all(size.known for size in sizes):
        size = next(iter(known.values()))
        return size, [*notes, f"all images say that a pixel is {size.size_text}"]
    if files:
        why = "the images have different ones" if len(known) > 1 else "not all images know theirs"
        notes.append(f"no pixel size was written: {why}; write 'pixel_size' into dataset.json")
    return None, notes


def _copy(source: Path, target: Path) -> None:
    """Copy a file of any length, whole or not at all."""
    try:
        file = source.open("rb")
    except OSError as error:
        raise BadImage("unreadable", where=source, found=error.strerror, remedy="Check the file.") from error
    with file, storage.writing(target, overwrite=False) as copy:
        shutil.copyfileobj(file, copy, _BLOCK)
