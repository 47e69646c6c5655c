"""``TEMJ Export Annotations...``: the ROIs of the open image as annotations of any format."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, hinted, parameter
from temj.commands.import_annotations import FORMATS, split
from temj.errors import BadValue


class ExportParameters(Parameters):
    """What is written, where, and what happens to what is there."""

    output: Path = parameter(
        ..., "File, or folder where a format has a file for each image.", role="output_path"
    )  # fmt: skip
    format: Literal["auto", *FORMATS] = parameter("auto", "Its format; auto: by the extension of the file.")
    append: bool = hinted(
        "to what is there",
        parameter(
            False,
            "Add this image to a file or folder that is there; the other images stay exactly as they are.",
        ),
    )
    overwrite: bool = hinted(
        "what is there", parameter(False, "Replace the file, or with append what it says of this image.")
    )
    ellipses: bool = hinted(
        "instead of their outlines",
        parameter(
            False,
            "Where ROIs have fitted ellipses (named loop-0001-ellipse) export these instead of the outlines.",
            advanced=True,
        ),
    )
    empty: bool = hinted(
        "(there are no objects)",
        parameter(
            False,
            "The image has no ROIs because there are no objects in it: export it as empty.",
            advanced=True,
        ),
    )
    classes: str = hinted(
        "(in order)",
        parameter(
            "",
            "Names of the classes in the order of their numbers, with commas, for formats that number them.",
            advanced=True,
        ),
    )
    masks: Literal["auto", "classes", "instances"] = hinted(
        "hold", parameter("auto", "What the values of a mask are: classes, or numbers of the objects.", advanced=True)
    )


def run(parameters: ExportParameters, inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """Write the annotations among the inputs."""
    from temj.workflows.annotations_out import ExportOptions, export_annotations

    if "micrograph" not in inputs:
        raise BadValue(
            "no-image", where=COMMAND.menu, expected="an image that is open in ImageJ",
            remedy="Files are converted by 'temj convert'.",
        )  # fmt: skip
    values = {name: getattr(parameters, name) for name in type(parameters).model_fields}
    options = ExportOptions(**values | {"classes": split(parameters.classes)})
    return export_annotations(inputs["micrograph"], inputs.get("annotations"), inputs.get("area_rois"), options)


def account(outputs: Values) -> str:
    """Counts, what was lost, and where it is."""
    from temj.workflows.annotations_out import export_account

    return export_account(outputs)


COMMAND = Command(
    name="export annotations",
    summary="Write the ROIs of the open image as annotations of any format.",
    parameters=ExportParameters,
    run=run,
    account=account,
    menu="TEMJ Export Annotations...",
    inputs=("micrograph", "annotations"),
)
