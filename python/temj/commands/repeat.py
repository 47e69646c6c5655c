"""The command line and the macro line that do the same again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from temj.commands.base import Command, Parameters, ParameterView, views
from temj.commands.options import macro_string, write_options


def repeat(command: Command, parameters: Parameters) -> dict[str, str]:
    """``command_line`` and, where ImageJ has the command, ``macro_line`` of a run with these parameters."""
    words = ["temj", command.name, *_words(command, parameters)]
    lines = {"command_line": shlex.join(words)}
    if command.menu:
        chosen = {
            view.name: getattr(parameters, view.name)
            for view in views(command.parameters, "imagej")
            if view.required or getattr(parameters, view.name) != view.default
        }
        lines["macro_line"] = f"run({macro_string(command.menu)}, {macro_string(write_options(chosen))});"
    return lines


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


def is_positional(view: ParameterView) -> bool:
    """Whether the command line takes it without an option's name: the files a command reads."""
    return view.name in ("images", "image", "dataset")
