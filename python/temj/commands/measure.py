"""``temj measure`` and ``TEMJ Measure...``: ImageJ's Measure for a set of ROIs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands import shapes
from temj.commands.base import Cancelled, Command, Parameters, Progress, TextOrNumber, Values, parameter
from temj.commands.shapes import ShapeRule
from temj.errors import BadValue


class MeasureParameters(Parameters):
    """Which ROIs of which micrograph are measured."""

    image: Path | None = parameter(None, "Micrograph.", role="input_file", where="cli")
    rois: Path | None = parameter(None, "ROI set (.zip) or ROI (.roi).", role="input_file", where="cli")
    output: Path | None = parameter(None, "Table of results (.csv).", role="output_file")
    diameter: Literal["auto", "equivalent", "major", "geometric"] = parameter(
        "auto",
        "What the Diameter column is: as the ROIs say (those of a prediction do; else equivalent), of the circle of "
        "equal area, the major axis, or the geometric mean of the axes.",
    )
    pixel_size: TextOrNumber = parameter(
        "",
        "Size of a pixel (0.39, 0.39x0.41, 0.0004um); replaces what the image says.",
        unit="nm",
        advanced=True,
    )
    shape_rule: ShapeRule = shapes.shape_rule()
    skeleton: str = shapes.skeleton()
    edge_profile: bool = parameter(
        False,
        "Show the profile across each ROI: mean grey value against the distance from its ellipse, with the outer, "
        "half-maximum, middle and inner edge.",
    )
    overwrite: bool = parameter(False, "Replace the table of an earlier run.", advanced=True)


def run(parameters: MeasureParameters, inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """Measure a file's ROIs, or the micrograph and instances among the inputs."""
    from temj.workflows.measure import MeasureOptions, measure_file, measure_micrograph

    options = MeasureOptions(**parameters.model_dump(exclude={"image", "rois"}))
    if "micrograph" in inputs:
        area_rois = inputs.get("area_rois")
        return measure_micrograph(inputs["micrograph"], inputs["instances"], options, area_rois=area_rois)
    for name in ("image", "rois", "output"):
        if getattr(parameters, name) is None:
            raise BadValue("missing", where=name, expected="an image, its ROIs and an output table")
    return measure_file(parameters.image, parameters.rois, options)


def account(outputs: Values) -> str:
    """How many rows, and where."""
    from temj.workflows.account import measurement_account

    return measurement_account(outputs)


COMMAND = Command(
    name="measure",
    summary="Measure the ROIs of a micrograph as ImageJ's Measure does.",
    parameters=MeasureParameters,
    run=run,
    account=account,
    menu="TEMJ Measure...",
    inputs=("micrograph", "instances"),
)
