"""Where the files that travel with TEMJ are: models, macros, Fiji scripts."""

from __future__ import annotations

from pathlib import Path

from temj.errors import MissingSoftware


def folder(name: str) -> Path:
    """``models``, ``macros``, ``samples`` or ``fiji-scripts``, in an installed wheel or in the checkout.

    Raises:
        MissingSoftware: neither place has it.
    """
    package = Path(__file__).resolve().parent
    places = [package / "_resources" / name, package.parents[1] / name]
    for place in places:
        if place.is_dir():
            return place
    raise MissingSoftware("resources", where=name, expected=f"a folder {places[0]}", remedy="Install temj again.")
