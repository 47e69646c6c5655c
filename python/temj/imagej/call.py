"""One call of a command from ImageJ: parameters, inputs, the run, and its outputs shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from temj import commands
from temj.commands.base import Command
from temj.commands.check import validated
from temj.data import Instances, Micrograph, Table
from temj.errors import BadImage, BadValue, Cancelled
from temj.imagej import dialogs, feedback, options, pixels, placing, rois, samples
from temj.imagej.entries import Entry
from temj.imagej.java import J
from temj.imagej.show import show, show_summary


def call(entry: Entry, line: str | None, can_ask: bool, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Run a command on the image it was called on.

    Args:
        entry: the command, as it stands in the menu.
        line: the macro's options string, None where there is none.
        can_ask: whether a dialog may be shown where ``line`` is None; else all parameters take their defaults.
        cancelled: polled while it runs.

    Returns:
        The values of the parameters that the entry leaves open, as they can be recorded.

    Raises:
        Cancelled: the dialog was cancelled, or Esc was pressed.
        TemjError: whatever else is wrong; nothing was shown then.
    """
    command = entry.command
    image = _image() if command.inputs else None
    values = _parameters(entry, line, can_ask)
    parameters = validated(command, values | entry.fixed)
    inputs = _inputs(command, image)
    stop = feedback.stopper(cancelled)
    outputs = commands.run(command.name, values | entry.fixed, inputs, feedback.progress, stop)
    if stop():
        raise Cancelled
    account = feedback.as_keys(command.account(outputs))
    told = _show(image, inputs, parameters, outputs)
    if account:
        J.IJ.log("\n".join([account, *told]))
    feedback.clear_progress(account.partition("\n")[0])
    return values


def _show(image: Any, inputs: dict[str, Micrograph | Instances | Table], parameters: Any, outputs: Any) -> list[str]:
    """Show what came out; gives what there is to say of where it went."""
    if "annotations" in outputs:
        return placing.add(image, outputs, only_overlay=parameters.overlay)
    if "truth" in outputs:
        samples.show(outputs)
    elif "quantities" in outputs:
        show_summary(outputs)
    elif image is not None:
        show(image, inputs["micrograph"], parameters, outputs)
    return []


def _image() -> Any:
    """The image that the command was called on: ImageJ's current image in this thread."""
    image = J.WindowManager.getCurrentImage()
    if image is None:
        raise BadImage("none", where="There are no images open", remedy="Open a micrograph first.")
    return image


def _parameters(entry: Entry, line: str | None, can_ask: bool) -> dict[str, Any]:
    if line is not None:
        return options.parse(line, entry.views, _macro_variable)
    if not can_ask or not entry.asks:
        return {}
    values = dialogs.ask(entry.command)
    if values is None:
        raise Cancelled
    return values


def _macro_variable(name: str) -> str | None:
    """The value of a variable of the macro that runs."""
    interpreter = J.Interpreter.getInstance()
    value = None if interpreter is None else interpreter.getVariableAsString(name)
    return None if value is None else str(value)


def _inputs(command: Command, image: Any) -> dict[str, Micrograph | Instances | Table]:
    """The micrograph, the ROIs that say what of it counts, and what else the command wants of the image."""
    if image is None:
        return {}
    micrograph = pixels.to_micrograph(image)
    inputs: dict[str, Micrograph | Instances | Table] = {"micrograph": micrograph}
    if {"annotations", "groups"} & set(command.inputs):
        origin = {**micrograph.metadata, **pixels.origin_of(image)}
        inputs["micrograph"] = replace(micrograph, metadata=origin)
    if "groups" in command.inputs:
        inputs["groups"] = rois.group_table()
        return inputs
    said = rois.area_rois(image)
    if len(said):
        inputs["area_rois"] = said
    found = rois.annotations_of(image) if "annotations" in command.inputs else None
    if found is not None:
        inputs["annotations"] = found
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
