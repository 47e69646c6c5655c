"""``temj dataset consensus`` and ``TEMJ Merge Annotators...``: what several annotators agree on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter
from temj.commands.repeat import repeat
from temj.errors import BadValue


class DatasetConsensusParameters(Parameters):
    """Who has labelled, when they agree, and what becomes of the rest."""

    annotations: tuple[Path, ...] = parameter(
        (), "Annotations (file or folder of any format, or dataset), one for each annotator.", where="cli",
        positional=True,
    )  # fmt: skip
    first_annotator: Path | None = parameter(
        None, "ROI set of one annotator (.zip).", role="input_file", where="imagej"
    )
    second_annotator: Path | None = parameter(
        None, "ROI set of another annotator (.zip).", role="input_file", where="imagej"
    )
    folder_of_sets: Path | None = parameter(
        None, "Or a folder with a ROI set of each annotator for this image (anna.zip, ben.zip …).",
        role="input_folder", where="imagej",
    )  # fmt: skip
    output: Path | None = parameter(None, "Folder to write.", role="output_folder")
    annotators: tuple[str, ...] = parameter((), "Their names; else those of the files or folders.", where="cli")
    iou: float = parameter(0.5, "Objects that overlap at least so much are the same one.", gt=0, le=1)
    votes: int = parameter(0, "Annotators who must agree on an object; 0 for all who annotated the image.", ge=0)
    undecided: Literal["list", "ignore", "keep"] = parameter(
        "list", "What is not agreed on: list it for a decision, set it to ignore, or keep it."
    )
    alone: Literal["keep", "undecided", "leave"] = parameter(
        "keep", "Images that only one annotated: keep, take all objects as undecided, or leave them out.", where="cli"
    )
    distance: float = parameter(
        5.0, "Points so far apart, and lines so near along half their length, are the same one.", unit="pixels", gt=0,
        advanced=True,
    )  # fmt: skip
    images: Path | None = parameter(
        None, "Folder of the images, where no dataset has them.", role="input_folder", where="cli", positional=False
    )
    decided: Path | None = parameter(
        None, "Output folder of an earlier consensus whose undecided ROIs a person has edited.", role="input_folder",
        where="cli",
    )  # fmt: skip
    decided_by: str = parameter("", "Who has edited them.", where="cli")
    overwrite: bool = parameter(False, "Replace the files of an earlier consensus.", advanced=True)


def run(parameters: DatasetConsensusParameters, inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Compare files, or the ROI sets of the micrograph among the inputs."""
    from temj.datasets.consensus import Rule
    from temj.workflows.consensus import Options, consensus_of_files
    from temj.workflows.consensus_image import merge_open_image, roi_sets

    rule = Rule(parameters.iou, parameters.votes, parameters.distance)
    names = ("undecided", "alone", "images", "annotators", "decided", "decided_by", "overwrite")
    options = Options(rule, **{name: getattr(parameters, name) for name in names})
    if "micrograph" in inputs:
        sets = roi_sets(parameters.first_annotator, parameters.second_annotator, parameters.folder_of_sets)
        again = repeat(COMMAND, parameters, files=False)
        return merge_open_image(inputs["micrograph"], sets, parameters.output, options, again)
    if parameters.output is None:
        raise BadValue("missing", where="output", expected="a folder to write (--output)")
    if bool(parameters.decided) != bool(parameters.decided_by):
        raise BadValue("missing", where="decided_by", expected="--decided FOLDER and --decided-by NAME together")
    return consensus_of_files(
        parameters.annotations,
        parameters.output,
        options,
        {key: told for key, told in repeat(COMMAND, parameters).items() if key != "macro_line"},
        progress=progress,
        cancelled=cancelled,
    )


def account(outputs: Values) -> str:
    """What was agreed on, how annotators compare, and what waits for a decision."""
    from temj.workflows.consensus_tables import consensus_account

    return consensus_account(outputs)


COMMAND = Command(
    name="dataset consensus",
    summary="Merge what several annotators labelled: agreed objects, and a list of what is undecided.",
    parameters=DatasetConsensusParameters,
    run=run,
    account=account,
    menu="TEMJ Merge Annotators...",
    inputs=("micrograph",),
)
