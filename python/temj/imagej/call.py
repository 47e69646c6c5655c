"""One call of a command from ImageJ: parameters, inputs, the run, and its outputs shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from temj import commands
from temj.commands.base import Command, views
from temj.commands.check import validated
from temj.data import Instances, Micrograph
from temj.errors import BadImage, BadValue, Cancelled
from temj.imagej import dialogs, feedback, options, pixels, rois
from temj.imagej.java import J
from temj.imagej.show import show


def call(command: Command, line: str | None, can_ask: bool, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Run a command on the image it was called on.

    Args:
        command: which.
        line: the macro's options string, None where there is none.
        can_ask: whether a dialog may be shown where ``line`` is None; else all parameters take their defaults.
        cancelled: polled while it runs.

    Returns:
        The values of the parameters, as they can be recorded.

    Raises:
        Cancelled: the dialog was cancelled, or Esc was pressed.
        TemjError: whatever else is wrong; nothing was shown then.
    """
    image = _image() if command.inputs else None
    values = _parameters(command, line, can_ask)
    parameters = validated(command, values)
    inputs = _inputs(command, image)
    stop = feedback.stopper(cancelled)
    outputs = commands.run(command.name, values, inputs, feedback.progress, stop)
    if stop():
        raise Cancelled
    account = command.account(outputs)
    if account:
        J.IJ.log(account)
    if image is not None:
        show(image, inputs["micrograph"], parameters, outputs)
    feedback.clear_progress(account.partition("\n")[0])
    return values


def _image() -> Any:
    """The image that the command was called on: ImageJ's current image in this thread."""
    image = J.WindowManager.getCurrentImage()
    if image is None:
        raise BadImage("none", where="There are no images open", remedy="Open a micrograph first.")
    return image


def _parameters(command: Command, line: str | None, can_ask: bool) -> dict[str, Any]:
    shown = views(command.parameters, "imagej")
    if line is not None:
        return options.parse(line, shown, _macro_variable)
    if not can_ask:
        return {}
    values = dialogs.ask(command)
    if values is None:
        raise Cancelled
    return values


def _macro_variable(name: str) -> str | None:
    """The value of a variable of the macro that runs."""
    interpreter = J.Interpreter.getInstance()
    value = None if interpreter is None else interpreter.getVariableAsString(name)
    return None if value is None else str(value)


def _inputs(command: Command, image: Any) -> dict[str, Micrograph | Instances]:
    """The micrograph, and where they are wanted the objects in its plane."""
    if image is None:
        return {}
    inputs: dict[str, Micrograph | Instances] = {"micrograph": pixels.to_micrograph(image)}
    if "instances" in command.inputs:
        inputs["instances"] = _of_plane(rois.of_image(image), inputs["micrograph"])
    return inputs


def _of_plane(found: Instances, micrograph: Micrograph) -> Instances:
    """The objects of the current plane of a stack, and those of no plane; says how many others there are."""
    plane = [(row == micrograph.position) | (row == 0) for row in found.position]
    here = found.take([bool(matching.all()) for matching in plane])
    left = len(found) - len(here)
    if left and not len(here):
        raise BadValue(
            "other-slices",
            where=micrograph.name,
            expected="ROIs in the current slice",
            found=f"{left} ROIs, all in other slices",
            remedy="Go to their slice first.",
        )
    if left:
        J.IJ.log(f"{left} ROIs lie in other slices and are not measured here.")
    return here
