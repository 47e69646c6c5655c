"""``temj predict`` and ``TEMJ Predict...``: find objects with a model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands import shapes
from temj.commands.base import Cancelled, Command, Parameters, Progress, TextOrNumber, Values, hinted, parameter
from temj.commands.repeat import repeat
from temj.commands.shapes import ShapeRule
from temj.errors import BadValue


class PredictParameters(Parameters):
    """What to find, in which micrographs, and where the results go."""

    images: tuple[Path, ...] = parameter((), "Micrographs to predict.", role="input_files", where="cli")
    model: str = parameter(
        "loops", "Name of an installed model, or a model folder; several with commas between them.", role="model"
    )
    threshold: TextOrNumber = parameter(
        "auto",
        "Probability that a pixel, or of a detector score that an object, must exceed (0 to 1), the name of one of the "
        "model's thresholds, or auto.",
    )
    ellipses: bool = parameter(False, "Also give the fitted ellipse of each object.")
    probability: bool = hinted(
        "map",
        parameter(
            False, "Also give a map of the probability of each class (32-bit); of a detector its objects' scores."
        ),
    )
    classes: bool = hinted(
        "map", parameter(False, "Also give a map of the class of each pixel (8-bit, in the classes' colours).")
    )
    shape_rule: ShapeRule = shapes.shape_rule()
    output: Path | None = parameter(None, "Folder for the results.", role="output_folder")
    pixel_size: TextOrNumber = parameter(
        "",
        "Size of a pixel (0.39, 0.39x0.41, 0.0004um); replaces what the image says.",
        unit="nm",
        advanced=True,
    )
    calibration_table: str = parameter(
        "",
        "Table (.csv) of microscope, mode, magnification, binning, nm_per_px, error_percent for files that know only "
        "their magnification.",
        role="input_file",
        where="cli",
        advanced=True,
    )
    input_size: int | None = parameter(
        None,
        "Resize the whole field so that its longer side has so many pixels, where image or model has no pixel size; "
        "left out: what the model says.",
        unit="px",
        advanced=True,
        ge=32,
        le=32768,
    )
    tta: bool = hinted(
        "(test-time augmentation)",
        parameter(
            False,
            "Test-time augmentation: the mean over the mirror images and quarter turns that the model's task allows; "
            "up to 8 times the time.",
            advanced=True,
        ),
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = parameter("auto", "Where the network runs.", advanced=True)
    frames: str = parameter(
        "",
        "Which frames of a film: 10-200, 10-200-5 (every fifth), 10- (to the end) or 7,9,25, counted from 1.",
        where="cli",
        advanced=True,
    )
    average: int = parameter(
        1, "Average so many frames of a film, one after the other.", where="cli", advanced=True, ge=1
    )
    film: bool = parameter(False, "A folder is one film, its images are the frames.", where="cli", advanced=True)
    allow_partial: bool = parameter(
        False,
        "Predict what can be read of a film that was cut off; else it is refused.",
        where="cli",
        advanced=True,
    )
    outline: Literal["auto", "box", "ellipse"] = hinted(
        "of box detectors",
        parameter(
            "auto",
            "Objects of a detector of boxes: the box, the ellipse fitted to the defect in it, or auto (ellipses of "
            "upright boxes; rotated boxes as they are).",
            advanced=True,
        ),
    )
    area: str = parameter(
        "auto",
        "What counts: auto (without info bar, scale bar, text, blank borders, dead pixels, saturated streaks), all "
        "(also without vacuum, holes, saturated regions), whole, or a ROI set with ROIs named area or exclude.",
        advanced=True,
    )
    fill: bool = parameter(False, "Fill pixels that are NaN or infinite; else such images are refused.", advanced=True)
    manager: Literal["auto", "yes", "no"] = parameter(
        "auto",
        "Add the objects to the ROI Manager and the Results table; auto: up to 1,000 objects.",
        where="imagej",
        advanced=True,
    )
    skeleton: str = shapes.skeleton()
    populations: bool = parameter(
        False,
        "Also give counts, sizes, projected area fractions and histograms of each class (always with a shape rule).",
        advanced=True,
    )
    report: Literal["auto", "yes", "no"] = parameter(
        "auto",
        "Also make a report (report.html) in the folder for the results; auto: where a folder of images was predicted.",
        advanced=True,
    )
    overwrite: bool = parameter(False, "Replace results of an earlier run.", advanced=True)
    resume: bool = parameter(
        False, "Skip images whose results are there from the same run.", where="cli", advanced=True
    )


_OPTIONS = {
    "model", "threshold", "ellipses", "outline", "pixel_size", "device", "fill", "frames", "average", "film",
    "allow_partial", "area", "calibration_table", "probability", "classes", "tta", "input_size",
    "shape_rule", "skeleton", "populations",
}  # fmt: skip
"""The parameters that decide about results: :class:`temj.workflows.predict.PredictOptions`."""


_OF_FILMS = ("frames", "average", "film", "allow_partial")


def run(parameters: PredictParameters, inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Predict files (``images``), or the micrograph among the inputs; then, where it is wanted, report the run."""
    if parameters.report == "yes" and parameters.output is None:
        raise BadValue("missing", where="output", expected="an output folder for the report", remedy="Name one.")
    found = _found(parameters, inputs, progress, cancelled)
    if not _is_reported(parameters):
        return found
    from temj.workflows.report import with_report

    progress("Writing the report", 1, 1)
    return with_report(found, parameters.output)


def _is_reported(parameters: PredictParameters) -> bool:
    """Whether a report was asked for, or a folder of several images was predicted."""
    if parameters.report != "auto":
        return parameters.report == "yes"
    from temj.workflows.inputs import find_images

    return len(find_images(parameters.images, parameters.film)) > len(parameters.images) if parameters.images else False


def _found(parameters: PredictParameters, inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    from temj.workflows.predict import predict_micrograph
    from temj.workflows.predict_files import predict_files

    options = parameters.model_dump(include=_OPTIONS)
    again = repeat(COMMAND, parameters, files="micrograph" not in inputs)
    if any(getattr(parameters, name) != PredictParameters.model_fields[name].default for name in _OF_FILMS):
        again.pop("macro_line", None)  # a macro works on the image that is open and could not repeat this
    if "micrograph" in inputs:
        return predict_micrograph(
            inputs["micrograph"],
            options,
            parameters.output,
            parameters.overwrite,
            again,
            area_rois=inputs.get("area_rois"),
            progress=progress,
            cancelled=cancelled,
        )
    if not parameters.images or parameters.output is None:
        missing = "output" if parameters.images else "images"
        raise BadValue("missing", where=missing, expected="image files and an output folder", remedy="Name both.")
    existing = "overwrite" if parameters.overwrite else "resume" if parameters.resume else "refuse"
    return predict_files(
        parameters.images,
        options,
        parameters.output,
        existing,
        again,
        progress=progress,
        cancelled=cancelled,
    )


def account(outputs: Values) -> str:
    """Count, density and diameter in words, and where the files are."""
    from temj.workflows.account import prediction_account

    return prediction_account(outputs)


COMMAND = Command(
    name="predict",
    summary="Find objects in micrographs with a model; write ROIs and measurements.",
    parameters=PredictParameters,
    run=run,
    account=account,
    menu="TEMJ Predict...",
    inputs=("micrograph",),
)
