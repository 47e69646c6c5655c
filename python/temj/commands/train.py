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
    core: Literal["semantic", "threshold", "watershed", "blobs", "forest"] = parameter(
        "semantic",
        "What learns: a network (semantic), or a classical method that is fitted in seconds (threshold, watershed, "
        "blobs, forest).",
    )
    output: Path = parameter(..., "Model folder to make.", role="output_folder")
    epochs: int | None = parameter(
        None, "Passes over the training data (100 where minutes are not given either).", ge=1
    )
    minutes: float | None = parameter(
        None, "Length of the training; fixed as a number of steps after a warm-up.", unit="min", gt=0
    )
    seed: int = parameter(0, "Seed of everything random.", ge=0)
    device: Literal["auto", "cpu", "cuda", "mps"] = parameter("auto", "Where the network learns.")
    start: str = parameter(
        "random",
        "Start weights: random, imagenet, a file or https://…#sha256=… of an encoder (MicroNet), or a TEMJ model.",
    )
    input_size: int | None = parameter(
        None, "Longer side that every image is brought to as a whole, where there is no pixel size.", unit="px", ge=32
    )
    resume: bool = parameter(False, "Go on with the unfinished training in the output folder.")
    overwrite: bool = parameter(False, "Replace the model in the output folder.", advanced=True)
    architecture: str = parameter("Unet", "Network, by its name in segmentation-models-pytorch.", advanced=True)
    encoder: str = parameter("resnet18", "Encoder, by its name in segmentation-models-pytorch.", advanced=True)
    encoder_depth: int = parameter(
        5, "How often the encoder halves the image: 4 makes a smaller network that sees less around.", advanced=True,
        ge=3, le=5,
    )  # fmt: skip
    freeze: str = parameter("0", "Epochs in which the encoder stays as it started; all for good.", advanced=True)
    channels: str = parameter("gray", "What the network sees: gray, gray+clahe+gaussian, detectors:2.", advanced=True)
    mode: Literal["exclusive", "multilabel"] = parameter(
        "exclusive", "Whether a pixel has one class at most, or classes may overlap.", advanced=True
    )
    instances: Literal["none", "split", "valleys", "distance", "boundary"] = parameter(
        "split",
        "How objects that touch are told apart: none, split at necks, at valleys of the probability, by learned "
        "distance to the edge, by learned boundary.",
        advanced=True,
    )
    loss: str = parameter("bce+dice", "Losses, added up: bce, dice, focal, tversky, boundary.", advanced=True)
    method: str = parameter(
        "auto",
        "Of threshold and watershed: otsu, li, imagej:MaxEntropy, local-mean …; of blobs: log, dog, doh; auto chooses.",
        advanced=True,
    )
    polarity: Literal["auto", "dark", "bright"] = parameter(
        "auto", "Of threshold, watershed and blobs: what objects are against the background; auto chooses.",
        advanced=True,
    )  # fmt: skip
    min_pixels: int = parameter(0, "Objects of fewer pixels of the model are left out.", unit="px", advanced=True, ge=0)
    batch: int = parameter(8, "Crops of a step.", advanced=True, ge=1)
    crop: int = parameter(192, "Side of the crops.", unit="px", advanced=True, ge=32)
    object_share: float = parameter(0.6, "Share of crops that are centred near an object.", advanced=True, ge=0, le=1)
    accumulate: int = parameter(1, "Batches whose gradients make one step.", advanced=True, ge=1)
    optimizer: str = parameter("adamw", "Optimiser: adamw, adam, nadam, radam, rmsprop, sgd.", advanced=True)
    schedule: str = parameter(
        "one-cycle", "Learning rate over time: one-cycle, cosine, step, poly, constant.", advanced=True
    )
    learning_rate: float | None = parameter(
        None, "Highest learning rate; the optimiser's own by default.", advanced=True, gt=0
    )
    encoder_rate: float = parameter(
        1.0, "Learning rate of the encoder as a share of the others'.", advanced=True, gt=0, le=10
    )
    weight_decay: float | None = parameter(None, "The optimiser's own by default.", advanced=True, ge=0)
    ema: float = parameter(0.99, "Decay of the running mean of the weights.", advanced=True, ge=0, lt=1)
    validations: int = parameter(30, "About how often it is validated.", advanced=True, ge=1)
    precision: Literal["auto", "bfloat16", "float16", "float32"] = parameter(
        "auto", "Arithmetic of the layers.", advanced=True
    )
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
    folds: int | None = parameter(
        None, "Parts of a cross-validation: trained so many times, each judged on one part.", advanced=True, ge=2
    )
    members: Literal["all", "best"] = parameter(
        "all", "Networks that the model of a cross-validation has: all (an ensemble) or that of the best fold.",
        advanced=True,
    )  # fmt: skip
    patience: int | None = parameter(
        None, "Validations without a gain after which it stops early.", advanced=True, ge=1
    )
    tensorboard: bool = parameter(False, "Write the curve for TensorBoard too.", advanced=True)
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
