"""The example macros run as they are."""

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
    assert names == {"Predict_Image.ijm", "Measure_Rois.ijm"}


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
