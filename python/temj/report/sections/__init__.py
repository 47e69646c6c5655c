"""The sections of a report, in order; each is one file and one line of :data:`SECTIONS`."""

from __future__ import annotations

from collections.abc import Callable

from temj import registry
from temj.report.blocks import Section
from temj.report.run import Run

SECTIONS: dict[str, str] = {
    "analysed": "temj.report.sections.analysed:section",
    "assessment": "temj.report.sections.assessment:section",
    "study": "temj.report.sections.study:section",
    "results": "temj.report.sections.results:section",
    "plots": "temj.report.sections.plots:section",
    "pictures": "temj.report.sections.pictures:section",
    "model": "temj.report.sections.model:section",
    "settings": "temj.report.sections.settings:section",
    "methods": "temj.report.sections.methods:section",
    "repeat": "temj.report.sections.repeat:section",
}
"""Name → ``module:function`` that gives the section of a run, or None where the run has nothing for it."""


def sections(run: Run) -> tuple[Section, ...]:
    """The sections that a run has, in order."""
    makers: list[Callable[[Run], Section | None]] = [registry.load(target) for target in SECTIONS.values()]
    made = [section for maker in makers if (section := maker(run)) is not None]
    if run.kind == "model":  # what it is comes before its curves
        made.sort(key=lambda section: section.name not in ("analysed", "model"))
    return tuple(made)
