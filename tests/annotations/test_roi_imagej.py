"""The real ImageJ reads what we write, and we read what it writes: same type, numbers and columns."""

import base64
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from temj.annotations.roi import decode, encode
from temj.data import RoiType, Shape

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("shapes_for_imagej", HERE / "shapes.py")
shapes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shapes)

EACH = 25
NAMES = {
    RoiType.RECT: "Rectangle", RoiType.OVAL: "Oval", RoiType.ELLIPSE: "Freehand",
    RoiType.ROTATED_RECT: "Rotated Rectangle", RoiType.POLYGON: "Polygon", RoiType.FREEROI: "Freehand",
    RoiType.TRACED: "Traced", RoiType.COMPOSITE: "Composite", RoiType.POINT: "Point", RoiType.LINE: "Straight Line",
    RoiType.POLYLINE: "Polyline", RoiType.FREELINE: "Freeline", RoiType.ANGLE: "Angle",
}  # fmt: skip


def in_imagej(folder: Path, given: list[bytes]) -> dict:
    """What the real ImageJ says, in a process of its own."""
    (folder / "luts").mkdir()
    (folder / "luts" / "glasbey.lut").write_bytes(bytes(range(256)) * 3)
    (folder / "plugins").mkdir()
    (folder / "rois.json").write_text(json.dumps([base64.b64encode(data).decode() for data in given]))
    command = [sys.executable, str(HERE / "imagej_rois.py"), str(folder / "rois.json"), str(folder / "seen.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "seen.json").read_text())


def columns_of(number: int) -> dict:
    return {
        "name": f"环 loop-{number:04d} é",
        "class_name": ["loop", "Löcher", "a b\\c", "空洞"][number % 4],
        "score": number / 7,
        "group": number % 200,
        "position": (0, 0, 0) if number % 2 else (number, 2, 3),
        "track": number % 5,
        "diameter": ["", "major", "geometric"][number % 3],
    }


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> dict:
    rng = np.random.default_rng(20240611)
    given = [shapes.random_shape(roi_type, rng) for roi_type in RoiType for _ in range(EACH)]
    data = [encode(shape, **columns_of(number)) for number, shape in enumerate(given)]
    found = in_imagej(tmp_path_factory.mktemp("imagej"), data)
    assert len(found["given"]) == EACH * len(RoiType)
    return found | {"shapes": given}


def as_imagej_saves(shape: Shape, roi: dict) -> Shape:
    """ImageJ 1.54p saves a rotated rectangle that was not drawn by hand as a polygon, and reads it as one."""
    data = bytearray(base64.b64decode(roi["bytes"]))
    assert (data[6], data[49]) == (0, 5)
    data[6] = 7
    assert shapes.same(decode(bytes(data), "a.roi")[0], shape)
    return Shape(RoiType.POLYGON, np.stack([roi["x"], roi["y"]], 1))


def points_in_imagej(shape: Shape, roi: dict) -> None:
    """Compare the numbers that ImageJ holds with those of the shape."""
    if shape.roi_type in (RoiType.RECT, RoiType.OVAL):
        np.testing.assert_array_equal(roi["exact"], shape.params[:4])
        assert roi["arc"] == (shape.params[4] if shape.roi_type == RoiType.RECT else 0)
    elif shape.roi_type in (RoiType.ELLIPSE, RoiType.ROTATED_RECT):
        assert roi["class"] == ("EllipseRoi" if shape.roi_type == RoiType.ELLIPSE else "RotatedRectRoi")
        np.testing.assert_array_equal(np.float32(roi["params"]), np.float32(shape.params))
    elif shape.roi_type == RoiType.LINE:
        low, high = shape.points.min(axis=0), shape.points.max(axis=0)
        np.testing.assert_array_equal(roi["exact"], [*low, *(high - low)])
    elif shape.roi_type != RoiType.COMPOSITE:
        np.testing.assert_array_equal(np.stack([roi["x"], roi["y"]], 1), shape.points)
        assert roi["subpixel"] == shape.subpixel or shape.roi_type == RoiType.POINT


@pytest.mark.java
def test_imagej_reads_what_we_write(seen: dict):
    for number, (shape, roi) in enumerate(zip(seen["shapes"], seen["given"], strict=True)):
        columns = columns_of(number)
        assert roi["type"] == NAMES[shape.roi_type]
        points_in_imagej(shape, roi)
        assert (roi["name"], roi["group"]) == (columns["name"], columns["group"])
        assert tuple(roi["position"]) == columns["position"]
        assert roi["properties"]["class"] == columns["class_name"]
        assert float(roi["properties"]["score"]) == columns["score"]
        assert roi["properties"]["track"] == (str(columns["track"]) if columns["track"] else "None")
        assert roi["properties"]["diameter"] == (columns["diameter"] or "None")


@pytest.mark.java
def test_we_read_what_imagej_writes(seen: dict):
    for number, (shape, roi) in enumerate(zip(seen["shapes"], seen["given"], strict=True)):
        back, facts = decode(base64.b64decode(roi["bytes"]), "a.roi")
        if shape.roi_type == RoiType.ROTATED_RECT:
            shape = as_imagej_saves(shape, roi)
        columns = columns_of(number)
        columns["class_name"] = columns["class_name"].replace("\\", "")  # ImageJ writes backslashes without escaping
        if shape.roi_type == RoiType.POINT:  # always sub-pixel in ImageJ
            shape = Shape(shape.roi_type, shape.points)
        assert shapes.same(back, shape), (number, shape, back)
        assert {key: facts[key] for key in columns} == columns


@pytest.mark.java
def test_rois_of_imagejs_own_making(seen: dict):
    kinds = []
    for number, roi in enumerate(seen["own"]):
        shape, facts = decode(base64.b64decode(roi["bytes"]), "a.roi")
        kinds.append(shape.roi_type)
        if "spline" in facts["note"]:
            ours = np.stack([roi["x"], roi["y"]], 1)
            np.testing.assert_allclose(shape.points, ours, atol=1e-3)
        else:
            points_in_imagej(shape, roi)
        assert (facts["name"], facts["class_name"], facts["score"]) == (roi["name"], "void", 0.93)
        assert facts["group"] == number
        assert facts["position"] == ((1, roi["plain"], 1) if roi["plain"] else tuple(roi["position"]))
    assert kinds == [
        RoiType.RECT, RoiType.RECT, RoiType.RECT, RoiType.OVAL, RoiType.OVAL, RoiType.ELLIPSE, RoiType.POLYGON,
        RoiType.FREEROI, RoiType.POLYGON, RoiType.COMPOSITE, RoiType.LINE, RoiType.LINE, RoiType.POINT,
        RoiType.POLYLINE, RoiType.FREELINE,
    ]  # fmt: skip
