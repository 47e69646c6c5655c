"""The overlay of an ImageJ TIFF: written, read back, and read by the real ImageJ."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import roifile
import tifffile

from temj import annotations, readers
from temj.annotations import AnnotatedImage, AnnotationSet, Context
from temj.data import Instances, RoiType
from temj.errors import BadAnnotation

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("overlay_shapes", HERE / "shapes.py")
shapes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shapes)

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[3])
from plain_imagej import start
import scyjava
start()
image = scyjava.jimport("ij.io.Opener")().openImage(sys.argv[1])
overlay = image.getOverlay()
rois = [] if overlay is None else overlay.toArray()
calibration = image.getCalibration()
seen = {
    "names": [str(roi.getName()) for roi in rois],
    "types": [str(roi.getTypeAsString()) for roi in rois],
    "classes": [str(roi.getProperty("class")) for roi in rois],
    "bounds": [[roi.getBounds().x, roi.getBounds().y] for roi in rois],
    "size": [image.getWidth(), image.getHeight(), image.getStackSize(), image.getNFrames()],
    "pixel": [calibration.pixelWidth, calibration.pixelHeight, str(calibration.getUnit()), calibration.frameInterval],
}
open(sys.argv[2], "w").write(json.dumps(seen))
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "images" / "film.tif"
    path.parent.mkdir()
    stack = np.random.default_rng(0).integers(0, 4000, (3, 40, 60), np.uint16)
    scale = {"resolution": (1 / 0.39, 1 / 0.41), "metadata": {"axes": "TYX", "unit": "nm", "finterval": 0.25}}
    tifffile.imwrite(path, stack, imagej=True, **scale)
    return path


def everything() -> Instances:
    rng = np.random.default_rng(8)
    made = [shapes.random_shape(kind, rng, 0, 35) for kind in RoiType]
    columns = {"name": np.array([f"loop-{k:04d} é" for k in range(len(made))], object), "class_name": "loop"}
    return Instances.of(made, **columns, score=0.25, position=[(1, 1, k % 4) for k in range(len(made))])


def test_what_is_written_is_read(image: Path, tmp_path: Path) -> None:
    found = everything()
    given = AnnotationSet((AnnotatedImage("film.tif", None, found),), ("loop",))
    target = tmp_path / "out.tif"
    context = Context({"film.tif": image})
    assert annotations.write_set(target, given, "overlay", context) == ()
    assert annotations.recognise(target) == "overlay"
    (back,) = annotations.read_set(target).images
    assert (back.size, len(back.instances)) == ((60, 40), len(found))
    for one, other in zip(found.shapes, back.instances.shapes, strict=True):
        assert shapes.same(one, other)
    for column in ("name", "class_name", "score", "position"):
        np.testing.assert_array_equal(getattr(back.instances, column), getattr(found, column))
    before, after = readers.open_film(image), readers.open_film(target)
    assert (after.dimensions, after.frame_interval) == (before.dimensions, 0.25)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)
        assert one.calibration == other.calibration
    assert [roi.name for roi in roifile.roiread(target)] == list(found.name)


def test_a_tiff_without_overlay_is_not_annotated(image: Path, tmp_path: Path) -> None:
    given = AnnotationSet((AnnotatedImage("film.tif", None, Instances.of([])),))
    losses = annotations.write_set(tmp_path / "out.tif", given, "overlay", Context({"film.tif": image}))
    assert any("without objects" in loss for loss in losses)
    (back,) = annotations.read_set(tmp_path / "out.tif", "overlay").images
    assert back.instances is None


def test_the_image_is_needed(tmp_path: Path) -> None:
    given = AnnotationSet((AnnotatedImage("gone.tif", None, everything()),))
    with pytest.raises(BadAnnotation, match=r"gone\.tif.*--images"):
        annotations.write_set(tmp_path / "out.tif", given, "overlay")


@pytest.mark.java
def test_the_real_imagej_opens_it(image: Path, tmp_path: Path) -> None:
    found = everything()
    target, seen = tmp_path / "out.tif", tmp_path / "seen.json"
    given = AnnotationSet((AnnotatedImage("film.tif", None, found),))
    annotations.write_set(target, given, "overlay", Context({"film.tif": image}))
    command = [sys.executable, "-c", SCRIPT, str(target), str(seen), str(HERE.parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(seen.read_text())
    assert told["names"] == list(found.name)
    assert set(told["classes"]) == {"loop"}
    assert told["types"][:2] == ["Rectangle", "Oval"]
    assert told["size"] == [60, 40, 3, 3]
    np.testing.assert_allclose(told["pixel"][:2], [0.39, 0.41], rtol=1e-6)
    assert told["pixel"][2:] == ["nm", 0.25]
