"""The names under which ImageJ offers our commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from temj import commands
from temj.commands.base import Command, ParameterView, views


@dataclass(frozen=True)
class Entry:
    """One name in ImageJ's menus and macros.

    Attributes:
        command: what it runs.
        fixed: the parameters that the name itself decides.
        asks: whether a dialog opens, and it stands in Plugins > TEMJ; else it stands in File > Open Samples.
    """

    command: Command
    fixed: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    asks: bool = True

    @property
    def views(self) -> tuple[ParameterView, ...]:
        """The parameters that a macro may name."""
        return tuple(view for view in views(self.command.parameters, "imagej") if view.name not in self.fixed)


def entries() -> Iterator[tuple[str, Entry]]:
    """All names, each with what it stands for."""
    for name in (*commands.COMMANDS, *commands.IMAGEJ_COMMANDS):
        command = commands.command(name)
        if command.menu:
            yield command.menu, Entry(command)
        for label, fixed in command.entries.items():
            yield label, Entry(command, fixed, asks=False)
