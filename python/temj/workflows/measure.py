"""Measure ROIs that a file or a person gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from temj import annotations, measurement, storage
from temj.area import split_area_rois
from temj.data import Film, Instances, Micrograph, RoiType, Table
from temj.data.calibration import parse_pixel_size
from temj.data.table_text import to_csv
from temj.errors import BadValue
from temj.geometry import boxes
from temj.readers import open_film
from temj.workflows import edge_profile, shapes
from temj.workflows.areas import not_measured
from temj.workflows.outputs import files_table, refuse_existing, text_table

_NAMED = 5

_COARSE = 0.01
"""Below this many units a pixel is less than ten of the last digits that tables show."""


@dataclass(frozen=True)
class MeasureOptions:
    """How ROIs are measured.

    Attributes:
        pixel_size: replaces the image's own; "" to keep it.
        diameter: what the Diameter of all classes is, or ``auto``.
        shape_rule: tells the objects apart by their shape (:func:`temj.workflows.shapes.told_apart`); their names stay.
        skeleton: whose length and width along the skeleton are measured (:func:`temj.workflows.shapes.thin`).
        edge_profile: whether the profile across each object is measured (:mod:`temj.workflows.edge_profile`).
        output: file of the table; None for none.
        overwrite: whether it may exist.
    """

    pixel_size: str = ""
    diameter: str = "auto"
    shape_rule: str = ""
    skeleton: str = "auto"
    edge_profile: bool = False
    output: Path | None = None
    overwrite: bool = False


def measure(
    micrograph: Micrograph | Film,
    instances: Instances,
    diameter: Mapping[str, str] | str | None = None,
    *,
    skeleton: str = "auto",
) -> Table:
    """ImageJ's Measure for every object, and ours behind it.

    Args:
        micrograph: the image, or the film whose planes the instances' positions name.
        instances: the objects; row n of the table is object n.
        diameter: how a class's Diameter is taken, ``major``, ``geometric`` or ``equivalent``: one for all or
            one for each class; None or ``auto`` takes what the model that found the objects says (their ROIs keep
            it), else ``equivalent``.
        skeleton: whose length and width along the skeleton are measured: ``auto`` (of classes that have the word
            crack in their name), ``all``, ``none`` or names of classes; their columns stand at the end.
    """
    if diameter == "auto":
        diameter = None
    if isinstance(diameter, str):
        diameter = dict.fromkeys(instances.class_name, diameter)
    rules = instances.info.get("diameter", {}) if diameter is None else diameter
    return shapes.with_skeleton(measurement.measure(micrograph, instances, rules), micrograph, instances, skeleton)


def measure_micrograph(
    micrograph: Micrograph, instances: Instances, options: MeasureOptions, *, area_rois: Instances | None = None
) -> dict[str, Table]:
    """Measure an open image's ROIs; write the table where an output is named.

    ROIs named ``area`` or ``exclude``, among the instances or given as ``area_rois``, are no objects: a note says so.

    Returns:
        Tables ``results``, ``notes`` (Image, Note), ``files`` where an output is named, ``profiles`` and ``edges``
        where profiles are wanted.
    """
    if options.pixel_size:
        micrograph = micrograph.with_pixel_size(parse_pixel_size(options.pixel_size))
    instances, among = split_area_rois(instances)
    left = among if area_rois is None else Instances.concatenate([among, area_rois])
    told, results = _measured(micrograph, instances, options)
    tables, more = edge_profile.across(micrograph, told, results) if options.edge_profile else ({}, [])
    notes = _notes(micrograph, told, [*not_measured(left), *more])
    return {"results": results, **tables, **_written(results, tables, options), "notes": notes}


def measure_file(image: Path, rois: Path, options: MeasureOptions) -> dict[str, Table]:
    """Measure a ROI set on an image file and write the table; ROIs named ``area`` or ``exclude`` are no objects.

    Returns:
        Tables ``results``, ``files``, ``notes`` (Image, Note) and ``failures`` (Image, Code, Message), which has a
        row for each ROI of the set that cannot be used; ``profiles`` and ``edges`` where profiles are wanted.
    """
    if rois.suffix.lower() not in (".zip", ".roi"):
        raise BadValue(
            "rois", where=rois, expected="a ROI set (.zip) or a ROI (.roi)", remedy="Save the ROIs of ImageJ."
        )
    film = open_film(image, options.pixel_size or None)
    found, left = split_area_rois(annotations.read(rois))
    told, results = _measured(film, found, options)
    tables, more = edge_profile.across(film, told, results) if options.edge_profile else ({}, [])
    skipped = [(str(image), entry["code"], entry["message"]) for entry in found.info.get("skipped", ())]
    return {
        "results": results,
        **tables,
        **_written(results, tables, options),
        "notes": _notes(film[0], told, [*not_measured(left), *more]),
        "failures": text_table(("Image", "Code", "Message"), skipped),
    }


def _measured(film: Micrograph | Film, found: Instances, options: MeasureOptions) -> tuple[Instances, Table]:
    """The objects, told apart where that is wanted, and their results."""
    classes = list(dict.fromkeys(str(name) for name in found.class_name))
    shapes.check(options.shape_rule, options.skeleton, classes)
    first = film if isinstance(film, Micrograph) else film[0]
    told = shapes.told_apart(found, first, options.shape_rule, classes, rename=False)
    return told, measure(film, told, options.diameter, skeleton=options.skeleton)


def _written(results: Table, profiles: Mapping[str, Table], options: MeasureOptions) -> dict[str, Table]:
    """Write the results, and the profiles beside them where there are some; their folder is made where it is not."""
    if options.output is None:
        return {}
    if options.output.is_dir():
        raise BadValue(
            "output", where="output", expected="a table, such as Results.csv", found=f"the folder {options.output}",
            remedy=f"Name a file in it: {options.output / 'Results.csv'}.",
        )  # fmt: skip
    storage.make_folder(options.output.parent)
    beside = edge_profile.files_beside(options.output) if profiles else {}
    if not options.overwrite:
        refuse_existing([options.output, *beside.values()])
    storage.write_text(options.output, to_csv(results), overwrite=options.overwrite)
    if profiles:
        edge_profile.write(profiles, beside, options.overwrite)
    return {"files": files_table({"results": options.output, **beside})}


def _notes(micrograph: Micrograph, instances: Instances, more: Sequence[str]) -> Table:
    """What its reader must know of the results: of the image, of the ROIs, and which of these lie outside; and more."""
    unknown = [] if micrograph.calibration.known else ["pixel size unknown: results in pixels"]
    given = [*micrograph.metadata.get("notes", ()), *instances.info.get("notes", ())]
    notes = [*unknown, *digits_note(micrograph), *given, *_outside(micrograph, instances), *_points(instances), *more]
    return text_table(("Image", "Note"), [(micrograph.name, note) for note in notes])


def digits_note(micrograph: Micrograph) -> list[str]:
    """A note where ImageJ's three decimals say little of lengths in the image's own unit."""
    calibration = micrograph.calibration
    if not calibration.known or min(calibration.width, calibration.height) >= _COARSE:
        return []
    width, height = calibration.nm
    size = f"{width:.6g}nm" if width == height else f"{width:.6g}x{height:.6g}nm"
    return [
        f"lengths are in {calibration.unit}, the unit of the image, with three decimals as in ImageJ, and a pixel is "
        f"only {calibration.size_text}: give --pixel-size {size} (in ImageJ: Image > Properties) for tables in nm"
    ]


def _points(instances: Instances) -> list[str]:
    """Says that a row stands for one ROI: ImageJ gives a selection of several points a row for each."""
    several = (instances.shapes.roi_type == RoiType.POINT) & (np.diff(instances.shapes.offsets) > 1)
    return [f"{several.sum()} ROIs have several points: only the first of each is measured"] if several.any() else []


def _outside(micrograph: Micrograph, instances: Instances) -> list[str]:
    """Which ROIs leave the image, by ImageJ's integer bounds."""
    box = boxes(instances.shapes)
    first, end, size = box[:, :2], box[:, :2] + np.maximum(box[:, 2:], 1), [micrograph.width, micrograph.height]
    wholly = ((end <= 0) | (first >= size)).any(axis=1)
    partly = ((first < 0) | (end > size)).any(axis=1) & ~wholly
    return [
        _counted(instances.name[which], *words)
        for which, *words in (
            (partly, "partly", "area and grey values are those of the part inside"),
            (wholly, "wholly", "there is nothing of them to measure"),
        )
        if which.any()
    ]


def _counted(names: np.ndarray, how_far: str, meaning: str) -> str:
    shown = ", ".join(map(str, names[:_NAMED])) + (" …" if len(names) > _NAMED else "")
    count = f"{len(names)} ROI{' lies' if len(names) == 1 else 's lie'}"
    return f"{count} {how_far} outside the image ({shown}): {meaning}"
