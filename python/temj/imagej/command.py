"""``temj imagej``: ImageJ with the TEMJ commands in it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator

from temj.commands.base import Cancelled as Stop
from temj.commands.base import Command, Parameters, Progress, Values, parameter
from temj.data import Column, Table
from temj.errors import BadValue, Cancelled

Words = Annotated[tuple[str, ...], BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)]
_EVERY = 0.1
"""Seconds between two looks at whether ImageJ was closed."""


class ImageJParameters(Parameters):
    """Which ImageJ is started, and what it runs."""

    fiji: Path | None = parameter(None, "Folder of the Fiji to start.", role="input_folder", where="cli")
    endpoint: str = parameter("", "ImageJ2 version or Maven coordinates to start.", where="cli")
    headless: bool = parameter(False, "Without windows; ends when the macro has ended.", where="cli")
    macro: Words = parameter((), "Macro to run (.ijm), and the argument that getArgument() gives it.", where="cli")


def run(parameters: ImageJParameters, _inputs: Values, _progress: Progress, cancelled: Stop) -> Values:
    """Start ImageJ, run the macro, and wait until ImageJ is closed; a macro that fails is in ``failures``."""
    from temj.imagej import macros, session
    from temj.imagej.host import host

    if len(parameters.macro) > 2:
        raise BadValue("macro", where="macro", expected="a file and one argument", found=" ".join(parameters.macro))
    if parameters.headless and not parameters.macro:
        raise BadValue("missing", where="macro", expected="a macro to run, since there is no window")
    text = macros.read_macro(Path(parameters.macro[0])) if parameters.macro else None
    session.start(parameters.headless, parameters.fiji, parameters.endpoint or None)
    host().cancelled = cancelled
    failures: list[tuple[str, str, str]] = []
    if text is not None:
        try:
            returned = macros.run_macro(text, *parameters.macro[1:])
            print(returned, end="\n" if returned else "")
        except macros.MacroFailed as error:
            failures.append((parameters.macro[0], error.code, error.message))
    if cancelled():
        raise Cancelled
    if not parameters.headless:
        _wait(cancelled)
    columns = list(zip(*failures, strict=True)) or [(), (), ()]
    names = ("Macro", "Code", "Message")
    return {
        "failures": Table(
            tuple(Column(name, np.array(cells, object)) for name, cells in zip(names, columns, strict=True))
        )
    }


def _wait(cancelled: Stop) -> None:
    """Until the user closes ImageJ."""
    from temj.imagej.java import J

    while J.IJ.getInstance() is not None:
        if cancelled():
            raise Cancelled
        time.sleep(_EVERY)


def account(outputs: Values) -> str:
    """What the macro that failed said."""
    return "\n".join(outputs["failures"]["Message"])


COMMAND = Command(
    name="imagej",
    summary="Start ImageJ with the TEMJ commands in it.",
    parameters=ImageJParameters,
    run=run,
    account=account,
)
