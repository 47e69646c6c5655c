"""The Methods paragraph: what was done, in sentences to copy into a paper."""

from __future__ import annotations

from temj.report.blocks import Section, Text
from temj.report.methods import METHODS
from temj.report.run import Run


def section(run: Run) -> Section | None:
    """Sentences made of the facts of the run; what the run does not tell is not said."""
    sentences = tuple(METHODS[run.kind](run))
    return Section("methods", "Methods", (Text(sentences),)) if sentences else None
