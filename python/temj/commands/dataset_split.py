"""``temj dataset split``: which images train, validate and test."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter


class DatasetSplitParameters(Parameters):
    """Which dataset is split, and how."""

    dataset: Path = parameter(..., "Dataset folder; the split is written into its dataset.json.", role="input_folder")
    by: Literal["image", "group"] = parameter("image", "What stays together: images, or groups (a sample, a film).")
    fractions: tuple[float, ...] = parameter((0.75, 0.25), "Shares for train, validation and, if wanted, test.")
    folds: int = parameter(0, "Parts for cross-validation; 0 for none.", ge=0)
    stratify: bool = parameter(False, "Give each part its share of the objects of every class.")
    seed: int = parameter(0, "Seed; the same one gives the same split.", ge=0)
    group_pattern: str = parameter("", "Regular expression that finds the group in a file name.")
    sheet: Path | None = parameter(None, "Sample sheet that says the groups.", role="input_file")
    column: str = parameter("sample", "Column of the sample sheet that says the groups.")
    overwrite: bool = parameter(False, "Replace the split that is there.", advanced=True)


def run(parameters: DatasetSplitParameters, _inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """Split it and write the split down."""
    from temj.datasets import SplitRule
    from temj.workflows.dataset import split_dataset

    rule = SplitRule(
        parameters.by == "group", parameters.fractions, parameters.folds, parameters.stratify, parameters.seed
    )
    return split_dataset(
        parameters.dataset,
        rule,
        group_pattern=parameters.group_pattern,
        sheet=parameters.sheet,
        column=parameters.column,
        overwrite=parameters.overwrite,
    )


def account(outputs: Values) -> str:
    """Images and objects of each part."""
    from temj.workflows.dataset import split_account

    return split_account(outputs)


COMMAND = Command(
    name="dataset split",
    summary="Split a dataset into training, validation and test, by image or group; write it down.",
    parameters=DatasetSplitParameters,
    run=run,
    account=account,
)
