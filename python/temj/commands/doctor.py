"""``temj doctor``: what is installed, what is wrong and how to mend it."""

from __future__ import annotations

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values


class DoctorParameters(Parameters):
    """Nothing to choose."""


def run(_parameters: DoctorParameters, _inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """A table of checks; those that fail are in ``failures`` too."""
    from temj.workflows.doctor import examine

    return examine()


def account(outputs: Values) -> str:
    """The checks, and below them what to do about each problem."""
    from temj.workflows.account import aligned

    lines = [aligned(outputs["checks"])]
    failures = outputs["failures"]
    lines += [f"\n{image}: {message}" for image, message in zip(failures["Image"], failures["Message"], strict=True)]
    return "\n".join(lines) if len(failures) else lines[0] + "\n\nEverything is in order."


COMMAND = Command(
    name="doctor",
    summary="Tell what is installed, what is wrong and how to mend it.",
    parameters=DoctorParameters,
    run=run,
    account=account,
)
