"""``temj calibrate``: thresholds of a model, chosen anew on one's own images."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter
from temj.commands.repeat import repeat


class CalibrateParameters(Parameters):
    """Which model, on which images, and how its answer is read."""

    dataset: Path = parameter(
        ..., "Dataset folder with validation images that the model was not trained on.", role="input_folder"
    )
    model: str = parameter(..., "Model: a name of 'temj models', or its folder.", role="model")
    output: Path = parameter(..., "Model folder to make.", role="output_folder")
    instances: Literal["none", "split", "valleys"] | None = parameter(
        None, "How objects that touch are told apart; as the model does by default.", advanced=True
    )
    min_pixels: int | None = parameter(
        None, "Objects of fewer pixels of the model are left out; as the model does by default.", unit="px",
        advanced=True, ge=0,
    )  # fmt: skip
    nms: Literal["class", "agnostic", "soft"] | None = parameter(
        None, "Of detectors: overlapping boxes are one object within a class, of any class, or only lose score (soft); "
        "as the model does by default.", advanced=True,
    )  # fmt: skip
    nms_iou: float | None = parameter(
        None, "Of detectors: IoU of boxes from which on they are one object; as the model does by default.",
        advanced=True, ge=0, le=1,
    )  # fmt: skip
    overwrite: bool = parameter(False, "Replace the model in the output folder.", advanced=True)


def run(parameters: CalibrateParameters, _inputs: Values, progress: Progress, _cancelled: Cancelled) -> Values:
    """Choose thresholds, write the model."""
    from temj.workflows.calibrate import calibrate

    line = repeat(COMMAND, parameters.model_copy(update={"overwrite": False}))["command_line"]
    return calibrate(parameters.model_dump(), line, progress)


def account(outputs: Values) -> str:
    """The figures of the model on these images, and where it is."""
    from temj.workflows.account import training_account

    return training_account(outputs)


COMMAND = Command(
    name="calibrate",
    summary="Choose the thresholds of a model anew on your own annotated images.",
    parameters=CalibrateParameters,
    run=run,
    account=account,
)
