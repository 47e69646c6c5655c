"""Populations from files: a result folder of ``temj predict``, or annotations of any format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from temj import annotations, storage
from temj.annotations import AnnotatedImage, AnnotationSet, Context
from temj.annotations.pairing import list_images
from temj.area import AreaFound, applied, choose, note, split_area_rois
from temj.data import IGNORE, Calibration, Film, Instances, Micrograph, Table
from temj.data.calibration import parse_pixel_size
from temj.datasets.problems import counted, listed
from temj.errors import BadAnnotation, BadImage, BadValue, Cancelled
from temj.evaluation.judging import known_area
from temj.measurement.shape_classes import shape_classes
from temj.readers import open_film
from temj.workflows import record, shapes
from temj.workflows.outputs import files_table, refuse_existing, text_table
from temj.workflows.population_fields import UNKNOWN_SCALE, PopulationOptions, of_objects, of_run
from temj.workflows.populations import NAMES, Population, write


def populations_of(
    source: Path,
    output: Path,
    options: PopulationOptions,
    overwrite: bool = False,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, Table]:
    """Make the populations of a source and write them into a folder.

    Args:
        source: a result folder of ``temj predict``, or annotations.
        output: folder for the files; may be the result folder itself.
        options: how they are made.
        overwrite: whether populations that are there may be replaced.
        cancelled: polled before each image.

    Returns:
        Tables ``populations``, ``porosity``, ``files`` and ``notes`` (Image, Note).

    Raises:
        Refused: populations are there already.
        BadValue, BadAnnotation, BadImage: as :func:`of_source`.
    """

    def stop() -> None:
        if cancelled is not None and cancelled():
            raise Cancelled

    if not overwrite:
        refuse_existing(output / name for name in NAMES)
    found = of_source(source, options, stop)
    files = write(storage.make_folder(output), found)
    return {
        "populations": found.table,
        "porosity": found.porosity,
        "files": files_table(files),
        "notes": text_table(("Image", "Note"), found.notes),
    }


def of_source(source: Path, options: PopulationOptions, stop: Callable[[], None]) -> Population:
    """The population of a result folder, or of annotations (a file or folder of any format).

    Args:
        source: the folder or file.
        options: for annotations ``images`` may name the folder of their images, for sizes and pixel sizes.
        stop: called before each image; raises where the user has cancelled.

    Raises:
        BadValue: a result folder without a finished image, or a rule or pixel size that cannot be used.
        BadAnnotation, BadImage: what cannot be read, or has no size.
    """
    if options.shape_rule:
        shape_classes(options.shape_rule)
    run = record.read(source) if source.is_dir() else None
    if run is None:
        return _of_annotations(source, options, stop)
    if not run.get("images"):
        raise BadValue("no-images", where=source, expected="a result folder with at least one image that is done",
                       remedy="Let the prediction end first, or predict again.")  # fmt: skip
    found = of_run(source, run["images"], options)
    return replace(found, notes=(*found.notes, *((source.name, note) for note in _lacking(run))))


def _lacking(run: Mapping[str, Any]) -> list[str]:
    """Which images of a prediction have no results, or results in part."""
    failed = [str(failure["image"]) for failure in run.get("failures", ())]
    known = {*failed, *(str(entry["image"]) for entry in run["images"])}
    missing = [image for image in (str(one["image"]) for one in run["planned"]) if image not in known]
    notes = []
    if failed:
        notes.append(f"{counted(len(failed), 'image')} failed, or were predicted in part: {listed(failed)}")
    if missing:
        notes.append(f"the prediction is not finished: nothing of {counted(len(missing), 'image')}: {listed(missing)}")
    return notes


def is_result(source: Path) -> bool:
    """Whether a source is a result folder of ``temj predict``, which knows what was looked for."""
    return source.is_dir() and (source / "run.json").exists()


def _of_annotations(source: Path, options: PopulationOptions, stop: Callable[[], None]) -> Population:
    images = {} if options.images is None else list_images(options.images)
    found = annotations.read_set(source, context=Context(images, options.classes, options.masks))
    fields, classes, notes = [], list(found.classes), [(source.name, str(note)) for note in found.info.get("notes", ())]
    told = Instances.concatenate([])
    for image in _annotated(source, found):
        stop()
        shown, known = _shown(image, images, options, source)
        objects, said = split_area_rois(image.instances)
        told = shapes.told_apart(objects, shown, options.shape_rule, found.classes, rename=False)
        classes += shapes.classes_of(told, ())
        if options.shape_rule:
            notes += [(shown.name, str(note)) for note in told.info.get("notes", ())]
        notes += [] if shown.calibration.known else [(shown.name, UNKNOWN_SCALE)]
        shown, told_area = _analysed(shown, objects, choose(shown, said, options.area if known else "whole"))
        notes += [(shown.name, note) for note in told_area]
        fields.append(of_objects(shown, told, shapes.thin(told, options.skeleton)))
    if options.shape_rule:
        classes = list(shape_classes(options.shape_rule).classes(found.classes))
    return Population.of(fields, classes, told.info, notes)


def _analysed(shown: Micrograph, objects: Instances, found: AreaFound) -> tuple[Micrograph, list[str]]:
    """The image with its analysed area, in which no region is that somebody marked ``ignore``; and notes about it."""
    shown, notes = applied(shown, found), [note(found)] if not found.whole else []
    ignored = int(objects.ignored.sum())
    if ignored:
        shown = replace(shown, area=known_area(objects, shown.height, shown.width, shown.area))
        notes.append(f"{counted(ignored, 'region')} marked {IGNORE}: not in the analysed area")
    return shown, notes


def _annotated(source: Path, found: AnnotationSet) -> Sequence[AnnotatedImage]:
    if not found.annotated:
        raise BadAnnotation("nothing-annotated", where=source, expected="at least one image that is annotated",
                            found=f"{len(found.images)} images without annotations")  # fmt: skip
    return found.annotated


def _shown(
    image: AnnotatedImage, images: Mapping[str, Path], options: PopulationOptions, source: Path
) -> tuple[Micrograph, bool]:
    """The image itself where it is known, else an empty one of its size; and whether it is known."""
    name = image.image or source.name
    scale = parse_pixel_size(options.pixel_size) if options.pixel_size else None
    if image.image in images:
        film: Film = open_film(images[image.image], scale)
        if len(film) > 1:
            raise BadImage(
                "stack", where=name, expected="annotations of single images", found=f"{len(film)} planes",
                remedy="Split the stack into images, or give the result folder of a prediction.",
            )  # fmt: skip
        return film[0], True
    if image.size is None:
        raise BadImage("size", where=name, expected="the size of the image",
                       remedy="Name the folder of the images: --images.")  # fmt: skip
    return Micrograph(np.broadcast_to(np.uint8(0), image.size[::-1]), scale or Calibration(), name=name), False
