"""The one door to OpenCV, which names the missing system library where its import fails."""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType

from temj.errors import MissingSoftware

SYSTEM_PACKAGES = {
    "libGL.so.1": ("libgl1", "mesa-libGL"),
    "libgthread-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2"),
    "libSM.so.6": ("libsm6", "libSM"),
    "libXext.so.6": ("libxext6", "libXext"),
    "libXrender.so.1": ("libxrender1", "libXrender"),
    "libX11.so.6": ("libx11-6", "libX11"),
    "libxcb.so.1": ("libxcb1", "libxcb"),
}
"""Shared libraries that opencv-python needs -> the package that has it (Debian and Ubuntu, Fedora)."""


def opencv() -> ModuleType:
    """The module ``cv2``.

    Raises:
        MissingSoftware: it cannot be imported; the message names the system library that is missing and
            the packages that have it, or says that OpenCV itself is not installed.
    """
    _quiet()
    try:
        import cv2
    except ImportError as error:
        raise missing(str(error)) from error
    return cv2


@cache
def _quiet() -> None:
    """FFmpeg reads it once, when it is first used; what it prints on damaged films reaches the user as our own words.

    Once is enough: this door is passed many times for each object, and looking at the environment is slow.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def missing(message: str) -> MissingSoftware:
    """The error for a failed import of cv2, from the words of the ImportError."""
    for library, (debian, fedora) in SYSTEM_PACKAGES.items():
        if library in message:
            return MissingSoftware(
                "system-library",
                where=library,
                expected="the shared libraries of OpenCV",
                found=message,
                remedy=f"Install it: 'apt-get install {debian}' (Debian, Ubuntu) or 'dnf install {fedora}' (Fedora).",
            )
    return MissingSoftware(
        "opencv",
        where="cv2",
        found=message,
        remedy="Install it with 'pip install opencv-python'; on Linux it needs the packages libgl1 and libglib2.0-0 "
        "(Debian, Ubuntu) or mesa-libGL and glib2 (Fedora).",
    )
