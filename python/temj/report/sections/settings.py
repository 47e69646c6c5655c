"""With which settings the command was run."""

from __future__ import annotations

from typing import Any

from temj.report.blocks import Facts, Section
from temj.report.run import Run
from temj.report.wording import counted, listed, number

_ELSEWHERE = frozenset({"output", "overwrite", "resume", "report", "title", "pdf"})
"""They decide about no result."""
_LONG = 8


def section(run: Run) -> Section | None:
    """All parameters that decide about results, as they were given."""
    facts = [(name, _shown(value)) for name, value in run.record.parameters.items() if name not in _ELSEWHERE]
    facts = [(name.replace("_", " "), value) for name, value in facts if value]
    return Section("settings", "Settings", (Facts(tuple(facts), compact=True),)) if facts else None


def _shown(value: Any) -> str:
    """As text; "" for what was not given."""
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value, 9)
    if isinstance(value, list):
        texts = [str(each) for each in value]
        return (
            listed(texts, _LONG) if len(texts) <= _LONG else f"{counted(len(texts), 'value')}: {listed(texts, _LONG)}"
        )
    return str(value)
