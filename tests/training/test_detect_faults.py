"""What is wrong in annotations never reaches a detector: rows A13 to A20, A24, A25 of the list of faults."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj.cores import make_core
from temj.cores.detection.targets import Target, tensors
from temj.datasets import open_dataset
from temj.errors import BadDataset, BadValue, TemjError
from temj.training import TrainingOptions, train
from temj.training.load import pictures

SIDE = 64
GOOD = [{"bbox": [8, 8, 12, 10]}, {"bbox": [30, 30, 14, 12]}]
TWICE = {"segmentation": [[8, 8, 20, 8, 20, 18, 8, 18]], "bbox": [8, 8, 20, 18]}


def images(root: Path, count: int = 3) -> list[str]:
    (root / "images").mkdir(parents=True)
    rng, names = np.random.default_rng(0), [f"{number}.png" for number in range(count)]
    for name in names:
        pixels = rng.integers(90, 160, (SIDE, SIDE), np.uint8)
        (root / "images" / name).write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return names


def describe(root: Path, **more) -> None:
    facts = {
        "format": 1, "classes": ["loop"], "pixel_size": 0.5, "licence": "MIT",
        "split": {"train": ["0", "1"], "validation": ["2"]}, **more,
    }  # fmt: skip
    (root / "dataset.json").write_text(json.dumps(facts))


def coco(root: Path, objects: list[dict]) -> Path:
    """A dataset with these objects in its first image and good ones in the others."""
    names, entries = images(root), []
    for image, _ in enumerate(names):
        for entry in objects if image == 0 else GOOD:
            entries.append({"id": len(entries) + 1, "image_id": image, "category_id": 1, "iscrowd": 0, **entry})
    value = {
        "images": [{"id": n, "file_name": name, "width": SIDE, "height": SIDE} for n, name in enumerate(names)],
        "categories": [{"id": 1, "name": "loop"}], "annotations": entries,
    }  # fmt: skip
    (root / "annotations.json").write_text(json.dumps(value))
    describe(root)
    return root


def refusal(folder: Path, tmp_path: Path, monkeypatch, core: str = "boxes") -> str:
    """What a training says; it may not have built anything by then."""
    monkeypatch.setattr("temj.training.loop.Job", None)
    with pytest.raises(TemjError) as caught:
        train(open_dataset(folder), core, tmp_path / "m", TrainingOptions(epochs=1))
    assert not (tmp_path / "m").exists()
    return caught.value.message


@pytest.mark.parametrize(
    ("row", "entry", "said"),
    [
        ("A13 image", {"bbox": [8, 8, 9, 9], "image_id": 77}, "image 77"),
        ("A13 category", {"bbox": [8, 8, 9, 9], "category_id": 9}, "category 9"),
        ("A13 ids", {"bbox": [8, 8, 9, 9], "id": 1}, "annotation 1: its id stands there twice"),
        ("A14 NaN", {"segmentation": [[8, 8, 20, 8, "@NaN", 20]]}, "NaN"),
        ("A14 inf", {"segmentation": [[8, 8, 20, 8, "@1e999", 20]]}, "inf|1e999"),
        ("A14 far", {"segmentation": [[8, 8, 20, 8, 2e8, 20]]}, "200000000|2e.08"),
        ("A15 odd", {"segmentation": [[8, 8, 20, 8, 20, 20, 8]]}, "7 numbers"),
        ("A15 four", {"segmentation": [[8, 8, 20, 8]]}, "4 numbers"),
        ("A15 none", {"segmentation": [[]]}, "0 numbers|empty"),
        ("A16 sum", {"segmentation": {"counts": [5, 5], "size": [SIDE, SIDE]}}, "4,?096"),
        ("A16 negative", {"segmentation": {"counts": [-5, 4101], "size": [SIDE, SIDE]}}, "-5"),
        ("A18 flat", {"bbox": [8, 8, 0, 9]}, "width 0"),
        ("A18 inverted", {"bbox": [20, 8, -9, 9]}, "width -9"),
        ("A18 NaN", {"bbox": [8, 8, "@NaN", 9]}, "NaN"),
        ("A18 inf", {"bbox": [8, 8, "@1e999", 9]}, "inf|1e999"),
        ("A18 outside", {"bbox": [400, 8, 9, 9]}, "outside"),
        ("A20 background", {"bbox": [8, 8, 9, 9], "category_id": 0}, "category 0"),
    ],
)
def test_coco(tmp_path, monkeypatch, row, entry, said):
    folder = coco(tmp_path / row, [*GOOD, entry])
    path = folder / "annotations.json"
    path.write_text(path.read_text().replace('"@NaN"', "NaN").replace('"@1e999"', "1e999"))
    message = refusal(folder, tmp_path, monkeypatch)
    assert re.search(said, message), message
    assert "annotations.json" in message or "0.png" in message


def test_corners_in_place_of_sides_are_told_and_many_stop(tmp_path, monkeypatch):
    message = refusal(coco(tmp_path / "d", [TWICE] * 8), tmp_path, monkeypatch)
    assert "disagree with the outline" in message


BOX = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def voc(root: Path, *objects: str, name: str = "0.png") -> Path:
    names = images(root)
    (root / "annotations").mkdir()
    for image, path in enumerate(names):
        inside = "".join(objects) if image == 0 else BOX.format("loop", 9, 9, 20, 18)
        told, size = name if image == 0 else path, f"<size><width>{SIDE}</width><height>{SIDE}</height></size>"
        text = f"<annotation><filename>{told}</filename>{size}{inside}</annotation>"
        (root / "annotations" / f"{Path(path).stem}.xml").write_text(text)
    describe(root)
    return root


@pytest.mark.parametrize(
    ("numbers", "said"),
    [((20, 9, 9, 18), "without area"), ((9, 9, "inf", 18), "xmax 'inf'"), (("nan", 9, 20, 18), "xmin 'nan'")],
)
def test_boxes_of_voc(tmp_path, monkeypatch, numbers, said):
    folder = voc(tmp_path / "d", BOX.format("loop", *numbers))
    assert said in refusal(folder, tmp_path, monkeypatch)


def test_a_file_of_another_image_stops(tmp_path, monkeypatch):
    folder = voc(tmp_path / "d", BOX.format("loop", 9, 9, 20, 18), name="other.png")
    assert "other.png" in refusal(folder, tmp_path, monkeypatch)


def test_an_unknown_class_stops_with_its_name(tmp_path, monkeypatch):
    folder = voc(tmp_path / "d", BOX.format("lop", 9, 9, 20, 18))
    assert "lop" in refusal(folder, tmp_path, monkeypatch, "masks")


def test_voc_counts_from_one_as_far_as_the_network(tmp_path):
    data = open_dataset(voc(tmp_path / "d", BOX.format("loop", 11, 21, 20, 40)))
    core = make_core("boxes", {"classes": ["loop"]})
    target = core.target(pictures(data, "train", core)[0].truth)
    np.testing.assert_array_equal(target.boxes, [[10, 20, 20, 40]])


class TestMasks:
    def folder(self, root: Path, mask: np.ndarray, **more) -> Path:
        names = images(root)
        (root / "masks").mkdir()
        for number, name in enumerate(names):
            good = np.zeros((SIDE, SIDE), np.uint16)
            good[10:20, 10:22], good[30:40, 30:44] = 1, 2
            tifffile.imwrite(root / "masks" / f"{Path(name).stem}.tif", mask if number == 0 else good)
        describe(root, masks="instances", **more)
        return root

    def test_of_another_size_than_the_image(self, tmp_path, monkeypatch):
        folder = self.folder(tmp_path / "d", np.ones((SIDE, SIDE + 1), np.uint16))
        assert "65 x 64" in refusal(folder, tmp_path, monkeypatch, "masks")

    def test_255_for_1_is_an_object_like_any_other(self, tmp_path):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        mask[10:20, 10:22] = 255
        data = open_dataset(self.folder(tmp_path / "d", mask))
        core = make_core("masks", {"classes": ["loop"]})
        target = core.target(pictures(data, "train", core)[0].truth)
        assert target.masks.max() == 1
        assert target.labels.tolist() == [1]
        assert target.masks.sum() == 120

    def test_a_value_that_is_no_class(self, tmp_path, monkeypatch):
        folder = self.folder(tmp_path / "d", np.full((SIDE, SIDE), 7, np.uint8))
        describe(folder, masks="classes")
        assert "found" in refusal(folder, tmp_path, monkeypatch, "masks")


class TestLastDoor:
    """Whatever made a target: native code is not asked about numbers that it cannot stand."""

    nothing = np.zeros((8, 8), bool)

    @pytest.mark.parametrize(
        "box", [[1, 1, np.inf, 5], [1, np.nan, 4, 5], [4, 1, 4, 5], [5, 1, 4, 5], [-np.inf, 1, 4, 5]]
    )
    def test_boxes(self, box):
        with pytest.raises(BadValue, match=r"target.*of object 2"):
            tensors(Target(np.array([[1, 1, 3, 3], box], np.float32), np.array([1, 1]), None, self.nothing), "cpu")

    @pytest.mark.parametrize("box", [[4, 4, np.inf, 2, 30], [4, 4, 5, 0, 30], [4, 4, 5, 2, np.nan]])
    def test_rotated_boxes(self, box):
        with pytest.raises(BadValue, match="target"):
            tensors(Target(np.array([box], np.float32), np.array([1]), None, self.nothing), "cpu")

    def test_labels_masks_and_numbers_of_them(self):
        box, mask = np.array([[1, 1, 4, 4]], np.float32), np.ones((1, 8, 8), np.uint8)
        with pytest.raises(BadValue, match="the label 0"):
            tensors(Target(box, np.array([0]), None, self.nothing), "cpu")
        with pytest.raises(BadValue, match="the value 255 in a mask"):
            tensors(Target(box, np.array([1]), mask * 255, self.nothing), "cpu")
        with pytest.raises(BadValue, match="1 boxes, 1 labels, 2 masks"):
            tensors(Target(box, np.array([1]), np.concatenate([mask, mask]), self.nothing), "cpu")
        assert tensors(Target(box, np.array([1]), mask, self.nothing), "cpu")["masks"].shape == (1, 8, 8)


def test_a_class_without_an_example_is_told(tmp_path, monkeypatch):
    folder = coco(tmp_path / "d", GOOD)
    describe(folder, classes=["loop", "dot"])
    with pytest.raises(BadDataset, match="dot"):
        train(open_dataset(folder), "boxes", tmp_path / "m", TrainingOptions(epochs=1))
