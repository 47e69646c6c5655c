"""ImageJ's windows driven by AWT events; to be imported when Java runs.

Screenshots are put into the folder that the environment variable TEMJ_SHOTS names (needs an X server, ImageMagick).
"""

import os
import subprocess
import time

import jpype

from temj.imagej import menu
from temj.imagej.java import J

shots = os.environ.get("TEMJ_SHOTS")
Event = jpype.JClass("java.awt.event.ActionEvent")
Window = jpype.JClass("java.awt.Window")


def shot(name):
    if shots:
        time.sleep(0.5)
        subprocess.run(["import", "-window", "root", f"{shots}/{name}.png"], check=False)


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def window(kind):
    shown = [w for w in Window.getWindows() if w.isVisible() and str(w.getClass().getName()) == kind]
    return shown[-1] if shown else None


def click(command):
    item = items()[command]
    item.dispatchEvent(Event(item, Event.ACTION_PERFORMED, command))


def settled(kind):
    """A modal window of this class, when it has begun to wait for its user: closed sooner it would hang."""
    shown = until(lambda: window(kind))
    time.sleep(0.4)
    return shown


def dialog():
    return settled("ij.gui.GenericDialog")


def press(shown, label):
    """Press a button of a GenericDialog and wait until it is gone."""
    button = next(b for b in shown.getButtons() if b is not None and str(b.getLabel()).strip() == label)
    button.dispatchEvent(Event(button, Event.ACTION_PERFORMED, button.getLabel()))
    until(lambda: not shown.isVisible())


def message():
    """The text of ImageJ's message window; closes it."""
    shown = settled("ij.gui.MessageDialog")
    text = "|".join(str(part) for part in texts(shown))
    shot(f"message-{len(os.listdir(shots)) if shots else 0}")
    button = next(part for part in parts(shown) if str(part.getClass().getSimpleName()) == "Button")
    button.dispatchEvent(Event(button, Event.ACTION_PERFORMED, button.getLabel()))
    until(lambda: not shown.isVisible())
    return f"{shown.getTitle()}: {text}"


def parts(container):
    for part in container.getComponents():
        yield part
        if hasattr(part, "getComponents"):
            yield from parts(part)


def texts(container):
    for part in parts(container):
        if str(part.getClass().getSimpleName()) == "MultiLineLabel":
            field = part.getClass().getDeclaredField("lines")
            field.setAccessible(True)
            yield from (str(line) for line in field.get(part))
        elif hasattr(part, "getText"):
            yield str(part.getText())


def idle():
    """Wait until our command has ended."""
    threads = jpype.JClass("java.lang.Thread")
    until(lambda: not any("TEMJ " in str(t.getName()) for t in threads.getAllStackTraces().keySet()))


def recorded():
    return str(until(lambda: window("ij.plugin.frame.Recorder")).getText())


def items():
    """Our entries of the menus Plugins > TEMJ and File > Open Samples, by their names."""
    places = [("Plugins", menu.MENU), ("File", menu.SAMPLES)]
    found = [item for top, label in places for item in _of_menu(J.Menus.getImageJMenu(top), label)]
    return {str(item.getLabel()): item for item in found if str(item.getLabel()).startswith("TEMJ ")}


def _of_menu(top, label):
    return [item for entry in menu.items(top) if str(entry.getLabel()) == label for item in menu.items(entry)]
