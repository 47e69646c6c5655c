"""The example macros run as they are."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import roifile
import tifffile

from temj import resources

pytestmark = pytest.mark.java


def run(name, argument):
    command = [sys.executable, "-m", "temj", "imagej", "--headless"]
    command += ["--macro", str(resources.folder("macros") / name), argument]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=env, check=False)


def test_every_macro_is_tested_here():
    names = {path.name for path in resources.folder("macros").glob("*.ijm")}
    assert names == {"Predict_Image.ijm", "Measure_Rois.ijm", "Coco_To_Yolo.ijm"}


def test_measure_rois(tmp_path):
    square = roifile.ImagejRoi.frompoints(np.array([[10, 10], [30, 10], [30, 30], [10, 30]]), name="void-0001")
    square.roitype = roifile.ROI_TYPE.POLYGON
    square.props = "class: void\n"
    metadata = {"unit": "nm", "Overlays": [square.tobytes()]}
    image = tmp_path / "a.tif"
    tifffile.imwrite(image, np.zeros((64, 64), np.uint8), imagej=True, metadata=metadata, resolution=(2.0, 2.0))
    done = run("Measure_Rois.ijm", f"{image.as_posix()}|{tmp_path.as_posix()}/measured.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "void: diameter 11.28" in done.stdout
    header, row = (tmp_path / "measured.csv").read_text().splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["Area"] == "100"


def test_predict_image(tmp_path):
    pixels = tifffile.imread(resources.folder("samples") / "316L_loops.tif")[600:792, 100:356]
    image = tmp_path / "a.tif"
    tifffile.imwrite(image, pixels, imagej=True, metadata={"unit": "nm"}, resolution=(2.56, 2.56))
    done = run("Predict_Image.ijm", f"{image.as_posix()}|{tmp_path.as_posix()}/results")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = (tmp_path / "results" / "a_Results.csv").read_text().count("\n") - 1
    assert f"a.tif: {rows} objects, results in" in done.stdout


def test_coco_to_yolo(tmp_path):
    boxes = {"a": [10, 10, 20, 10], "b": [0, 20, 32, 8]}
    document = {
        "images": [{"id": k, "file_name": f"{name}.tif"} for k, name in enumerate(boxes)],
        "categories": [{"id": 5, "name": "void"}, {"id": 9, "name": "loop"}],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 9 - 4 * k, "bbox": box} for k, box in enumerate(boxes.values())
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(document))
    for name in boxes:
        tifffile.imwrite(tmp_path / f"{name}.tif", np.zeros((32, 64), np.uint8), imagej=True)
        done = run(
            "Coco_To_Yolo.ijm",
            "|".join(f"{tmp_path.as_posix()}/{part}" for part in (f"{name}.tif", "instances.json", "yolo")),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{name}.tif: 1 objects in" in done.stdout
    assert (tmp_path / "yolo" / "classes.txt").read_text().split() == ["loop", "void"]
    assert (tmp_path / "yolo" / "a.txt").read_text() == "0 0.3125 0.46875 0.3125 0.3125\n"
    assert (tmp_path / "yolo" / "b.txt").read_text() == "1 0.25 0.75 0.5 0.25\n"
