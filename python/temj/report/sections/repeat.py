"""How to do it again: the lines that repeat the run, versions, hashes of images and models."""

from __future__ import annotations

from temj.report.blocks import Block, Facts, Grid, Lines, Section
from temj.report.csv_tables import grid
from temj.report.run import Run


def section(run: Run) -> Section | None:
    """Command line, macro line, versions of the software, hashes."""
    record = run.record
    blocks: list[Block] = []
    if record.command_line:
        blocks.append(Lines("Command line", record.command_line))
    if record.macro_line:
        blocks.append(Lines("ImageJ macro", record.macro_line))
    if record.versions:
        blocks.append(Facts(tuple(record.versions.items()), compact=True))
    models = [model for model in record.models or (record.model,) if model.sha256]
    if models and run.kind != "model":
        blocks.append(grid("Weights of the models.", [{"Model": one.name, "sha256": one.sha256} for one in models]))
    blocks += _images(run)
    return Section("repeat", "To repeat it", tuple(blocks)) if blocks else None


def _images(run: Run) -> list[Grid]:
    rows = [
        {"Image": entry.name, "sha256 of the file": entry.sha256, "sha256 of the pixels": entry.pixels_sha256}
        for entry in run.record.images
    ]
    return [grid("Images.", rows, file="run.json")] if rows else []
