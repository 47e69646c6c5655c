"""``File > Open Samples > TEMJ ...``: a micrograph or film with its true objects as Overlay."""

from __future__ import annotations

from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter

REAL = "316L-loops"
TITLES = {
    REAL: "TEMJ Dislocation Loops (316L, real)",
    "loops": "TEMJ Synthetic Dislocation Loops",
    "black-dots": "TEMJ Synthetic Black Dots",
    "dark-field": "TEMJ Synthetic Dark-Field Loops",
    "nanopores": "TEMJ Synthetic Nanopores",
    "voids": "TEMJ Synthetic Voids",
    "nanocracks": "TEMJ Synthetic Nanocracks",
    "vesicles": "TEMJ Synthetic Vesicles",
    "nanorods": "TEMJ Synthetic Nanorods",
    "film": "TEMJ Synthetic Film",
}
"""Sample of :data:`temj.workflows.samples.SAMPLES` → its name in the menu."""


class SampleParameters(Parameters):
    """Which sample."""

    sample: Literal[*TITLES] = parameter(..., "Which sample is opened.")
    seed: int = parameter(1, "Another number makes another synthetic image of the kind.", ge=0)


def run(parameters: SampleParameters, _inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """Make or read the sample."""
    from temj.workflows.samples import open_sample

    return open_sample(parameters.sample, parameters.seed)


def account(outputs: Values) -> str:
    """What it is, and what its Overlay shows."""
    from temj.workflows.samples import sample_account

    return sample_account(outputs)


COMMAND = Command(
    name="open sample",
    summary="Open a sample micrograph with its true objects as Overlay.",
    parameters=SampleParameters,
    run=run,
    account=account,
    entries={title: {"sample": name} | ({"seed": 1} if name == REAL else {}) for name, title in TITLES.items()},
)
