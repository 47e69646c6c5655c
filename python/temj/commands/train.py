"""``temj train``: a dataset folder in, a model folder out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter
from temj.commands.repeat import repeat


class TrainParameters(Parameters):
    """What is learned, how long, and where the model goes."""

    dataset: Path = parameter(
        ..., "Dataset folder (images/, masks/ or <stem>_RoiSet.zip, dataset.json).", role="input_folder"
    )
    core: Literal["semantic"] = parameter("semantic", "Kind of network.")
    output: Path = parameter(..., "Model folder to make.", role="output_folder")
    epochs: int | None = parameter(
        None, "Passes over the training data (100 where minutes are not given either).", ge=1
    )
    minutes: float | None = parameter(
        None, "Length of the training; fixed as a number of steps after a warm-up.", unit="min", gt=0
    )
    seed: int = parameter(0, "Seed of everything random.", ge=0)
    device: Literal["auto", "cpu", "cuda", "mps"] = parameter("auto", "Where the network learns.")
    resume: bool = parameter(False, "Go on with the unfinished training in the output folder.")
    overwrite: bool = parameter(False, "Replace the model in the output folder.", advanced=True)
    architecture: str = parameter("Unet", "Network, by its name in segmentation-models-pytorch.", advanced=True)
    encoder: str = parameter("resnet18", "Encoder, by its name in segmentation-models-pytorch.", advanced=True)
    channels: str = parameter("gray", "What the network sees: gray, gray+clahe+gaussian, detectors:2.", advanced=True)
    augmentation: tuple[str, ...] = parameter(
        (), "What happens to crops, such as inversion=0.5 (share of crops) or scale.factor=0.8..1.25.", advanced=True
    )
    area: Literal["auto", "all", "whole"] = parameter(
        "auto",
        "What counts of the images, besides their ROIs named area and exclude: auto (without info bar, scale bar, "
        "text, blank borders, dead pixels, saturated streaks), all (also without vacuum, holes, saturated regions), "
        "whole.",
        advanced=True,
    )
    patience: int | None = parameter(
        None, "Validations without a gain after which it stops early.", advanced=True, ge=1
    )
    threads: int | None = parameter(None, "CPU threads; equal weights need equal threads.", advanced=True, ge=1)
    description: str = parameter("", "What the model finds, for its card.", advanced=True)


def run(parameters: TrainParameters, _inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Train and give a table of the model's validation metrics."""
    from temj.workflows.train import train_model

    lines = repeat(COMMAND, parameters.model_copy(update={"resume": False, "overwrite": False}))
    return train_model(parameters.model_dump(), lines, progress=progress, cancelled=cancelled)


def account(outputs: Values) -> str:
    """The metrics of the new model and where it is."""
    from temj.workflows.account import training_account

    return training_account(outputs)


COMMAND = Command(
    name="train",
    summary="Train a model on a dataset folder.",
    parameters=TrainParameters,
    run=run,
    account=account,
)
