"""Run by test_roi_imagej.py in a process of its own: the real ImageJ decodes, describes and encodes ROIs.

Reads ``rois.json`` (base64 of ``.roi`` bytes), writes JSON to the second path: what ImageJ sees in each and the bytes
it writes itself, then the same for ROIs that it makes with its own constructors.
"""

import base64
import json
import sys
from pathlib import Path

import scyjava

sys.path.insert(0, str(Path(__file__).parents[1]))
from plain_imagej import start


def described(roi: object) -> dict:
    """What ImageJ says about a ROI."""
    encoder = scyjava.jimport("ij.io.RoiEncoder")
    bounds, exact, polygon = roi.getBounds(), roi.getFloatBounds(), roi.getFloatPolygon()
    written = base64.b64encode(bytes(encoder.saveAsByteArray(roi))).decode()  # before getProperty is asked anything
    return {
        "class": str(roi.getClass().getSimpleName()),
        "type": str(roi.getTypeAsString()),
        "bounds": [bounds.x, bounds.y, bounds.width, bounds.height],
        "exact": [exact.x, exact.y, exact.width, exact.height],
        "x": [float(x) for x in polygon.xpoints[: polygon.npoints]],
        "y": [float(y) for y in polygon.ypoints[: polygon.npoints]],
        "subpixel": bool(roi.subPixelResolution()),
        "arc": int(roi.getCornerDiameter()),
        "params": [float(v) for v in roi.getParams()] if hasattr(roi, "getParams") else None,
        "name": None if roi.getName() is None else str(roi.getName()),
        "group": int(roi.getGroup()),
        "position": [int(roi.getCPosition()), int(roi.getZPosition()), int(roi.getTPosition())],
        "plain": int(roi.getPosition()),
        "properties": {key: str(roi.getProperty(key)) for key in ("class", "score", "track", "diameter")},
        "bytes": written,
    }


def own_rois() -> list:
    """ROIs made by ImageJ's own constructors."""
    import jpype

    gui = {name: scyjava.jimport(f"ij.gui.{name}") for name in (
        "Arrow", "EllipseRoi", "Line", "OvalRoi", "PointRoi", "PolygonRoi", "Roi", "RotatedRectRoi", "ShapeRoi"
    )}  # fmt: skip
    floats = jpype.JArray(jpype.JFloat)
    x, y = floats([10.5, 60.25, 40.0, 12.0]), floats([5.0, 20.5, 70.0, 40.0])
    rounded = gui["Roi"](3, 4, 50, 30)
    rounded.setCornerDiameter(12)
    spline = gui["PolygonRoi"](x, y, gui["Roi"].POLYGON)
    spline.fitSpline()
    both = gui["ShapeRoi"](gui["OvalRoi"](2, 3, 40, 30)).xor(gui["ShapeRoi"](gui["Roi"](12, 10, 8, 9)))
    rois = [
        gui["Roi"](3, 4, 50, 30), gui["Roi"](3.25, 4.5, 50.75, 30.125), rounded, gui["OvalRoi"](7, 8, 20, 11),
        gui["OvalRoi"](7.5, 8.25, 20.5, 11.75), gui["EllipseRoi"](5.0, 6.0, 45.5, 30.25, 0.4),
        gui["RotatedRectRoi"](5.0, 6.0, 45.5, 30.25, 12.5), gui["PolygonRoi"](x, y, gui["Roi"].FREEROI), spline, both,
        gui["Line"](1.5, 2.0, 30.25, 40.0), gui["Arrow"](1.5, 2.0, 30.25, 40.0), gui["PointRoi"](x, y),
        gui["PolygonRoi"](x, y, gui["Roi"].POLYLINE), gui["PolygonRoi"](x, y, gui["Roi"].FREELINE),
    ]  # fmt: skip
    for number, roi in enumerate(rois):
        roi.setName(f"Schleife-{number:04d} 环 µ")
        roi.setGroup(number)
        roi.setProperty("class", "void")
        roi.setProperty("score", "0.93")
        if number % 3 == 1:
            roi.setPosition(number)
        if number % 3 == 2:
            roi.setPosition(1, number, 3)
    return rois


def main(source: str, target: str) -> None:
    """Describe all ROIs of ``source`` and those of ImageJ's own making in ``target``."""
    import jpype

    start()
    decoder = scyjava.jimport("ij.io.RoiDecoder")
    scyjava.jimport("java.lang.System").setProperty("plugins.dir", str(Path(target).parent))
    given = [base64.b64decode(text) for text in json.loads(Path(source).read_text())]
    seen = [described(decoder.openFromByteArray(jpype.JArray(jpype.JByte)(data))) for data in given]
    Path(target).write_text(json.dumps({"given": seen, "own": [described(roi) for roi in own_rois()]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
