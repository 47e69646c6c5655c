"""All that is wrong with a dataset, in one list."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator

import numpy as np

from temj import annotations
from temj.annotations.masks import IGNORE_VALUE
from temj.datasets.description import Split
from temj.datasets.folder import ROI_SET_END, Dataset, Item, annotations_by_stem, list_images, same
from temj.errors import BadDataset, TemjError

_SHOWN = 50


def check(dataset: Dataset) -> tuple[str, ...]:
    """Read all images and annotations and list every problem, in words; empty where all is well."""
    problems = [*_of_names(dataset), *_of_annotations(dataset)]
    contents: dict[str, list[Item]] = {}
    examples: Counter[int] = Counter()
    for item in dataset.items:
        try:
            pixels = dataset.micrograph(item).pixels
        except TemjError as error:
            problems.append(error.message)
            continue
        contents.setdefault(_content(pixels), []).append(item)
        problems += [*_of_pixels(item, pixels), *_of_rois(item)]
        found = _read_map(dataset, item, problems)
        if found is not None:
            problems += _of_map(item, found, pixels.shape)
            if item.part == "train":
                examples.update(np.unique(found).tolist())
    return (*problems, *_of_contents(contents), *_of_examples(dataset, examples))


def require_sound(dataset: Dataset) -> None:
    """Raise one error that lists all problems.

    Raises:
        BadDataset: there is at least one.
    """
    problems = check(dataset)
    if problems:
        more = [f"… and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        listed = "\n".join(f"  {number}. {text}" for number, text in enumerate(problems[:_SHOWN], start=1))
        raise BadDataset(
            "problems",
            where=dataset.folder,
            found="\n".join([f"{len(problems)} problems:", listed, *more]),
            remedy="Correct them and start again.",
        )


def _of_names(dataset: Dataset) -> Iterator[str]:
    """Names in dataset.json without an image, in two parts, or shared by two files."""
    stems = {same(item.stem) for item in dataset.items}
    counts = Counter(same(file.stem) for file in list_images(dataset.folder))
    yield from (f"{number} images are called '{stem}'" for stem, number in counts.items() if number > 1)
    split = dataset.description.split or Split()
    parts: dict[str, list[str]] = {}
    for part in Split.model_fields:
        for stem in getattr(split, part):
            parts.setdefault(same(stem), []).append(part)
    for stem, used in parts.items():
        if stem not in stems:
            yield f"split: {used[0]} names '{stem}', but there is no such image"
        if len(used) > 1:
            yield f"split: '{stem}' is named {len(used)} times ({', '.join(used)})"
    for stem in dataset.description.empty:
        if same(stem) not in stems:
            yield f"empty: names '{stem}', but there is no such image"
    if not dataset.subset("train"):
        yield "there are no images for training"


def _of_annotations(dataset: Dataset) -> Iterator[str]:
    """Images without annotation or with several, annotations without image."""
    if dataset.description.masks == "instances" and len(dataset.classes) > 1:
        yield "masks: 'instances' cannot tell classes apart; use one class, or RoiSets"
    found = annotations_by_stem(dataset.folder)
    for item in dataset.items:
        files = found.pop(same(item.stem), [])
        if not files and not item.empty:
            yield (
                f"{item.image.name} has neither a mask masks/{item.stem}.png or .tif nor {item.stem}{ROI_SET_END}; "
                "if it shows no object, name it under 'empty' in dataset.json"
            )
        if len(files) > 1:
            yield f"{item.image.name} has {len(files)} annotations: {', '.join(map(str, files))}"
    yield from (f"{file} has no image" for files in found.values() for file in files)


def _content(pixels: np.ndarray) -> str:
    return hashlib.sha256(f"{pixels.dtype} {pixels.shape}".encode() + pixels.tobytes()).hexdigest()


def _of_pixels(item: Item, pixels: np.ndarray) -> Iterator[str]:
    if pixels.dtype == np.float32:
        wrong = int(np.count_nonzero(~np.isfinite(pixels)))
        if wrong:
            yield f"{item.image} has {wrong} pixels that are NaN or infinite"


def _read_map(dataset: Dataset, item: Item, problems: list[str]) -> np.ndarray | None:
    """The class map of an item, or None where there is none or it cannot be read (then a problem is added)."""
    if item.annotation is None:
        return None
    try:
        return dataset.class_map_of(item)
    except TemjError as error:
        problems.append(error.message)
        return None


def _of_rois(item: Item) -> Iterator[str]:
    """ROIs of a set that cannot be used: an object that is left out would be learned as background."""
    if item.has_rois:
        try:
            skipped = annotations.read(item.annotation).info.get("skipped", ())
        except TemjError:  # the class map, which is read from the same file, says it
            return
        yield from (entry["message"] for entry in skipped)


def _of_map(item: Item, found: np.ndarray, shape: tuple[int, int]) -> Iterator[str]:
    """An annotation of another size, without objects, or with some where there should be none."""
    if found.shape != shape:
        sizes = [f"{width} x {height}" for height, width in (found.shape, shape)]
        yield f"{item.annotation} has {sizes[0]} pixels, its image {item.image.name} {sizes[1]}"
    objects = np.any((found > 0) & (found != IGNORE_VALUE))
    if not objects and not item.empty:
        yield (
            f"{item.annotation} has no objects; "
            f"if the image shows none, name '{item.stem}' under 'empty' in dataset.json"
        )
    if objects and item.empty:
        yield f"{item.image.name} is named under 'empty' in dataset.json, but {item.annotation} has objects"


def _of_contents(contents: dict[str, list[Item]]) -> Iterator[str]:
    """The same pixels in two parts: what is learned by heart would count as found."""
    for items in contents.values():
        parts = {item.part for item in items} - {""}
        if len(parts) > 1:
            names = ", ".join(f"{item.image.name} ({item.part or 'not used'})" for item in items)
            yield f"the same picture is in several parts of the split: {names}"


def _of_examples(dataset: Dataset, examples: Counter[int]) -> Iterator[str]:
    """Classes that no training image shows."""
    if dataset.subset("train"):
        for number, name in enumerate(dataset.classes, start=1):
            if not examples[number]:
                yield f"class '{name}' has no example in the training images"
