"""Run by test_circle_imagej.py in a process of its own: ROIs of the real ImageJ go through files of ours and back.

ImageJ -> .roi file and live ROI -> instances -> COCO -> instances -> RoiSet.zip -> ImageJ, the same with CSV for
ellipses and boxes, and ImageJ's own count of the pixels in each. Writes JSON to the first argument's folder.
"""

import json
import sys
import zipfile
from pathlib import Path

import jpype
import numpy as np

from temj import annotations
from temj import imagej as tij
from temj.annotations import AnnotatedImage, AnnotationSet, roiset
from temj.data import RoiType
from temj.imagej import rois as bridge
from temj.imagej.java import J

SIZE = 256


def made(rng):
    """Ellipses, rotated boxes, polygons, outlines traced from pixels, and composites with a hole."""
    gui = {name: jpype.JClass(f"ij.gui.{name}") for name in ("EllipseRoi", "PolygonRoi", "RotatedRectRoi", "ShapeRoi")}
    floats, found = jpype.JArray(jpype.JFloat), []
    for _ in range(15):
        x, y, dx, dy = rng.uniform(80, 170), rng.uniform(80, 170), *rng.uniform(-60, 60, 2)
        found.append(gui["EllipseRoi"](x - dx / 2, y - dy / 2, x + dx / 2, y + dy / 2, rng.uniform(0.2, 1)))
        found.append(gui["RotatedRectRoi"](x - dx / 2, y - dy / 2, x + dx / 2, y + dy / 2, rng.uniform(4, 50)))
        corners = rng.uniform(20, 230, (int(rng.integers(3, 9)), 2))
        for kind in (J.Roi.POLYGON, J.Roi.FREEROI):
            found.append(gui["PolygonRoi"](floats(corners[:, 0]), floats(corners[:, 1]), kind))
        whole = np.round(corners).astype(int)
        ints = jpype.JArray(jpype.JInt)
        found.append(
            gui["PolygonRoi"](ints(whole[:, 0].tolist()), ints(whole[:, 1].tolist()), len(whole), J.Roi.POLYGON)
        )
        outer = gui["ShapeRoi"](J.Roi(*rng.integers(10, 60, 2).tolist(), *rng.integers(60, 150, 2).tolist()))
        found.append(outer.not_(gui["ShapeRoi"](J.Roi(70, 70, 15, 12))))
        found.append(traced(rng))
    return found


def traced(rng):
    """What ImageJ's wand gives for a random blob."""
    plane = J.ByteProcessor(SIZE, SIZE)
    plane.setValue(255)
    for _ in range(4):
        x, y, width, height = rng.integers(60, 105, 2).tolist() + rng.integers(50, 90, 2).tolist()
        plane.fill(J.Roi(x, y, width, height))
    wand = jpype.JClass("ij.gui.Wand")(plane)
    wand.autoOutline(106, 106)
    return jpype.JClass("ij.gui.PolygonRoi")(wand.xpoints, wand.ypoints, wand.npoints, J.Roi.TRACED_ROI)


def described(roi):
    """ImageJ's kind, its own numbers, and the pixels that it counts in an image."""
    plane = J.ByteProcessor(SIZE, SIZE)
    plane.setRoi(roi)
    polygon = roi.getFloatPolygon()
    return {
        "java": str(roi.getClass().getSimpleName()),
        "type": str(roi.getTypeAsString()),
        "params": [float(value) for value in roi.getParams()] if hasattr(roi, "getParams") else None,
        "points": [[float(x), float(y)] for x, y in zip(polygon.xpoints, polygon.ypoints, strict=True)][
            : polygon.npoints
        ],
        "pixels": int(plane.getStatistics().pixelCount),
    }


def through(instances, folder, name, format):
    """Written and read in a format, then as a ROI set that ImageJ opens."""
    found = AnnotationSet((AnnotatedImage("a.tif", (SIZE, SIZE), instances),), ("loop",))
    annotations.write_set(folder / name, found, format)
    back = annotations.read_set(folder / name).images[0].instances
    roiset.write(folder / f"{format}.zip", back)
    with zipfile.ZipFile(folder / f"{format}.zip") as archive:
        members = [archive.read(name) for name in archive.namelist()]
    return [described(J.RoiDecoder.openFromByteArray(jpype.JArray(jpype.JByte)(data))) for data in members]


def main(folder):
    tij.start(headless=True)
    given = made(np.random.default_rng(7))
    for number, roi in enumerate(given, 1):
        roi.setName(f"loop-{number:04d}")
        roi.setProperty("class", "loop")
    live = bridge.from_rois(given)
    chosen = [k for k, roi in enumerate(given) if str(roi.getClass().getSimpleName()) == "EllipseRoi"]
    files = []
    for k in chosen:
        path = folder / f"{k}.roi"
        jpype.JClass("ij.io.RoiEncoder")(str(path)).write(given[k])
        files.append(roiset.read(path).shapes[0].params)
    axes = np.isin(live.shapes.roi_type, (RoiType.ELLIPSE, RoiType.ROTATED_RECT))
    seen = {
        "given": [described(roi) for roi in given],
        "coco": through(live, folder, "a.json", "coco"),
        "csv given": np.flatnonzero(axes).tolist(),
        "csv": through(live.take(axes), folder, "a.csv", "csv"),
        "files": [chosen, files],
    }
    (folder / "seen.json").write_text(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
