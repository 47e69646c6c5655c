"""What several annotators have labelled: annotation files or folders in any format, or dataset folders."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from temj import annotations, datasets
from temj.annotations import AnnotatedImage, Context
from temj.annotations.base import raise_problems
from temj.annotations.pairing import list_images, read_each, same, size_of, stem_of
from temj.area import split_area_rois
from temj.data import IGNORE, Instances
from temj.datasets import Dataset
from temj.datasets.consensus import single_points
from temj.datasets.description import FILE, one_spelling
from temj.datasets.problems import listed
from temj.errors import BadAnnotation, BadValue

_ROI_SET = "_RoiSet"
_NAMELESS = "image"
OBJECT = "object"


@dataclass(frozen=True)
class Source:
    """What one annotator has labelled.

    Attributes:
        name: of the annotator.
        path: the file or folder.
        images: stem → the image with its objects; images that are not annotated are missing.
        classes: in the annotator's order.
        dataset: where it is a dataset folder.
        notes: what reading it told.
    """

    name: str
    path: Path
    images: Mapping[str, AnnotatedImage]
    classes: tuple[str, ...]
    dataset: Dataset | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inputs:
    """The annotators by name, the files of the images by stem, and the stems of all images that are known."""

    sources: tuple[Source, ...]
    files: Mapping[str, Path]
    notes: tuple[str, ...] = ()

    @property
    def stems(self) -> tuple[str, ...]:
        """Of all images that somebody has annotated, and of those in the folders of images."""
        return tuple(sorted({stem for source in self.sources for stem in source.images} | set(self.files)))

    @property
    def classes(self) -> tuple[str, ...]:
        """Of all annotators, without ``ignore``."""
        used = (
            name
            for source in self.sources
            for image in source.images.values()
            for name in dict.fromkeys(image.instances.class_name)
        )
        stated = (name for source in self.sources for name in source.classes)
        return tuple(name for name in dict.fromkeys([*stated, *used]) if name not in ("", IGNORE))

    def labels(self, stem: str) -> dict[str, Instances]:
        """Annotator → objects of an image, of those who have annotated it."""
        return {source.name: source.images[stem].instances for source in self.sources if stem in source.images}

    def size(self, stem: str) -> tuple[int, int] | None:
        """(width, height) of an image: of its file, or what all say who say one; None where nobody does.

        Raises:
            BadAnnotation: they say different ones.
            BadImage: its file cannot be read.
        """
        said = {source.name: source.images[stem].size for source in self.sources if stem in source.images}
        sizes = {f"{name} says": size for name, size in said.items() if size is not None}
        if stem in self.files:
            sizes["its file has"] = size_of(self.files[stem])
        if len(set(sizes.values())) > 1:
            found = ", ".join(f"{name} {width} x {height}" for name, (width, height) in sizes.items())
            raise BadAnnotation(
                "size", where=stem, expected="one size of the image", found=found,
                remedy="Somebody labelled a copy of another size; its outlines do not fit. Take that one out.",
            )  # fmt: skip
        return next(iter(sizes.values()), None)


def read_inputs(paths: Sequence[Path], names: Sequence[str], images: Path | None) -> Inputs:
    """Read what all annotators have labelled.

    Args:
        paths: a file or folder for each annotator.
        names: of the annotators, in this order; none: those of the files or folders.
        images: folder of the images, where no dataset has them.

    Raises:
        BadValue: fewer than two, the same one twice, or names that do not fit.
        BadAnnotation, BadDataset, BadImage: what cannot be read, of all annotators in one report.
    """
    paths = [path.absolute() for path in paths]
    if len(paths) < 2 or len({path.resolve() for path in paths}) < len(paths):
        raise BadValue(
            "annotators", where=listed(paths, 4), expected="two or more different files or folders, one an annotator",
            remedy="Name them one after the other: temj dataset consensus ANNA BEN --output FOLDER",
        )  # fmt: skip
    named = list(zip(annotator_names(paths, names), paths, strict=True))
    known = list_images(images) if images else {}
    sources = read_each(named, lambda pair: _read(*pair, known))
    found = {stem: file for source in reversed(sources) for stem, file in _files_of(source).items()}
    found = {same(file.stem): file for file in known.values()} | found
    sources, notes = _of_one_image(sources, found)
    return together(sources, found, notes)


def together(sources: Sequence[Source], files: Mapping[str, Path], notes: Iterable[str] = ()) -> Inputs:
    """The inputs with classes in one spelling; objects without a class have the only class that there is."""
    notes = [*notes, *(f"{source.name}: {note}" for source in sources for note in source.notes)]
    found = Inputs(tuple(sources), files)
    _refuse_colliding(found.stems)
    classes = found.classes
    only = classes[0] if len(classes) == 1 else OBJECT
    nameless = sum(int((image.instances.class_name == "").sum()) for s in sources for image in s.images.values())
    if nameless:
        notes.append(f"{nameless} objects have no class and count as '{only}'")
    for near in _spellings(classes):
        notes.append(f"classes {near} differ in case only and count as different ones")
    sources = [replace(source, images={k: _classed(v, only) for k, v in source.images.items()}) for source in sources]
    return Inputs(tuple(sources), files, tuple(notes))


def _refuse_colliding(stems: Iterable[str]) -> None:
    """On many disks ``a_RoiSet.zip`` and ``A_RoiSet.zip`` are one file."""
    folded: dict[str, list[str]] = {}
    for stem in stems:
        folded.setdefault(stem.casefold(), []).append(stem)
    twice = [stem for found in folded.values() if len(found) > 1 for stem in found]
    if twice:
        raise BadAnnotation(
            "same-name", where=listed(twice), expected="images whose names differ in more than case",
            remedy="Rename them: each image gets a file of its name.",
        )  # fmt: skip


def annotator_names(paths: Sequence[Path], names: Sequence[str] = ()) -> list[str]:
    """The annotators' names: those given, else of the files or folders, else of the folders that these are in.

    Raises:
        BadValue: not one for each, or two that are the same.
    """
    if names and len(names) != len(paths):
        raise BadValue(
            "annotators", where="annotators", expected=f"{len(paths)} names, one for each", found=", ".join(names)
        )
    choices = [list(names)] if names else [[_stem(path) for path in paths], [path.parent.name for path in paths]]
    for found in choices:
        folded = {name.casefold() for name in found}
        if len(folded) == len(paths) and all(name.strip() for name in found):
            return found
    raise BadValue(
        "annotators", where="annotators", expected="a different name for each", found=", ".join(choices[0]),
        remedy="Say who they are: --annotators anna ben",
    )  # fmt: skip


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.stem.removesuffix(_ROI_SET)


def _read(name: str, path: Path, known: Mapping[str, Path]) -> Source:
    if (path / FILE).is_file():
        return _read_dataset(name, path)
    found = annotations.read_set(path, context=Context(known))
    images: dict[str, AnnotatedImage] = {}
    left = 0
    for image in found.annotated:
        stem = same(stem_of(image.image)) or _NAMELESS
        if stem in images:
            raise BadAnnotation(
                "same-name", where=path, expected="images whose names differ in more than the extension", found=stem,
                remedy="Rename one of them: annotators' images are matched by name.",
            )  # fmt: skip
        objects, areas = split_area_rois(image.instances)
        left += len(areas)
        images[stem] = replace(image, instances=objects)
    notes = told_of(found.info, left)
    return Source(name, path, images, tuple(map(one_spelling, found.classes)), None, notes)


def told_of(info: Mapping[str, Any], areas: int) -> tuple[str, ...]:
    """What reading told: notes, entries that could not be used, and ROIs about the analysed area."""
    left = [f"{areas} ROIs named area or exclude are no objects and are left out"] if areas else []
    return (*info.get("notes", ()), *(entry["message"] for entry in info.get("skipped", ())), *left)


def _read_dataset(name: str, path: Path) -> Source:
    """A dataset folder: objects with the names they were given (before ``class_map``), as these are in dataset.json."""
    dataset = datasets.open_dataset(path)
    raise_problems(path, [problem.message for problem in dataset.problems], "dataset", "annotations that can be read")
    items = [item for item in dataset.items if item.annotation is not None or item.empty]
    found = read_each(items, lambda item: _labelled(dataset, item))
    images = {same(item.stem): image for item, image in zip(items, found, strict=True)}
    notes = [note for image in found for note in image.instances.info.get("notes", ())]
    return Source(name, path, images, dataset.labelled, dataset, tuple(notes))


def _labelled(dataset: Dataset, item: datasets.Item) -> AnnotatedImage:
    found = dataset.as_labelled(item)
    meant = dataset.instances(item).class_name  # proves that the dataset has these classes
    pairs = zip(found.class_name, meant, strict=True)
    names = np.array([one_spelling(label) or counts for label, counts in pairs], object)
    return AnnotatedImage(item.image.name, dataset.annotated_size(item), found.with_columns(class_name=names))


def _files_of(source: Source) -> dict[str, Path]:
    return {} if source.dataset is None else {same(item.stem): item.image for item in source.dataset.items}


def _of_one_image(sources: Sequence[Source], files: Mapping[str, Path]) -> tuple[list[Source], list[str]]:
    """One file each about one image, whose names say who and not which image: they are about the same one."""
    alone = all(len(source.images) == 1 and source.path.is_file() for source in sources)
    stems = [next(iter(source.images)) for source in sources if source.images]
    if not alone or len(set(stems)) == 1 or any(stem in files for stem in stems):
        return list(sources), []
    same_start = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*stems, strict=False))
    common = "".join(letters[0] for letters in same_start).rstrip("_-. ")
    name = next(iter(files)) if len(files) == 1 else common or _NAMELESS
    note = f"{listed([source.path.name for source in sources], 4)} are taken as of one image, '{name}'"
    return [replace(s, images={name: next(iter(s.images.values()))}) for s in sources], [note]


def _classed(image: AnnotatedImage, only: str) -> AnnotatedImage:
    """The image with classes in one spelling, and each point an object of its own."""
    found = single_points(image.instances)
    names = [one_spelling(name) or only for name in found.class_name]
    return replace(image, instances=found.with_columns(class_name=np.array(names, object)))


def _spellings(classes: Iterable[str]) -> list[str]:
    """Classes that differ only in case, as words."""
    folded: dict[str, list[str]] = {}
    for name in classes:
        folded.setdefault(name.casefold(), []).append(f"'{name}'")
    return [" and ".join(names) for names in folded.values() if len(names) > 1]
