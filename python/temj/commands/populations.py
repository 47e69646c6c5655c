"""``temj populations``: counts, sizes, projected area fractions and histograms of what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands import shapes
from temj.commands.base import Cancelled, Command, Parameters, Progress, TextOrNumber, Values, parameter
from temj.commands.shapes import ShapeRule


class PopulationsParameters(Parameters):
    """Whose populations, in which classes, and where they go."""

    source: Path = parameter(
        ..., "Result folder of temj predict, or annotations (a file or folder of any format).", role="input_path",
        where="cli", positional=True,
    )  # fmt: skip
    output: Path = parameter(..., "Folder for tables and pictures.", role="output_folder", where="cli")
    shape_rule: ShapeRule = shapes.shape_rule("cli")
    skeleton: str = shapes.skeleton("cli")
    images: Path | None = parameter(
        None, "Folder of the images of annotations, for their sizes and pixel sizes.", role="input_folder",
        where="cli", positional=False,
    )  # fmt: skip
    classes: tuple[str, ...] = parameter(
        (), "Names of the classes of annotations, for formats that number them.", where="cli"
    )
    masks: Literal["auto", "classes", "instances"] = parameter("auto", "What the values of masks are.", where="cli")
    pixel_size: TextOrNumber = parameter(
        "", "Size of a pixel (0.39, 0.39x0.41, 0.0004um); replaces what the images say.", unit="nm", where="cli"
    )
    overwrite: bool = parameter(False, "Replace populations that are there.", where="cli")


def run(parameters: PopulationsParameters, _inputs: Values, _progress: Progress, cancelled: Cancelled) -> Values:
    """Make the populations of files."""
    from temj.workflows.population_fields import PopulationOptions
    from temj.workflows.population_sources import populations_of

    chosen = parameters.model_dump(include={"shape_rule", "skeleton", "pixel_size", "images", "classes", "masks"})
    return populations_of(
        parameters.source, parameters.output, PopulationOptions(**chosen), parameters.overwrite, cancelled
    )


def account(outputs: Values) -> str:
    """Count, mean size and projected area fraction of each class of all images, and where the files are."""
    from temj.workflows.account import population_account

    return population_account(outputs)


COMMAND = Command(
    name="populations",
    summary="Count and size what was found: projected area fractions, densities, histograms by class.",
    parameters=PopulationsParameters,
    run=run,
    account=account,
)
