"""``temj info``: what is understood of image files, and the sample sheet of a study."""

from __future__ import annotations

import warnings
from pathlib import Path

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter

with warnings.catch_warnings():
    # The option is --json as everywhere; that pydantic has an old method of this name does not matter here.
    warnings.filterwarnings("ignore", 'Field name "json"')

    class InfoParameters(Parameters):
        """Which files, and how they are told of."""

        images: tuple[Path, ...] = parameter(..., "Image files, or folders of them.", role="input_files", where="cli")
        json: bool = parameter(False, "Print JSON.", where="cli")
        sheet: Path | None = parameter(
            None,
            "Sample sheet (.csv) to write, a line for each image; one that is there keeps what was filled in.",
            role="output_file",
            where="cli",
        )
        calibration_table: Path | None = parameter(
            None,
            "Table (.csv) of microscope, mode, magnification, binning, nm_per_px, error_percent for files that know "
            "only their magnification.",
            role="input_file",
            where="cli",
        )


def run(parameters: InfoParameters, _inputs: Values, progress: Progress, cancelled: Cancelled) -> Values:
    """Look at the files."""
    from temj.workflows.info import tell

    return tell(
        parameters.images,
        sheet=parameters.sheet,
        calibration_table=parameters.calibration_table,
        as_json=parameters.json,
        progress=progress,
        cancelled=cancelled,
    )


def account(outputs: Values) -> str:
    """Each image in some lines; or JSON alone."""
    from temj.workflows.account import info_account

    return info_account(outputs)


COMMAND = Command(
    name="info",
    summary="Tell what is understood of image files; write the sample sheet of a study.",
    parameters=InfoParameters,
    run=run,
    account=account,
)
