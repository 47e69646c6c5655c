"""Find objects with models in one open micrograph or film; what a prediction of files is made of too."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from temj import storage
from temj.area import Areas
from temj.data import Film, Instances, Micrograph
from temj.geometry.ellipse import fitted_ellipses
from temj.measurement.summary import summarise
from temj.models import Model
from temj.workflows import areas, maps, outputs, population_fields, shapes
from temj.workflows.finding import find, with_thresholds
from temj.workflows.inputs import plan
from temj.workflows.measure import digits_note, measure
from temj.workflows.predict_folder import finish, run_record, write_prediction
from temj.workflows.predict_options import PredictOptions, checked_models, class_names, scaled


def predict(
    micrograph: Micrograph | Film,
    model: str = "loops",
    *,
    threshold: str | float = "auto",
    area: str | os.PathLike = "auto",
    shape_rule: str = "",
    **how: Any,
) -> Instances:
    """Find the objects of a micrograph (or of every plane of a film).

    Where its pixel size is unknown or wrong, give it first: ``temj.open(path, pixel_size=0.39)``. Nothing is found
    outside the analysed area: ``area`` is ``auto`` (without info bar, scale bar, text, blank borders and defects),
    ``all`` (also without vacuum, holes and saturated regions), ``whole``, or a ROI set whose ROIs named ``area`` and
    ``exclude`` say it. A ``shape_rule`` tells the objects apart by their shape
    (:func:`temj.measurement.shape_classes.tell_apart`). ``model`` may name several, with commas between
    them. ``how`` may have ``device``, ``tta`` (test-time augmentation), ``input_size`` (longer side to which a field
    is brought where image or model has no pixel size) and ``outline`` (of a detector of boxes: ``box``, ``ellipse`` or
    ``auto``, :mod:`temj.inference.outlines`).

    The last answers are kept for a while: the same micrograph with another threshold costs no pass through the network.

    Returns:
        The objects by y, then x, named ``<class>-<0001>``; ``info["notes"]`` says what was done on the way,
        such as rescaling to the model's pixel size.
    """
    options = PredictOptions(model, str(threshold), area=os.fspath(area), shape_rule=shape_rule, **how)
    regions = areas.chosen(options.area)
    opened = checked_models(options)
    first = micrograph if isinstance(micrograph, Micrograph) else micrograph[0]
    shapes.check_scale(shape_rule, first)
    keep = isinstance(micrograph, Micrograph)
    found = find(regions.apply(micrograph), opened, options.threshold, options.how(keep), regions).instances
    return _told_apart(_with_notes(found, regions.notes()), first, shape_rule, opened)


def probabilities(
    micrograph: Micrograph, model: str = "loops", *, area: str | os.PathLike = "auto", **how: Any
) -> tuple[Micrograph, ...]:
    """The probability map of each class of a model (or of several), on the micrograph's own pixels.

    Of a detector, which has no probability of a pixel, the score map: the highest score of the objects (from 0.05 on)
    that cover a pixel.

    ``how`` are ``device``, ``tta`` and ``input_size`` as in :func:`predict`.

    Returns:
        For each class a micrograph of float32 in 0..1 (0 outside the analysed area), with the scale of the given one
        and the class as its slice label.
    """
    options = PredictOptions(model, area=os.fspath(area), **how)
    opened = checked_models(options)
    regions = areas.chosen(options.area)
    return find(regions.apply(micrograph), opened, options.threshold, options.how(True), regions, True).probability


def predict_micrograph(
    micrograph: Micrograph,
    options: Mapping[str, Any],
    folder: Path | None,
    overwrite: bool,
    repeat: Mapping[str, str],
    *,
    area_rois: Instances | None = None,
    **hooks: Any,
) -> dict[str, Any]:
    """Predict an open image; write the same files as :func:`predict_files` where a folder is named.

    ``area_rois`` are the ROIs named ``area`` and ``exclude`` that the image has (:func:`temj.area.choose`); ``hooks``
    are ``progress`` and ``cancelled``.
    """
    chosen = PredictOptions(**options)
    models = checked_models(chosen)
    regions = areas.chosen(chosen.area, area_rois)
    micrograph = scaled(micrograph, chosen)
    if folder is None:
        return _values(make_prediction(micrograph, models, chosen, regions, keep=True, **hooks), chosen)
    job = plan([Path(micrograph.name)])[0]
    folder = storage.make_folder(folder)
    files = outputs.paths(folder, job.stem, chosen.wanted)
    if not overwrite:
        outputs.refuse_existing([*files.values(), *(folder / name for name in outputs.ONCE)])
    run = run_record(chosen, models, [job], repeat)
    prediction = make_prediction(micrograph, models, chosen, regions, keep=True, **hooks)
    facts = {"image": micrograph.name, "stem": job.stem, "pixels_sha256": sha256(micrograph.pixels.data).hexdigest()}
    entry = write_prediction(prediction, files, facts, micrograph.metadata.get("notes", ()))
    outputs.remove_stale(folder, job.stem, [folder / name for name in entry["files"].values()])
    return _values(prediction, chosen) | finish(folder, run, [entry], [])


def make_prediction(
    film: Micrograph | Film,
    models: Sequence[Model],
    options: PredictOptions,
    regions: Areas,
    *,
    maps_to: Path | None = None,
    keep: bool = False,
    **hooks: Any,
) -> outputs.Prediction:
    """Find, measure, summarise and, if asked, fit ellipses; within the analysed areas ``regions``.

    The probability maps of a film are written to ``maps_to`` as they come, where that is a file. ``keep``: as in
    :meth:`PredictOptions.how`; ``hooks`` are ``progress`` and ``cancelled``.
    """
    film = regions.apply(film)
    first = film if isinstance(film, Micrograph) else film[0]
    shapes.check_scale(options.shape_rule, first)
    told = find(film, models, options.threshold, options.how(keep), regions, maps_to or options.probability, **hooks)
    found = _with_notes(told.instances, [*regions.notes(), *digits_note(first)])
    found = _told_apart(found, first, options.shape_rule, models)
    results = measure(film, found, skeleton=options.skeleton)
    names = shapes.classes_of(found, class_names(models))
    return outputs.Prediction(
        film=Film.of(film) if isinstance(film, Micrograph) else film,
        instances=found,
        results=results,
        summary=with_thresholds(summarise(results, told.film, names), told.instances.info),
        ellipses=fitted_ellipses(found, first.width, first.height) if options.ellipses else None,
        colours=dict(found.info["colours"]),
        areas=regions,
        classes=maps.class_table(names, found) if options.classes else (),
        probability=told.probability,
    )


def _told_apart(found: Instances, first: Micrograph, rule: str, models: Sequence[Model]) -> Instances:
    return shapes.told_apart(found, first, rule, class_names(models), found.info["colours"])


def _with_notes(found: Instances, notes: Sequence[str]) -> Instances:
    """The same objects, with further notes for the user."""
    return found.with_columns(info={**found.info, "notes": [*found.info["notes"], *notes]}) if notes else found


def _values(prediction: outputs.Prediction, options: PredictOptions) -> dict[str, Any]:
    """What a host gets to show."""
    values = {"instances": prediction.instances, "results": prediction.results, "summary": prediction.summary}
    if options.populations or options.shape_rule:
        classes = list(dict.fromkeys(prediction.summary["Class"]))
        first, found = prediction.first, prediction.instances
        values["populations"] = population_fields.of_micrograph(first, found, classes, options.skeleton).table
    values |= {f"probability-{number}": channel for number, channel in enumerate(prediction.probability, start=1)}
    if options.classes:
        values["classes"] = prediction.class_map()
    if prediction.areas.leave_out:
        values["excluded"] = prediction.areas.found_rois()
    return values if prediction.ellipses is None else values | {"ellipses": prediction.ellipses}
