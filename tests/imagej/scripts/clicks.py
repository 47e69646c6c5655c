"""A real mouse and keyboard (xdotool): the menu, and Esc during a long command.

OK is pressed by an event: without a window manager a click on a dialog is not always delivered.
"""

import subprocess
import sys
import time

import common
import jpype

from temj import imagej as tij
from temj.imagej.host import host
from temj.imagej.java import J

common.with_fake_commands()
shots = sys.argv[1] if len(sys.argv) > 1 else None
ij = tij.start()
facts = {}


def xdotool(*words):
    subprocess.run(["xdotool", *map(str, words)], check=True)
    time.sleep(0.3)


def shot(name):
    if shots:
        subprocess.run(["import", "-window", "root", f"{shots}/{name}.png"], check=False)


def shown(kind):
    windows = jpype.JClass("java.awt.Window").getWindows()
    return next((w for w in windows if w.isVisible() and str(w.getClass().getName()) == kind), None)


def until(condition, seconds=20, action=None):
    """Wait for it; where the machine is too busy to take a click, ``action`` repeats it every 4 seconds."""
    end = time.monotonic() + seconds
    again = time.monotonic() + 4
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        if action and time.monotonic() > again:
            action()
            again = time.monotonic() + 4
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def dialog_from_menu():
    open_menu()
    return until(lambda: shown("ij.gui.GenericDialog"), action=lambda: (xdotool("key", "Escape"), open_menu()))


def open_menu():
    """Click on Plugins, go up from the top to the last entry (TEMJ), right into it, and take the first one."""
    metrics = ij.window.getFontMetrics(J.Menus.getFont())
    titles = ["File", "Edit", "Image", "Process", "Analyze"]
    at = sum(metrics.stringWidth(title) + 17 for title in titles) + metrics.stringWidth("Plugins") // 2
    corner = ij.window.getLocationOnScreen()
    xdotool("mousemove", corner.x + at, corner.y + 12)
    xdotool("click", 1)
    for key in ("Up", "Right"):
        xdotool("key", key)
    shot(f"menu-{len(common.calls)}")
    xdotool("key", "Return")


def press_ok(dialog):
    event = jpype.JClass("java.awt.event.ActionEvent")
    button = next(b for b in dialog.getButtons() if b is not None and str(b.getLabel()).strip() == "OK")
    shot("dialog")
    time.sleep(0.4)  # until the dialog waits for its user
    button.dispatchEvent(event(button, event.ACTION_PERFORMED, button.getLabel()))
    until(lambda: not dialog.isVisible())


common.slow = True
image = ij.IJ.openImage(f"{common.SAMPLES}/04.png")
image.show()
time.sleep(1)
press_ok(dialog_from_menu())
until(lambda: len(common.calls) == 1)
facts["clicked"] = common.calls[-1]["image"]
corner = image.getWindow().getLocationOnScreen()
xdotool("mousemove", corner.x + 100, corner.y + 100)
image.getWindow().toFront()
image.getCanvas().requestFocus()
time.sleep(0.5)
started = time.monotonic()
xdotool("key", "Escape")
until(lambda: host().last_error is not None)
facts["Esc"] = [host().last_error.code, time.monotonic() - started, image.getOverlay() is None]
image.changes = False
common.tell(facts)
