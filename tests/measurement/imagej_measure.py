"""Run by test_parity_imagej.py in a process of its own: the real ImageJ measures what it is asked, over pipes.

A request is a line of JSON {"task": …}; the answer is one line of JSON. Tasks: "measure" (ImageJ's Results of ROIs on
an image, as saved CSV), "masks" (box and pixels of each ROI), "ellipses" (Edit > Selection > Fit Ellipse),
"print" (columns of numbers, saved as CSV).
"""

import base64
import json
import os
import sys
from pathlib import Path

import jpype
import numpy as np
import scyjava

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_imagej import start

COLUMNS = (
    1 | 2 | 4 | 8 | 16 | 32 | 64 | 128 | 512 | 1024 | 2048 | 8192 | 16384 | 32768 | 65536 | 131072 | 262144 | 524288
)
PIXELS = {
    "uint8": ("ij.process.ByteProcessor", np.int8, "JByte"),
    "uint16": ("ij.process.ShortProcessor", np.int16, "JShort"),
    "float32": ("ij.process.FloatProcessor", np.float32, "JFloat"),
}


def processor(pixels: np.ndarray):
    name, signed, java = PIXELS[pixels.dtype.name]
    made = scyjava.jimport(name)(pixels.shape[1], pixels.shape[0])
    array = jpype.JArray(getattr(jpype, java))(pixels.size)
    array[:] = pixels.reshape(-1).view(signed)
    made.setPixels(array)
    return made


def image(request: dict):
    """The image of a request; a stack where it has labels of slices, with the asked one in front."""
    pixels = np.load(request["pixels"])
    if "labels" in request:
        stack = scyjava.jimport("ij.ImageStack")(pixels.shape[1], pixels.shape[0])
        for label in request["labels"]:
            stack.addSlice(label, processor(pixels))
        made = scyjava.jimport("ij.ImagePlus")(request["title"], stack)
        made.setSlice(request["slice"])
    else:
        made = scyjava.jimport("ij.ImagePlus")(request["title"], processor(pixels))
    scale = made.getCalibration()
    scale.pixelWidth, scale.pixelHeight, scale.xOrigin, scale.yOrigin = request["calibration"]
    scale.setUnit("nm")
    return made


def rois(request: dict) -> list:
    decode = scyjava.jimport("ij.io.RoiDecoder").openFromByteArray
    data = [np.frombuffer(base64.b64decode(text), np.int8) for text in request["rois"]]
    return [decode(jpype.JArray(jpype.JByte)(part)) for part in data]


def saved(table, folder: str) -> str:
    path = Path(folder) / "table.csv"
    table.save(str(path))
    return path.read_bytes().decode()


def measure(request: dict) -> object:
    analyzer, table = scyjava.jimport("ij.plugin.filter.Analyzer"), scyjava.jimport("ij.measure.ResultsTable")()
    analyzer.setPrecision(3)
    shown = image(request)
    run = analyzer(shown, COLUMNS, table)
    for roi in rois(request):
        shown.setRoi(roi, False)
        if shown.getRoi() is None:
            raise ValueError(f"ImageJ drops {roi}")
        run.measure()
    return saved(table, request["folder"])


def masks(request: dict) -> object:
    answers = []
    for roi in rois(request):
        box, mask = roi.getBounds(), roi.getMask()
        pixels = b"" if mask is None else bytes(memoryview(mask.getPixels()))
        answers.append([[box.x, box.y, box.width, box.height], base64.b64encode(pixels).decode()])
    return answers


def ellipses(request: dict) -> object:
    shown, selection = image(request), scyjava.jimport("ij.plugin.Selection")()
    answers = []
    for roi in rois(request):
        shown.setRoi(roi, False)
        scyjava.jimport("ij.WindowManager").setTempCurrentImage(shown)
        selection.run("ellipse")
        answers.append([float(value) for value in shown.getRoi().getParams()])
    return answers


def print_numbers(request: dict) -> object:
    table = scyjava.jimport("ij.measure.ResultsTable")()
    table.showRowNumbers(True)
    table.setPrecision(request["precision"])
    for row in zip(*request["columns"], strict=True):
        table.addRow()
        for number, value in enumerate(row):
            table.addValue(f"c{number}", float(value))
    return saved(table, request["folder"])


TASKS = {"measure": measure, "masks": masks, "ellipses": ellipses, "print": print_numbers}

if __name__ == "__main__":
    start()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Java prints does not mix with the answers
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(TASKS[request["task"]](request)), file=answers, flush=True)
    os._exit(0)
