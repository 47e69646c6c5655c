"""The two parameters about the shape of objects, the same in every command that has them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from temj.commands.base import Where, parameter


def _readable(text: str) -> str:
    """The rule as it was written; BadValue where it cannot be read, so that a dialog stays open."""
    if text.strip():
        from temj.measurement.shape_classes import shape_classes

        shape_classes(text)
    return text.strip()


ShapeRule = Annotated[str, AfterValidator(_readable)]
"""A text field with a rule about shape, the name of a preset, or nothing."""


def shape_rule(where: Where = "everywhere") -> Any:
    """``shape_rule``."""
    text = (
        "Tell objects apart by their shape: pores-and-cracks, round-and-elongated, or a rule such as "
        "crack: AR > 3 and Solidity < 0.9; pore (the first that fits; the last is the rest)."
    )
    return parameter("", text, where=where)


def skeleton(where: Where = "everywhere") -> Any:
    """``skeleton``."""
    text = (
        "Whose length and width along the skeleton are measured: auto (classes with crack in their name), all, none, "
        "or names of classes."
    )
    return parameter("auto", text, where=where, advanced=True)
