"""The names of the losses, known without torch."""

from __future__ import annotations

import difflib

_HERE = "temj.cores.semantic.losses"

LOSSES = {
    "bce": f"{_HERE}:cross_entropy",
    "dice": f"{_HERE}:dice",
    "focal": f"{_HERE}:focal",
    "tversky": f"{_HERE}:tversky",
    "boundary": f"{_HERE}:boundary",
}
"""name -> function ``(Batch) -> scalar tensor``; several are added up: ``bce+dice``."""


def loss_names(text: str) -> tuple[str, ...]:
    """The names in a text such as ``bce+dice``.

    Raises:
        ValueError: an unknown name (with the nearest known one), or one that stands there twice.
    """
    names = tuple(part.strip().lower() for part in text.split("+"))
    for name in names:
        if name not in LOSSES:
            near = difflib.get_close_matches(name, LOSSES, n=1, cutoff=0.4)
            advice = f"; did you mean '{near[0]}'?" if near else ""
            raise ValueError(f"loss must be of {', '.join(LOSSES)}, joined by '+' as in bce+dice{advice}")
    if len(set(names)) < len(names):
        raise ValueError("each loss can be named once")
    return names
