"""``temj models``: what is installed and what each model finds."""

from __future__ import annotations

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values


class ModelsParameters(Parameters):
    """Nothing to choose."""


def run(_parameters: ModelsParameters, _inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """A table of the models on the search path; broken ones are listed with their problem."""
    from temj.workflows.models import models_table

    return {"models": models_table()}


def account(outputs: Values) -> str:
    """The table as text."""
    from temj.workflows.account import aligned

    return aligned(outputs["models"]) if len(outputs["models"]) else "No models are installed."


COMMAND = Command(
    name="models",
    summary="List the models that are installed, with what each finds.",
    parameters=ModelsParameters,
    run=run,
    account=account,
)
