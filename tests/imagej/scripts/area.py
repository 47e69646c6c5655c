"""ROIs named area and exclude in ImageJ, with the shipped model: shown, used, corrected, never measured."""

import sys

import common

from temj import imagej as tij
from temj.imagej.java import J

ij = tij.start(headless=True)
image = ij.IJ.openImage(sys.argv[1])
facts = {}


def overlay():
    shown = image.getOverlay()
    return [] if shown is None else list(shown.toArray())


def told():
    return [
        {
            "name": str(roi.getName()),
            "group": int(roi.getGroup()),
            "colour": str(roi.getStrokeColor()),
            "box": [int(getattr(roi.getBounds(), side)) for side in ("x", "y", "width", "height")],
        }
        for roi in overlay()
    ]


def predict(options=""):
    J.ResultsTable.getResultsTable().reset()
    ij.IJ.run(image, "TEMJ Predict...", f"model=loops {options}")
    return int(J.ResultsTable.getResultsTable().size())


facts["rows"] = predict()
facts["first"] = told()
facts["again"] = [predict(), len(told())]
J.ResultsTable.getResultsTable().reset()
ij.IJ.run(image, "TEMJ Measure...", "diameter=auto")
live = J.ResultsTable.getResultsTable()
facts["measured"] = [str(live.getStringValue("Class", row)) for row in range(live.size())]

image.setOverlay(J.Overlay())
own = J.Roi(0, 0, 128, int(image.getHeight()))
own.setName("Exclude 1")
image.getOverlay().add(own)
facts["excluded"] = predict()
facts["after exclude"] = told()

image.setOverlay(J.Overlay())
whole = J.Roi(0, 0, int(image.getWidth()), int(image.getHeight()))
whole.setName("area")
image.getOverlay().add(whole)
facts["taken back"] = predict()
facts["after area"] = told()
image.setOverlay(J.Overlay())
image.getOverlay().add(whole)
facts["only area"] = common.attempt(lambda: ij.run(image, "TEMJ Measure...", ""))
image.setOverlay(None)
facts["whole"] = predict("area=whole")
facts["after whole"] = told()
facts["wrong"] = common.attempt(lambda: ij.run(image, "TEMJ Predict...", "area=hole"))
common.tell(facts)
