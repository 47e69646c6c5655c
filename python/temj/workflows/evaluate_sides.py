"""What is annotated, or was found: the objects of each image, from a dataset, an annotation file or a result folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temj import annotations, datasets, readers
from temj.annotations import AnnotationSet, Context, roiset
from temj.annotations.base import raise_problems
from temj.annotations.pairing import read_each, same, size_of, stem_of
from temj.area import split_area_rois
from temj.data import Calibration, Instances, Micrograph
from temj.data.calibration import UNCALIBRATED
from temj.datasets import Dataset, Item
from temj.datasets.description import FILE, one_spelling
from temj.datasets.problems import counted, listed
from temj.errors import BadAnnotation, BadDataset, BadImage, Refused
from temj.workflows.inputs import KINDS

RUN = "run.json"
NOTHING = Instances.concatenate([])


@dataclass(frozen=True, eq=False)
class Labelled:
    """The objects of one image.

    Attributes:
        instances: the objects, without ROIs named ``area`` and ``exclude``.
        size: (width, height); None where nothing says it.
        image: its file, where it is known.
        area_rois: the ROIs named so.
        part: ``train``, ``validation``, ``test`` or "".
        calibration: where only the annotation knows it.
        probability: file of its probability map.
    """

    instances: Instances
    size: tuple[int, int] | None = None
    image: Path | None = None
    area_rois: Instances = NOTHING
    part: str = ""
    calibration: Calibration = UNCALIBRATED
    probability: Path | None = None


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two sides that are compared.

    Attributes:
        title: what it is, in words.
        path: where.
        images: stem → objects.
        classes: that it names, in order; without ``ignore``.
        notes: what reading it told.
        dataset: where it is a dataset folder.
        run: the ``run.json`` where it is a result folder.
    """

    title: str
    path: Path
    images: Mapping[str, Labelled]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    dataset: Dataset | None = None
    run: Mapping[str, Any] = field(default_factory=dict)

    def micrograph(self, stem: str) -> Micrograph | None:
        """The image, where its file is known.

        Raises:
            BadImage: it cannot be read, or is a stack.
        """
        if self.dataset is not None:
            return self.dataset.micrograph(next(item for item in self.dataset.items if same(item.stem) == stem))
        file = self.images[stem].image if stem in self.images else None
        if file is None:
            return None
        film = readers.open_film(file)
        if len(film) != 1:
            raise BadImage(
                "stack", where=file, expected="one image a file", found=f"{len(film)} planes",
                remedy="Evaluate its planes as images of their own (in ImageJ: Image > Stacks > Stack to Images).",
            )  # fmt: skip
        return film[0]


def read_side(path: Path, part: str, context: Context) -> Side:
    """A dataset folder, the result folder of a prediction, or an annotation file or folder.

    Args:
        path: which.
        part: of a dataset: ``train``, ``validation``, ``test`` or ``all``.
        context: images, classes and kind of masks, for annotations that do not say them.

    Raises:
        BadDataset, BadAnnotation, BadImage, Refused: it cannot be used; the problems of all images in one report.
    """
    if (path / FILE).is_file():
        return _of_dataset(path, part)
    if (path / RUN).is_file():
        return _of_result(path)
    return _of_annotations(path, context)


def _of_dataset(path: Path, part: str) -> Side:
    dataset = datasets.open_dataset(path)
    raise_problems(path, [problem.message for problem in dataset.problems], "dataset", "annotations that can be read")
    items = [item for item in dataset.items if (item.part == part if part != "all" else True)]
    if not items:
        there = {name: len(stems) for name, stems in dataset.split.model_dump().items() if stems}
        raise BadDataset(
            f"no-{part}", where=path, expected=f"images whose part is {part}",
            found=", ".join(f"{count} of {name}" for name, count in there.items()) or "none at all",
            remedy="Choose another part (--part all for every image), or name some in 'split' of dataset.json.",
        )  # fmt: skip
    missing = [item.stem for item in items if item.annotation is None and not item.empty]
    if missing:
        raise BadDataset(
            "not-annotated", where=path, expected="an annotation for each image", found=f"none for {listed(missing)}",
            remedy="Annotate them, name them in 'empty' of dataset.json where they have no object, or move them away.",
        )  # fmt: skip
    read = read_each(items, lambda item: _of_item(dataset, item))
    images = {same(item.stem): labelled for item, labelled in zip(items, read, strict=True)}
    told = [note for labelled in read for note in labelled.instances.info.get("notes", ())]
    title = f"dataset {dataset.name}, " + ("all images" if part == "all" else f"{part} images")
    return Side(title, path, images, dataset.classes, tuple(dict.fromkeys([*dataset.notes, *told])), dataset)


def _of_item(dataset: Dataset, item: Item) -> Labelled:
    found = dataset.instances(item)
    size = dataset.annotated_size(item)
    return Labelled(found, size, item.image, dataset.area_rois(item), item.part)


def _of_annotations(path: Path, context: Context) -> Side:
    try:
        found = annotations.read_set(path, context=context)
    except BadAnnotation as error:
        if error.problem != "unknown-format":
            raise
        raise BadAnnotation(
            error.problem, where=path, found=error.found,
            expected="a dataset folder, a result folder of temj predict, a model folder, or annotations in one of the "
            f"formats {', '.join(annotations.FORMATS)}", remedy="Check that this is the right file or folder.",
        ) from None  # fmt: skip
    _require_looked_at(found, path)
    images: dict[str, Labelled] = {}
    for image in found.annotated:
        stem = same(stem_of(image.image)) or _stem(path)
        if stem in images:
            raise BadAnnotation(
                "same-name", where=path, expected="images whose names differ in more than the extension", found=stem,
                remedy="Rename one of them: images of both sides are matched by name.",
            )  # fmt: skip
        objects, areas = split_area_rois(image.instances)
        images[stem] = Labelled(objects, image.size, _file_of(stem, context), areas)
    used = dict.fromkeys([*found.classes, *(name for image in images.values() for name in image.instances.class_name)])
    notes = (*found.info.get("notes", ()), *(entry["message"] for entry in found.info.get("skipped", ())))
    return Side(f"annotations {path.name}", path, images, _names(used), notes)


def _require_looked_at(found: AnnotationSet, path: Path) -> None:
    """Prove that there are images that somebody has looked at, perhaps without objects.

    Raises:
        BadAnnotation: there is no image, or none of which it is known.
    """
    if found.annotated:
        return
    if not found.images:
        raise BadAnnotation(
            "no-images", where=path, expected="annotations of images", found="no image at all",
            remedy="Check that this is the right file or folder.",
        )  # fmt: skip
    raise BadAnnotation(
        "not-annotated", where=path, expected="images with objects, or images of which it is said that they have none",
        found=f"{counted(len(found.images), 'image')} without objects and without a word whether anybody has looked: "
        f"{listed([image.image for image in found.images])}",
        remedy='Where they have no object say so: in COCO "temj": {"annotated": true} in the entry of the image, in a '
        "dataset folder its name under 'empty' of dataset.json.",
    )  # fmt: skip


def _names(used: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one_spelling(name) for name in used if name not in ("", "ignore")))


def _stem(path: Path) -> str:
    return path.stem.removesuffix("_RoiSet")


def _file_of(stem: str, context: Context) -> Path | None:
    return next((file for file in context.images.values() if same(file.stem) == stem), None)


def _of_result(path: Path) -> Side:
    run = _run(path)
    films = [str(entry["image"]) for entry in run["images"] if "film" in entry]
    if films:
        raise Refused(
            "film", where=path, expected="predictions of single images", found=f"films: {listed(films)}",
            remedy="Save planes as images of their own and predict these: annotations are of single images.",
        )  # fmt: skip
    entries = {same(stem_of(Path(entry["image"]).name)): entry for entry in run["images"]}
    if len(entries) < len(run["images"]):
        raise Refused(
            "same-name", where=path, expected="images whose names differ in more than the extension or folder",
            remedy="Predict them into folders of their own: images of both sides are matched by name.",
        )  # fmt: skip
    read = read_each(entries.values(), lambda entry: _of_entry(path, entry))
    images = dict(zip(entries, read, strict=True))
    colours = [entry.get("prediction", {}).get("colours", {}) for entry in run["images"]]
    used = dict.fromkeys(name for names in (*colours, *(part.instances.class_name for part in read)) for name in names)
    failures = len(run.get("failures", ()))
    notes = (f"{counted(failures, 'image')} could not be predicted: see {RUN}",) if failures else ()
    return Side(f"result folder {path.name}", path, images, _names(used), notes, run=run)


def _run(path: Path) -> dict[str, Any]:
    try:
        run = json.loads((path / RUN).read_text("utf-8"))
        sound = run["command"] == "predict" and all("files" in entry and "image" in entry for entry in run["images"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        sound, reason = False, str(error)
    else:
        reason = "something else"
    if not sound:
        raise Refused(
            "run.json", where=path / RUN, expected="the run.json of temj predict", found=reason,
            remedy="Name the result folder of a prediction, an annotation file or folder, or a model.",
        )  # fmt: skip
    return run


def _of_entry(folder: Path, entry: Mapping[str, Any]) -> Labelled:
    """What was found in one image, as its ROI set says it now (a person may have corrected it)."""
    objects, _ = split_area_rois(roiset.read(_file_in(folder, entry, "rois", KINDS["rois"])))
    image, labels = Path(entry["image"]), _file_in(folder, entry, "labels", KINDS["labels"])
    size = entry.get("prediction", {}).get("pixel_size")
    calibration = Calibration(*size, "nm") if size else UNCALIBRATED
    levels = _file_in(folder, entry, "probability", "probability.tif")
    return Labelled(
        objects, size_of(labels) if labels.is_file() else None, image if image.is_file() else None,
        calibration=calibration, probability=levels if levels.is_file() else None,
    )  # fmt: skip


def _file_in(folder: Path, entry: Mapping[str, Any], kind: str, end: str) -> Path:
    """A file of a result folder; nothing outside of it is opened, whatever ``run.json`` says."""
    return folder / Path(entry["files"].get(kind, f"{entry['stem']}_{end}")).name
