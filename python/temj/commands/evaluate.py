"""``temj evaluate``: how well a model, or whatever found objects, agrees with annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from temj.commands.base import Cancelled, Command, Parameters, Progress, TextOrNumber, Values, parameter
from temj.commands.repeat import repeat


def _as_tuple(value: Any) -> Any:
    """A single prediction is one of one."""
    return (value,) if isinstance(value, str) else value


class EvaluateParameters(Parameters):
    """What is compared with what, how, and where the tables and pictures go."""

    truth: Path = parameter(
        ..., "Dataset folder, or annotation file or folder of any format.", role="input_path", positional=True
    )
    prediction: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)] = parameter(
        ...,
        "Result folder of temj predict, annotation file or folder, or a model (name or folder), which then predicts; "
        "several are compared with each other too.",
        positional=True,
    )
    output: Path = parameter(..., "Folder to write.", role="output_folder")
    part: Literal["validation", "test", "train", "all"] = parameter(
        "validation", "Which images of a dataset folder."
    )  # fmt: skip
    images: Path | None = parameter(
        None, "Folder of the images, where the truth is no dataset.", role="input_folder", positional=False
    )
    threshold: TextOrNumber = parameter(
        "auto", "Of a model: probability (0 to 1), the name of one of its thresholds, or auto."
    )
    tta: bool = parameter(False, "A model is asked with test-time augmentation, as in temj predict.", advanced=True)
    input_size: int | None = parameter(
        None, "A model sees the whole field with this longer side, where there is no pixel size.", unit="px", ge=32,
        advanced=True,
    )  # fmt: skip
    iou: float = parameter(0.5, "Objects that overlap more than this are the same one.", ge=0, lt=1)
    overlap: Literal["auto", "outlines", "boxes", "rotated"] = parameter(
        "auto",
        "What of two objects must overlap: their outlines, the upright boxes around them, the rotated ones; auto: "
        "boxes where one side has nothing else.",
    )
    second: Path | None = parameter(
        None,
        "Annotations of the same images by a second person: says whether the machine is further from a person than two "
        "persons from each other.",
        role="input_path",
    )
    size_bins: tuple[Annotated[float, Field(gt=0)], ...] = parameter(
        (),
        "Limits of the sizes by which average precision, recall, precision and errors are parted, such as 10 20 40; "
        "else bins with about as many annotated objects each.",
        unit="nm", advanced=True,
    )  # fmt: skip
    class_map: tuple[str, ...] = parameter(
        (), "Classes of the prediction that have another name in the truth: pore=void dirt=ignore."
    )
    classes: tuple[str, ...] = parameter(
        (), "Names of the classes 1, 2 … of annotations that have numbers only.", advanced=True
    )
    masks: Literal["auto", "classes", "instances"] = parameter(
        "auto", "What the values of annotated label masks are.", advanced=True
    )
    pixel_size: TextOrNumber = parameter(
        "", "Size of a pixel (0.39, 0.39x0.41, 0.0004um); replaces what the images say.", unit="nm", advanced=True
    )
    area: Literal["auto", "all", "whole"] = parameter(
        "auto",
        "What counts of the images, besides ROIs named area and exclude: auto (without info bar, scale bar, text, "
        "blank borders, dead pixels, saturated streaks), all (also without vacuum, holes, saturated regions), whole.",
        advanced=True,
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = parameter("auto", "Where a model runs.", advanced=True)
    pictures: int = parameter(20, "Overlays and panels of so many images, the worst first.", ge=0, advanced=True)
    overwrite: bool = parameter(False, "Replace the files of an earlier evaluation.", advanced=True)


_OPTIONS = set(EvaluateParameters.model_fields) - {"truth", "prediction", "output"}


def run(parameters: EvaluateParameters, _inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Compare, and write tables and pictures."""
    from temj.workflows.evaluate_images import EvaluateOptions
    from temj.workflows.evaluate_several import evaluate_all

    return evaluate_all(
        parameters.truth,
        parameters.prediction,
        parameters.output,
        EvaluateOptions(**{name: getattr(parameters, name) for name in _OPTIONS}),
        repeat(COMMAND, parameters.model_copy(update={"overwrite": False})),
        progress=progress,
        cancelled=cancelled,
    )


def account(outputs: Values) -> str:
    """The figures with their intervals, what to know of them, and where the files are."""
    from temj.workflows.evaluate_report import evaluation_account

    return evaluation_account(outputs)


COMMAND = Command(
    name="evaluate",
    summary="Compare what a model found with annotations: figures with intervals, pictures, a curve.",
    parameters=EvaluateParameters,
    run=run,
    account=account,
)
