"""``temj convert``: annotations from one format into another."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter

Format = Literal["", "roiset", "coco", "masks", "voc", "yolo", "shen", "csv", "overlay"]


class ConvertParameters(Parameters):
    """What is converted, into what, and what the formats themselves do not say."""

    source: Path = parameter(
        ..., "File or folder of annotations, or a dataset folder.", role="input_file", where="cli", positional=True
    )  # fmt: skip
    output: Path = parameter(
        ..., "File or folder to write: a folder where a format has a file for each image.", role="output_file",
        where="cli", positional=True,
    )  # fmt: skip
    to: Format = parameter("", "Format of the output; by its extension where that says it.", where="cli")
    images: Path | None = parameter(
        None, "Folder of the images; some formats need their sizes, and names are checked.", role="input_folder",
        where="cli", positional=False,
    )  # fmt: skip
    classes: tuple[str, ...] = parameter((), "Names of the classes, for formats that number them.", where="cli")
    masks: Literal["auto", "classes", "instances"] = parameter("auto", "What the values of masks are.", where="cli")
    source_format: Format = parameter("", "Format of the source, where it is not recognised.", where="cli")
    negatives: bool = parameter(False, "Images without annotations have no objects.", where="cli")
    strict: bool = parameter(False, "Write nothing where anything would be lost.", where="cli")
    overwrite: bool = parameter(False, "Replace files that are there.", where="cli", advanced=True)


def run(parameters: ConvertParameters, _inputs: Values, _progress: Progress, cancelled: Cancelled) -> Values:
    """Convert files."""
    from temj.workflows.convert import ConvertOptions, convert_files

    values = {name: getattr(parameters, name) for name in type(parameters).model_fields}
    return convert_files(values.pop("source"), values.pop("output"), ConvertOptions(**values), cancelled)


def account(outputs: Values) -> str:
    """What was converted, what was lost, and where it is."""
    from temj.workflows.convert import conversion_account

    return conversion_account(dict(outputs))


COMMAND = Command(
    name="convert",
    summary="Convert annotations: ROI sets, COCO, masks, LabelImg, YOLO, text boxes, tables.",
    parameters=ConvertParameters,
    run=run,
    account=account,
)
