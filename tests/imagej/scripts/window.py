"""The commands in ImageJ with windows, driven by AWT events: dialogs, Recorder, ROI Manager, Esc, errors.

With a folder as first argument, screenshots are put there (needs an X server and ImageMagick).
"""

import os
import subprocess
import sys
import time

import common
import jpype

from temj import imagej as tij
from temj.imagej import menu
from temj.imagej.host import host
from temj.imagej.java import J

common.with_fake_commands()
shots = sys.argv[1] if len(sys.argv) > 1 else None
ij = tij.start()
facts = {"bridge": host().bridge}
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
    item = items[command]
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
    names = ("TEMJ Predict...", "TEMJ Measure...")
    until(
        lambda: (
            not any(str(t.getName()) in names for t in jpype.JClass("java.lang.Thread").getAllStackTraces().keySet())
        )
    )


def recorded():
    return str(until(lambda: window("ij.plugin.frame.Recorder")).getText())


items = {
    str(item.getLabel()): item
    for entry in menu.items(J.Menus.getImageJMenu("Plugins"))
    if str(entry.getLabel()) == menu.MENU
    for item in menu.items(entry)
}
facts["menu"] = list(items)
tij.attach()
facts["submenus"] = [str(e.getLabel()) for e in menu.items(J.Menus.getImageJMenu("Plugins"))].count(menu.MENU)

# no image
click("TEMJ Predict...")
facts["no image"] = message()
idle()

# the dialog, the Recorder, what is shown
J.IJ.run("Record...")
image = ij.IJ.openImage(f"{common.SAMPLES}/04.png")
image.show()
image.setOverlay(J.Overlay(J.Roi(1, 2, 3, 4)))
manager = J.RoiManager()
manager.addRoi(J.Roi(5, 6, 7, 8))
J.IJ.run("Set Measurements...", "area mean display redirect=None decimal=2")
before = recorded()
click("TEMJ Predict...")
shown = dialog()
facts["title"] = str(shown.getTitle())
facts["buttons"] = sorted(str(b.getLabel()).strip() for b in shown.getButtons() if b is not None)
facts["choices"] = [[str(c.getItem(k)) for k in range(c.getItemCount())] for c in shown.getChoices()]
facts["checkboxes"] = [str(c.getLabel()) for c in shown.getCheckboxes()]
shot("dialog")
press(shown, "Cancel")
idle()
facts["recorded after cancel"] = recorded()[len(before) :]
click("TEMJ Predict...")
shown = dialog()
shown.getStringFields().get(0).setText("0.4")
shown.getStringFields().get(1).setText("/results of [today")
press(shown, "OK")
facts["not recordable"] = message()
facts["calls after refusal"] = len(common.calls)
shown = dialog()
facts["kept in dialog"] = [str(field.getText()) for field in shown.getStringFields()]
shown.getStringFields().get(1).setText("/results of today/")
shown.getStringFields().get(2).setText("0.39")
shown.getCheckboxes().get(0).setState(True)
press(shown, "OK")
idle()
shot("results")
facts["call"] = common.calls[-1]
line = recorded()[len(before) :]
facts["recorded"] = line
facts["overlay"] = [str(roi.getName()) for roi in image.getOverlay().toArray()]
facts["manager"] = [common.roi_facts(roi) for roi in manager.getRoisAsArray()]
live = J.ResultsTable.getResultsTable()
facts["results"] = [str(h) for h in live.getHeadings()], [str(live.getRowAsString(k)) for k in range(live.size())]
facts["windows"] = sorted(str(title) for title in J.WindowManager.getNonImageTitles())

# the line replays: from the Recorder's own text, and in batch mode
replayed = line.splitlines()[0]
facts["replay"] = common.attempt(lambda: tij.run_macro(replayed + "\nreturn '' + nResults;".replace("'", '"')))
facts["replay call"] = common.calls[-1]
facts["batch"] = common.attempt(
    lambda: tij.run_macro(
        'setBatchMode(true); newImage("b.tif", "8-bit", 64, 64, 1);'
        + replayed
        + 'n = roiManager("count"); o = Overlay.size; setBatchMode(false); return ""+n+" "+o+" "+nResults;'
    )
)
facts["batch call"] = common.calls[-1]
facts["recorded by macros"] = recorded()[len(before) :] == line

# above a thousand objects
counts = manager.getCount(), live.size()
J.IJ.selectWindow(image.getTitle())
tij.run_macro('run("TEMJ Predict...", "model=many");')
tij.run_macro('run("TEMJ Predict...", "model=many");')
facts["many"] = [manager.getCount() - counts[0], live.size() - counts[1]]
facts["tables"] = sorted(str(title) for title in J.WindowManager.getNonImageTitles() if "Results of" in str(title))
facts["summary rows"] = J.ResultsTable.getResultsTable("TEMJ Summary").size()

# Esc, and other commands while a long one runs
click("TEMJ Predict...")
shown = dialog()
shown.getChoices().get(0).add("slow")
shown.getChoices().get(0).select("slow")
before = recorded()
press(shown, "OK")
time.sleep(0.5)
other = ij.IJ.createImage("other", "8-bit black", 8, 8, 1)
started = time.monotonic()
other.show()
other.getProcessor().set(0)
tij.run_macro('run("Invert");')
facts["other command meanwhile"] = other.getProcessor().get(0, 0)
facts["other command took"] = time.monotonic() - started
facts["bar"] = until(lambda: "TEMJ: tiles" in str(common.status(J)))
J.IJ.setKeyDown(27)
idle()
facts["after Esc"] = str(common.status(J))
facts["error after Esc"] = host().last_error.code
facts["recorded after Esc"] = "TEMJ" in recorded()[len(before) :]
other.changes = False
other.close()

# errors
J.IJ.selectWindow(image.getTitle())
state = image.getOverlay().size(), manager.getCount(), live.size()
click("TEMJ Predict...")
shown = dialog()
shown.getChoices().get(0).add("boom")
shown.getChoices().get(0).select("boom")
press(shown, "OK")
facts["defect"] = message()
idle()
facts["log"] = "ValueError: bad model" in str(J.IJ.getLog())
facts["untouched"] = state == (image.getOverlay().size(), manager.getCount(), live.size())
facts["recorded after error"] = "boom" in recorded()

# measure what is in the ROI Manager
click("TEMJ Predict...")
shown = dialog()
facts["kept in session"] = [str(field.getText()) for field in shown.getStringFields()]
press(shown, "Cancel")
idle()
click("TEMJ Measure...")
press(dialog(), "OK")
idle()
facts["measured"] = live.size() - state[2], common.calls[-1]["command"]
facts["recorded measure"] = recorded().splitlines()[-1]
ij.IJ.run(image, "Gaussian Blur...", "sigma=2")
image.changes = False
common.tell(facts)
