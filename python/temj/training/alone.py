"""Runs over several trainings are no work for ``torchrun``."""

from __future__ import annotations

import os

from temj.errors import BadValue


def require_alone(what: str) -> None:
    """Prove that this is a single process.

    Raises:
        BadValue: ``torchrun`` started several; all would write the same tables.
    """
    size = os.environ.get("WORLD_SIZE", "1")
    if size.isdigit() and int(size) > 1:
        raise BadValue(
            "processes", where="torchrun", expected=f"one process for {what}", found=f"{size} processes",
            remedy="Start it without torchrun; single trainings run on several processes.",
        )  # fmt: skip
