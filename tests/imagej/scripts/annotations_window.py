"""Import, export and samples in ImageJ with windows: dialogs, buttons, Recorder, Cancel, errors.

The argument is a folder to write into.
"""

import sys
from pathlib import Path

import common

from temj import imagej as tij
from temj.imagej.java import J

folder = sys.argv[1]
ij = tij.start()
from awt import click, dialog, idle, message, parts, press, recorded, shot  # noqa: E402  (needs a running Java)

facts = {}
J.IJ.run("Record...")


def described(shown):
    return {
        "title": str(shown.getTitle()),
        "labels": [str(part.getText()) for part in parts(shown) if str(part.getClass().getName()) == "java.awt.Label"],
        "choices": [[str(c.getItem(k)) for k in range(c.getItemCount())] for c in shown.getChoices()],
        "checkboxes": [str(c.getLabel()) for c in shown.getCheckboxes() or []],
        "buttons": [
            str(b.getLabel()) for b in parts(shown) if str(b.getClass().getSimpleName()) in ("Button", "TrimmedButton")
        ],
    }


def names(rois):
    return [str(roi.getName()) for roi in rois]


# a sample opens from the menu and is recorded
before = recorded()
click("TEMJ Synthetic Nanorods")
idle()
image = ij.IJ.getImage()
truth = image.getOverlay().size()
facts["sample"] = [str(image.getTitle()), truth, recorded()[len(before) :]]
shot("sample")

# export: dialog, Cancel, a missing output, the Recorder
before = recorded()
click("TEMJ Export Annotations...")
shown = dialog()
facts["export dialog"] = described(shown)
shot("export")
press(shown, "Cancel")
idle()
facts["recorded after cancel"] = recorded()[len(before) :]
click("TEMJ Export Annotations...")
press(dialog(), "OK")
facts["no output"] = message()
shown = dialog()
shown.getStringFields().get(0).setText(f"{folder}/my rods.json")
press(shown, "OK")
idle()
facts["recorded export"] = recorded()[len(before) :]
facts["written"] = Path(folder, "my rods.json").is_file()
click("TEMJ Export Annotations...")
press(dialog(), "OK")
facts["exists"] = message()
idle()

# import: into the ROI Manager, behind what is there
manager = J.RoiManager()
manager.addRoi(J.Roi(5, 6, 7, 8))
before = recorded()
click("TEMJ Import Annotations...")
shown = dialog()
facts["import dialog"] = described(shown)
shot("import")
shown.getStringFields().get(0).setText(f"{folder}/my rods.json")
press(shown, "OK")
idle()
facts["recorded import"] = recorded()[len(before) :]
facts["manager"] = [manager.getCount(), names(manager.getRoisAsArray())[1:3]]
facts["overlay"] = image.getOverlay().size() - truth
facts["log"] = str(J.IJ.getLog()).splitlines()
shot("imported")
click("TEMJ Import Annotations...")
shown = dialog()
shown.getStringFields().get(0).setText(f"{folder}/nothing.json")
press(shown, "OK")
facts["missing"] = message()
idle()
facts["manager after an error"] = manager.getCount()

# the recorded lines do the same again
line = facts["recorded import"].splitlines()[0]
facts["replay"] = common.attempt(lambda: tij.run_macro(line + 'return ""+roiManager("count");'))

# a film opens as a stack with its frame interval; its Overlay follows the frames
click("TEMJ Synthetic Film")
idle()
film = ij.IJ.getImage()
film.setT(20)
shot("film")
facts["film"] = [
    [int(number) for number in film.getDimensions()],
    float(film.getCalibration().frameInterval),
    bool(film.isHyperStack()),
    film.getOverlay().size(),
]
image.changes = False  # the film stays open: a stack in a window must not keep the process from ending
common.tell(facts)
