"""The settings of a core from what a card or a user says, with words for what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from temj import registry
from temj.cores.channels import Channels
from temj.errors import BadValue
from temj.wording import first_fault

IN_CARD = "core.settings."
"""What stands before the name of a setting where it stands in a card."""
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
        raise wrong_setting(kind, error, core) from None


def wrong_setting(kind: type[BaseModel], error: ValidationError, core: str) -> BadValue:
    """The error for the first wrong setting of a core; ``where`` is ``core.settings.<name>``, as in a card."""
    fault, fields = first_fault(kind, error), kind.model_fields
    expected, advice = fault.expected, ""
    if fault.kind == "extra_forbidden":
        expected, advice = f"a setting of it: {', '.join(fields)}", registry.did_you_mean(fault.name, fields)
    elif fault.kind == "literal_error" and get_origin(fields[fault.name].annotation) is Literal:
        choices = [str(choice) for choice in get_args(fields[fault.name].annotation)]
        advice = registry.did_you_mean(str(error.errors()[0]["input"]), choices)
    return BadValue(
        "core-setting",
        where=f"{IN_CARD}{fault.where}".removesuffix("."),
        expected=expected,
        found=fault.found,
        remedy=f"{advice}Correct this setting of the core '{core}'.",
    )
