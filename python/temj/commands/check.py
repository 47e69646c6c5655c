"""Parameters from outside, checked; what is wrong is said in one sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from temj import registry
from temj.commands import IMAGEJ_COMMANDS
from temj.commands.base import Command, Parameters
from temj.errors import BadValue


def validated(command: Command, parameters: Mapping[str, Any]) -> Parameters:
    """The parameters as the command's frozen model.

    Raises:
        BadValue: an unknown name (with the nearest known one), a missing or a wrong value.
    """
    known = command.parameters.model_fields
    for name in parameters:
        if name not in known:
            raise registry.unknown("parameter", name, known)
    try:
        return command.parameters.model_validate(dict(parameters))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or command.name
        missing = first["type"] == "missing"
        rule = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        raise BadValue(
            "missing" if missing else "parameter",
            where=name,
            expected=_begun(known[name].description.removesuffix(".") if missing else rule),
            found=None if missing else repr(first["input"]),
            remedy=None if command.name in IMAGEJ_COMMANDS else f"See 'temj {command.name} --help'.",
        ) from None


def _begun(text: str) -> str:
    """A text as it stands inside a sentence; ``ROI set`` keeps its capitals."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]
