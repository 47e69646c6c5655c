"""Histograms, roses and curves, as the run has drawn them, with the tables that have their numbers."""

from __future__ import annotations

from pathlib import Path

from temj.report.blocks import Figure, Section
from temj.report.pictures import drawing_figure
from temj.report.plot_files import Plot, plots
from temj.report.run import Run
from temj.report.wording import listed


def section(run: Run) -> Section | None:
    """All plots of the run; None where it has none."""
    blocks = tuple(_figure(run, path, plot) for path, plot in plots(run))
    heading = "Curves" if run.kind in ("model", "evaluation") else "Distributions"
    return Section("plots", heading, blocks) if blocks else None


def _figure(run: Run, path: Path, plot: Plot) -> Figure:
    folder = path.parent.relative_to(run.folder).as_posix() if path.is_relative_to(run.folder) else path.parent.name
    place = "" if folder == "." else f"{folder}/"
    both = [place + path.with_suffix(suffix).name for suffix in (".svg", ".png") if path.with_suffix(suffix).is_file()]
    told = f"{plot.caption} Files: {listed(both)}"
    if plot.numbers:
        told += f"; numbers: {listed(place + name for name in plot.numbers)}"
    return drawing_figure(path, plot.alt, f"{told}.")
