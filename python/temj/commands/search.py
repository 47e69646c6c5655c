"""``temj search``: many short trainings, the best of which becomes a model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter
from temj.commands.repeat import repeat


class SearchParameters(Parameters):
    """What is searched, how, and where the results go."""

    dataset: Path = parameter(
        ..., "Dataset folder (images/, masks/ or <stem>_RoiSet.zip, dataset.json).", role="input_folder"
    )
    core: Literal["semantic", "boxes", "masks", "rotated"] = parameter(
        "semantic", "What learns: a network that tells the class of each pixel, or one that finds objects one by one."
    )
    output: Path = parameter(..., "Folder to make: trials.csv, trials.png, model/.", role="output_folder")
    space: tuple[str, ...] = parameter(
        ...,
        "Settings with their values or ranges, such as learning_rate=1e-4..1e-2:log crop=128,192 encoder=resnet18, "
        "or a JSON file; docs/search.md lists them.",
    )
    trials: int = parameter(20, "Number of trainings; a grid ends with its last combination.", ge=1, le=10_000)
    method: Literal["random", "grid"] = parameter("random", "How settings are chosen: random, or all combinations.")
    epochs: int | None = parameter(None, "Passes over the training data in each trial.", ge=1)
    minutes: float | None = parameter(None, "Length of each trial.", unit="min", gt=0)
    folds: int | None = parameter(None, "Parts for a cross-validation in each trial.", ge=2)
    objective: Literal[
        "object_f1", "iou", "dice", "pixel_precision", "pixel_recall", "pr_auc", "roc_auc", "ap50", "ap50_95",
        "area_error", "count_error", "diameter_error",
    ] = parameter("object_f1", "What makes a trial good, on the validation images; of errors the size.")  # fmt: skip
    drop: Literal["median", "halving", "no"] = parameter(
        "median",
        "Which trials end early: median (worse than the median at the same part of the run), halving (not among the "
        "better half at 20, 40 and 80 %), no.",
    )
    final: tuple[str, ...] = parameter(
        (),
        "Train the best settings anew with these changes, such as epochs=200; else the best trial's model is kept.",
    )
    recipe: str | None = parameter(
        None, "A published training whose settings all trials have where nothing is searched, as for temj train."
    )
    seed: int = parameter(0, "Seed of everything random.", ge=0)
    device: Literal["auto", "cpu", "cuda", "mps"] = parameter("auto", "Where the networks learn.")
    resume: bool = parameter(False, "Go on with the search in the output folder; more trials may be asked for.")
    overwrite: bool = parameter(False, "Replace the search in the output folder.", advanced=True)
    augmentation: tuple[str, ...] = parameter(
        (), "What happens to crops in all trials, such as inversion=0.5 or scale.factor=0.8..1.25.", advanced=True
    )
    area: Literal["auto", "all", "whole"] = parameter(
        "auto", "What counts of the images, as for temj train: auto, all or whole.", advanced=True
    )
    threads: int | None = parameter(None, "CPU threads; equal weights need equal threads.", advanced=True, ge=1)


def run(parameters: SearchParameters, _inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Search and give the table of trials."""
    from temj.workflows.search import search_settings

    lines = repeat(COMMAND, parameters.model_copy(update={"resume": False, "overwrite": False}))
    return search_settings(parameters.model_dump(), lines, progress=progress, cancelled=cancelled)


def account(outputs: Values) -> str:
    """The trials, the best first, and where the model is."""
    from temj.workflows.search import search_account

    return search_account(outputs)


COMMAND = Command(
    name="search",
    summary="Search good settings for a training: many short trials, the best becomes a model.",
    parameters=SearchParameters,
    run=run,
    account=account,
)
