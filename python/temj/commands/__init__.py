"""Commands: each declared once, in a file of its own; every host runs them through :func:`run`.

This module itself imports no command, so that listing them costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from temj import registry

if TYPE_CHECKING:
    from temj.commands.base import Cancelled, Command, Progress, Values

COMMANDS: dict[str, tuple[str, str]] = {
    "predict": (
        "temj.commands.predict:COMMAND",
        "Find objects in micrographs with a model; write ROIs and measurements.",
    ),
    "measure": ("temj.commands.measure:COMMAND", "Measure the ROIs of a micrograph as ImageJ's Measure does."),
    "train": ("temj.commands.train:COMMAND", "Train a model on a dataset folder."),
    "models": ("temj.commands.models:COMMAND", "List the models that are installed, with what each finds."),
    "doctor": ("temj.commands.doctor:COMMAND", "Tell what is installed, what is wrong and how to mend it."),
    "imagej": ("temj.imagej.command:COMMAND", "Start ImageJ with the TEMJ commands in it."),
}
"""name -> (where its declaration is, one line of help)."""


def command(name: str) -> Command:
    """The declaration of a command; an unknown name is a BadValue that lists the known ones."""
    return registry.look_up({known: target for known, (target, _) in COMMANDS.items()}, "command", name)


def run(
    name: str,
    parameters: Mapping[str, Any],
    inputs: Values | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Values:
    """Run a command: the one seam between hosts (ImageJ, command line, worker) and workflows.

    Args:
        name: a key of :data:`COMMANDS`.
        parameters: JSON values by parameter name; what is missing takes its default.
        inputs: named micrographs, instances and tables; they and the outputs have a wire form
            (:mod:`temj.commands.wire`), so that another process can stand behind this call.
        progress: called with (message, current, maximum).
        cancelled: polled; when it gives true, :class:`temj.errors.Cancelled` is raised.

    Returns:
        Named micrographs, instances and tables.

    Raises:
        TemjError: any of its kinds; BadValue for a wrong parameter.
    """
    from temj.commands.base import never_cancelled, no_progress
    from temj.commands.check import validated

    declaration = command(name)
    values = validated(declaration, parameters)
    return declaration.run(values, inputs or {}, progress or no_progress, cancelled or never_cancelled)
