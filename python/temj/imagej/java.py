"""Java: how it is started, and every Java class that TEMJ touches.

``J.ImagePlus`` is ``ij.ImagePlus``; no other module spells out a Java class name.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from temj.errors import MissingSoftware, Refused
from temj.imagej import start_lock

IMAGEJ = "net.imagej:ij:1.54p"
PATCHER = "net.imagej:ij1-patcher:2.0.0"
BRIDGE = Path(__file__).with_name("bridge")
HOME = Path(__file__).with_name("home")

_log = logging.getLogger(__name__)
_PACKAGES = {
    "ij": "CommandListener Executer IJ ImageJ ImagePlus ImageStack Macro Menus WindowManager",
    "ij.gui": "DialogListener GenericDialog Overlay Plot Roi RotatedRectRoi",
    "ij.io": "OpenDialog RoiDecoder RoiEncoder SaveDialog",
    "ij.macro": "Interpreter",
    "ij.measure": "Measurements ResultsTable",
    "ij.plugin.filter": "Analyzer",
    "ij.plugin.frame": "Recorder RoiManager",
    "ij.process": "ByteProcessor FloatProcessor LUT ShortProcessor",
    "ij.util": "ThreadUtil",
    "java.awt": "Button Color Font GraphicsEnvironment GridBagConstraints Insets Menu MenuItem Panel",
    "java.awt.event": "ActionListener",
    "java.lang": "OutOfMemoryError Runnable Runtime System Thread",
    "java.util.function": "Consumer",
    "net.imagej.patcher": "LegacyInjector",
    "temj": "Bridge",
}
_CLASSES = {name: f"{package}.{name}" for package, names in _PACKAGES.items() for name in names.split()}


class _Classes:
    """Java classes by their short name, looked up on first use."""

    def __getattr__(self, name: str) -> Any:
        if name not in _CLASSES:
            raise AttributeError(f"{name} is not in the list of Java classes of temj.imagej.java")
        found = java_class(_CLASSES[name])
        setattr(self, name, found)
        return found


J = _Classes()


def class_name(name: str) -> str:
    """The full name of a class of :data:`J`."""
    return _CLASSES[name]


def java_class(name: str) -> Any:
    """The Java class of this full name.

    Raises:
        MissingSoftware: the running Java does not have it.
    """
    import jpype

    try:
        return jpype.JClass(name)
    except TypeError:
        raise MissingSoftware(
            "java-class",
            where=name,
            expected="a Java that was started with ImageJ in it",
            remedy="Start ImageJ through 'temj imagej' or temj.imagej.start(), or hand over your own gateway.",
        ) from None


def implement(interface: Any, method: str, function: Callable[..., Any], otherwise: Any = None) -> Any:
    """A Java object with one method that calls ``function``; nothing but a Java exception leaves it.

    An error of ours, which would show as ``org.jpype.PyExceptionProxy`` in ImageJ, goes to the log instead, and
    ``otherwise`` is returned.
    """
    import jpype

    def guarded(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except jpype.JException:
            raise
        except BaseException:
            _log.exception("in %s", method)
            return otherwise

    return jpype.JProxy(interface, dict={method: guarded})


def running() -> bool:
    """Whether a Java runs in this process."""
    if "jpype" not in sys.modules:
        return False
    import jpype

    return bool(jpype.isJVMStarted())


def headless() -> bool:
    """Whether the running Java has no windows."""
    return bool(J.GraphicsEnvironment.isHeadless())


def require_fit(want_window: bool) -> None:
    """Refuse to join a running Java that cannot do what is asked (there is one Java a process, for good).

    Raises:
        Refused: it runs headless and a window is wanted.
        MissingSoftware: it has no ImageJ.
    """
    version = str(J.IJ.getVersion())
    if want_window and headless():
        raise Refused(
            "java-running",
            expected="a Java with windows",
            found=f"Java was already started headless, with ImageJ {version}",
            remedy="Use headless=True, or start ImageJ with windows in a new process.",
        )


def start_embedded(want_window: bool) -> None:
    """Start Java with plain ImageJ 1.54p from Maven Central (downloaded once, then kept in ``~/.m2`` and ``~/.jgo``).

    Without windows ImageJ is patched as Fiji patches it, so that users' macros run as there.

    Raises:
        MissingSoftware: no Java, no display, or ImageJ cannot be fetched.
    """
    import scyjava

    _find_java()
    options = scyjava.config.get_options()
    if want_window:
        _require_display(options)
    scyjava.config.set_java_constraints(fetch="never", version="11")
    scyjava.config.get_repositories().clear()
    scyjava.config.endpoints.insert(0, IMAGEJ)
    if not want_window:
        scyjava.config.endpoints.append(PATCHER)
        scyjava.config.enable_headless_mode()
    if not any("plugins.dir" in option for option in options):
        scyjava.config.add_option(f"-Dplugins.dir={HOME}")
    scyjava.config.add_option("--add-opens=java.base/java.lang=ALL-UNNAMED")
    with start_lock.alone(), _our_bridge():
        try:
            scyjava.start_jvm()
        except (OSError, RuntimeError, ValueError) as error:
            raise _not_started(error) from error
        if not want_window:
            J.LegacyInjector.preinit()
        J.IJ.getVersion()  # opens the jar while it is certainly there


def start_gateway(source: str, want_window: bool) -> Any:
    """Start Java with a Fiji folder, an ImageJ2 version or Maven coordinates; gives pyimagej's gateway.

    Raises:
        MissingSoftware: no Java, no display, or no ImageJ there.
    """
    import scyjava

    import imagej

    _find_java()
    folder = Path(source).expanduser()
    if want_window:
        _require_display(scyjava.config.get_options())
    if folder.is_dir() and any(folder.glob("jars/**/imglyb*.jar")):
        # pyimagej adds this one jar by its Maven coordinates, although the folder has it: that would need the network
        scyjava.config.endpoints[:] = [known for known in scyjava.config.endpoints if "imglyb" not in known]
    scyjava.config.set_java_constraints(fetch="auto", version="11")
    with start_lock.alone(), _our_bridge():
        try:
            gateway = imagej.init(source, mode="interactive" if want_window else "headless")
        except (OSError, RuntimeError, ValueError) as error:
            raise _not_started(error) from error
    if not gateway:
        raise MissingSoftware(
            "imagej",
            where=source,
            expected="a Fiji folder, an ImageJ2 version, or Maven coordinates",
            remedy="Check the folder (it holds 'jars' and 'plugins') or the coordinates.",
        )
    return gateway


@contextlib.contextmanager
def _our_bridge() -> Iterator[None]:
    """Around the start of Java: our class in it, signals stay with Python, and Python can end."""
    import scyjava

    scyjava.config.add_classpath(str(BRIDGE))
    scyjava.config.add_kwargs(interrupt=False)
    with _signals_kept():
        yield
    scyjava.when_jvm_stops(_end_threads)


def _end_threads() -> None:
    """End what would keep the process from ending: the threads that ImageJ's filters leave behind, and those of stacks
    that are shown in a window."""
    J.ThreadUtil.threadPoolExecutor.shutdownNow()
    if headless():
        return
    for number in J.WindowManager.getIDList() or ():
        image = J.WindowManager.getImage(number)
        if image.getStackSize() > 1:
            image.changes = False  # nobody is left to be asked
            image.close()


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP still reach Python after the block: Java takes them when it starts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in names}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


def _find_java() -> None:
    """Set JAVA_HOME where it is missing or wrong.

    Left alone, the ``java`` of the search path would give ``/usr``, and an arbitrary one of the Javas below it.

    Raises:
        MissingSoftware: there is no Java.
    """
    import jpype

    if not os.path.isdir(os.environ.get("JAVA_HOME") or ""):
        os.environ.pop("JAVA_HOME", None)
        program = shutil.which("java")
        home = Path(os.path.realpath(program)).parent.parent if program else None
        if home and any((home / part).exists() for part in ("lib/server", "bin/server", "jre/lib")):
            os.environ["JAVA_HOME"] = str(home)
    try:
        library = Path(jpype.getDefaultJVMPath()).resolve()  # <home>/lib/server/libjvm.so
        os.environ.setdefault("JAVA_HOME", str(library.parents[2]))
    except (jpype.JVMNotFoundException, ValueError) as error:
        raise MissingSoftware(
            "java",
            expected="a Java of version 11 or newer",
            found="none",
            remedy="Install one (on Debian and Ubuntu: apt install openjdk-17-jre) or set JAVA_HOME to its folder.",
        ) from error


def _require_display(options: list[str]) -> None:
    """Refuse windows where there can be none, before anything hangs."""
    if sys.platform == "darwin":
        raise MissingSoftware(
            "window",
            expected="ImageJ's windows from Python, which macOS gives only to the main thread of Java",
            remedy="Use --headless (headless=True in Python).",
        )
    toolkit = any("awt.toolkit" in option for option in options)
    if os.name == "posix" and not os.environ.get("DISPLAY") and not toolkit:
        raise MissingSoftware(
            "display",
            expected="a display for ImageJ's window",
            found="no DISPLAY",
            remedy="Use --headless (headless=True in Python), log in with a desktop, or start under xvfb-run.",
        )


def _not_started(error: Exception) -> MissingSoftware:
    return MissingSoftware(
        "java-start",
        expected="Java with ImageJ",
        found=(str(error).strip().splitlines() or [type(error).__name__])[-1].rstrip("."),
        remedy="The first start fetches ImageJ from Maven Central and needs the network; later ones do not. "
        "Java must be version 11 or newer.",
    )
