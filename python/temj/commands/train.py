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
    core: Literal["semantic", "boxes", "masks", "rotated", "threshold", "watershed", "blobs", "forest"] = parameter(
        "semantic",
        "What learns: a network that tells the class of each pixel (semantic) or finds objects one by one (boxes, "
        "masks, rotated boxes), or a classical method that is fitted in seconds (threshold, watershed, blobs, forest).",
    )
    output: Path = parameter(..., "Model folder to make.", role="output_folder")
    epochs: int | None = parameter(
        None, "Passes over the training data (100 where minutes are not given either).", ge=1
    )
    steps: int | None = parameter(None, "Steps of the optimiser, in place of epochs.", ge=1, advanced=True)
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
    field_of_view: str | None = parameter(
        None,
        "Side of the fields that are brought to one crop, such as 400nm: sets the pixel size of the model to this by "
        "the crop.",
    )
    recipe: str | None = parameter(
        None,
        "A published training by name: shen2021 (boxes), salvador2026 (masks, boxes). Options given besides win.",
    )
    resume: bool = parameter(False, "Go on with the unfinished training in the output folder.")
    overwrite: bool = parameter(False, "Replace the model in the output folder.", advanced=True)
    architecture: str | None = parameter(
        None, "Network of the semantic core, by its name in segmentation-models-pytorch (Unet).", advanced=True
    )
    encoder: str | None = parameter(
        None, "Encoder, by its name in segmentation-models-pytorch (resnet18).", advanced=True
    )
    encoder_depth: int | None = parameter(
        None, "How often the encoder halves the image (5): 4 makes a smaller network that sees less around.",
        advanced=True, ge=3, le=5,
    )  # fmt: skip
    freeze: str = parameter("0", "Epochs in which the encoder stays as it started; all for good.", advanced=True)
    channels: str | None = parameter(
        None, "What the network sees (gray): gray, gray+clahe+gaussian, detectors:2.", advanced=True
    )
    mode: Literal["exclusive", "multilabel"] | None = parameter(
        None, "Of the semantic core: whether a pixel has one class at most (exclusive), or classes may overlap.",
        advanced=True,
    )  # fmt: skip
    instances: Literal["none", "split", "valleys", "distance", "boundary"] | None = parameter(
        None,
        "Of the semantic core: how objects that touch are told apart: none, split at necks (as by default), at valleys "
        "of the probability, by learned distance to the edge, by learned boundary.",
        advanced=True,
    )
    loss: str | None = parameter(
        None, "Losses of the semantic core, added up (bce+dice): bce, dice, focal, tversky, boundary.", advanced=True
    )
    method: str | None = parameter(
        None,
        "Of threshold and watershed: otsu, li, imagej:MaxEntropy, local-mean …; of blobs: log, dog, doh; auto chooses.",
        advanced=True,
    )
    polarity: Literal["auto", "dark", "bright"] | None = parameter(
        None, "Of threshold, watershed and blobs: what objects are against the background; auto chooses.",
        advanced=True,
    )  # fmt: skip
    min_pixels: int | None = parameter(
        None, "Objects of fewer pixels of the model are left out.", unit="px", advanced=True, ge=0
    )
    pyramid: Literal["yes", "no"] | None = parameter(
        None, "Of detectors: whether objects are looked for in a feature pyramid (yes), or in the last stage alone.",
        advanced=True,
    )  # fmt: skip
    finest: int | None = parameter(
        None, "Of detectors: pixels per pixel of the finest level of the pyramid (4): 2, 4 or 8.", unit="px",
        advanced=True,
    )  # fmt: skip
    width: int | None = parameter(None, "Of detectors: channels of each level (128).", advanced=True)
    head: int | None = parameter(None, "Of detectors: width of the layers that look at each box (256).", advanced=True)
    norm: Literal["batch", "group"] | None = parameter(
        None, "Of detectors: batch norm, or group norm, which does not depend on the batch.", advanced=True
    )
    anchor_sizes: str | None = parameter(
        None,
        "Of detectors: sizes of the boxes that are tried, such as 4nm,8nm,16nm or 8px,16px; from the data by default.",
        advanced=True,
    )
    aspect_ratios: str | None = parameter(
        None,
        "Of detectors: their height / width (of rotated ones width / length), such as 0.5,1,2; from the data by "
        "default.",
        advanced=True,
    )
    angles: int | None = parameter(None, "Of rotated boxes: how many angles are tried (6).", advanced=True)
    max_objects: int | None = parameter(
        None, "Of detectors: most objects in one pass of the network, an image or a tile (2000).", advanced=True
    )
    proposals: int | None = parameter(
        None, "Of detectors: most boxes of an image that are looked at closely (2000).", advanced=True
    )
    nms: Literal["class", "agnostic", "soft"] | None = parameter(
        None, "Of detectors: overlapping boxes are one object within a class, of any class, or only lose score (soft).",
        advanced=True,
    )  # fmt: skip
    nms_iou: float | None = parameter(
        None, "Of detectors: IoU of boxes from which on they are one object (0.5).", advanced=True
    )
    batch: int | None = parameter(None, "Crops of a step (8; detectors 4).", advanced=True, ge=1)
    crop: int | None = parameter(None, "Side of the crops (192; detectors 256).", unit="px", advanced=True, ge=32)
    object_share: float | None = parameter(
        None, "Share of crops that are centred near an object (0.6).", advanced=True, ge=0, le=1
    )
    accumulate: int = parameter(1, "Batches whose gradients make one step.", advanced=True, ge=1)
    optimizer: str | None = parameter(
        None, "Optimiser (adamw): adamw, adam, nadam, radam, rmsprop, sgd.", advanced=True
    )
    schedule: str | None = parameter(
        None, "Learning rate over time (one-cycle): one-cycle, cosine, step, step:20000, poly, constant.", advanced=True
    )
    learning_rate: float | None = parameter(
        None, "Highest learning rate; what suits the optimiser and the core by default.", advanced=True, gt=0
    )
    encoder_rate: float = parameter(
        1.0, "Learning rate of the encoder as a share of the others'.", advanced=True, gt=0, le=10
    )
    weight_decay: float | None = parameter(None, "The optimiser's own by default.", advanced=True, ge=0)
    ema: float | None = parameter(
        None, "Decay of the running mean of the weights (0.99); 0 keeps the weights themselves.", advanced=True, ge=0,
        lt=1,
    )  # fmt: skip
    validations: int = parameter(30, "About how often it is validated.", advanced=True, ge=1)
    precision: Literal["auto", "bfloat16", "float16", "float32"] = parameter(
        "auto", "Arithmetic of the layers.", advanced=True
    )
    deterministic: Literal["yes", "no"] = parameter(
        "yes",
        "Whether a GPU takes only algorithms that give the same bits every time, as far as there are any (slower); a "
        "CPU always does, boxes and masks on a GPU never can.",
        advanced=True,
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
