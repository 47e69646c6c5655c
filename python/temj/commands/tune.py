"""``temj tune``: the confidence of a model with the highest F1 on one's own images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter
from temj.commands.repeat import repeat
from temj.evaluation.tried import CONFIDENCES, IOUS


class TuneParameters(Parameters):
    """Which model, on which images, and which grid."""

    model: str = parameter(..., "Model: a name of 'temj models', or its folder.", role="model", positional=True)
    dataset: Path = parameter(
        ..., "Dataset folder with annotated images that the model's test is not of.", role="input_folder"
    )
    output: Path = parameter(..., "Model folder to make.", role="output_folder")
    part: Literal["validation", "train"] = parameter("validation", "Which images of the dataset.")
    confidences: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = parameter(
        CONFIDENCES, "Confidences to try: the score of an object, or the probability of a pixel, must be above."
    )
    ious: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = parameter(
        IOUS, "Match IoUs to try: objects that overlap more are the same one."
    )
    per_class: bool = parameter(False, "Choose a threshold for each class too, at the same match IoU.")
    default_threshold: str = parameter(
        "", "Name of the model's default threshold from then on, such as auto or area; else what was tuned."
    )
    overlap: Literal["auto", "outlines", "boxes", "rotated"] = parameter(
        "auto", "What of two objects must overlap, as for temj evaluate.", advanced=True
    )
    area: Literal["auto", "all", "whole"] = parameter(
        "auto", "What counts of the images, as for temj evaluate: auto, all or whole.", advanced=True
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = parameter("auto", "Where the model runs.", advanced=True)
    overwrite: bool = parameter(False, "Replace the model in the output folder.", advanced=True)


def run(parameters: TuneParameters, _inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Search the grid, write the model."""
    from temj.workflows.tune import tune

    line = repeat(COMMAND, parameters.model_copy(update={"overwrite": False}))["command_line"]
    return tune(parameters.model_dump(), line, progress, cancelled)


def account(outputs: Values) -> str:
    """The chosen point, the best confidence at each match IoU, and where the files are."""
    from temj.workflows.tune_account import tuning_account

    return tuning_account(outputs)


COMMAND = Command(
    name="tune",
    summary="Choose a model's confidence by a grid of confidence and match IoU for the highest F1.",
    parameters=TuneParameters,
    run=run,
    account=account,
)
