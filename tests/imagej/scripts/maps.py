"""Maps of a prediction in ImageJ without windows: in a macro, for Python, and the files opened."""

import sys
from pathlib import Path

import common
import jpype
import numpy as np

from temj import imagej as tij
from temj.imagej import maps
from temj.imagej.java import J
from temj.imagej.pixels import to_micrograph

folder = Path(sys.argv[2])
ij = tij.start(headless=True)
facts = {}


def told(image):
    table = image.getProcessor().getColorModel()
    scale = image.getCalibration()
    return {
        "title": str(image.getTitle()),
        "depth": int(image.getBitDepth()),
        "size": [int(image.getWidth()), int(image.getHeight()), *(int(n) for n in image.getDimensions()[2:])],
        "scale": [float(scale.pixelWidth), str(scale.getUnit())],
        "range": [float(image.getDisplayRangeMin()), float(image.getDisplayRangeMax())],
        "label": str(image.getStack().getSliceLabel(1) or image.getProp("Slice_Label")),
        "colour": hex(table.getRGB(jpype.JInt(1)) & 0xFFFFFF) if hasattr(table, "getMapSize") else "",
        "info": str(image.getProp("Info") or image.getInfoProperty()),
        "most": float(image.getStatistics().max),
    }


facts["macro"] = tij.run_macro(
    'open(getArgument()); n = nImages; run("TEMJ Predict...", "model=loops probability classes"); a = getTitle();'
    'l = ""; for (i = 1; i <= nImages; i++) { selectImage(i); l += getTitle() + "," + bitDepth() + ";"; }'
    'return "" + (nImages - n) + " " + a + " " + l;',
    sys.argv[1],
)
windows = len(J.WindowManager.getIDList() or [])
image = ij.IJ.openImage(sys.argv[1])
ij.IJ.run(image, "TEMJ Predict...", f"model=loops probability classes output=[{folder}/out]")
facts["overlay"] = int(image.getOverlay().size())
made = tij.probability(image, tta=True)
facts["python"] = told(made)
facts["python overlay"] = int(image.getOverlay().size())
stem = Path(sys.argv[1]).stem
for kind in ("probability", "classes"):
    facts[kind] = told(ij.IJ.openImage(f"{folder}/out/{stem}_{kind}.tif"))
plain = tij.probability(image)
stored = to_micrograph(ij.IJ.openImage(f"{folder}/out/{stem}_probability.tif"))
facts["same"] = bool(np.array_equal(to_micrograph(plain).pixels, stored.pixels))
channel = to_micrograph(plain)
two = maps.probability([channel, channel])
facts["two"] = told(two)
facts["opened"] = len(J.WindowManager.getIDList() or []) - windows
common.tell(facts)
