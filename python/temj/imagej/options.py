"""Parameters of a command from a macro's options string."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from temj import registry
from temj.commands.base import ParameterView
from temj.commands.options import read_options
from temj.errors import BadValue

_FLAGS = {"true": True, "false": False}


def parse(
    options: str, views: Sequence[ParameterView], variable: Callable[[str], str | None] | None = None
) -> dict[str, Any]:
    """The JSON values of the parameters that an options string names.

    A flag is given by its bare name, or as ``flag=true`` or ``flag=false``. Keys may be written in capitals, as
    ImageJ takes them. ``key=&name`` stands for the value of the macro's variable of that name.

    Args:
        options: e.g. ``model=loops threshold=0.5 output=[/a b/c] ellipses``.
        views: the parameters that ImageJ offers.
        variable: gives the value of a macro variable, None where there is none.

    Raises:
        BadValue: an unknown key, a bracket that does not match, a key given twice, or a value of the wrong kind.
    """
    known = {view.name: view for view in views}
    values: dict[str, Any] = {}
    for key, text in read_options(options).items():
        view = known.get(key.lower())
        if view is None:
            raise registry.unknown("parameter", key, known)
        if view.name in values:
            raise BadValue("twice", where=view.name, expected="each key once", found=options.strip())
        values[view.name] = _value(view, text, variable)
    return {name: value for name, value in values.items() if value is not None}


def _value(view: ParameterView, text: str | bool, variable: Callable[[str], str | None] | None) -> Any:
    """What one token says; None where it leaves the parameter at its default (an empty path)."""
    if variable is not None and isinstance(text, str) and text.startswith("&"):
        text = variable(text[1:]) or text
    if view.kind == "flag":
        found = text if text is True else _FLAGS.get(text.lower())
        if found is None:
            raise BadValue("flag", where=view.name, expected=f"{view.name}, or {view.name}=true or false", found=text)
        return found
    if text is True:
        raise BadValue("no-value", where=view.name, expected=f"{view.name}=VALUE", found=f"only '{view.name}'")
    return None if text == "" and view.default is None else text
