"""What a command is: one declaration that dialog, macro, command line, JSON job and Python all read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as member
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from temj.data import Instances, Micrograph, Table

Value = Micrograph | Instances | Table
Values = Mapping[str, Value]
Progress = Callable[[str, int, int], None]
Cancelled = Callable[[], bool]

Role = Literal[
    "value", "model", "input_file", "input_files", "input_folder", "input_path", "output_file", "output_folder",
    "output_path",
]  # fmt: skip
"""What a parameter names; a path is a file or a folder."""
Where = Literal["everywhere", "cli", "imagej"]


def no_progress(message: str, current: int, maximum: int) -> None:
    """Report progress to nobody."""


def never_cancelled() -> bool:
    """Nobody can cancel."""
    return False


class Parameters(BaseModel):
    """Base of every command's parameters: frozen, unknown names are errors.

    The name of a field is the Python keyword, the JSON key, the macro key and, with hyphens, the option of
    the command line. No name ends in ``_<another name>``: ImageJ's own search for keys would confuse them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def parameter(
    default: Any = ...,
    text: str = "",
    *,
    unit: str = "",
    role: Role = "value",
    where: Where = "everywhere",
    advanced: bool = False,
    positional: bool | None = None,
    **limits: float,
) -> Any:
    """One field of :class:`Parameters`.

    Args:
        default: its value where none is given; ``...`` where one must be given.
        text: help in one line.
        unit: shown in labels and help.
        role: what kind of thing it names, so that a host can offer a list or a file chooser.
        where: whether the command line, ImageJ or both offer it.
        advanced: shown apart in dialogs and help.
        positional: whether the command line takes it without an option's name; None: what a command reads first is
            (``images``, ``image``, ``dataset``).
        limits: ``ge``, ``gt``, ``le``, ``lt``.
    """
    marks = {"unit": unit, "role": role, "where": where, "advanced": advanced, "positional": positional}
    return Field(default, description=text, json_schema_extra=marks, **limits)


def hinted(words: str, field: Any) -> Any:
    """A field of :class:`Parameters` with words behind its name in dialogs, where the name alone says too little."""
    field.json_schema_extra["hint"] = words
    return field


@dataclass(frozen=True)
class ParameterView:
    """What a reader (dialog, options string, command line) needs to know of one parameter."""

    name: str
    default: Any
    required: bool
    kind: Literal["flag", "choice", "integer", "number", "text", "texts"]
    choices: tuple[str, ...]
    text: str
    unit: str
    role: Role
    where: Where
    advanced: bool
    positional: bool | None = None
    hint: str = ""

    @property
    def label(self) -> str:
        """ImageJ's label: ``Pixel_size (nm)``; ImageJ shows the underscore as a space and records ``pixel_size``."""
        name = self.name[0].upper() + self.name[1:]
        return " ".join(part for part in (name, f"({self.unit})" if self.unit else "", self.hint) if part)

    @property
    def option(self) -> str:
        """The option of the command line: ``--pixel-size``."""
        return "--" + self.name.replace("_", "-")


def views(parameters: type[Parameters], host: Where) -> tuple[ParameterView, ...]:
    """The parameters that ``host`` (``"cli"`` or ``"imagej"``) offers, in order of declaration."""
    shown = []
    for name, info in parameters.model_fields.items():
        marks = info.json_schema_extra
        kind, choices = _kind(info.annotation)
        shown.append(
            ParameterView(name, info.default, info.is_required(), kind, choices, info.description or "", **marks)
        )
    return tuple(view for view in shown if view.where in ("everywhere", host))


def _kind(annotation: Any) -> tuple[str, tuple[str, ...]]:
    """How a person enters a value of this type."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        return "choice", get_args(annotation)
    if get_origin(annotation) is tuple:
        return "texts", ()
    members = [member for member in get_args(annotation) if member is not type(None)] or [annotation]
    if len(members) == 1 and get_origin(members[0]) is Literal:
        return "choice", get_args(members[0])
    simple = {bool: "flag", int: "integer", float: "number"}
    return (simple.get(members[0], "text") if len(members) == 1 else "text"), ()


def _as_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return repr(float(value)).removesuffix(".0")


TextOrNumber = Annotated[str, BeforeValidator(_as_text)]
"""A text field that also takes a number, such as a threshold (``0.5`` or the name ``area``)."""


@dataclass(frozen=True)
class Command:
    """A workflow as its user meets it.

    Attributes:
        name: ``temj <name>``: a lower-case word, or two (``dataset check``) for one of a family.
        summary: one line of help.
        parameters: its parameters.
        run: ``(parameters, inputs, progress, cancelled) -> outputs``; inputs and outputs are named
            micrographs, instances and tables. A table ``failures`` (image, code, message) lists items that
            failed while the others went on.
        account: the outputs in a few readable lines.
        menu: its unique name in ImageJ's menu ``Plugins > TEMJ``, or "" where ImageJ does not offer it.
        inputs: what ImageJ hands over, by name: "micrograph" (the current plane), "instances" (the ROIs that lie in
            it), "annotations" (the ROIs of all planes), "groups" (the names of ImageJ's groups).
        entries: name in ``File > Open Samples`` -> the parameters that it fixes; such an entry opens no dialog.
    """

    name: str
    summary: str
    parameters: type[Parameters]
    run: Callable[[Any, Values, Progress, Cancelled], Values]
    account: Callable[[Values], str]
    menu: str = ""
    inputs: tuple[str, ...] = ()
    entries: Mapping[str, Mapping[str, Any]] = member(default_factory=lambda: MappingProxyType({}))
