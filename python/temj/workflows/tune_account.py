"""What ``temj tune`` tells of its outputs."""

from __future__ import annotations

from collections.abc import Mapping

from temj.data import Table
from temj.workflows.account import aligned


def tuning_account(outputs: Mapping[str, Table]) -> str:
    """The chosen point, the best confidence at each match IoU, notes, and where the files are."""
    lines = [*outputs["heading"]["Heading"], "", "Chosen (highest F1; of equal ones the largest match IoU):"]
    lines += [aligned(outputs["chosen"]), "", "The best confidence at each match IoU:", aligned(outputs["at_iou"])]
    lines += [f"  note: {note}" for note in outputs["notes"]["Note"]]
    return "\n".join([*lines, "Written:", *(f"  {name}" for name in outputs["files"]["File"])])
