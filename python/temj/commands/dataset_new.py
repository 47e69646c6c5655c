"""``temj dataset new``: a folder to put annotated images into."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, TextOrNumber, Values, parameter


class DatasetNewParameters(Parameters):
    """Where the dataset is made, and what is known of it."""

    dataset: Path = parameter(..., "Dataset folder to make.", role="output_folder")
    images: tuple[Path, ...] = parameter(
        (), "Images, or folders of images, to copy into it (with the ROI sets beside them)."
    )
    annotations: tuple[Path, ...] = parameter(
        (), "Masks, ROI sets, COCO, VOC, YOLO or CSV files, or folders of them, to copy into it."
    )
    masks: Literal["auto", "classes", "instances"] = parameter(
        "auto", "What the values of masks are: classes, or objects with a value each; auto sees it by the values."
    )
    classes: tuple[str, ...] = parameter((), "Names of the classes, such as: loop blackdot.")
    pixel_size: TextOrNumber = parameter(
        "", "Size of a pixel (0.39, 0.39x0.41, 0.0004um) of images whose file has none.", unit="nm"
    )


def run(parameters: DatasetNewParameters, _inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """Make the folder and say what to fill in."""
    from temj.datasets.create import Existing
    from temj.workflows.dataset import new_dataset

    existing = Existing(parameters.annotations, "" if parameters.masks == "auto" else parameters.masks)
    return new_dataset(parameters.dataset, parameters.images, parameters.classes, parameters.pixel_size, existing)


def account(outputs: Values) -> str:
    """What was written, and what is to be done next."""
    from temj.workflows.dataset import new_account

    return new_account(outputs)


COMMAND = Command(
    name="dataset new",
    summary="Make a dataset folder: images, dataset.json and a labelling protocol to fill in.",
    parameters=DatasetNewParameters,
    run=run,
    account=account,
)
