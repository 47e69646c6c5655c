"""Starts the plain ImageJ for scripts that tests run in a process of their own: the independent reference.

It does not go through temj.imagej, which is itself under test.
"""

import os
import shutil
from pathlib import Path

import scyjava


def start() -> None:
    """ImageJ 1.54p from Maven Central, headless, without windows and without Fiji's patches."""
    if not os.path.isdir(os.environ.get("JAVA_HOME") or "/nonexistent") and shutil.which("java"):
        os.environ["JAVA_HOME"] = str(Path(os.path.realpath(shutil.which("java"))).parent.parent)
    scyjava.config.get_repositories().clear()
    scyjava.config.set_java_constraints(fetch="auto", version="11")
    scyjava.config.endpoints.append("net.imagej:ij:1.54p")
    scyjava.config.enable_headless_mode()
    scyjava.start_jvm()
