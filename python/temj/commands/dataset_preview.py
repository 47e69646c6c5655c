"""``temj dataset preview``: a picture of what the network will see of a dataset."""

from __future__ import annotations

from pathlib import Path

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter


class DatasetPreviewParameters(Parameters):
    """Which dataset, and what of a training's settings shapes the crops."""

    dataset: Path = parameter(..., "Dataset folder.", role="input_folder")
    output: Path | None = parameter(
        None, "Picture (.png) to write; <dataset>_preview.png where it is not given.", role="output_file"
    )
    number: int = parameter(24, "About how many changed crops.", ge=1, le=200)
    seed: int = parameter(0, "Seed of everything random.", ge=0)
    channels: str = parameter("gray", "What the network sees: gray, gray+clahe+gaussian, detectors:2.")
    augmentation: tuple[str, ...] = parameter(
        (), "What happens to crops, such as inversion=0.5 (share of crops) or scale.factor=0.8..1.25."
    )
    overwrite: bool = parameter(False, "Replace the picture.", advanced=True)


def run(parameters: DatasetPreviewParameters, _inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """Draw the picture."""
    from temj.workflows.preview import preview_dataset

    options = {"channels": parameters.channels, "augmentation": parameters.augmentation}
    return preview_dataset(
        parameters.dataset,
        parameters.output,
        parameters.number,
        parameters.seed,
        options,
        overwrite=parameters.overwrite,
    )


def account(outputs: Values) -> str:
    """What may happen to crops, and where the picture is."""
    from temj.workflows.preview import preview_account

    return preview_account(outputs)


COMMAND = Command(
    name="dataset preview",
    summary="Draw what a network will see of a dataset: crops before and after augmentation.",
    parameters=DatasetPreviewParameters,
    run=run,
    account=account,
)
