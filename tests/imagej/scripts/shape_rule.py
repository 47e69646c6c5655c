"""A shape rule from a macro, with the shipped model: ROIs, groups, Results and populations of the new classes."""

import os
import sys

import common

from temj import imagej as tij
from temj.imagej.java import J

RULE = "long loop: AR > 1.6 and Area > 60nm2; round loop"

shown = "DISPLAY" in os.environ
ij = tij.start(headless=not shown)
image = ij.IJ.openImage(sys.argv[1])
if shown:
    image.show()
ij.IJ.run("Set Measurements...", "area shape redirect=None decimal=4")
facts = {}
ij.IJ.run(image, "TEMJ Predict...", f"model=loops manager=yes shape_rule=[{RULE}] skeleton=[long loop]")
facts["rois"] = [common.roi_facts(roi) for roi in image.getOverlay().toArray()]
facts["groups"] = str(J.Roi.getGroupNames())
live = J.ResultsTable.getResultsTable()
columns = ("Class", "GroupName")
facts["results"] = [{name: str(live.getStringValue(name, row)) for name in columns} for row in range(live.size())]
for row, told in enumerate(facts["results"]):
    told |= {name: float(live.getValue(name, row)) for name in ("AR", "Area", "SkeletonLength", "Group")}
table = J.ResultsTable.getResultsTable("TEMJ Populations") if shown else None
if table is not None:
    facts["populations"] = [str(table.getStringValue("Class", row)) for row in range(table.size())]
    facts["counts"] = [int(table.getValue("Count", row)) for row in range(table.size())]
live.reset()
ij.IJ.run(image, "TEMJ Measure...", "shape_rule=[small: Area < 100nm2; large]")
facts["measured"] = [str(live.getStringValue("Class", row)) for row in range(live.size())]
facts["areas"] = [float(live.getValue("Area", row)) for row in range(live.size())]
common.tell(facts)
os._exit(0)  # windows are open
