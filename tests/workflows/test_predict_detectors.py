"""Result folders of detectors: objects that overlap, maps, outlines, several models, films."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

import temj
from temj import annotations, cli, commands
from temj.data import Calibration, Film, Instances, Micrograph, RoiType, Shape
from temj.errors import BadValue
from temj.geometry import rasterise
from temj.workflows import outputs


@pytest.fixture
def image(tmp_path: Path, new_discs) -> Path:
    """A TIFF of 128 x 160 pixels of 0.5 nm with 15 discs."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, new_discs(128, 160, 15, 21)[0], imagej=True, resolution=(2, 2), metadata={"unit": "nm"})
    return path


def predict(image: Path, output: Path, model, **parameters: object) -> dict:
    return commands.run("predict", {"images": [image], "output": output, "model": str(model.folder), **parameters})


def run_of(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text())["images"][0]


def pixels_of(found: Instances, width: int, height: int) -> list[set[int]]:
    owner, place = rasterise(found.shapes, width, height).pixels(width)
    return [set(place[owner == k].tolist()) for k in range(len(found))]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_objects_that_overlap_are_whole_in_the_rois_and_in_the_coco_file(tmp_path: Path, image: Path, masks_model):
    out = tmp_path / "out"
    predict(image, out, masks_model, threshold=0.05)  # so low that some overlap
    entry = run_of(out)
    assert entry["overlapped_pixels"] > 0
    assert entry["files"]["instances"] == "a_instances.json"
    assert any("a_instances.json and the ROIs have every object whole" in note for note in entry["notes"])
    rois, coco = annotations.read(out / "a_RoiSet.zip"), json.loads((out / "a_instances.json").read_text())
    assert len(rois) == len(coco["annotations"]) == entry["objects"]
    assert all(set(row["segmentation"]) == {"size", "counts"} for row in coco["annotations"])
    from pycocotools import mask as masks

    decoded = [
        masks.decode({"size": row["segmentation"]["size"], "counts": row["segmentation"]["counts"].encode()})
        for row in coco["annotations"]
    ]
    labels, every = tifffile.imread(out / "a_labels.tif"), pixels_of(rois, 160, 128)
    for number, (own, mask) in enumerate(zip(every, decoded, strict=True), start=1):
        assert own == set(np.flatnonzero(mask).tolist())
        assert set(np.flatnonzero(labels == number).tolist()) <= own
    assert sum(map(len, every)) > np.count_nonzero(labels)
    results = (out / "a_Results.csv").read_text().splitlines()
    assert len(results) == entry["objects"] + 1
    (read,) = annotations.read_set(out / "a_instances.json").images
    assert pixels_of(read.instances, 160, 128) == every
    np.testing.assert_allclose(read.instances.score, rois.score)


def test_where_nothing_overlaps_there_is_no_such_file(tmp_path: Path, image: Path, masks_model):
    out = tmp_path / "out"
    predict(image, out, masks_model, threshold=0.05)
    assert (out / "a_instances.json").exists()
    predict(image, out, masks_model, threshold=0.99, overwrite=True)
    assert run_of(out)["overlapped_pixels"] == 0
    assert not (out / "a_instances.json").exists()


def test_objects_that_overlap_in_a_film_keep_their_plane(tmp_path: Path):
    """The pixels of ovals and boxes too, which COCO's polygons cannot say exactly."""
    shapes = [
        Shape(RoiType.OVAL, params=(5, 5, 30, 20), subpixel=False), Shape(RoiType.RECT, params=(20.5, 10, 30, 20.5)),
        Shape(RoiType.ELLIPSE, params=(10, 40, 50, 45, 0.4)),
    ]  # fmt: skip
    found = Instances.of(shapes, class_name="a", score=[0.9, 0.8, 0.7], position=[(1, 1, 1), (1, 1, 1), (1, 1, 2)],
                         name=["a-0001", "a-0002", "a-0003"])  # fmt: skip
    planes = [Micrograph(np.zeros((60, 70), np.uint8), Calibration(), "f.tif", (1, 1, frame)) for frame in (1, 2)]
    film = Film("f.tif", (1, 1, 2), planes.__getitem__)
    prediction = outputs.Prediction(film, found, temj.measure(planes[0], found.take([0, 1])), None, None,
                                    {"a": "#ff0000"}, temj.workflows.areas.chosen("whole"))  # fmt: skip
    files = outputs.paths(tmp_path, "f", ())
    overlapped = outputs.write(prediction, files)
    first, second, _ = pixels_of(found, 70, 60)
    assert overlapped == len(first & second) > 0
    (read,) = annotations.read_set(files["instances"]).images
    assert read.instances.position[:, 2].tolist() == [1, 1, 2]
    assert pixels_of(read.instances, 70, 60) == pixels_of(found, 70, 60)


def test_maps_of_a_detector_hold_the_scores_and_classes_of_its_objects(tmp_path: Path, image: Path, masks_model):
    out = tmp_path / "out"
    predict(image, out, masks_model, probability=True, classes=True, threshold=0.6)
    score, labels = (tifffile.imread(out / f"a_{kind}.tif") for kind in ("probability", "labels"))
    rois = annotations.read(out / "a_RoiSet.zip")
    assert score.dtype == np.float32
    for number, own in enumerate(rois.score, start=1):
        np.testing.assert_allclose(score[labels == number], own, atol=1e-6)
    assert score[labels == 0].max() <= 0.6  # what is below the threshold can be seen too
    np.testing.assert_array_equal(tifffile.imread(out / "a_classes.tif"), labels > 0)


def test_boxes_give_ellipses_with_the_edge_and_the_rule_of_the_class(tmp_path: Path, image: Path, boxes_model):
    out = tmp_path / "out"
    table = predict(image, out, boxes_model, threshold=0.7, ellipses=True)["summary"]
    rois, results = annotations.read(out / "a_RoiSet.zip"), (out / "a_Results.csv").read_text().splitlines()
    assert set(rois.shapes.roi_type) <= {RoiType.ELLIPSE, RoiType.OVAL}
    assert rois.info["edge"] == {"disc": "half-maximum"}
    row = dict(zip(results[0].split(","), results[1].split(","), strict=True))
    geometric = np.sqrt(float(row["EllipseMajor"]) * float(row["EllipseMinor"]))
    assert float(row["Diameter"]) == pytest.approx(geometric, abs=2e-3)
    assert table["Count"][0] == len(rois) > 8
    assert run_of(out)["prediction"]["ellipses"]["number"] == len(rois)


def test_from_dialog_macro_command_line_and_python_alike(tmp_path: Path, image: Path, boxes_model):
    words = ["predict", str(image), "--model", str(boxes_model.folder), "--outline", "box", "--threshold", "0.7"]
    assert cli.main([*words, "--output", str(tmp_path / "cli")]) == 0
    macro = json.loads((tmp_path / "cli" / "run.json").read_text())["macro_line"]
    assert "outline=box" in macro
    predict(image, tmp_path / "command", boxes_model, outline="box", threshold=0.7)
    found = temj.predict(temj.open(image), str(boxes_model.folder), outline="box", threshold=0.7)
    rois = annotations.read(tmp_path / "cli" / "a_RoiSet.zip")
    assert (rois.shapes.roi_type == RoiType.RECT).all()
    for name in ("a_Results.csv", "a_RoiSet.zip", "a_labels.tif"):
        assert (tmp_path / "cli" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()
    np.testing.assert_allclose(rois.shapes.params, found.shapes.params, atol=1e-3)


def test_an_option_that_does_not_fit_stops_before_the_work(tmp_path: Path, image: Path, masks_model):
    with pytest.raises(BadValue, match="gives outlines of its own"):
        predict(image, tmp_path / "out", masks_model, outline="box")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    with pytest.raises(BadValue, match="outline"):
        predict(image, tmp_path / "out", masks_model, outline="disc")


def test_a_semantic_model_and_a_detector_on_one_image(tmp_path: Path, image: Path, masks_model):
    out = tmp_path / "out"
    models = f"loops,{masks_model.folder}"
    table = commands.run("predict", {"images": [image], "output": out, "model": models, "probability": True})["summary"]
    assert table["Class"].tolist() == ["loop", "disc"]
    assert tifffile.imread(out / "a_probability.tif").shape == (2, 128, 160)
    entry = run_of(out)["prediction"]
    assert [("floor" in each) for each in entry["models"]] == [False, True]


def test_a_film_of_a_detector(tmp_path: Path, new_discs, masks_model):
    stack = np.stack([new_discs(128, 160, 15, seed)[0] for seed in (1, 2)])
    tifffile.imwrite(tmp_path / "f.tif", stack, imagej=True, resolution=(2, 2), metadata={"unit": "nm", "axes": "TYX"})
    predict(tmp_path / "f.tif", tmp_path / "out", masks_model, threshold=0.4, probability=True)
    rois = annotations.read(tmp_path / "out" / "f_RoiSet.zip")
    labels = tifffile.imread(tmp_path / "out" / "f_labels.tif")
    assert labels.shape == tifffile.imread(tmp_path / "out" / "f_probability.tif").shape == stack.shape
    for frame in (1, 2):
        own = set(np.unique(labels[frame - 1])) - {0}
        assert own <= set((np.flatnonzero(rois.position[:, 2] == frame) + 1).tolist())
        assert len(own) > 8
