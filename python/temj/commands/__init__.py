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
    "populations": (
        "temj.commands.populations:COMMAND",
        "Count and size what was found: projected area fractions, densities, histograms by class.",
    ),
    "summarise": (
        "temj.commands.summarise:COMMAND",
        "Sum up a study: densities, sizes and physics by group, with intervals.",
    ),
    "report": (
        "temj.commands.report:COMMAND",
        "Make a page (HTML, PDF) of a run: what was analysed, pictures, tables, methods, references.",
    ),
    "train": ("temj.commands.train:COMMAND", "Train a model on a dataset folder."),
    "search": (
        "temj.commands.search:COMMAND",
        "Search good settings for a training: many short trials, the best becomes a model.",
    ),
    "evaluate": (
        "temj.commands.evaluate:COMMAND",
        "Compare what a model found with annotations: figures with intervals, pictures, a curve.",
    ),
    "calibrate": (
        "temj.commands.calibrate:COMMAND",
        "Choose the thresholds of a model anew on your own annotated images.",
    ),
    "tune": (
        "temj.commands.tune:COMMAND",
        "Choose a model's confidence by a grid of confidence and match IoU for the highest F1.",
    ),
    "convert": (
        "temj.commands.convert:COMMAND",
        "Convert annotations: ROI sets, COCO, masks, LabelImg, YOLO, text boxes, tables.",
    ),
    "dataset new": (
        "temj.commands.dataset_new:COMMAND",
        "Make a dataset folder: images, dataset.json and a labelling protocol to fill in.",
    ),
    "dataset check": (
        "temj.commands.dataset_check:COMMAND",
        "List all problems of a dataset, with counts, sizes and a contact sheet.",
    ),
    "dataset split": (
        "temj.commands.dataset_split:COMMAND",
        "Split a dataset into training, validation and test, by image or group; write it down.",
    ),
    "dataset preview": (
        "temj.commands.dataset_preview:COMMAND",
        "Draw what a network will see of a dataset: crops before and after augmentation.",
    ),
    "dataset consensus": (
        "temj.commands.dataset_consensus:COMMAND",
        "Merge what several annotators labelled: agreed objects, and a list of what is undecided.",
    ),
    "models": ("temj.commands.models:COMMAND", "List the models that are installed, with what each finds."),
    "synth": (
        "temj.commands.synth:COMMAND",
        "Make synthetic micrographs or films with exact truth, as a dataset.",
    ),
    "info": (
        "temj.commands.info:COMMAND",
        "Tell what is understood of image files; write the sample sheet of a study.",
    ),
    "doctor": ("temj.commands.doctor:COMMAND", "Tell what is installed, what is wrong and how to mend it."),
    "imagej": ("temj.imagej.command:COMMAND", "Start ImageJ with the TEMJ commands in it."),
}
"""name -> (where its declaration is, one line of help)."""

IMAGEJ_COMMANDS: dict[str, tuple[str, str]] = {
    "import annotations": (
        "temj.commands.import_annotations:COMMAND",
        "Read annotations of any format as ROIs of the open image.",
    ),
    "export annotations": (
        "temj.commands.export_annotations:COMMAND",
        "Write the ROIs of the open image as annotations of any format.",
    ),
    "open sample": ("temj.commands.open_sample:COMMAND", "Open a sample micrograph with its true objects as Overlay."),
}
"""The same of commands that only ImageJ offers: they work on the image that is open, or open one."""


def command(name: str) -> Command:
    """The declaration of a command; an unknown name is a BadValue that lists those of the command line."""
    if name in IMAGEJ_COMMANDS:
        return registry.load(IMAGEJ_COMMANDS[name][0])
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
        name: a key of :data:`COMMANDS` or :data:`IMAGEJ_COMMANDS`.
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
