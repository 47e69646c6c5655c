"""Import, export and samples in the embedded ImageJ without windows, with the real commands."""

import sys
from pathlib import Path

import common
import jpype
import numpy as np

from temj import imagej as tij
from temj.imagej.java import J
from temj.workflows.samples import SAMPLES

folder = Path(sys.argv[1])
ij = tij.start(headless=True)
facts = {}


def macro(text):
    return common.attempt(lambda: tij.run_macro(text.replace("FOLDER", folder.as_posix())))


def rois(image):
    overlay = image.getOverlay()
    return [common.roi_facts(roi) for roi in (overlay.toArray() if overlay is not None else [])]


# every sample but the film, which the window's script opens
facts["samples"] = {}
from temj.commands.open_sample import TITLES  # noqa: E402

for name in SAMPLES:
    if name != "film":
        ij.IJ.run(TITLES[name])
        image = ij.IJ.getImage()
        scale = image.getCalibration()
        colours = {str(roi.getStrokeColor()) for roi in image.getOverlay().toArray()}
        classes = {str(roi.getProperty("class")) for roi in image.getOverlay().toArray()}
        facts["samples"][name] = [
            str(image.getTitle()),
            float(scale.pixelWidth),
            str(scale.getUnit()),
            len(colours),
            sorted(classes),
        ]
facts["seed"] = [
    macro(f'run("TEMJ Synthetic Voids", "seed={seed}"); return "" + getValue("Mean");') for seed in (5, 6, 5)
]
facts["wrong key"] = macro('run("TEMJ Synthetic Voids", "sede=5");')
facts["fixed key"] = macro('run("TEMJ Synthetic Voids", "sample=loops");')

# classes by property, group and name; ignore is grey; groups are added
J.Roi.setGroupName(3, "void")
J.Roi.setGroupName(4, "?doubt")
image = ij.IJ.createImage("drawn.tif", "8-bit ramp", 100, 100, 1)
overlay = J.Overlay()
drawn = {
    "a": {"property": "loop"}, "b": {"group": 3}, "crack-0003": {}, "?crack-0004": {}, "e": {"group": 4},
    "exclude-0001": {}, "g": {"property": "loop", "group": 3},
}  # fmt: skip
for number, (name, marks) in enumerate(drawn.items()):
    roi = J.Roi(2 + 12 * number, 5, 8, 20)
    roi.setName(name)
    if "property" in marks:
        roi.setProperty("class", marks["property"])
    roi.setGroup(marks.get("group", 0))
    overlay.add(roi)
image.setOverlay(overlay)
ij.run(image, "TEMJ Export Annotations...", f"output=[{folder}/drawn set.json]")
image.setOverlay(J.Overlay(J.Roi(1, 1, 2, 2)))
ij.run(image, "TEMJ Import Annotations...", f"source=[{folder}/drawn set.json]")
facts["drawn"] = rois(image)
facts["groups"] = str(J.Roi.getGroupNames())

# a stack: positions go out and come back, also where it is a film and where it was a plain stack
stack = ij.IJ.createImage("s.tif", "8-bit ramp", 64, 64, 5)
overlay = J.Overlay()
for plane in (2, 5):
    roi = J.Roi(3 * plane, 3, 10, 10)
    roi.setName(f"loop-{plane:04d}")
    roi.setPosition(plane)
    overlay.add(roi)
stack.setOverlay(overlay)
ij.run(stack, "TEMJ Export Annotations...", f"output=[{folder}/s.zip]")
facts["positions"] = {}
for name, dimensions in (("slices", (1, 5, 1)), ("frames", (1, 1, 5)), ("short", (1, 4, 1))):
    again = ij.IJ.createImage("s.tif", "8-bit ramp", 64, 64, int(np.prod(dimensions)))
    again.setDimensions(*dimensions)
    facts["positions"][name] = common.attempt(
        lambda again=again: ij.run(again, "TEMJ Import Annotations...", f"source=[{folder}/s.zip]")
    ) | {"rois": [roi["position"][0] for roi in rois(again)]}

# the file's name is the image's name; a cropped duplicate is another image
ij.IJ.saveAsTiff(ij.IJ.createImage("x", "8-bit ramp", 50, 40, 1), f"{folder}/saved file.tif")
opened = ij.IJ.openImage(f"{folder}/saved file.tif")
opened.setTitle("renamed")
opened.setRoi(5, 5, 10, 10)
ij.run(opened, "TEMJ Export Annotations...", f"output=[{folder}/named.csv]")
facts["selection kept"] = opened.getRoi() is not None
facts["named"] = Path(folder, "named.csv").read_text("utf-8-sig").splitlines()[1].split(",")[0]
duplicate = opened.crop()
duplicate.setTitle("part.tif")
duplicate.setRoi(1, 1, 5, 5)
ij.run(duplicate, "TEMJ Export Annotations...", f"output=[{folder}/named.csv] append")
facts["appended"] = [line.split(",")[0] for line in Path(folder, "named.csv").read_text("utf-8-sig").splitlines()[1:]]

# errors in words; nothing changes
facts["exists"] = common.attempt(
    lambda: ij.run(duplicate, "TEMJ Export Annotations...", f"output=[{folder}/named.csv]")
)
facts["no such"] = common.attempt(lambda: ij.run(image, "TEMJ Import Annotations...", "source=/no/such.json"))
facts["no source"] = common.attempt(lambda: ij.run(image, "TEMJ Import Annotations...", ""))
facts["wrong image"] = common.attempt(
    lambda: ij.run(image, "TEMJ Import Annotations...", f"source=[{folder}/named.csv]")
)
facts["nothing drawn"] = macro(
    'newImage("m", "8-bit", 64, 64, 1); run("TEMJ Export Annotations...", "output=[FOLDER/m.json]");'
)
facts["no image"] = macro('run("TEMJ Import Annotations...", "source=a.json");')
facts["unchanged"] = len(rois(image)) == len(facts["drawn"])
text = jpype.JClass("ij.gui.TextRoi")(1, 2, "scale")
image.setOverlay(J.Overlay(text))
facts["text"] = common.attempt(lambda: ij.run(image, "TEMJ Export Annotations...", f"output=[{folder}/text.json]"))
common.tell(facts)
