"""Run by test_tiff_imagej.py in a process of its own: the real ImageJ saves images of many kinds and opens some.

Writes TIFFs into the folder given, and ``seen.json``: for these and for the TIFFs that were there before, what
ImageJ sees: size, dimensions, calibration and the calibrated grey values of all planes.
"""

import json
import sys
from pathlib import Path

import numpy as np
import scyjava

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_imagej import start


def values(image: object) -> list:
    """Calibrated grey values of all planes; ImageJ's own grey values of colours."""
    planes = []
    for number in range(1, image.getStackSize() + 1):
        processor = image.getStack().getProcessor(number)
        if processor.getBitDepth() == 24:
            processor = processor.convertToByte(False)
        else:
            processor.setCalibrationTable(image.getCalibration().getCTable())
            processor = processor.convertToFloat()
        planes.append(np.array(processor.convertToFloat().getPixels()).astype(float).tolist())
    return planes


def described(image: object) -> dict:
    """What ImageJ says about an image."""
    calibration, stack = image.getCalibration(), image.getStack()
    return {
        "size": [image.getHeight(), image.getWidth()],
        "dimensions": [image.getNChannels(), image.getNSlices(), image.getNFrames()],
        "pixel": [calibration.pixelWidth, calibration.pixelHeight, str(calibration.getUnit())],
        "origin": [calibration.xOrigin, calibration.yOrigin],
        "labels": [str(stack.getSliceLabel(k) or "") for k in range(1, image.getStackSize() + 1)],
        "values": values(image),
    }


def own_images() -> dict:
    """Images of many kinds, made by ImageJ."""
    tool = scyjava.jimport("ij.IJ")
    images = {"8": "8-bit ramp", "16": "16-bit ramp", "32": "32-bit ramp", "rgb": "RGB ramp"}
    made = {name: tool.createImage(name, kind, 33, 21, 1) for name, kind in images.items()}
    made["hyper"] = tool.createImage("hyper", "16-bit composite-mode label", 33, 21, 3, 4, 2)
    made["stack"] = tool.createImage("stack", "8-bit ramp", 33, 21, 5)
    made["signed"] = tool.createImage("signed", "16-bit ramp", 33, 21, 1)
    made["signed"].getLocalCalibration().setSigned16BitCalibration()
    made["line"] = tool.createImage("line", "8-bit ramp", 33, 21, 1)
    made["line"].getCalibration().setFunction(0, [1.5, 0.25], "counts")
    made["inverted"] = tool.createImage("inverted", "8-bit ramp", 33, 21, 1)
    made["inverted"].getProcessor().invertLut()
    made["fire"] = tool.createImage("fire", "8-bit ramp", 33, 21, 1)
    made["fire"].setLut(scyjava.jimport("ij.process.LUT").createLutFromColor(scyjava.jimport("java.awt.Color").RED))
    for number, image in enumerate(made.values()):
        calibration = image.getCalibration()
        calibration.pixelWidth, calibration.pixelHeight = 0.3906 + number, 0.4 + number
        calibration.setUnit(["nm", "um", "A", "micron"][number % 4])
        calibration.xOrigin, calibration.yOrigin = float(number), 1.5
    made["uncalibrated"] = tool.createImage("uncalibrated", "8-bit ramp", 33, 21, 1)
    return made


def main(folder: Path) -> None:
    """Save, open and describe."""
    start()
    saver = scyjava.jimport("ij.io.FileSaver")
    for name, image in own_images().items():
        save = saver(image)
        (save.saveAsTiffStack if image.getStackSize() > 1 else save.saveAsTiff)(str(folder / f"{name}.tif"))
    opener = scyjava.jimport("ij.io.Opener")
    seen = {}
    for path in sorted([*folder.glob("*.tif"), *folder.glob("*.jpg"), *folder.glob("*.png")]):
        image = opener().openImage(str(path))
        seen[path.name] = None if image is None else described(image)
    (folder / "seen.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
