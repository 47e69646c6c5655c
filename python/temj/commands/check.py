"""Parameters from outside, checked; what is wrong is said in one sentence each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from temj import registry
from temj.commands import IMAGEJ_COMMANDS
from temj.commands.base import Command, Parameters, ParameterView
from temj.errors import BadValue
from temj.wording import begun, first_fault


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
        fault = first_fault(command.parameters, error)
        missing = fault.kind == "missing"
        raise BadValue(
            "missing" if missing else "parameter",
            where=fault.where or command.name,
            expected=begun(known[fault.name].description.removesuffix(".")) if missing else fault.expected,
            found=None if missing else fault.found,
            remedy=None if command.name in IMAGEJ_COMMANDS else f"See 'temj {command.name} --help'.",
        ) from None


def named_for(error: BadValue, shown: Iterable[ParameterView], name: Callable[[ParameterView], str]) -> BadValue:
    """The error with its parameter called as a host calls it; one about anything else as it is.

    Args:
        error: ``where`` is the name of a parameter, perhaps with more behind a comma.
        shown: the parameters that the host offers.
        name: gives the host's name of a parameter.
    """
    known = {view.name: view for view in shown}
    own, comma, rest = (error.where or "").partition(", ")
    if own not in known:
        return error
    where = f"{name(known[own])}{comma}{rest}"
    return BadValue(error.problem, where=where, expected=error.expected, found=error.found, remedy=error.remedy)
