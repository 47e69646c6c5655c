"""What decides about a prediction, checked before any work begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from temj import inference
from temj.data import Film, Micrograph
from temj.data.calibration import parse_pixel_size
from temj.data.frames import check_frames
from temj.models import Model
from temj.readers.calibration_table import read_calibrations
from temj.workflows import areas, outputs, shapes
from temj.workflows.finding import open_models


@dataclass(frozen=True)
class PredictOptions:
    """How a prediction is made; every field decides about the results.

    Attributes:
        model: name of an installed model, or a model folder; or several with commas between them.
        threshold: ``auto`` (the model's default), the name of one of its thresholds, or a number in 0..1.
        ellipses: whether fitted ellipses are given besides.
        outline: what the objects of a detector of boxes look like (:mod:`temj.inference.outlines`).
        probability: whether the probability maps of the classes are given besides.
        classes: whether the class map is given besides.
        tta: whether the answer is the mean over the views that the model's task allows.
        input_size: longer side to which a field is brought where image or model has no pixel size; None for the card's.
        pixel_size: replaces the images' own, ``""`` to keep it (:func:`temj.data.calibration.parse_pixel_size`).
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        fill: whether pixels that are NaN or infinite take the median of the others for the network.
        frames: which frames of each film, ``""`` for all (:meth:`temj.data.Film.choose`).
        average: how many frames are averaged (:meth:`temj.data.Film.average`).
        film: whether a folder is one film and its images the frames.
        allow_partial: whether what can be read of a film that was cut off is predicted.
        area: what counts: ``auto``, ``all``, ``whole`` or a ROI set (:func:`temj.workflows.areas.chosen`).
        calibration_table: table for images that know their magnification only, ``""`` for none
            (:func:`temj.readers.calibration_table.read_calibrations`).
        shape_rule: tells objects apart by their shape, ``""`` not (:func:`temj.workflows.shapes.told_apart`).
        skeleton: whose length and width along the skeleton are measured (:func:`temj.workflows.shapes.thin`).
        populations: whether the populations of the run are written (:mod:`temj.workflows.populations`); they are with
            a ``shape_rule`` too.
    """

    model: str = "loops"
    threshold: str = "auto"
    ellipses: bool = False
    outline: str = "auto"
    probability: bool = False
    classes: bool = False
    tta: bool = False
    input_size: int | None = None
    pixel_size: str = ""
    device: str = "auto"
    fill: bool = False
    frames: str = ""
    average: int = 1
    film: bool = False
    allow_partial: bool = False
    area: str = "auto"
    calibration_table: str = ""
    shape_rule: str = ""
    skeleton: str = "auto"
    populations: bool = False

    def how(self, keep: bool = False) -> inference.How:
        """How the models are asked; ``keep``: whether their answers are kept for another threshold."""
        return inference.How(self.tta, self.input_size, self.device, self.fill, keep, outline=self.outline)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The kinds of results that are written because they are asked for."""
        return tuple(kind for kind in outputs.WANTED if getattr(self, kind))


def checked_models(options: PredictOptions) -> tuple[Model, ...]:
    """The models; threshold, device, outline, pixel size, frames, area and shapes are checked before the work."""
    models = open_models(options.model)
    for model in models:
        model.check(options.threshold, options.device)
    inference.check_outline(models, options.outline)
    if options.pixel_size:
        parse_pixel_size(options.pixel_size)
    if options.calibration_table:
        read_calibrations(options.calibration_table)
    check_frames(options.frames)
    areas.chosen(options.area)
    shapes.check(options.shape_rule, options.skeleton, class_names(models))
    return models


def scaled(micrograph: Micrograph | Film, options: PredictOptions) -> Micrograph | Film:
    """With the pixel size of the calibration table where it has none, and with that of the user if he gave one."""
    if options.calibration_table:
        table = read_calibrations(options.calibration_table)
        one = isinstance(micrograph, Micrograph)
        micrograph = table.calibrate(micrograph) if one else table.calibrate_film(micrograph)
    return micrograph.with_pixel_size(parse_pixel_size(options.pixel_size)) if options.pixel_size else micrograph


def class_names(models: Sequence[Model]) -> tuple[str, ...]:
    """The classes that several models find, each once."""
    return inference.class_names([model.card for model in models])
