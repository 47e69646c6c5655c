"""Starting ImageJ from Python, and joining one that runs."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temj.errors import BadValue, MissingSoftware
from temj.imagej import java
from temj.imagej.host import host
from temj.imagej.java import J
from temj.imagej.macros import run_command, run_macro

_WINDOW_SECONDS = 60


@dataclass(frozen=True)
class Embedded:
    """The plain ImageJ that TEMJ starts by itself.

    Attributes:
        window: ImageJ's main window (``ij.ImageJ``), None where it runs headless.
    """

    window: Any

    @property
    def IJ(self) -> Any:  # the name that it has in ImageJ
        """``ij.IJ``, with ``openImage``, ``run`` and everything else."""
        return J.IJ

    @property
    def WindowManager(self) -> Any:
        """``ij.WindowManager``."""
        return J.WindowManager

    @property
    def ResultsTable(self) -> Any:
        """``ij.measure.ResultsTable``."""
        return J.ResultsTable

    def run(self, image: Any, command: str, options: str = "") -> None:
        """``IJ.run``, where an error of a TEMJ command is raised as itself."""
        run_command(image, command, options)

    def run_macro(self, text: str, argument: str = "") -> str:
        """Run a macro; gives what it returns (:func:`temj.imagej.macros.run_macro`)."""
        return run_macro(text, argument)


def start(headless: bool = False, fiji: str | os.PathLike | None = None, endpoint: str | None = None) -> Embedded | Any:
    """Start ImageJ in this process, with the TEMJ commands in it.

    There is one Java a process: where one runs already it is joined if it fits.

    Args:
        headless: without windows, for scripts and servers.
        fiji: folder of a Fiji (or ImageJ2) to start; plain ImageJ 1.54p where neither this nor ``endpoint`` is given.
        endpoint: an ImageJ2 version (``2.17.0``) or Maven coordinates to start instead.

    Returns:
        :class:`Embedded`, or pyimagej's gateway for ``fiji`` and ``endpoint``.

    Raises:
        MissingSoftware: no Java, no display, or no ImageJ.
        Refused: the Java that runs already does not fit.
    """
    if fiji and endpoint:
        raise BadValue("both", where="fiji, endpoint", expected="one of the two", remedy="Leave one out.")
    if fiji and not Path(fiji).expanduser().is_dir():
        raise BadValue("fiji", where=os.fspath(fiji), expected="the folder of a Fiji", remedy="Check the path.")
    source = os.fspath(fiji) if fiji else endpoint
    if java.running():
        java.require_fit(not headless)
        return _embedded(not headless)
    if source:
        gateway = java.start_gateway(source, not headless)
        if not headless:
            gateway.ui().showUI()
            _wait_for_window()
        attach(gateway)
        return gateway
    java.start_embedded(not headless)
    return _embedded(not headless)


def _embedded(want_window: bool) -> Embedded:
    window = J.IJ.getInstance()
    if want_window and window is None:
        window = _open_window()
    host()
    return Embedded(window)


def _open_window() -> Any:
    import jpype

    try:
        window = J.ImageJ()
    except jpype.JException as error:
        raise MissingSoftware(
            "display",
            expected="a display for ImageJ's window",
            found=str(error.getMessage()).rstrip("."),
            remedy="Use --headless (headless=True in Python), or check DISPLAY.",
        ) from None
    window.exitWhenQuitting(False)  # closing ImageJ ends its session, not this Python
    return window


def _wait_for_window() -> None:
    """ImageJ2 shows its window in a thread of its own."""
    end = time.monotonic() + _WINDOW_SECONDS
    while J.IJ.getInstance() is None and time.monotonic() < end:
        time.sleep(0.05)


def attach(ij: Any = None) -> None:
    """Add the TEMJ commands to an ImageJ that runs in this process, such as a user's own pyimagej gateway.

    After it ``IJ.run(image, "TEMJ Predict...", "model=loops")`` and macros know them. Attaching again does nothing.

    Args:
        ij: the gateway of ``imagej.init``; may be left out.

    Raises:
        MissingSoftware: no Java runs here, or one without the original ImageJ (``add_legacy=False``).
    """
    if not java.running():
        raise MissingSoftware(
            "imagej", expected="an ImageJ that runs in this process", remedy="Start one: temj.imagej.start()."
        )
    legacy = getattr(ij, "legacy", None)
    if legacy is not None and not (legacy() if callable(legacy) else legacy).isActive():
        raise MissingSoftware(
            "legacy",
            expected="a gateway with the original ImageJ in it",
            remedy="Call imagej.init without add_legacy=False.",
        )
    java.require_fit(False)
    host()
