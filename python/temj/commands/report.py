"""``temj report``: a page of a run that one can print, send, and put into a supplement."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from temj.commands.base import Cancelled, Command, Parameters, Progress, Values, parameter


class ReportParameters(Parameters):
    """Which run, and where its report goes."""

    run: Path = parameter(
        ..., "Result folder of temj predict, populations, summarise or evaluate, or a model folder.",
        role="input_folder", where="cli", positional=True,
    )  # fmt: skip
    output: Path | None = parameter(
        None, "Folder for the report; left out: that of the run.", role="output_folder", where="cli"
    )
    title: str = parameter("", "Title of the report; left out: made of the run's facts.", where="cli")
    pdf: Literal["auto", "no"] = parameter(
        "auto", "Also a PDF: auto where weasyprint, chromium, chrome or wkhtmltopdf is there.", where="cli"
    )
    overwrite: bool = parameter(False, "Replace an earlier report.", where="cli")


def run(parameters: ReportParameters, _inputs: Values, _progress: Progress, _cancelled: Cancelled) -> Values:
    """Make the report of a folder."""
    from temj.workflows.report import ReportOptions, report

    chosen = parameters.model_dump(include={"output", "title", "pdf", "overwrite"})
    return report(parameters.run, ReportOptions(**chosen))


def account(outputs: Values) -> str:
    """What to know, and where the files are."""
    notes = [f"  note: {note}" for note in outputs["notes"]["Note"]]
    return "\n".join([*notes, "Written:", *(f"  {name}" for name in outputs["files"]["File"])])


COMMAND = Command(
    name="report",
    summary="Make a page (HTML, PDF) of a run: what was analysed, pictures, tables, methods, references.",
    parameters=ReportParameters,
    run=run,
    account=account,
)
