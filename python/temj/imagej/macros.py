"""Running a user's macro, and knowing whether it failed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from temj.errors import BadValue, TemjError
from temj.imagej import feedback
from temj.imagej.host import host
from temj.imagej.java import J

_ABORTED = "[aborted]"


class MacroFailed(TemjError):
    """A macro that was aborted: by an error in it, in a command that it ran, or by Esc."""

    kind = "MacroFailed"
    exit_code = 3


def read_macro(path: Path) -> str:
    """The text of a macro file.

    Raises:
        BadValue: it is missing, or no macro (``.ijm`` or ``.txt``).
    """
    if path.suffix.lower() not in (".ijm", ".txt"):
        raise BadValue("macro", where=path, expected="a macro of ImageJ (.ijm or .txt)")
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise BadValue("macro", where=path, expected="a file", found=error.strerror, remedy="Check the path.") from None
    except UnicodeDecodeError:
        raise BadValue("macro", where=path, expected="text in UTF-8", remedy="Save it again in ImageJ.") from None


def run_macro(text: str, argument: str = "") -> str:
    """Run a macro in this thread; gives what it returns, "" if nothing.

    Raises:
        MacroFailed: it was aborted.
        KeyboardInterrupt: Ctrl-C was pressed while one of our commands ran in it.
    """
    import jpype

    here = host()
    here.last_error, here.interrupted = None, False
    interpreter = J.Interpreter()
    canceled = False
    try:
        returned = interpreter.run(text, argument)
    except jpype.JException as error:
        returned, canceled = None, str(error.getMessage()) == str(J.Macro.MACRO_CANCELED)
        if not canceled:
            here.last_error = here.last_error or f"{type(error).__name__}: {error.getMessage()}"
        line = int(interpreter.getLineNumber())
        interpreter.abortMacro()
        J.IJ.showProgress(1.0)
    if here.interrupted:
        raise KeyboardInterrupt
    if here.last_error is not None or interpreter.wasError() or str(returned) == _ABORTED:
        raise _failure(here.last_error, str(interpreter.getErrorMessage() or ""))
    if canceled and not _ended_by_itself(text, line):
        raise _failure(None, "")
    return "" if returned is None else str(returned)


def run_command(image: Any, command: str, options: str = "") -> None:
    """Run one command on an image as ``IJ.run`` does; an error of ours is raised as itself.

    ``IJ.run`` can only say "Macro canceled".

    Raises:
        TemjError: what was wrong, if it was one of our commands.
    """
    import jpype

    here = host()
    here.last_error = None
    try:
        J.IJ.run(image, command, options)
    except jpype.JException:
        if here.last_error is None:
            raise
    if isinstance(here.last_error, TemjError):
        raise here.last_error
    if here.last_error is not None:
        raise MacroFailed("command", remedy=here.last_error)


def _ended_by_itself(text: str, line: int) -> bool:
    """Whether a macro that stopped in this line (from 1) did so by ``exit;`` without a message, which is no failure.

    ImageJ ends a macro in the same way for ``exit``, ``exit("message")`` and Esc.
    """
    lines = text.splitlines()
    stopped = lines[line - 1] if 0 < line <= len(lines) else ""
    return (
        not J.IJ.escapePressed()
        and re.search(r"\bexit\s*(\(\s*\))?\s*;?", stopped) is not None
        and (re.search(r"\bexit\s*\(\s*[^)\s]", stopped) is None)
    )


def _failure(error: TemjError | str | None, told: str) -> MacroFailed:
    if isinstance(error, TemjError):
        return MacroFailed("command", remedy=feedback.as_keys(error.message))
    return MacroFailed("aborted", remedy=error or told or "It was stopped, or it stopped itself with a message.")
