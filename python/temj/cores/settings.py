"""The settings of a core from what a card or a user says, with words for what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from temj import registry
from temj.cores.channels import Channels
from temj.errors import BadValue

Settings = TypeVar("Settings", bound=BaseModel)


def _different(classes: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(classes)) != len(classes) or not all(classes):
        raise ValueError("class names must be different and not empty")
    return classes


def _recipe(channels: object) -> object:
    return str(Channels.of(channels)) if isinstance(channels, str | int) else channels


ClassNames = Annotated[tuple[str, ...], Field(min_length=1, max_length=254), AfterValidator(_different)]
"""The names of the classes of a core, without the background."""
Recipe = Annotated[str, BeforeValidator(_recipe)]
"""A recipe of input channels, a line of :data:`temj.cores.channels.CHANNELS`, as it is written in full."""


def settings_of(kind: type[Settings], values: Mapping[str, Any], core: str) -> Settings:
    """The settings of a core, checked.

    Args:
        kind: their model.
        values: by name.
        core: a name of :data:`temj.cores.CORES`, for the message.

    Raises:
        BadValue: a setting that there is not, or a wrong value.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        expected, advice = _asked(kind, first)
        raise BadValue(
            "core-setting",
            where=".".join(["core", "settings", *(str(part) for part in first["loc"])]),
            expected=expected,
            found=repr(first["input"])[:80],
            remedy=f"{advice}Correct this setting of the core '{core}'.",
        ) from None


def _asked(kind: type[BaseModel], fault: Mapping[str, Any]) -> tuple[str, str]:
    """What a setting should be, and which choice or setting was perhaps meant."""
    name = str(fault["loc"][0]) if fault["loc"] else ""
    fields = kind.model_fields
    if fault["type"] == "extra_forbidden":
        return f"a setting of it: {', '.join(fields)}", registry.did_you_mean(name, fields)
    if fault["type"] == "literal_error" and get_origin(fields[name].annotation) is Literal:
        choices = [str(choice) for choice in get_args(fields[name].annotation)]
        return f"one of: {', '.join(choices)}", registry.did_you_mean(str(fault["input"]), choices)
    words = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return words, ""
