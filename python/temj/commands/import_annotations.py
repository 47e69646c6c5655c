"""``TEMJ Import Annotations...``: annotations of any format as ROIs of the open image."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, hinted, parameter
from temj.errors import BadValue

FORMATS = ("roiset", "coco", "masks", "voc", "yolo", "shen", "csv", "overlay")


class ImportParameters(Parameters):
    """What is read, and what the format itself does not say."""

    source: Path = parameter(..., "File or folder of annotations.", role="input_path")
    format: Literal["auto", *FORMATS] = parameter("auto", "Its format; auto: by extension and content.")
    entry: str = hinted(
        "(other image name)",
        parameter(
            "",
            "Name of the image in the annotations, where it is another one than that of the open image.",
        ),
    )
    overlay: bool = hinted(
        "instead of ROI Manager",
        parameter(
            False,
            "Add the objects to the image's Overlay instead of the ROI Manager (always without a window).",
        ),
    )
    classes: str = hinted(
        "(in order)",
        parameter(
            "",
            "Names of the classes in the order of their numbers, with commas, for masks, YOLO and text boxes.",
            advanced=True,
        ),
    )
    masks: Literal["auto", "classes", "instances"] = hinted(
        "hold", parameter("auto", "What the values of a mask are: classes, or numbers of the objects.", advanced=True)
    )


def run(parameters: ImportParameters, inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """Read the annotations of the micrograph among the inputs."""
    from temj.workflows.annotations_in import ImportOptions, import_annotations

    if "micrograph" not in inputs:
        raise BadValue(
            "no-image", where=COMMAND.menu, expected="an image that is open in ImageJ",
            remedy="Files are converted by 'temj convert'.",
        )  # fmt: skip
    groups = inputs.get("groups")
    names = {} if groups is None else dict(zip(groups["Group"].tolist(), groups["Name"], strict=True))
    options = ImportOptions(
        parameters.source, parameters.format, parameters.entry, split(parameters.classes), parameters.masks
    )
    return import_annotations(inputs["micrograph"], options, names)


def split(names: str) -> tuple[str, ...]:
    """Names that stand with commas between them."""
    return tuple(name.strip() for name in names.split(",") if name.strip())


def account(outputs: Values) -> str:
    """Counts, notes, and what was skipped."""
    from temj.workflows.annotations_in import import_account

    return import_account(outputs)


COMMAND = Command(
    name="import annotations",
    summary="Read annotations of any format as ROIs of the open image.",
    parameters=ImportParameters,
    run=run,
    account=account,
    menu="TEMJ Import Annotations...",
    inputs=("micrograph", "groups"),
)
