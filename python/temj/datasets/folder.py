"""A dataset folder as a value: which images it has, what they are annotated with, and their pixels.

::

    images/    micrographs
    masks/     label masks with the same stems (TIFF or PNG), and/or
    rois/      <stem>_RoiSet.zip; they may also stand in images/ or beside dataset.json
    dataset.json
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from temj import annotations, readers
from temj.annotations import masks
from temj.annotations.masks import IGNORE_VALUE
from temj.data import IGNORE, Calibration, Instances, Micrograph
from temj.datasets.description import Description, Split, Symmetry, read_description
from temj.errors import BadAnnotation, BadDataset
from temj.plots.colours import PALETTE

Part = Literal["train", "validation", "test"]
VALIDATION_EVERY = 4
ROI_SET_END = "_RoiSet.zip"


@dataclass(frozen=True)
class Item:
    """One annotated image.

    Attributes:
        stem: the file name without extension.
        image: the micrograph.
        annotation: a mask or a RoiSet.zip; None for an image that is marked as empty (or lacks its annotation).
        part: "train", "validation", "test", or "" where it is not used.
        empty: whether ``dataset.json`` says that there is no object in it.
    """

    stem: str
    image: Path
    annotation: Path | None
    part: str = ""
    empty: bool = False

    @property
    def has_rois(self) -> bool:
        """Whether the annotation is a RoiSet, not a mask."""
        return self.annotation is not None and self.annotation.name.endswith(ROI_SET_END)


@dataclass(frozen=True)
class Dataset:
    """A dataset folder. Pixels are read when they are asked for.

    Attributes:
        folder: where it is.
        description: its ``dataset.json``.
        items: its images, sorted by stem.
        notes: what was decided where ``dataset.json`` says nothing.
    """

    folder: Path
    description: Description
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes 1, 2, … of :meth:`class_map_of`."""
        return tuple(entry.name for entry in self.description.classes)

    @property
    def colours(self) -> Mapping[str, str]:
        """class → ``#rrggbb``."""
        entries = enumerate(self.description.classes)
        return {entry.name: entry.colour or PALETTE[number % len(PALETTE)] for number, entry in entries}

    @property
    def pixel_size(self) -> Calibration:
        """Of the images whose file has none."""
        return self.description.calibration

    @property
    def symmetry(self) -> Symmetry:
        """Rotation in degrees and mirroring that change no meaning."""
        return self.description.symmetry

    @property
    def polarity(self) -> str:
        """ "fixed" or "both"."""
        return self.description.polarity

    @property
    def licence(self) -> str:
        """The licence of images and annotations."""
        return self.description.licence

    @property
    def split(self) -> Split:
        """Stems of the images by part, as they are used."""
        parts = {part: tuple(item.stem for item in self.items if item.part == part) for part in Split.model_fields}
        return Split(**parts)

    def subset(self, part: Part) -> tuple[Item, ...]:
        """The items of one part, sorted by stem."""
        return tuple(item for item in self.items if item.part == part)

    def micrograph(self, item: Item) -> Micrograph:
        """The image of an item; where its file has no pixel size it gets that of the dataset.

        Raises:
            BadImage, BadValue: it cannot be read, or is a stack.
        """
        micrograph = readers.open(item.image)
        if micrograph.calibration.known or not self.pixel_size.known:
            return micrograph
        return replace(micrograph, calibration=self.pixel_size)

    def class_map_of(self, item: Item) -> np.ndarray:
        """What each pixel of an item is.

        Returns:
            (height, width) uint8: 0 background, k the k-th class, 255 ``ignore``. Where outlines overlap the later
            one wins, and ``ignore`` wins over all.

        Raises:
            BadImage, BadAnnotation: image or annotation cannot be read, or has classes that the dataset has not.
        """
        if item.annotation is None:
            return np.zeros(self._size(item), np.uint8)
        if item.has_rois:
            return self._painted(annotations.read(item.annotation), item)
        labels = masks.read_labels(item.annotation)
        if self.description.masks == "instances":
            return (labels > 0).astype(np.uint8)
        return masks.class_map(labels, len(self.classes), item.annotation)

    def instances(self, item: Item) -> Instances:
        """The annotated objects of an item (with those of class ``ignore``).

        Raises:
            BadImage, BadAnnotation: as :meth:`class_map_of`.
        """
        if item.annotation is None:
            return Instances.concatenate([])
        if item.has_rois:
            found = annotations.read(item.annotation)
            return found.with_columns(class_name=self.class_names_of(found, item))
        labels = masks.read_labels(item.annotation)
        if self.description.masks == "instances":
            return masks.instances_of_labels(labels, self.classes[0])
        return masks.instances_of_classes(masks.class_map(labels, len(self.classes), item.annotation), self.classes)

    def class_names_of(self, found: Instances, item: Item) -> np.ndarray:
        """The classes of a RoiSet's objects, after ``class_map`` of dataset.json; in a dataset of one class, objects
        without a class have that one.

        Raises:
            BadAnnotation: a class that the dataset has not.
        """
        only = self.classes[0] if len(self.classes) == 1 else ""
        meant = self.description.class_map
        names = np.array([meant.get(name, name) or only for name in found.class_name], object)
        strange = sorted(set(names) - {*self.classes, IGNORE})
        if strange:
            raise BadAnnotation(
                "class",
                where=item.annotation,
                expected=f"objects of class {', '.join((*self.classes, IGNORE))}",
                found=", ".join(f"'{name}'" if name else "objects without a class" for name in strange),
                remedy="Give them a class (a group, a property 'class' or a name such as loop-0001), or add it to "
                "'classes' or 'class_map' in dataset.json.",
            )
        return names

    def _size(self, item: Item) -> tuple[int, int]:
        return readers.open(item.image).pixels.shape

    def _painted(self, found: Instances, item: Item) -> np.ndarray:
        """The pixels of outlines, as ImageJ fills them."""
        from temj.geometry.raster import rasterise

        height, width = self._size(item)
        names = self.class_names_of(found, item)
        numbers = {name: number for number, name in enumerate(self.classes, start=1)} | {IGNORE: IGNORE_VALUE}
        last = np.argsort(names == IGNORE, kind="stable")
        values = np.array([numbers[name] for name in names[last]], np.uint8)
        painted = np.zeros((height, width), np.uint8)
        runs = rasterise(found.shapes.take(last), width, height)
        for number, y, start, stop in zip(runs.object, runs.y, runs.start, runs.stop, strict=True):
            painted[y, start:stop] = values[number]
        return painted


def open_dataset(folder: str | os.PathLike) -> Dataset:
    """A dataset folder; its images are listed, not read (:func:`temj.datasets.check` reads them all).

    Raises:
        BadDataset: no folder, no images in it, no ``dataset.json`` or a wrong one.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise BadDataset("missing", where=folder, expected="a dataset folder", remedy="Check the path.")
    description = read_description(folder)
    images = {file.stem: file for file in list_images(folder)}
    if not images:
        raise BadDataset(
            "no-images",
            where=folder / "images",
            expected=f"micrographs ({', '.join(readers.READERS)})",
            remedy="Put the images into a folder 'images' beside dataset.json.",
        )
    split = description.split or _every_fourth(sorted(images))
    notes = () if description.split else (f"no split in dataset.json: validation images are {split.validation}",)
    parts = {same(stem): part for part in Split.model_fields for stem in getattr(split, part)}
    empty = {same(stem) for stem in description.empty}
    found = annotations_by_stem(folder)
    items = []
    for stem in sorted(images):
        key = same(stem)
        annotation = found.get(key, [None])[0]
        items.append(Item(stem, images[stem], annotation, parts.get(key, ""), key in empty))
    return Dataset(folder, description, tuple(items), notes)


def same(stem: str) -> str:
    """A stem in one spelling of its accents, which file systems and editors write in two ways."""
    return unicodedata.normalize("NFC", stem)


def list_images(folder: Path) -> list[Path]:
    """The files of ``images/`` that a reader knows, sorted; hidden ones are left out."""
    return _files(folder / "images", tuple(readers.READERS))


def annotations_by_stem(folder: Path) -> dict[str, list[Path]]:
    """The RoiSets and masks of each image (:func:`same` spelling of its stem); there should be one of each."""
    found: dict[str, list[Path]] = {}
    for place in (folder / "rois", folder / "images", folder):
        for file in _files(place, (".zip",)):
            if file.name.endswith(ROI_SET_END):
                found.setdefault(same(file.name.removesuffix(ROI_SET_END)), []).append(file)
    for file in _files(folder / "masks", tuple(readers.READERS)):
        found.setdefault(same(file.stem), []).append(file)
    return found


def _files(folder: Path, extensions: tuple[str, ...]) -> list[Path]:
    if not folder.is_dir():
        return []
    files = (file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    return sorted(file for file in files if file.suffix.lower() in extensions)


def _every_fourth(stems: list[str]) -> Split:
    """Every fourth image for validation, the others for training."""
    validation = stems[VALIDATION_EVERY - 1 :: VALIDATION_EVERY] or stems[1:2]
    return Split(train=[stem for stem in stems if stem not in validation], validation=validation)
