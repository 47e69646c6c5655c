"""What is installed, which device, which Java, where things are; what is wrong and how to mend it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from temj import registry
from temj._version import __version__
from temj.data import Column, Table
from temj.errors import TemjError

DISK_GB = 8
"""What the set-up with PyPI's torch takes on Linux."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; ``remedy`` is "" where it is in order."""

    name: str
    found: str
    remedy: str = ""


def examine() -> dict[str, Table]:
    """Run all checks; a check that itself breaks is a finding, not a crash."""
    found = [check for examination in EXAMINATIONS for check in _safely(examination)]
    wrong = [check for check in found if check.remedy]
    return {
        "checks": _table(
            ("Check", [check.name for check in found]),
            ("State", ["PROBLEM" if check.remedy else "ok" for check in found]),
            ("Found", [check.found for check in found]),
        ),
        "failures": _table(
            ("Image", [check.name for check in wrong]),
            ("Code", ["doctor"] * len(wrong)),
            ("Message", [check.remedy for check in wrong]),
        ),
    }


def _safely(examination: Callable[[], Iterator[Check]]) -> list[Check]:
    name = examination.__name__.strip("_")
    try:
        return list(examination())
    except TemjError as error:
        return [Check(name, str(error.found or error.problem), error.message)]
    except Exception as error:
        return [Check(name, f"{type(error).__name__}: {error}", "Install temj again in a fresh environment.")]


def _table(*columns: tuple[str, list[str]]) -> Table:
    return Table(tuple(Column(name, np.array(values, object)) for name, values in columns))


def _python() -> Iterator[Check]:
    yield Check("TEMJ", f"{__version__} in {Path(__file__).resolve().parents[1]}")
    right = (3, 11) <= sys.version_info[:2] < (3, 14)
    yield Check(
        "Python",
        f"{platform.python_version()} at {sys.executable}, {platform.platform()}",
        "" if right else "Use Python 3.11, 3.12 or 3.13.",
    )


def _libraries() -> Iterator[Check]:
    for requirement in metadata.requires("temj") or ():
        if "extra ==" in requirement:
            continue
        name = re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0]
        try:
            yield Check(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, "not installed", f"Install it: pip install '{requirement}'.")
    headless = [name for name in ("opencv-python-headless", "opencv-contrib-python") if _installed(name)]
    if headless:
        yield Check(
            "OpenCV twice",
            ", ".join(headless),
            "It writes the same folder as opencv-python: "
            f"pip uninstall {' '.join(headless)}, then install opencv-python again.",
        )


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _opencv() -> Iterator[Check]:
    cv2 = registry.load("temj.opencv:opencv")()
    yield Check("OpenCV loads", cv2.__version__)


def _device() -> Iterator[Check]:
    yield Check("Device", f"{registry.load('temj.inference:describe')()} is what --device auto takes")


def _java() -> Iterator[Check]:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java") or (home and shutil.which("java", path=str(Path(home, "bin"))))
    if not java:
        yield Check(
            "Java",
            "not found",
            "Install a JDK 11 or newer (Debian, Ubuntu: apt-get install default-jdk); only ImageJ needs it.",
        )
        return
    told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60).stderr
    version = re.search(r'version "(\d+)', told)
    new = version is not None and int(version[1]) >= 11
    yield Check(
        "Java", f"{told.splitlines()[0] if told else '?'} at {java}", "" if new else "Install a JDK 11 or newer."
    )
    if home and not Path(home).is_dir():
        yield Check("JAVA_HOME", home, "It names no folder: unset it or point it at the JDK.")


def _imagej() -> Iterator[Check]:
    jar = Path.home() / ".m2" / "repository" / "net" / "imagej" / "ij" / "1.54p"
    place = f"in {jar}" if jar.is_dir() else "comes from Maven Central at its first start (2.5 MB)"
    yield Check("ImageJ", f"embedded 1.54p, {place}")
    display = "a display" if _has_display() else "no display: headless only"
    yield Check("Display", display)


def _has_display() -> bool:
    return os.name == "nt" or sys.platform == "darwin" or bool(os.environ.get("DISPLAY"))


def _models() -> Iterator[Check]:
    for entry in registry.load("temj.models:list_models")():
        if isinstance(entry, TemjError):
            yield Check("Model", entry.where or "?", entry.message)
        else:
            yield Check("Model", f"{entry.card.name} in {entry.folder}")


def _places() -> Iterator[Check]:
    for place in registry.load("temj.models:search_path")():
        yield Check("Model folder", str(place))
    yield Check("Java caches", f"{Path.home() / '.m2'}, {Path.home() / '.jgo'}")
    free = shutil.disk_usage(Path.home()).free / 1e9
    yield Check(
        "Free disk", f"{free:.0f} GB", "" if free > 1 else f"Free some space: a fresh set-up takes {DISK_GB} GB."
    )


EXAMINATIONS = (_python, _libraries, _opencv, _device, _java, _imagej, _models, _places)
