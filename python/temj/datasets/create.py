"""A new dataset folder: images, ``dataset.json`` and the labelling protocol to fill in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from temj import readers, storage
from temj.annotations.pairing import files_of
from temj.data import Calibration
from temj.datasets.description import FILE, FORMAT, Description, what_is_wrong
from temj.datasets.folder import PROTOCOL
from temj.datasets.problems import counted, listed
from temj.datasets.protocol import template
from temj.datasets.reading import advised
from temj.datasets.sources import ROI_SET_END, same
from temj.datasets.taking import Taken, area_sets, kind_of_masks, named_classes, stem_of_mask, take, with_area
from temj.datasets.writing import write_description
from temj.errors import BadImage, BadValue, Refused, TemjError
from temj.readers.folder import earlier_results

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


@dataclass(frozen=True)
class Existing:
    """Annotations that are there already.

    Attributes:
        places: files of any format and folders of them; those of the images are copied into their places.
        masks: what the values of masks are: "classes", "instances", or "" to see it by them.
    """

    places: tuple[Path, ...] = ()
    masks: str = ""


def create(
    folder: Path,
    images: Sequence[Path] = (),
    classes: Sequence[str] = (),
    pixel_size: Calibration | None = None,
    existing: Existing = Existing(),
) -> Created:
    """Make a dataset folder; nothing that is there is ever replaced.

    Args:
        folder: made if it is not there; images that stand in its ``images/`` already stay.
        images: files and folders whose images are copied into ``images/``, with the ROI sets
            ``<stem>_RoiSet.zip`` that stand beside them (into ``rois/``); results of TEMJ among them are left out.
        classes: names of the classes; none: those in the annotations, or else "object".
        pixel_size: of the images whose file has none; None takes the one that all images have, if they do.

        existing: annotations to copy, in place of the ROI sets beside the images.

    Raises:
        Refused: there is a dataset already, or a file of an image's name.
        BadAnnotation: annotations of no image, or two for one place.
        BadImage, BadValue: no image in a folder, two images with one stem, or classes whose names are none or equal.
        StorageError: a file could not be written.
    """
    found, notes = _without_others([file for place in images for file in _images_of(place)], existing.places)
    rois = [file for file in (image.with_name(image.stem + ROI_SET_END) for image in found) if file.is_file()]
    known = [*found, *files_of(folder / "images", readers.READERS)]
    taken = take(existing.places, known) if existing.places else Taken({})
    beside = {f"rois/{file.name}": file for file in rois} if not existing.places else {}
    placed = beside | dict(taken.copies)
    copies = {folder / "images" / file.name: file for file in found}
    copies |= {folder / target: file for target, file in placed.items()}
    if not classes:
        classes = named_classes(Taken(placed, taken.left)) or ("object",)
    areas = {folder / "rois" / f"{image.stem}{ROI_SET_END}": file for image, file in area_sets(found).items()}
    merged, told = _with_areas(areas, copies)
    copies = {target: source for target, source in copies.items() if target not in merged}
    notes += told
    there = [path for path in (folder / FILE, folder / PROTOCOL, *copies, *merged) if path.exists()]
    if there:
        raise Refused(
            "exists", where=listed(there, 3), remedy="Nothing was changed. Choose another folder, or other images."
        )
    _refuse_same_stems(known)
    size, told = _pixel_size(known, pixel_size)
    notes += told
    drawn = [file for target, file in placed.items() if target.startswith("masks/")]
    kind = existing.masks or kind_of_masks(drawn, len(classes))
    values = _values(classes, size) | {"masks": kind}
    _prove(values)
    _put(folder, copies, merged)
    storage.write_text(folder / PROTOCOL, template(folder.absolute().name, classes), overwrite=False)
    write_description(folder, values)
    if beside:
        notes.append(f"{counted(len(rois), 'ROI set')} beside the images {'was' if len(rois) == 1 else 'were'} copied")
    notes += _of_taken(taken, kind if drawn and not existing.masks else "")
    return Created((*copies, *merged, folder / PROTOCOL, folder / FILE), tuple(notes))


def _prove(values: Mapping[str, object]) -> None:
    """Raise BadValue where ``dataset.json`` would be none."""
    try:
        Description.model_validate(values)
    except ValidationError as error:
        raise BadValue(
            "classes", where="classes", expected="different names of classes", found=what_is_wrong(error),
            remedy="Nothing was written.",
        ) from None  # fmt: skip


def _put(folder: Path, copies: Mapping[Path, Path], merged: Mapping[Path, bytes]) -> None:
    """Make the folders and write what goes into them."""
    for place in sorted({folder, folder / "images", *(target.parent for target in (*copies, *merged))}):
        storage.make_folder(place)
    for target, source in copies.items():
        _copy(source, target)
    for target, data in merged.items():
        storage.write_bytes(target, data, overwrite=False)


def _without_others(found: Sequence[Path], places: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The images without results of TEMJ and without masks that lie among them, and what to tell of it."""
    names: dict[Path, list[str]] = {}
    for folder in {file.parent for file in found}:
        names[folder] = [file.name for file in folder.iterdir()]
    results = {folder / name for folder, some in names.items() for name in earlier_results(some)}
    kept = [file for file in found if file not in results]
    masks: set[Path] = set()
    if places:
        folders = {place.resolve() if place.is_dir() else place.parent.resolve() for place in places}
        stems = {same(file.stem): file.stem for file in kept}
        masks = {
            file for file in kept
            if file.parent.resolve() in folders and stem_of_mask(file, _others(stems, file)) is not None
        }  # fmt: skip
    left = [file.name for file in found if file in results]
    told = [f"{counted(len(left), 'result')} of TEMJ beside the images left out: {listed(left)}"] if left else []
    return [file for file in kept if file not in masks], told


def _others(stems: Mapping[str, str], file: Path) -> dict[str, str]:
    return {stem: name for stem, name in stems.items() if stem != same(file.stem)}


def _with_areas(areas: Mapping[Path, Path], copies: Mapping[Path, Path]) -> tuple[dict[Path, bytes], list[str]]:
    """ROI sets that also get the analysed area of their image, and what to tell of it."""
    merged = {target: with_area(copies[target], area) for target, area in areas.items() if target in copies}
    unused = [area.name for target, area in areas.items() if target not in copies]
    notes = []
    if merged:
        notes.append(f"the ROIs 'area' and 'exclude' of {counted(len(merged), 'image')} were added to its ROI set")
    if unused:
        notes.append(f"not used, for their images have no ROI set that they could stand in: {listed(unused)}")
    return merged, notes


def _of_taken(taken: Taken, kind: str) -> list[str]:
    """What became of annotations that were there."""
    notes = []
    if taken.copies:
        folders = sorted({target.partition("/")[0] for target in taken.copies})
        notes.append(f"{counted(len(taken.copies), 'annotation file')} copied into {', '.join(folders)}")
    if kind:
        words = {"classes": "classes", "instances": "objects, each with a value of its own"}
        notes.append(f"the values of the masks are taken as {words[kind]} (--masks says otherwise)")
    if taken.left:
        left = [file.name for file in taken.left]
        notes.append(f"{counted(len(left), 'file')} that belong to no image left out: {listed(left)}")
    return notes


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
        found = files_of(place, readers.READERS)
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
