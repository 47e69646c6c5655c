"""The commands in ImageJ with windows, driven by AWT events: dialogs, Recorder, ROI Manager, Esc, errors."""

import time

import common

from temj import commands
from temj import imagej as tij
from temj.commands.base import views
from temj.imagej import menu
from temj.imagej.host import host
from temj.imagej.java import J

common.with_fake_commands()
ij = tij.start()
from awt import click, dialog, idle, items, message, press, recorded, shot, until  # noqa: E402  (needs a running Java)

facts = {"bridge": host().bridge}
facts["menu"] = list(items())
tij.attach()
facts["submenus"] = [str(e.getLabel()) for e in menu.items(J.Menus.getImageJMenu("Plugins"))].count(menu.MENU)

PREDICT = commands.command("predict").parameters
TEXTS = [
    view.name
    for advanced in (False, True)
    for view in views(PREDICT, "imagej")
    if view.advanced is advanced and view.kind not in ("flag", "choice") and view.role != "model"
]
"""The parameters of TEMJ Predict... that are text fields of its dialog, in their order there."""


def field(shown, name):
    return shown.getStringFields().get(TEXTS.index(name))


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
field(shown, "threshold").setText("0.4")
field(shown, "output").setText("/results of [today")
press(shown, "OK")
facts["not recordable"] = message()
facts["calls after refusal"] = len(common.calls)
shown = dialog()
facts["kept in dialog"] = {name: str(field(shown, name).getText()) for name in TEXTS}
field(shown, "output").setText("/results of today/")
field(shown, "pixel_size").setText("0.39")
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
facts["kept in session"] = {name: str(field(shown, name).getText()) for name in TEXTS}
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
