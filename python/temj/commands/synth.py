"""``temj synth``: datasets of synthetic micrographs and films with exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, TextOrNumber, Values, parameter
from temj.commands.repeat import repeat
from temj.synthetic import KINDS


class SynthParameters(Parameters):
    """What is made, how many, and where it goes."""

    kind: Literal[*KINDS] = parameter(..., f"Kind of micrograph: {', '.join(KINDS)}.")
    output: Path = parameter(..., "Dataset folder to make.", role="output_folder")
    number: int = parameter(10, "Number of images, or of films.", ge=1, le=100_000)
    seed: int = parameter(0, "Seed of everything random; equal seeds give equal images.", ge=0)
    width: int | None = parameter(None, "Width and height of the images; the kind's own by default.", unit="px", ge=64)
    pixel_size: TextOrNumber = parameter("", "Size of a pixel (0.39, 0.0004um); the kind's own by default.", unit="nm")
    settings: tuple[str, ...] = parameter(
        (), "Further settings of the kind as name=value, such as dose=20 g=2,0,0; docs/synthetic.md lists them."
    )
    overwrite: bool = parameter(False, "Replace the files of an earlier run.", advanced=True)


def run(parameters: SynthParameters, _inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Make the dataset."""
    from temj.workflows.synth import make_dataset

    lines = repeat(COMMAND, parameters.model_copy(update={"overwrite": False}))
    return make_dataset(parameters.model_dump(), lines, progress=progress, cancelled=cancelled)


def account(outputs: Values) -> str:
    """How many images and objects, and where."""
    from temj.workflows.synth import account as told

    return told(outputs)


COMMAND = Command(
    name="synth",
    summary="Make synthetic micrographs or films with exact truth, as a dataset.",
    parameters=SynthParameters,
    run=run,
    account=account,
)
