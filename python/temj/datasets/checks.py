"""All that is wrong with a dataset, in one report; and what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from temj.data import IGNORE, Column, Instances, Micrograph, Table
from temj.datasets import reading
from temj.datasets.check_classes import of_classes
from temj.datasets.check_image import of_pixels, of_scales
from temj.datasets.check_names import of_names, of_pairs
from temj.datasets.check_objects import Found, of_objects, of_shapes
from temj.datasets.check_others import of_coverage, of_specks
from temj.datasets.contents import content
from temj.datasets.folder import Dataset, Item
from temj.datasets.mask_values import of_ignore, of_instances
from temj.datasets.problems import SEVERITIES, Problem, Severity, annotation_of, counted, listed, of_error, within
from temj.datasets.reading import has_value_and_ignore, meant_by, unknown_classes
from temj.datasets.similar import fingerprint, of_contents, of_likeness
from temj.datasets.sources import OVERLAY
from temj.errors import BadDataset, TemjError

_UNKNOWN = (0, 0)
"""Size of an image that cannot be read."""
_SHOWN = 50
_NOTES = 4
_TEXTS = ("Image", "Part", "Labelled", "Class")


@dataclass(frozen=True, eq=False)
class Report:
    """What :func:`check` found.

    Attributes:
        problems: the worst first, in each severity in the order of the dataset.
        objects: a row an object that can be used (without those to be ignored): Image, Part, Labelled (the name it was
            given), Class (the one it counts as), Area (pixels), Diameter (of the circle of equal area), AtEdge (0, 1).
            Diameters are in nm where the pixel size of all images is known, else in pixels.
        images: a row an image: Image, Part, Annotation, Format, Width, Height (pixels), PixelSize (nm), Objects,
            Ignored.
    """

    problems: tuple[Problem, ...]
    objects: Table
    images: Table

    def of(self, severity: str) -> tuple[Problem, ...]:
        """The problems of one severity."""
        return tuple(problem for problem in self.problems if problem.severity == severity)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What no training starts with."""
        return self.of("error")

    @property
    def notes(self) -> tuple[str, ...]:
        """The warnings in words, for the notes of a training; of many of one kind the first ones and their number."""
        kinds: dict[str, list[Problem]] = {}
        for problem in self.of("warning"):
            kinds.setdefault(problem.code, []).append(problem)
        told = []
        for code, some in kinds.items():
            told += [f"dataset: {problem.text}" for problem in some[:_NOTES]]
            if len(some) > _NOTES:
                told.append(f"dataset: {len(some) - _NOTES} more warnings {code}; 'temj dataset check' lists them")
        return tuple(told)


@dataclass
class _Seen:
    """What was gathered on the way through the images."""

    dataset: Dataset
    problems: list[Problem] = field(default_factory=list)
    contents: dict[str, list[Item]] = field(default_factory=dict)
    prints: list[tuple[Item, str, np.ndarray]] = field(default_factory=list)
    sizes: dict[str, tuple[float, float] | None] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    objects: list[tuple[Item, Found, float]] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    values: dict[str, tuple[bool, bool]] = field(default_factory=dict)


def check(dataset: Dataset, progress: Callable[[str, int, int], None] | None = None) -> Report:
    """Read all images and annotations of a dataset and list every problem at once.

    A dataset value is read once; asked again, it gives the same report.

    Args:
        dataset: as :func:`temj.datasets.open_dataset` gives it.
        progress: called with (message, images done, images in all).
    """
    if "report" not in dataset.cache:
        seen = _Seen(dataset, [*of_names(dataset), *of_pairs(dataset)])
        for number, item in enumerate(dataset.items):
            if progress:
                progress(f"checking {item.image.name}", number, len(dataset.items))
            _look_at(item, seen)
        seen.problems += [*_of_sets(dataset), *of_contents(seen.contents), *of_likeness(seen.prints)]
        seen.problems += of_scales(dataset, seen.sizes)
        seen.problems += [*of_ignore(seen.values), *_unlike(seen)]
        objects = _objects_table(seen)
        seen.problems += of_classes(dataset, objects, seen.names, seen.failed)
        if seen.edges:
            what = f"{counted(len(seen.edges), 'image')} with objects that touch its edge: {listed(seen.edges)}"
            seen.problems.append(Problem("info", "objects/at-edge", "images", what))
        ordered = sorted(seen.problems, key=lambda problem: SEVERITIES.index(problem.severity))
        dataset.cache["report"] = Report(tuple(dict.fromkeys(ordered)), objects, _images_table(seen))
    return dataset.cache["report"]


def require_sound(dataset: Dataset) -> tuple[str, ...]:
    """Raise one error that lists all errors of a dataset.

    Returns:
        The warnings, for the notes of the training.

    Raises:
        BadDataset: there is at least one error.
    """
    report = check(dataset)
    errors = report.errors
    if errors:
        more = [f"… and {len(errors) - _SHOWN} more"] if len(errors) > _SHOWN else []
        shown = [f"  {number}. {problem.text}" for number, problem in enumerate(errors[:_SHOWN], start=1)]
        remedy = "Correct them and start again; 'temj dataset check' lists and draws them."
        if len(errors) == 1:  # it may say itself how to correct it
            remedy = f"{'Then' if errors[0].remedy else 'Correct it and'} start again; 'temj dataset check' draws it."
        raise BadDataset(
            "problems",
            where=dataset.folder,
            found="\n".join([f"{counted(len(errors), 'problem')}:", *shown, *more]).rstrip("."),
            remedy=remedy,
        )
    return report.notes


def _look_at(item: Item, seen: _Seen) -> None:
    """Read one image with its annotation; where the image cannot be read, the annotation is looked at all the same."""
    dataset = seen.dataset
    row: dict[str, Any] = {"item": item, "size": _UNKNOWN, "nm": None, "objects": 0, "ignored": 0}
    seen.rows.append(row)
    if dataset.problems and item.annotation is None:
        seen.failed.add(item.part)
    try:
        micrograph = reading.open_image(item.image, dataset.description.detectors)
    except TemjError as error:
        _fail(error, item, seen)
    else:
        row["size"] = (micrograph.width, micrograph.height)
        seen.sizes[item.image.name] = micrograph.calibration.nm
        row["nm"] = micrograph.calibration.nm or dataset.pixel_size.nm
        seen.problems += of_pixels(item, micrograph, dataset)
        _remember(item, micrograph, seen)
    try:
        _compare_sizes(item, row["size"], seen)
        labelled = dataset.as_labelled(item)
        if item.format == "masks" and len(dataset.labelled) == 1 and dataset.description.masks == "classes":
            seen.values[item.annotation.name] = has_value_and_ignore(item.annotation)
        if item.format == "masks" and dataset.description.masks == "instances":
            where = within(item.annotation, dataset.folder)
            seen.problems += of_instances(reading.labels_of(item.annotation), where)
    except TemjError as error:
        _fail(error, item, seen)
        return
    seen.problems += _of_reading(item, labelled, dataset)
    _look_at_objects(item, labelled, row["size"], seen)


def _fail(error: TemjError, item: Item, seen: _Seen) -> None:
    """Something of an image cannot be used: what its part of the split shows is not known."""
    seen.problems.append(of_error(error, seen.dataset.folder))
    seen.failed.add(item.part)


def _compare_sizes(item: Item, size: tuple[int, int], seen: _Seen) -> None:
    """Told before the objects are read, which can fail."""
    annotated = seen.dataset.annotated_size(item)
    if size != _UNKNOWN and annotated is not None and tuple(annotated) != size:
        where, sizes = within(item.annotation, seen.dataset.folder), [f"{w} x {h}" for w, h in (annotated, size)]
        what = f"has {sizes[0]} pixels, its image {item.image.name} {sizes[1]}"
        seen.problems.append(Problem("error", "annotation/size", where, what, "One of them was cropped or scaled."))


def _look_at_objects(item: Item, labelled: Instances, size: tuple[int, int], seen: _Seen) -> None:
    """Objects of a class that the dataset has not are looked at like the others, but not counted."""
    dataset, row = seen.dataset, seen.rows[-1]
    classes = meant_by(labelled.class_name, dataset.description)
    strange = unknown_classes(classes, dataset.description, annotation_of(item))
    if strange is not None:
        _fail(strange, item, seen)
    for name in set(labelled.class_name) - {""}:
        seen.names.setdefault(name, []).append(item.image.name)
    if size == _UNKNOWN:
        seen.problems += of_shapes(labelled, within(item.annotation or item.image, dataset.folder))
        return
    problems, found = of_objects(dataset, item, labelled, classes, size)
    seen.problems += problems
    found = found.of_classes((*dataset.classes, IGNORE))
    objects = found.reported != IGNORE
    row["objects"], row["ignored"] = int(objects.sum()), int((~objects).sum())
    if (found.at_edge & objects).any():
        seen.edges.append(item.image.name)
    nm = row["nm"]
    seen.objects.append((item, found, np.nan if nm is None else float(np.sqrt(nm[0] * nm[1]))))


def _remember(item: Item, micrograph: Micrograph, seen: _Seen) -> None:
    """What tells whether two images are the same."""
    digest = content(micrograph.pixels)
    seen.contents.setdefault(digest, []).append(item)
    shown = fingerprint(micrograph.pixels)
    if shown is not None:
        seen.prints.append((item, digest, shown))


def _of_reading(item: Item, labelled: Instances, dataset: Dataset) -> list[Problem]:
    """What the reader of an annotation of one image could not use (it would be learned as background) or changed."""
    if item.annotation is None or item.annotation in dataset.sets:
        return []
    # A label or a scale bar in an overlay is no lost object.
    severity = "warning" if item.format == OVERLAY else "error"
    return _told(labelled.info, within(item.annotation, dataset.folder), dataset, severity)


def _of_sets(dataset: Dataset) -> list[Problem]:
    """The same for files about many images."""
    return [
        problem
        for path, read in dataset.sets.items()
        for problem in _told(read.info, within(path, dataset.folder), dataset)
    ]


def _told(info: Any, where: str, dataset: Dataset, severity: Severity = "error") -> list[Problem]:
    skipped = [
        Problem(severity, entry["code"], where, entry["message"].replace(f"{dataset.folder.as_posix()}/", ""))
        for entry in info.get("skipped", ())
    ]
    return [*skipped, *(Problem("warning", "annotation/note", where, note) for note in info.get("notes", ()))]


def _unlike(seen: _Seen) -> Iterator[Problem]:
    """Images whose objects are unlike those of all others."""
    folder, sizes = seen.dataset.folder, {row["item"].stem: row["size"] for row in seen.rows}
    looked = [(item, found) for item, found, _nm in seen.objects if item.annotation or item.empty]
    places = [within(item.annotation or item.image, folder) for item, _found in looked]
    pixels = np.array([max(np.prod(sizes[item.stem]), 1) for item, _found in looked], float)
    for name in seen.dataset.classes:
        areas = [found.area[found.reported == name] for _item, found in looked]
        yield from of_coverage(name, places, np.array([area.sum() for area in areas]) / pixels)
        yield from of_specks(name, places, areas)


def _objects_table(seen: _Seen) -> Table:
    """All objects but those to be ignored."""
    known = bool(seen.rows) and all(row["nm"] is not None for row in seen.rows if row["size"] != _UNKNOWN)
    columns: dict[str, list[Any]] = {name: [] for name in (*_TEXTS, "Area", "Diameter", "AtEdge")}
    for item, found, nm in seen.objects:
        kept = found.reported != IGNORE
        area = found.area[kept]
        diameter = 2 * np.sqrt(area / np.pi) * (nm if known else 1.0)
        columns["Image"] += [item.image.name] * len(area)
        columns["Part"] += [item.part] * len(area)
        columns["Labelled"] += [
            name or given for name, given in zip(found.labelled[kept], found.reported[kept], strict=True)
        ]
        columns["Class"] += found.reported[kept].tolist()
        columns["Area"] += area.tolist()
        columns["Diameter"] += diameter.tolist()
        columns["AtEdge"] += found.at_edge[kept].astype(int).tolist()
    unit = {"Area": "pixel", "Diameter": "nm" if known else "pixel"}
    types = dict.fromkeys(_TEXTS, object) | {"Area": np.int64, "Diameter": np.float64, "AtEdge": np.int64}
    return Table(
        tuple(Column(name, np.array(cells, types[name]), unit.get(name, "")) for name, cells in columns.items())
    )


def _images_table(seen: _Seen) -> Table:
    items = [row["item"] for row in seen.rows]
    folder = seen.dataset.folder
    files = ["(empty)" if item.annotation is None and item.empty else item.annotation or "" for item in items]
    sizes = [np.nan if row["nm"] is None else np.sqrt(row["nm"][0] * row["nm"][1]) for row in seen.rows]
    return Table((
        Column("Image", np.array([item.image.name for item in items], object)),
        Column("Part", np.array([item.part for item in items], object)),
        Column("Annotation", np.array([within(file, folder) for file in files], object)),
        Column("Format", np.array([item.format for item in items], object)),
        Column("Width", np.array([row["size"][0] for row in seen.rows], np.int64), "pixel"),
        Column("Height", np.array([row["size"][1] for row in seen.rows], np.int64), "pixel"),
        Column("PixelSize", np.array(sizes, np.float64), "nm"),
        Column("Objects", np.array([row["objects"] for row in seen.rows], np.int64)),
        Column("Ignored", np.array([row["ignored"] for row in seen.rows], np.int64)),
    ))  # fmt: skip
