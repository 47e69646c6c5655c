"""A detector's prediction in ImageJ without windows: ROIs and overlay of boxes, ellipses and masks, Results, errors."""

import sys
from pathlib import Path

import common

from temj import imagej as tij
from temj.imagej import rois
from temj.imagej.java import J

image_path, boxes, masks, output = sys.argv[1:5]
ij = tij.start(headless=True)
facts = {}


def overlay_of(image):
    return list(image.getOverlay().toArray())


def told(image):
    made = overlay_of(image)
    found = rois.from_rois(made, image)
    return {
        "kinds": sorted({str(roi.getClass().getSimpleName()) for roi in made}),
        "names": [str(roi.getName()) for roi in made],
        "classes": sorted(set(map(str, found.class_name))),
        "scores": [float(score) for score in found.score],
        "edges": sorted({str(roi.getProperty("edge")) for roi in made}),
    }


def predicted(options):
    table = J.ResultsTable.getResultsTable()
    table.reset()
    image = ij.IJ.openImage(image_path)
    ij.IJ.run(image, "TEMJ Predict...", f"{options} threshold=0.7 manager=yes")
    rows = J.ResultsTable.getResultsTable()
    return told(image) | {"rows": int(rows.size()), "headings": [str(name) for name in rows.getHeadings()]}


facts["ellipses"] = predicted(f"model=[{boxes}]")
facts["boxes"] = predicted(f"model=[{boxes}] outline=box")
facts["masks"] = predicted(f"model=[{masks}] output=[{output}]")
reread = ij.IJ.openImage(image_path)
facts["files"] = sorted(path.name for path in Path(output).iterdir())
try:
    tij.run_macro('open(getArgument()); run("TEMJ Predict...", "model=[' + masks + '] outline=ellipse");', image_path)
    facts["wrong"] = "no error"
except Exception as error:
    facts["wrong"] = str(error)
made = tij.probability(reread, model=boxes)
facts["map"] = [int(made.getBitDepth()), float(made.getStatistics().max)]
common.tell(facts)
