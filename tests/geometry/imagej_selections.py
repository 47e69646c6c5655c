"""Run by test_trace.py in a process of its own: what the real ImageJ's Create Selection gives for masks.

Reads ``masks.npz`` (one array a mask), prints JSON: for each the type and the path as [segment, x, y].
"""

import json
import sys
from pathlib import Path

import numpy as np
import scyjava

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_imagej import start


def selection(mask: np.ndarray) -> tuple[str, list]:
    """Type and path of ThresholdToSelection."""
    import jpype

    processor = scyjava.jimport("ij.process.ByteProcessor")(mask.shape[1], mask.shape[0])
    processor.getPixels()[:] = (mask.astype(np.uint8) * 255).reshape(-1).view(np.int8)
    processor.setThreshold(255, 255, 0)
    roi = scyjava.jimport("ij.plugin.filter.ThresholdToSelection")().convert(processor)
    kind, path = str(roi.getTypeAsString()), []
    if kind != "Composite":
        polygon = roi.getPolygon()
        return kind, [[0, int(x), int(y)] for x, y in zip(polygon.xpoints, polygon.ypoints, strict=True)]
    corner, steps, point = roi.getBounds(), roi.getShape().getPathIterator(None), jpype.JArray(jpype.JFloat)(6)
    while not steps.isDone():
        segment = int(steps.currentSegment(point))
        path.append([segment, int(point[0]) + corner.x, int(point[1]) + corner.y])
        steps.next()
    return kind, path


if __name__ == "__main__":
    start()
    with np.load(sys.argv[1]) as masks:
        print(json.dumps([selection(masks[name]) for name in masks.files]))
