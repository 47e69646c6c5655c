"""A dataset folder as a value: which images it has, what they are annotated with, and their pixels.

::

    images/        micrographs
    dataset.json   classes, pixel size, split, licence (:mod:`temj.datasets.description`)
    protocol.md    what was labelled and how, for people
    masks/ …       annotations in any of the formats, in the places that :mod:`temj.datasets.sources` says
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from temj import readers
from temj.annotations.base import AnnotatedImage, AnnotationSet, Context
from temj.area import split_area_rois
from temj.data import Calibration, Instances, Micrograph
from temj.datasets import reading
from temj.datasets.description import FILE, Description, Split, Symmetry, described, read_values
from temj.datasets.sources import OVERLAY, Sources, entries, find_sources, list_images, only_entry, overlay_of, same
from temj.datasets.spelling import respelled
from temj.errors import BadDataset, TemjError
from temj.plots.colours import PALETTE

Part = Literal["train", "validation", "test"]
VALIDATION_EVERY = 4
PROTOCOL = "protocol.md"


@dataclass(frozen=True)
class Item:
    """One annotated image.

    Attributes:
        stem: the file name without extension.
        image: the micrograph.
        annotation: the file that its objects stand in, perhaps with those of other images; None for an image that is
            marked as empty (or lacks its annotation).
        part: "train", "validation", "test", or "" where it is not used.
        empty: whether ``dataset.json`` says that there is no object in it.
        format: of the annotation, a name of :data:`temj.annotations.FORMATS`; "" where there is none.
        rivals: further annotations of the image, which should not be there.
    """

    stem: str
    image: Path
    annotation: Path | None
    part: str = ""
    empty: bool = False
    format: str = ""
    rivals: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A dataset folder. Pixels are read when they are asked for.

    Attributes:
        folder: where it is.
        description: its ``dataset.json``.
        items: its images, sorted by stem.
        notes: what was decided where ``dataset.json`` says nothing.
        respelled: names in ``dataset.json`` whose blanks or accents were brought to one spelling, each in words.
        sets: annotation files about many images, as they were read.
        orphans: annotations without an image, each in words.
        problems: annotation files that cannot be read.
        cache: what was worked out once, such as the report of the check.
    """

    folder: Path
    description: Description
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    respelled: tuple[str, ...] = ()
    sets: Mapping[Path, AnnotationSet] = field(default_factory=dict, repr=False)
    orphans: tuple[str, ...] = ()
    problems: tuple[TemjError, ...] = ()
    cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes 1, 2, … of :meth:`class_map_of`."""
        return tuple(entry.name for entry in self.description.classes)

    @property
    def labelled(self) -> tuple[str, ...]:
        """What the numbers 1, 2, … of masks mean, before ``class_map`` of dataset.json."""
        return self.description.labelled or self.classes

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
    def protocol(self) -> str:
        """What was labelled and how: the text of ``protocol.md``, or else that of ``dataset.json``."""
        try:
            return (self.folder / PROTOCOL).read_text("utf-8", "replace")
        except OSError:
            return self.description.protocol

    @property
    def split(self) -> Split:
        """Stems of the images by part, as they are used."""
        parts = {part: tuple(item.stem for item in self.items if item.part == part) for part in Split.model_fields}
        return Split(**parts)

    def with_split(self, split: Split) -> Dataset:
        """The same dataset with its images in other parts, such as one of :func:`temj.datasets.folds`."""
        parts = {same(stem): part for part in Split.model_fields for stem in getattr(split, part)}
        items = tuple(replace(item, part=parts.get(same(item.stem), "")) for item in self.items)
        description = self.description.model_copy(update={"split": split})
        return replace(self, items=items, description=description, notes=(), cache={})

    def subset(self, part: Part) -> tuple[Item, ...]:
        """The items of one part, sorted by stem."""
        return tuple(item for item in self.items if item.part == part)

    def micrograph(self, item: Item) -> Micrograph:
        """The image of an item; where its file has no pixel size it gets that of the dataset.

        Raises:
            BadImage, BadValue: it cannot be read, or is a stack.
        """
        micrograph = reading.open_image(item.image, self.description.detectors)
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
            return np.zeros(self.micrograph(item).pixels.shape, np.uint8)
        if item.format == "masks":
            return reading.map_of_mask(item.annotation, self.description)
        height, width = self.micrograph(item).pixels.shape
        return reading.painted(self.instances(item), self.classes, (height, width))

    def class_planes_of(self, item: Item) -> np.ndarray:
        """What each pixel of an item is where classes may overlap.

        Returns:
            (k, height, width) uint8, a plane a class: 1 where it is, 0 elsewhere, 255 ``ignore`` (in all planes).

        Raises:
            BadImage, BadAnnotation: as :meth:`class_map_of`.
        """
        if item.annotation is None or item.format == "masks":
            class_map, numbers = self.class_map_of(item), np.arange(1, len(self.classes) + 1)[:, None, None]
            return np.where(class_map == 255, np.uint8(255), (class_map == numbers).astype(np.uint8))
        return reading.painted_planes(self.instances(item), self.classes, self.micrograph(item).pixels.shape)

    def objects_of(self, item: Item) -> np.ndarray | None:
        """Which pixels belong to one object, where the annotation says it.

        Returns:
            (height, width) int32: the number of the object, from 1 (where outlines overlap the later one has the
            pixel), 0 where there is none; None for a mask of classes.

        Raises:
            BadImage, BadAnnotation: as :meth:`class_map_of`.
        """
        if item.annotation is None or (item.format == "masks" and self.description.masks == "classes"):
            return None
        if item.format == "masks":
            return reading.labels_of(item.annotation)
        return reading.painted_objects(self.instances(item), self.micrograph(item).pixels.shape)

    def instances(self, item: Item) -> Instances:
        """The annotated objects of an item (with those of class ``ignore``), with the classes that they count as.

        Raises:
            BadImage, BadAnnotation: as :meth:`class_map_of`.
        """
        found = self.as_labelled(item)
        return found.with_columns(class_name=reading.reported(found.class_name, self.description, item.annotation))

    def as_labelled(self, item: Item) -> Instances:
        """The annotated objects of an item with the names they were given, before ``class_map`` of dataset.json.

        ROIs named ``area`` and ``exclude`` are none of them.

        Raises:
            BadImage, BadAnnotation: as :meth:`class_map_of`.
        """
        return split_area_rois(self._annotated(item))[0]

    def area_rois(self, item: Item) -> Instances:
        """The ROIs of an item named ``area`` and ``exclude``, which say what of the image counts; mostly none.

        Raises:
            BadImage, BadAnnotation: as :meth:`class_map_of`.
        """
        if item.annotation is None or item.format == "masks":
            return Instances.concatenate([])
        return split_area_rois(self._annotated(item))[1]

    def _annotated(self, item: Item) -> Instances:
        """All that an item is annotated with."""
        if item.annotation is None:
            return Instances.concatenate([])
        if item.format == "masks":
            return reading.instances_of_mask(item.annotation, self.description)
        if item.annotation in self.sets:
            return self._entry(item).instances
        context = self.context(item)
        return reading.instances_of_file(item.annotation, item.format, context, same(item.stem), self.description)

    def annotated_size(self, item: Item) -> tuple[int, int] | None:
        """(width, height) in pixels that the annotation of an item says its image has; None where it says none."""
        if item.annotation is None:
            return None
        if item.annotation in self.sets:
            return self._entry(item).size
        return reading.size_in_file(item.annotation, item.format, self.context(item))

    def _entry(self, item: Item) -> AnnotatedImage:
        """What a file about many images has of an item."""
        if item.annotation not in self.cache:
            self.cache[item.annotation] = entries(self.sets[item.annotation])
        return only_entry(self.cache[item.annotation].get(same(item.stem), []), item.stem, item.annotation)

    def context(self, item: Item | None = None) -> Context:
        """What the annotation formats need to know: the images (or that of one item) and the labelled classes."""
        items = self.items if item is None else (item,)
        return Context({entry.image.name: entry.image for entry in items}, self.labelled, self.description.masks)


def open_dataset(folder: str | os.PathLike) -> Dataset:
    """A dataset folder; its images are listed, not read (:func:`temj.datasets.check` reads them all).

    Raises:
        BadDataset: no folder, no images in it, no ``dataset.json`` or a wrong one.
    """
    folder = Path(folder).absolute()
    if not folder.is_dir():
        raise BadDataset("missing", where=folder, expected="a dataset folder", remedy="Check the path.")
    values = read_values(folder)
    description = described(values, folder / FILE)
    images = {file.stem: file for file in list_images(folder)}
    if not images:
        raise BadDataset(
            "no-images", where=folder / "images", expected=f"micrographs ({', '.join(readers.READERS)})", found="none",
            remedy="Put the images into it, each with its annotation (such as <name>_RoiSet.zip), then check again.",
        )  # fmt: skip
    split = description.split or _every_fourth(sorted(images))
    shown = ", ".join(split.validation)
    notes = () if description.split else (f"no split in dataset.json: every fourth image is for validation ({shown})",)
    parts = {same(stem): part for part in Split.model_fields for stem in getattr(split, part)}
    labelled = description.labelled or tuple(entry.name for entry in description.classes)
    context = Context({file.name: file for file in images.values()}, labelled, description.masks)
    sources = find_sources(folder, context)
    items = [_item(images[stem], description, sources, parts) for stem in sorted(images)]
    known = {same(stem) for stem in images}
    orphans = tuple(
        f"{source.path} has no image"
        if source.path not in sources.sets
        else f"{source.path} has objects of the image '{stem}', which is not in images/"
        for stem, found in sources.by_stem.items()
        for source in found
        if stem not in known
    )
    return Dataset(folder, description, tuple(items), notes, respelled(values), sources.sets, orphans, sources.problems)


def _item(image: Path, description: Description, sources: Sources, parts: Mapping[str, str]) -> Item:
    key = same(image.stem)
    empty = key in {same(stem) for stem in description.empty}
    found = sources.by_stem.get(key, [])
    if description.annotations == OVERLAY or not (found or empty):
        found = [*([source] if (source := overlay_of(image)) else []), *found]
    wanted = [source for source in found if source.format == description.annotations] or found
    first = wanted[0] if wanted else None
    return Item(
        stem=image.stem,
        image=image,
        annotation=first.path if first else None,
        part=parts.get(key, ""),
        empty=empty,
        format=first.format if first else "",
        rivals=tuple(source.path for source in wanted[1:]),
    )


def _every_fourth(stems: list[str]) -> Split:
    """Every fourth image for validation, the others for training."""
    validation = stems[VALIDATION_EVERY - 1 :: VALIDATION_EVERY] or stems[1:2]
    return Split(train=[stem for stem in stems if stem not in validation], validation=validation)
