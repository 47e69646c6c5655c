"""``temj convert`` as its user meets it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
import roifile

from temj import annotations, cli, commands
from temj.annotations import AnnotatedImage, AnnotationSet, roiset
from temj.annotations.outlines import from_axes
from temj.commands.convert import Format
from temj.data import Instances, RoiType, Shape
from temj.errors import BadAnnotation, BadValue, Refused
from temj.geometry.trace import trace

LOOPS = Path(__file__).resolve().parents[2] / "samples" / "loops"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images a, b, c; ROI sets of a (an ellipse, a ring) and b (nothing)."""
    for name in "abc":
        (tmp_path / "images").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.zeros((200, 300), np.uint8))
    labels = np.zeros((200, 300), np.uint8)
    labels[100:140, 200:280] = 1
    labels[110:120, 220:230] = 0
    shapes = [from_axes(RoiType.ELLIPSE, 100, 80, 64, 16, 0), *trace(labels)]
    made = Instances.of(shapes, class_name=np.array(["loop", "dot"], object), name=np.array(["x", "y"], object))
    images = (AnnotatedImage("a.png", None, made), AnnotatedImage("b.png", None, Instances.concatenate([])))
    annotations.write_set(tmp_path / "rois", AnnotationSet(images), "roiset")
    return tmp_path


def run(*words: object) -> int:
    return cli.main(["convert", *map(str, words)])


def test_the_choices_are_the_formats():
    assert set(get_args(Format)) == {"", *annotations.FORMATS}


def test_what_is_lost_is_told_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture):
    assert run(folder / "rois", folder / "boxes", "--to", "voc", "--images", folder / "images") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "roiset -> voc: 2 images, 2 objects (loop 1, dot 1)"
    assert told[1] == "  note: 1 image is not annotated: c.png"
    assert told[2].startswith("  lost: 1 ellipse written as the rotated box around it")
    assert told[3].startswith("  lost: 1 outline with holes or parts written as the box around it")
    assert "  lost: the name of 2 objects is lost: LabelImg / Pascal VOC has no place for it" in told
    assert told[-3:] == ["Written:", f"  {folder / 'boxes' / 'a.xml'}", f"  {folder / 'boxes' / 'b.xml'}"]


def test_there_and_back_nothing_is_lost(folder: Path, capsys: pytest.CaptureFixture):
    assert run(folder / "rois", folder / "a.json", "--images", folder / "images", "--strict") == 0
    assert run(folder / "a.json", folder / "again", "--to", "roiset") == 0
    assert "lost" not in capsys.readouterr().out
    for name in "ab":
        file = f"{name}_RoiSet.zip"
        assert (folder / "again" / file).read_bytes() == (folder / "rois" / file).read_bytes()


def test_strict_writes_nothing_where_something_would_be_lost(folder: Path, capsys: pytest.CaptureFixture):
    assert run(folder / "rois", folder / "boxes", "--to", "voc", "--images", folder / "images", "--strict") == 2
    told = capsys.readouterr().err
    assert "Refused/loss" in told
    assert "1 ellipse written as" in told
    assert not (folder / "boxes").exists()


def test_existing_files_are_kept_unless_asked(folder: Path, capsys: pytest.CaptureFixture):
    (folder / "a.csv").write_text("mine")
    assert run(folder / "rois", folder / "a.csv") == 2
    assert "Refused/exists" in capsys.readouterr().err
    assert (folder / "a.csv").read_text() == "mine"
    assert run(folder / "rois", folder / "a.csv", "--overwrite") == 0
    assert (folder / "a.csv").read_bytes().startswith(b"\xef\xbb\xbfimage,")


def test_files_of_an_earlier_conversion_are_mentioned(folder: Path, capsys: pytest.CaptureFixture):
    (folder / "out").mkdir()
    (folder / "out" / "old_RoiSet.zip").write_bytes(b"x")
    assert run(folder / "rois", folder / "out", "--to", "roiset") == 0
    assert "1 other file of this kind in the output folder was left as before" in capsys.readouterr().out


def test_images_without_annotations_can_be_negatives(folder: Path):
    parameters = {"source": folder / "rois", "output": folder / "m", "to": "masks", "images": folder / "images"}
    outputs = commands.run("convert", {**parameters, "negatives": True})
    assert sorted(file.name for file in (folder / "m" / "instances").iterdir()) == ["a.png", "b.png", "c.png"]
    assert outputs["counts"]["Images"].tolist() == [1, 1, 3]
    assert "1 of them counted as images without objects (--negatives)" in outputs["notes"]["Note"]
    value = {"images": [{"id": 1, "file_name": "c.png"}], "annotations": [], "categories": []}
    (folder / "none.json").write_text(json.dumps(value))
    with pytest.raises(BadAnnotation, match="nothing-annotated"):
        commands.run("convert", {"source": folder / "none.json", "output": folder / "n", "to": "roiset"})


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("folder", "found a folder"),
        ("a.txt", "the extension '.txt', which several formats have"),
        ("a.xyz", "the extension '.xyz', which no format writes"),
    ],
)
def test_a_format_that_is_not_clear_must_be_named(folder: Path, output: str, words: str):
    with pytest.raises(BadValue, match=words):
        commands.run("convert", {"source": folder / "rois", "output": folder / output})


def test_damaged_rois_are_failures_and_the_rest_is_converted(folder: Path, capsys: pytest.CaptureFixture):
    import zipfile

    with zipfile.ZipFile(folder / "rois" / "a_RoiSet.zip", "a") as archive:
        archive.writestr("bad.roi", b"Iout")
    assert run(folder / "rois", folder / "a.csv") == 3
    told = capsys.readouterr().out
    assert "1 entry could not be used:" in told
    assert "a_RoiSet.zip/bad.roi" in told


def test_class_names_of_the_user_decide_about_numbers(folder: Path):
    parameters = {"source": folder / "rois", "to": "yolo", "images": folder / "images"}
    commands.run("convert", {**parameters, "output": folder / "y"})
    commands.run("convert", {**parameters, "output": folder / "z", "classes": ["dot", "loop"]})
    assert (folder / "y" / "classes.txt").read_text() == "loop\ndot\n"
    assert (folder / "z" / "classes.txt").read_text() == "dot\nloop\n"


def test_the_masks_of_the_sample_become_coco_and_masks_again(tmp_path: Path):
    options = {"images": LOOPS / "images", "classes": ["loop"]}
    commands.run("convert", {"source": LOOPS / "masks", "output": tmp_path / "a.json", **options})
    commands.run("convert", {"source": tmp_path / "a.json", "output": tmp_path / "m", "to": "masks", **options})
    for file in sorted((LOOPS / "masks").iterdir()):
        before, after = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in (file, tmp_path / "m" / file.name))
        np.testing.assert_array_equal(after > 0, before > 0)
        assert after.max() == cv2.connectedComponents(before)[0] - 1


def test_names_in_files_open_nothing(folder: Path):
    secret = folder / "secret.png"
    cv2.imwrite(str(secret), np.zeros((9, 9), np.uint8))
    image = {"id": 1, "file_name": "../secret.png", "width": 9, "height": 9}
    (folder / "a.json").write_text(json.dumps({"images": [image], "annotations": [], "categories": []}))
    with pytest.raises(Refused, match="Refused/path"):
        commands.run("convert", {"source": folder / "a.json", "output": folder / "o", "to": "masks"})
    square = Shape(RoiType.RECT, params=(1, 2, 3, 4, 0), subpixel=False)
    outside = AnnotationSet((AnnotatedImage("../../x.png", (9, 9), Instances.of([square])),))
    with pytest.raises(Refused, match="Refused/path"):
        annotations.write_set(folder / "o", outside, "voc")
    assert not (folder / "o").exists()


def boxes(count: int, **columns: object) -> Instances:
    shapes = [Shape(RoiType.RECT, params=(9 * k + 1, 5, 7, 6, 0), subpixel=False) for k in range(count)]
    return Instances.of(shapes, **columns)


def test_the_sets_that_a_prediction_makes_beside_its_objects_are_left_out(tmp_path: Path):
    rois = tmp_path / "results"
    for name, count in (("a", 3), ("a_ellipses", 3), ("a_area", 1), ("b_ellipses", 2)):
        roiset_of = AnnotationSet((AnnotatedImage(f"{name}.png", None, boxes(count, class_name="loop")),))
        annotations.write_set(rois / f"{name}_RoiSet.zip", roiset_of, "roiset")
    outputs = commands.run("convert", {"source": rois, "output": tmp_path / "out.csv"})
    assert outputs["counts"]["Objects"].tolist() == [5, 5]  # b_ellipses has no b beside it
    note = "2 ROI sets of ellipses and areas left out: made from the ROI sets beside"
    assert note in outputs["notes"]["Note"]


def test_an_image_that_is_called_so_keeps_its_rois(tmp_path: Path):
    for name in ("a", "a_area"):
        (tmp_path / "images").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.zeros((20, 60), np.uint8))
        made = AnnotationSet((AnnotatedImage(f"{name}.png", None, boxes(2, class_name="loop")),))
        annotations.write_set(tmp_path / "rois" / f"{name}_RoiSet.zip", made, "roiset")
    parameters = {"source": tmp_path / "rois", "output": tmp_path / "o.csv", "images": tmp_path / "images"}
    outputs = commands.run("convert", parameters)
    assert outputs["counts"]["Objects"].tolist() == [4, 4]


def test_rois_show_their_class_in_imagej_and_nothing_of_it_is_lost_on_the_way_back(tmp_path: Path):
    kinds, names = ["dot", "loop", "", "loop", "loop"], ["", "", "", "loop-0001", ""]
    given = boxes(5, class_name=np.array(kinds, object), name=np.array(names, object))
    made = AnnotationSet((AnnotatedImage("a.png", (60, 20), given),), ("loop", "dot"))
    assert annotations.write_set(tmp_path / "a_RoiSet.zip", made, "roiset") == ()
    rois = roifile.roiread(tmp_path / "a_RoiSet.zip")
    assert [roi.name for roi in rois] == ["dot-0001", "loop-0002", "", "loop-0001", "loop-0003"]
    assert [roi.group for roi in rois] == [2, 1, 0, 1, 1]
    (back,) = annotations.read_set(tmp_path / "a_RoiSet.zip").images
    assert list(back.instances.class_name) == kinds
    again = AnnotationSet((replace(back, size=(60, 20)),))
    told = annotations.write_set(tmp_path / "v", again, "voc")
    assert told == ("1 object without a class is written as the class 'object'",)


def test_own_names_and_groups_are_told_as_lost(tmp_path: Path):
    kinds = np.array(["dot", "loop", "loop"], object)
    given = boxes(3, class_name=kinds, name=np.array(["dot-1", "loop-0001", "mine"], object), group=[1, 2, 1])
    told = annotations.write_set(tmp_path / "v", AnnotationSet((AnnotatedImage("a.png", (60, 20), given),)), "voc")
    assert any(text.startswith("the name of 2 objects is lost") for text in told)
    assert any(text.startswith("the group of 3 objects is lost") for text in told)


@pytest.mark.parametrize(("axis", "word"), [(0, "channels"), (1, "slices"), (2, "frames")])
def test_objects_of_several_planes_on_one_image_are_counted(tmp_path: Path, axis: int, word: str):
    position = np.ones((5, 3), int)
    position[3:, axis] = 2
    made = AnnotationSet((AnnotatedImage("a.png", None, boxes(5, class_name="loop", position=position)),))
    annotations.write_set(tmp_path / "a_RoiSet.zip", made, "roiset")
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((20, 60), np.uint8))
    parameters = {"source": tmp_path / "a_RoiSet.zip", "images": tmp_path / "images"}
    for output, told in (("a.json", True), ("a.csv", False)):
        outputs = commands.run("convert", {**parameters, "output": tmp_path / output})
        note = f"5 objects of 2 {word} stand on one image: other programs see them on top of each other"
        assert (note in outputs["notes"]["Note"]) == told


def test_a_dataset_folder_is_taken_with_the_classes_of_its_description(tmp_path: Path):
    outputs = commands.run("convert", {"source": LOOPS, "output": tmp_path / "a.json"})
    assert (outputs["source"]["From"][0], outputs["counts"]["Class"].tolist()) == ("dataset", ["loop", "(all)"])
    found = annotations.read_set(tmp_path / "a.json")
    assert {image.image for image in found.images} == {file.name for file in (LOOPS / "images").iterdir()}
    masks = annotations.read_set(LOOPS / "masks", "masks", annotations.Context(masks="classes"))
    assert outputs["counts"]["Objects"][0] == sum(len(image.instances) for image in masks.images)


def test_areas_and_images_without_annotations_of_a_dataset_are_told(tmp_path: Path):
    for name in "ab":
        (tmp_path / "d" / "images").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "d" / "images" / f"{name}.png"), np.zeros((20, 60), np.uint8))
    names = np.array(["x", "area"], object)
    made = boxes(2, class_name=np.array(["loop", ""], object), name=names)
    roiset.write(tmp_path / "d" / "a_RoiSet.zip", made)
    (tmp_path / "d" / "dataset.json").write_text(json.dumps({"format": 1, "classes": ["loop"]}))
    outputs = commands.run("convert", {"source": tmp_path / "d", "output": tmp_path / "a.json"})
    assert outputs["counts"]["Objects"].tolist() == [1, 1]
    notes = list(outputs["notes"]["Note"])
    assert "1 ROI named area or exclude left out: no objects" in notes
    assert "1 image is not annotated: b.png" in notes
