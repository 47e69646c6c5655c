"""``temj dataset check``: all problems of a dataset at once, and pictures of it."""

from __future__ import annotations

from pathlib import Path

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter
from temj.commands.repeat import repeat


class DatasetCheckParameters(Parameters):
    """Which dataset, and where tables and pictures go."""

    dataset: Path = parameter(..., "Dataset folder.", role="input_folder")
    output: Path | None = parameter(
        None, "Folder for the contact sheet, the charts and the tables.", role="output_folder"
    )
    strict: bool = parameter(False, "Count warnings as errors.")
    overwrite: bool = parameter(False, "Replace the results of an earlier check.", advanced=True)


def run(parameters: DatasetCheckParameters, _inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Check it; problems that are errors are the table ``failures``."""
    from temj.workflows.dataset_check import check_dataset

    return check_dataset(
        parameters.dataset,
        parameters.output,
        parameters.strict,
        repeat(COMMAND, parameters),
        overwrite=parameters.overwrite,
        progress=progress,
        cancelled=cancelled,
    )


def account(outputs: Values) -> str:
    """Objects of each class, and all problems with what to do."""
    from temj.workflows.dataset_check import check_account

    return check_account(outputs)


COMMAND = Command(
    name="dataset check",
    summary="List all problems of a dataset, with counts, sizes and a contact sheet.",
    parameters=DatasetCheckParameters,
    run=run,
    account=account,
)
