"""What a running command tells ImageJ's user: progress, errors, and whether he pressed Esc."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable

from temj.errors import Cancelled, ResourceError, TemjError
from temj.imagej.dialogs import TITLE, wrapped
from temj.imagej.java import J

_KEYS = {"source_format": "format", "to": "format"}
"""Options of ``temj convert`` that our own commands call otherwise."""
_log = logging.getLogger(__name__)


def progress(message: str, current: int, maximum: int) -> None:
    """Show progress in ImageJ's status bar."""
    J.IJ.showStatus(f"{TITLE}: {message}")
    J.IJ.showProgress(min(1.0, current / maximum) if maximum else 1.0)


def clear_progress(status: str = "") -> None:
    """Take the progress bar away and leave a last word in the status bar."""
    J.IJ.showProgress(1.0)
    J.IJ.showStatus(status)


def stopper(outer: Callable[[], bool]) -> Callable[[], bool]:
    """Whether Esc was pressed since now, or ``outer`` says stop."""
    J.IJ.resetEscape()
    return lambda: bool(J.IJ.escapePressed()) or outer()


def in_words(error: BaseException, command: str) -> TemjError | str:
    """An error as its user should read it; details of a defect go to ImageJ's log."""
    if isinstance(error, TemjError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Cancelled()
    if isinstance(error, MemoryError):
        return ResourceError(
            "memory", where=command, remedy="Close other programs or images, or work on a smaller part of the image."
        )
    if isinstance(error, J.OutOfMemoryError):
        megabytes = int(J.Runtime.getRuntime().maxMemory()) // 2**20
        return ResourceError(
            "java-memory",
            where=command,
            found=f"ImageJ's memory of {megabytes} MB is used up",
            remedy="Close images, or give Java more memory (Edit > Options > Memory & Threads; where Python starts "
            "ImageJ: scyjava.config.set_heap_max(gb=4), or JAVA_TOOL_OPTIONS=-Xmx4g).",
        )
    _log.info("%s failed", command, exc_info=error)
    J.IJ.log("".join(traceback.format_exception(error)))
    return f"{command} failed: {type(error).__name__}: {error}\nThis is a defect of TEMJ; details are in the Log."


def tell(error: TemjError | str) -> None:
    """Show an error in a window, or print it where there is none; the macro that runs is aborted."""
    message = error if isinstance(error, str) else error.message
    J.IJ.error(TITLE, wrapped(as_keys(message)))


def as_keys(message: str) -> str:
    """A message of a workflow in ImageJ's words: ``--pixel-size``, an option of the command line, is ``pixel_size``.

    Lines of commands for a terminal (``temj ... --help``) stay.
    """

    def key(option: re.Match[str]) -> str:
        name = option[1].replace("-", "_")
        return _KEYS.get(name, name)

    parts = re.split(r"('temj [^']*')", message)
    return "".join(part if k % 2 else re.sub(r"(?<![\w-])--([a-z][a-z-]*)", key, part) for k, part in enumerate(parts))
