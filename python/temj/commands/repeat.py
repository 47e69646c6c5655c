"""The command line and the macro line that do the same again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from temj.commands.base import Command, Parameters, ParameterView, views
from temj.commands.options import macro_string, read_options, write_options
from temj.errors import BadValue


def repeat(command: Command, parameters: Parameters, files: bool = True) -> dict[str, Any]:
    """What ``run.json`` tells of a command: ``parameters`` and the lines that repeat it.

    Args:
        command: which.
        parameters: with which values.
        files: whether it worked on files that ``parameters`` names: then there is a ``command_line``.

    Returns:
        ``parameters`` (all, as JSON), ``command_line`` and, where ImageJ has the command and a macro can name
        the files, ``macro_line``.
    """
    told: dict[str, Any] = {"parameters": parameters.model_dump(mode="json")}
    if files:
        told["command_line"] = shlex.join(["temj", *command.name.split(), *_words(command, parameters)])
    if command.menu:
        shown = views(command.parameters, "imagej")
        try:
            options = macro_options({view.name: getattr(parameters, view.name) for view in shown}, shown)
        except BadValue:  # a file name that no macro can hold: the command line is there
            return told
        told["macro_line"] = f'run({macro_string(command.menu)}, "{options}");'
    return told


def macro_options(values: Mapping[str, Any], shown: Sequence[ParameterView]) -> str:
    """The options of a macro line that repeats these values, as they stand between the quotes."""
    return " ".join(key if text is None else f"{key}={text}" for key, text in recorded(values, shown).items())


def recorded(values: Mapping[str, Any], shown: Sequence[ParameterView]) -> dict[str, str | None]:
    """The tokens of a macro line that repeats these values: key → value as it stands there, None for a bare flag.

    All values stand in the line, so that it means the same when a default changes; only what is empty and flags
    that have their default are left out. Paths are absolute, with forward slashes.

    Raises:
        BadValue: a value that no options string can hold.
    """
    tokens: dict[str, str | None] = {}
    for view in shown:
        value = values.get(view.name, view.default)
        if view.kind == "flag":
            if value != view.default:
                tokens[view.name] = None if value else "false"
        elif value not in (None, "", ()):
            is_path = view.role not in ("value", "model")
            tokens[view.name] = _token(view.name, Path(value).absolute().as_posix() if is_path else _text(value))
    return tokens


def _text(value: object) -> str:
    """A value as a dialog or macro gives it: a list with commas.

    Raises:
        BadValue: a list with a comma or semicolon in one of its words, which would come back as two.
    """
    if not isinstance(value, tuple):
        return str(value)
    words = [str(word) for word in value]
    if any(mark in word for word in words for mark in ",;"):
        raise BadValue("not-recordable", expected="words without commas", found=", ".join(map(repr, words)))
    return ",".join(words)


def _token(name: str, text: str) -> str:
    """The value as it stands in a macro, checked by reading it back."""
    try:
        written = write_options({name: text})
        if read_options(written) == {name: text}:
            return macro_string(written)[1:-1].partition("=")[2]
    except BadValue:
        pass
    raise BadValue(
        "not-recordable",
        where=name,
        expected="a value whose square brackets match, on one line",
        found=repr(text),
        remedy="Rename the file or folder: a macro could not name it.",
    )


def _words(command: Command, parameters: Parameters) -> Iterator[str]:
    """Positional arguments first, then every option that differs from its default."""
    shown = views(command.parameters, "cli")
    for view in filter(is_positional, shown):
        value = getattr(parameters, view.name)
        yield from map(str, value if isinstance(value, tuple) else () if value is None else (value,))
    for view in shown:
        value = getattr(parameters, view.name)
        if is_positional(view) or value == view.default:
            continue
        yield view.option
        if view.kind != "flag":
            yield from map(str, value if isinstance(value, tuple) else (value,))


def written(view: ParameterView) -> str:
    """What the command line calls a parameter: ``--nms-iou``, or ``DATASET`` where it has no option."""
    return view.name.rstrip("s").upper() if is_positional(view) else view.option


def is_positional(view: ParameterView) -> bool:
    """Whether the command line takes it without an option's name: what a command reads first."""
    if view.positional is not None:
        return view.positional
    return view.name == "kind" or (view.name in ("images", "image", "dataset") and view.role != "value")
