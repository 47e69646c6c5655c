"""The populations of objects in memory, and of the images that a prediction has finished."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import tifffile

from temj import annotations
from temj.area.rois import EXCLUDE, covered
from temj.data import Calibration, Instances, Micrograph
from temj.data.calibration import parse_pixel_size
from temj.errors import BadAnnotation, BadImage
from temj.measurement.populations import Field, field
from temj.population.neighbours import with_neighbours
from temj.population.sums import with_edges
from temj.workflows import shapes
from temj.workflows.populations import Population

UNKNOWN_SCALE = "pixel size unknown: sizes in pixels, no densities"


@dataclass(frozen=True)
class PopulationOptions:
    """How populations are made.

    Attributes:
        shape_rule: as in :func:`temj.workflows.shapes.told_apart`; "" keeps the classes.
        skeleton: as in :func:`temj.workflows.shapes.thin`.
        pixel_size: replaces the images' own; "" to keep it.
        images: folder of the images of annotations.
        classes: names of their classes, for formats that number them.
        masks: what the values of masks are: ``auto``, ``classes`` or ``instances``.
        area: what counts of annotated images that are known (:data:`temj.area.CHOICES`), besides ROIs named area and
            exclude; a result folder knows its own analysed areas.
    """

    shape_rule: str = ""
    skeleton: str = "auto"
    pixel_size: str = ""
    images: Path | None = None
    classes: tuple[str, ...] = ()
    masks: str = "auto"
    area: str = "whole"


def of_micrograph(
    micrograph: Micrograph, found: Instances, classes: Sequence[str], skeleton: str = "auto"
) -> Population:
    """The population of one open image."""
    classes = shapes.classes_of(found, classes)
    return Population.of([of_objects(micrograph, found, shapes.thin(found, skeleton))], classes, found.info)


def of_objects(micrograph: Micrograph, found: Instances, skeletons: np.ndarray | bool = False) -> Field:
    """The field of one plane, with the columns of the edge rules (:func:`temj.population.edges.edge_columns`).

    Args:
        micrograph: whose name, size, pixel size and analysed area count.
        found: its objects.
        skeletons: (n,) bool, which of them have length and width along their skeleton, or one for all.
    """
    size = micrograph.width, micrograph.height
    one = field(micrograph.name, found, size, micrograph.calibration, micrograph.area, skeletons)
    objects = with_edges(one.objects, found, size, micrograph.area)
    return with_neighbours(replace(one, objects=objects), found, size, micrograph.area)


def of_run(folder: Path, entries: Sequence[Mapping[str, Any]], options: PopulationOptions) -> Population:
    """The population of the images that a prediction has finished.

    Args:
        folder: where its results are.
        entries: of its images, as run.json has them.
        options: a rule tells the objects apart anew; sizes are those that the run knew, or the pixel size given.

    Raises:
        BadAnnotation: a ROI set that does not fit to the run, or cannot be read.
        BadValue: a rule or pixel size that cannot be used.
    """
    fields: list[Field] = []
    classes: dict[str, None] = {}
    told: dict[str, Any] = {}
    notes: list[tuple[str, str]] = []
    folders = _folders([str(entry["image"]) for entry in entries])
    for entry, place in zip(entries, folders, strict=True):
        made, found = _of_entry(folder, entry, options)
        fields += [replace(one, image=place + one.image) for one in made] if place else made
        facts = {**entry["prediction"], **found.info}
        classes |= dict.fromkeys(shapes.classes_of(found, [row["Class"] for row in entry["summary"]]))
        told = {
            "shape_rule": facts.get("shape_rule", ""),
            "colours": {**told.get("colours", {}), **facts.get("colours", {})},
        }
        notes += [(entry["image"], note) for note in found.info.get("notes", ()) if options.shape_rule]
        notes += [] if made[0].calibration.known else [(entry["image"], UNKNOWN_SCALE)]
    return Population.of(fields, list(classes), told, notes)


def distinct(paths: Sequence[str]) -> list[str]:
    """The shortest ends of paths, of one number of parts, by which they can be told apart."""
    parts = [PurePosixPath(path.replace("\\", "/")).parts for path in paths]
    for count in range(1, max(map(len, parts), default=0)):
        names = ["/".join(each[-count:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    return ["/".join(each) for each in parts]


def _folders(images: Sequence[str]) -> list[str]:
    """For each image of a run "", or the end of its folder's path (``d1/``) where another image has its name."""
    names = [PurePosixPath(image.replace("\\", "/")).name for image in images]
    found = [""] * len(images)
    for name in dict.fromkeys(names):
        same = [place for place, other in enumerate(names) if other == name]
        for place, told in zip(same, distinct([images[one] for one in same]), strict=True):
            found[place] = told.removesuffix(name)
    return found


def _of_entry(folder: Path, entry: Mapping[str, Any], options: PopulationOptions) -> tuple[list[Field], Instances]:
    """The planes of one image of a result folder, and all of its objects."""
    rows, facts = entry["summary"], entry["prediction"]
    planes = [rows[number] for number in _first_rows(rows)]
    calibration = Calibration(planes[0]["Pixel Width"], planes[0]["Pixel Height"], planes[0]["Unit"])
    pixels = [round(row["Analysed Area"] / (calibration.width * calibration.height)) for row in planes]
    calibration = parse_pixel_size(options.pixel_size) if options.pixel_size else calibration
    rois, labels = (folder / entry["files"][kind] for kind in ("rois", "labels"))
    found = annotations.read(rois)
    counts = _counts(rows, len(planes))
    if sum(counts) != len(found):
        raise BadAnnotation(
            "other-objects", where=rois, expected=f"the {sum(counts)} objects of run.json", found=len(found),
            remedy="The ROI set was changed: give it and its image instead of the result folder.",
        )  # fmt: skip
    size = _size(labels)
    blank = Micrograph(np.broadcast_to(np.uint8(0), size[::-1]), calibration)
    left_out = annotations.read(folder / entry["files"]["area"]) if "area" in entry["files"] else None
    info = {key: facts[key] for key in ("diameter", "colours", "classes", "shape_rule") if key in facts}
    classes = facts.get("classes", list(dict.fromkeys(row["Class"] for row in rows)))
    found = found.with_columns(info=info)
    found = shapes.told_apart(found, blank, options.shape_rule, classes, facts.get("colours"), rename=False)
    thin, ends = shapes.thin(found, options.skeleton), np.cumsum([0, *counts])
    parts = [np.arange(start, stop) for start, stop in itertools.pairwise(ends)]
    made = []
    for row, part, count in zip(planes, parts, pixels, strict=True):
        objects = found.take(part)
        plane = _analysed(replace(blank, name=str(row["Slice"])), left_out, objects)
        made.append(replace(of_objects(plane, objects, thin[part]), pixels=count))
    return made, found


def _analysed(plane: Micrograph, left_out: Instances | None, objects: Instances) -> Micrograph:
    """A plane with its analysed area: without the ROIs named ``exclude`` of the plane that its objects are in."""
    if left_out is None:
        return plane
    position = tuple(objects.position[0].tolist()) if len(objects) else (0, 0, 0)
    excluded = covered(left_out, EXCLUDE, replace(plane, position=position))
    return plane if excluded is None else replace(plane, area=~excluded)


def _first_rows(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Where in the Summary of an image its planes begin: each has a row for every class."""
    first = rows[0]["Class"]
    return [number for number, row in enumerate(rows) if row["Class"] == first]


def _counts(rows: Sequence[Mapping[str, Any]], planes: int) -> list[int]:
    """Objects of each plane; they stand one plane after the other in the ROI set."""
    each = len(rows) // planes
    return [int(sum(row["Count"] for row in rows[start : start + each])) for start in range(0, len(rows), each)]


def _size(labels: Path) -> tuple[int, int]:
    """Width and height of a label image."""
    try:
        with tifffile.TiffFile(labels) as file:
            height, width = file.pages[0].shape[:2]
    except (OSError, tifffile.TiffFileError) as error:
        raise BadImage("unreadable", where=labels, found=error, remedy="Predict again.") from error
    return width, height
