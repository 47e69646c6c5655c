"""``temj summarise``: a study of many images: estimates with intervals by group, and the physics of the field."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator

from temj.commands import shapes
from temj.commands.base import Cancelled, Command, Parameters, Progress, TextOrNumber, Values, parameter
from temj.commands.repeat import repeat
from temj.commands.shapes import ShapeRule


def _words(given: object) -> object:
    """A list from text with commas or semicolons, as a dialog or macro gives it."""
    return tuple(filter(None, (part.strip() for part in re.split("[,;]", given)))) if isinstance(given, str) else given


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class SummariseParameters(Parameters):
    """Which images, in which groups, of which foil and material."""

    results: tuple[Path, ...] = parameter(
        (), "Result folders of temj predict, or annotations (files or folders of any format).", role="input_files",
        where="cli", positional=True,
    )  # fmt: skip
    folder: Path | None = parameter(
        None, "Result folder of TEMJ Predict... or temj predict, or a folder of annotations.", role="input_folder",
        where="imagej",
    )  # fmt: skip
    output: Path = parameter(..., "Folder for tables and pictures.", role="output_folder")
    sheet: Path | None = parameter(
        None, "Sample sheet: a CSV file with a line for each image (temj info --sheet makes one).", role="input_file",
        positional=False,
    )  # fmt: skip
    group_by: Words = parameter((), "Columns of the sample sheet whose values make the groups.")
    kinds: Words = parameter((), "What the objects of a class are: void=cavity, loop_111=loop:a/2<111>, line=line.")
    thickness: float | None = parameter(
        None, "Thickness of the foil, of all images; else that of the sample sheet.", unit="nm", gt=0
    )
    thickness_error: float | None = parameter(None, "Its standard deviation.", unit="nm", ge=0)
    thickness_method: str = parameter("", "How it was found: EELS, CBED, FIB nominal, fringes.", advanced=True)
    thickness_rule: Literal["foil", "foil+diameter", "foil-denuded"] = parameter(
        "foil", "Which thickness numbers per volume are for: t, t + mean diameter (cut objects are seen), or t - 2 δ."
    )
    denuded: float = parameter(0.0, "Denuded zone δ below each surface.", unit="nm", ge=0, advanced=True)
    pixel_size: TextOrNumber = parameter(
        "", "Size of a pixel (0.39, 0.39x0.41, 0.0004um); replaces what the images say.", unit="nm"
    )
    pixel_size_error: float | None = parameter(
        None, "Standard deviation of the pixel size, in percent of it.", unit="%", ge=0, le=100
    )
    g: str = parameter("", "Diffraction vector of all images, such as 200; else that of the sample sheet.")
    material: str = parameter("", "Material, for Burgers vectors and hardening: 316L, Fe, Ni, W, Zr, Cu or your own.")
    materials: Path | None = parameter(
        None, "Table of materials in place of the one that comes with TEMJ.", role="input_file", positional=False,
        advanced=True,
    )  # fmt: skip
    hardening: Words = parameter(
        (), "Strength of classes as barriers: loop=0.33, or a barrier of the material: loop=Frank loop."
    )
    superposition: Literal["root-sum-square", "linear"] = parameter(
        "root-sum-square", "How the hardening of several classes adds.", advanced=True
    )
    line_orientation: Literal["random", "in plane"] = parameter(
        "random", "How dislocation lines lie: random in space (4/π), or in the plane of the image (1).", advanced=True
    )
    shape_rule: ShapeRule = shapes.shape_rule("everywhere")
    skeleton: str = shapes.skeleton("everywhere")
    images: Path | None = parameter(
        None, "Folder of the images of annotations, for their sizes and pixel sizes.", role="input_folder",
        positional=False,
    )  # fmt: skip
    classes: Words = parameter((), "Names of the classes of annotations, for formats that number them.")
    masks: Literal["auto", "classes", "instances"] = parameter("auto", "What the values of masks are.", advanced=True)
    area: Literal["auto", "all", "whole"] = parameter(
        "auto",
        "What counts of annotated images, besides ROIs named area and exclude: auto (without info bar, scale bar, "
        "text, blank borders, dead pixels, saturated streaks), all (also without vacuum, holes, saturated regions), "
        "whole.",
        advanced=True,
    )
    excel: bool = parameter(False, "Write a workbook too: Objects, Images, Groups, Quantities, Notes.")
    overwrite: bool = parameter(False, "Replace a summary that is there.", advanced=True)


def run(parameters: SummariseParameters, _inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Sum up files."""
    from temj.errors import BadValue
    from temj.errors import Cancelled as Stopped
    from temj.physics.foil import Foil, method_name
    from temj.workflows.population_fields import PopulationOptions
    from temj.workflows.summarise import summarise
    from temj.workflows.summarise_options import (
        SummariseOptions,
        read_hardening,
        read_kinds,
        read_material,
        unused,
    )

    sources = parameters.results or tuple(filter(None, (parameters.folder,)))
    if not sources:
        raise BadValue("missing", where="results", expected="a result folder, or annotations")

    def stop() -> None:
        if cancelled():
            raise Stopped

    error = math.nan if parameters.thickness_error is None else parameters.thickness_error
    foil = Foil(parameters.thickness, error, method_name(parameters.thickness_method)) if parameters.thickness else None
    kinds = read_kinds(parameters.kinds)
    material = read_material(parameters.material, parameters.materials)
    read = parameters.model_dump(include={"shape_rule", "skeleton", "pixel_size", "images", "classes", "masks", "area"})
    thin = [name for name, being in kinds.items() if being.kind == "line"]
    if thin and parameters.skeleton == "auto":
        read["skeleton"] = ",".join(thin)
    percent = math.nan if parameters.pixel_size_error is None else parameters.pixel_size_error
    options = SummariseOptions(
        PopulationOptions(**read), parameters.sheet, parameters.group_by, percent / 100, foil,
        parameters.thickness_rule, parameters.denuded, kinds, parameters.g, material,
        read_hardening(parameters.hardening, material), parameters.superposition, parameters.line_orientation,
        parameters.excel,
    )  # fmt: skip
    told = unused(foil, parameters.thickness_error, parameters.thickness_method, options)
    return summarise(
        sources, parameters.output, replace(options, notes=told), _lines(parameters, sources),
        overwrite=parameters.overwrite, progress=progress, cancelled=stop,
    )  # fmt: skip


def _lines(parameters: SummariseParameters, sources: Sequence[Path]) -> dict[str, object]:
    """The lines that repeat it, whether a terminal or ImageJ gave the sources; a macro names one folder."""
    folder = sources[0] if len(sources) == 1 and sources[0].is_dir() else None
    told = repeat(COMMAND, parameters.model_copy(update={"results": tuple(sources), "folder": folder}))
    if folder is None:
        told.pop("macro_line", None)
    return told | {"parameters": parameters.model_dump(mode="json")}


def account(outputs: Values) -> str:
    """Density, diameter and area fraction of each group and class with their intervals, notes, files."""
    from temj.workflows.summarise_account import summary_account

    return summary_account(outputs)


COMMAND = Command(
    name="summarise",
    summary="Sum up a study: densities, sizes and physics by group, with intervals.",
    parameters=SummariseParameters,
    run=run,
    account=account,
    menu="TEMJ Summarise...",
)
