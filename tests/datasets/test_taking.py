"""Annotations that are there already go into a new dataset, whatever their format."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from temj import annotations, datasets
from temj.annotations import roiset
from temj.annotations.base import AnnotatedImage, AnnotationSet
from temj.cli import main
from temj.data import Instances, RoiType, Shape
from temj.datasets.create import Existing
from temj.errors import BadAnnotation

RNG = np.random.default_rng(11)
SIZE = (60, 80)


def png(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", array)[1].tobytes())
    return path


def box(x: float, name: str = "") -> Instances:
    return Instances.of([Shape(RoiType.RECT, params=(x, 9, 12, 10, 0), subpixel=False)], class_name="loop", name=name)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four images."""
    for stem in "abcd":
        png(tmp_path / "in" / f"{stem}.png", RNG.integers(0, 256, SIZE, np.uint8))
    return tmp_path / "in"


def sound(folder: Path, format_name: str) -> datasets.Report:
    """The dataset as it was made has its four annotations and nothing to correct."""
    dataset = datasets.open_dataset(folder)
    assert [item.format for item in dataset.items] == [format_name] * 4
    report = datasets.check(dataset)
    assert report.errors == ()
    assert list(report.images["Objects"]) == [1, 1, 1, 1]
    return report


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize(("value", "kind"), [(1, "classes"), (255, "classes"), (7, "instances")])
def test_masks(source: Path, tmp_path: Path, beside: bool, value: int, kind: str):
    place = source if beside else tmp_path / "masks"
    for stem in "abcd":
        mask = np.zeros(SIZE, np.uint8)
        mask[9:20, 9:25] = value
        png(place / f"{stem}_mask.png", mask)
    made = datasets.create(tmp_path / "new", [source], ["loop"], existing=Existing((place,)))
    assert sorted(path.name for path in made.files if path.parent.name == "masks") == [f"{s}.png" for s in "abcd"]
    assert json.loads((tmp_path / "new" / "dataset.json").read_text())["masks"] == kind
    assert "4 annotation files copied into masks" in made.notes
    sound(tmp_path / "new", "masks")


@pytest.mark.parametrize("format_name", ["roiset", "coco", "voc", "csv", "yolo"])
def test_other_formats_with_their_classes(source: Path, tmp_path: Path, format_name: str):
    images = tuple(AnnotatedImage(f"{stem}.png", SIZE[::-1], box(20)) for stem in "abcd")
    end = {"coco": "/all.json", "csv": "/all.csv"}.get(format_name, "")
    (tmp_path / "given").mkdir()
    annotations.write_set(f"{tmp_path / 'given'}{end}", AnnotationSet(images, ("loop",)), format_name)
    words = ["--images", str(source), "--annotations", str(tmp_path / "given")]
    assert main(["dataset", "new", str(tmp_path / "new"), *words]) == 0
    assert datasets.open_dataset(tmp_path / "new").classes == ("loop",)
    report = sound(tmp_path / "new", format_name)
    assert set(report.objects["Class"]) == {"loop"}


def test_what_belongs_to_no_image_is_told_and_nothing_at_all_is_refused(source: Path, tmp_path: Path):
    (tmp_path / "given").mkdir()
    roiset.write(tmp_path / "given" / "a_RoiSet.zip", box(20))
    roiset.write(tmp_path / "given" / "z_RoiSet.zip", box(20))
    made = datasets.create(tmp_path / "new", [source], existing=Existing((tmp_path / "given",)))
    assert "1 file that belong to no image left out: z_RoiSet.zip" in made.notes
    with pytest.raises(BadAnnotation, match=r"no-annotations.*z_RoiSet\.zip"):
        datasets.create(tmp_path / "b", [source], existing=Existing((tmp_path / "given" / "z_RoiSet.zip",)))
    with pytest.raises(BadAnnotation, match="missing"):
        datasets.create(tmp_path / "b", [source], existing=Existing((tmp_path / "nowhere",)))
    assert not (tmp_path / "b").exists()


def test_two_masks_of_one_image_are_refused(source: Path, tmp_path: Path):
    for end in ("", "_mask"):
        png(tmp_path / "given" / f"a{end}.png", np.ones(SIZE, np.uint8))
    with pytest.raises(BadAnnotation, match=r"two-annotations.*a_mask\.png"):
        datasets.create(tmp_path / "new", [source], existing=Existing((tmp_path / "given",)))
    assert not (tmp_path / "new").exists()


def test_results_of_temj_are_no_images_and_the_area_is_kept(source: Path, tmp_path: Path):
    (source / "a_Results.csv").write_text("x")
    for end in ("labels.png", "overlay.png"):
        png(source / f"a_{end}", RNG.integers(0, 256, SIZE, np.uint8))
    (source / "a_labels.png").rename(source / "a_labels.tif")
    roiset.write(source / "a_RoiSet.zip", box(20, "loop-0001"))
    for stem in "ab":
        roiset.write(source / f"{stem}_area_RoiSet.zip", box(0, "exclude"))
    made = datasets.create(tmp_path / "new", [source])
    assert "2 results of TEMJ beside the images left out: a_labels.tif, a_overlay.png" in made.notes
    assert "the ROIs 'area' and 'exclude' of 1 image were added to its ROI set" in made.notes
    assert any("not used" in note and "b_area_RoiSet.zip" in note for note in made.notes)
    dataset = datasets.open_dataset(tmp_path / "new")
    assert [item.stem for item in dataset.items] == list("abcd")
    first = dataset.items[0]
    assert list(dataset.instances(first).name) == ["loop-0001"]
    assert list(dataset.area_rois(first).name) == ["exclude"]
