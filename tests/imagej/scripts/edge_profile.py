"""Measure with profiles from a macro: plots with the edge of the class, their table, and a property that stays."""

import os
import sys

import common
import numpy as np

from temj import imagej as tij
from temj.imagej import rois
from temj.imagej.java import J

shown = "DISPLAY" in os.environ
ij = tij.start(headless=not shown)
image = ij.IJ.openImage(sys.argv[1])
if shown:
    image.show()
made = []
for number in range(2):
    roi = J.Roi(20.0 + 60 * number, 20.0, 40.0, 40.0)
    roi.setProperty("class", "loop")
    roi.setProperty("edge", "middle of the line")
    roi.setName(f"loop-{number + 1}")
    made.append(roi)
found = rois.from_rois(made, image)
facts = {"edge": dict(found.info["edge"])}
back = rois.to_rois(found, image)
facts["properties"] = [str(roi.getProperty("edge")) for roi in back]
overlay = J.Overlay()
overlay.add(made[0])
overlay.add(made[1])
image.setOverlay(overlay)
if shown:
    ij.IJ.run(image, "TEMJ Measure...", "edge_profile")
    plots = J.WindowManager.getImage("TEMJ Edge Profiles")
    facts["slices"] = int(plots.getStackSize())
    facts["labels"] = [str(plots.getStack().getSliceLabel(n + 1)) for n in range(facts["slices"])]
    colours = np.array(plots.getStack().getProcessor(1).getPixels())
    facts["shades"] = len(np.unique(colours))
    if len(sys.argv) > 2:
        ij.IJ.saveAs(plots, "png", sys.argv[2])
    table = J.ResultsTable.getResultsTable("TEMJ Edges")
    facts["rows"] = [
        {name: str(table.getStringValue(name, row)) for name in ("Edge", "Contrast", "Middle")}
        for row in range(table.size())
    ]
    facts["results"] = int(J.ResultsTable.getResultsTable().size())
else:
    ij.IJ.run(image, "TEMJ Measure...", f"edge_profile output=[{sys.argv[2]}]")
common.tell(facts)
os._exit(0)  # windows are open
