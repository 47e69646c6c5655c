"""ROIs of the real ImageJ through our files and back into ImageJ: same kind, same numbers, same pixels."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as pycoco

from temj import annotations
from temj.geometry.raster import rasterise

pytestmark = pytest.mark.java
CLOSE = 1e-3
"""Pixels."""


@pytest.fixture(scope="module")
def circle(tmp_path_factory) -> tuple[dict, Path]:
    folder = tmp_path_factory.mktemp("circle")
    command = [sys.executable, str(Path(__file__).with_name("imagej_circle.py")), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "seen.json").read_text()), folder


def corners(roi: dict) -> np.ndarray:
    """The corners of a rotated box in an order that does not depend on which of its sides is the axis."""
    points = np.array(roi["points"])[:4]
    return points[np.lexsort(np.round(points, 2).T)]


def axes(roi: dict) -> tuple:
    """Centre, major axis (its sign does not matter) and ratio of an ellipse."""
    x1, y1, x2, y2, ratio = roi["params"]
    turn = 1 if (x2 - x1, y2 - y1) > (0, 0) else -1
    return (x1 + x2) / 2, (y1 + y2) / 2, turn * (x2 - x1), turn * (y2 - y1), ratio


def same_numbers(before: dict, after: dict) -> None:
    assert (after["java"], after["type"]) == (before["java"], before["type"])
    if before["java"] == "EllipseRoi":
        np.testing.assert_allclose(axes(after), axes(before), atol=CLOSE)
    elif before["java"] == "RotatedRectRoi":
        np.testing.assert_allclose(corners(after), corners(before), atol=CLOSE)
    else:
        np.testing.assert_allclose(after["points"], before["points"], atol=CLOSE)


def test_every_kind_of_roi_survives_coco(circle):
    seen, _ = circle
    assert {roi["java"] for roi in seen["given"]} == {"EllipseRoi", "RotatedRectRoi", "PolygonRoi", "ShapeRoi"}
    assert {"Polygon", "Freehand", "Traced"} <= {roi["type"] for roi in seen["given"]}
    for before, after in zip(seen["given"], seen["coco"], strict=True):
        same_numbers(before, after)
        assert after["pixels"] == before["pixels"]


def test_ellipses_and_rotated_boxes_survive_the_table(circle):
    seen, _ = circle
    assert len(seen["csv"]) == 30
    for number, after in zip(seen["csv given"], seen["csv"], strict=True):
        same_numbers(seen["given"][number], after)


def test_an_ellipse_file_of_imagej_is_read_as_it_is(circle):
    seen, _ = circle
    for number, params in zip(*seen["files"], strict=True):
        np.testing.assert_allclose(params, seen["given"][number]["params"], atol=CLOSE)


def test_pixels_in_imagej_are_ours_and_those_of_the_coco_file(circle):
    seen, folder = circle
    counted = [roi["pixels"] for roi in seen["given"]]
    found = annotations.read_set(folder / "a.json").images[0].instances
    assert rasterise(found.shapes, 256, 256).counts(len(found)).tolist() == counted
    rows = json.loads((folder / "a.json").read_text())["annotations"]
    assert [row["area"] for row in rows] == counted
    masks = 0
    for row, roi in zip(rows, seen["given"], strict=True):
        if isinstance(row["segmentation"], dict):
            code = row["segmentation"] | {"counts": row["segmentation"]["counts"].encode()}
            assert int(pycoco.area(code)) == roi["pixels"]
            masks += 1
        elif roi["type"] == "Traced":
            assert int(pycoco.area(pycoco.frPyObjects(row["segmentation"], 256, 256)).sum()) == roi["pixels"]
    assert masks >= 10
