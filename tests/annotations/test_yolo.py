"""YOLO: relative rows, outlines and oriented boxes."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from temj.annotations import AnnotatedImage, AnnotationSet, Context, read_set, recognise, write_set
from temj.annotations.outlines import from_axes
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.errors import BadAnnotation
from temj.geometry import rasterise
from temj.geometry.trace import trace

SIZE = (301, 197)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros(SIZE[::-1], np.uint8))
    return Context({"a.png": tmp_path / "images" / "a.png"})


def folder(tmp_path: Path, rows: str, **files: str) -> Path:
    made = tmp_path / "labels"
    made.mkdir(exist_ok=True)
    (made / "a.txt").write_text(rows)
    for name, text in files.items():
        (made / name.replace("_", ".")).write_text(text)
    return made


def through(tmp_path: Path, context: Context, shapes: list[Shape], **columns: object) -> tuple[Instances, tuple]:
    made = AnnotationSet((AnnotatedImage("a.png", None, Instances.of(shapes, **columns)),), ("dot", "loop"))
    losses = write_set(tmp_path / "out", made, "yolo", context, overwrite=True)
    back = read_set(tmp_path / "out", None, context)
    assert back.info["format"] == "yolo"
    assert back.classes[:2] == ("dot", "loop")
    return back.images[0].instances, losses


def test_boxes_come_back_exactly(tmp_path: Path, context: Context):
    rng = np.random.default_rng(0)
    boxes = [Shape(RoiType.RECT, params=(*rng.integers(1, 90, 4), 0), subpixel=False) for _ in range(60)]
    boxes += [Shape(RoiType.RECT, params=(*rng.integers(8, 700, 4) / 8 + 0.125, 0)) for _ in range(60)]
    back, losses = through(tmp_path, context, boxes, class_name="loop")
    assert losses == ()
    assert len((tmp_path / "out" / "a.txt").read_text().splitlines()[0].split()) == 5
    np.testing.assert_array_equal(back.shapes.params, [shape.params for shape in boxes])
    assert back.shapes.roi_type.tolist() == [RoiType.RECT] * 120


def test_outlines_rotated_boxes_and_boxes_in_one_file(tmp_path: Path, context: Context):
    slanted = Shape(RoiType.POLYGON, [[1.5, 2], [30, 4.25], [28, 40], [3, 60]])
    rotated = from_axes(RoiType.ROTATED_RECT, 100, 80, 60, 20, 30)
    box = Shape(RoiType.RECT, params=(7, 8, 9, 10, 0), subpixel=False)
    back, losses = through(
        tmp_path, context, [slanted, rotated, box], class_name=np.array(["loop", "dot", "x"], object)
    )
    assert losses == ()
    assert [shape.roi_type for shape in back.shapes] == [RoiType.POLYGON, RoiType.ROTATED_RECT, RoiType.RECT]
    np.testing.assert_array_equal(back.shapes[0].points, slanted.points)
    np.testing.assert_allclose(back.shapes[1].params, rotated.params, atol=1e-6)
    assert back.shapes[2].params[:4] == (7, 8, 9, 10)
    assert back.class_name.tolist() == ["loop", "dot", "x"]


def test_holes_and_parts_keep_their_pixels(tmp_path: Path, context: Context):
    rng = np.random.default_rng(1)
    labels = np.zeros(SIZE[::-1], np.int32)
    for number in range(1, 9):
        labels[20 * number : 20 * number + 15, 10:290] = number * (rng.random((15, 280)) < 0.7)
    shapes = trace(labels)
    assert (shapes.roi_type == RoiType.COMPOSITE).all()
    back, losses = through(tmp_path, context, list(shapes), class_name="loop")
    assert losses == ()
    ours, theirs = (rasterise(part, *SIZE).pixels(SIZE[0]) for part in (back.shapes, shapes))
    np.testing.assert_array_equal(np.transpose(ours), np.transpose(theirs))


def test_what_yolo_cannot_hold_is_told(tmp_path: Path, context: Context):
    ellipse = from_axes(RoiType.ELLIPSE, 100, 80, 60, 20, 30)
    point = Shape(RoiType.POINT, [[3, 4]])
    box = Shape(RoiType.RECT, params=(7, 8, 9, 10, 4), subpixel=False)
    names = np.array(["loop", "loop", IGNORE, ""], object)
    back, losses = through(
        tmp_path, context, [ellipse, point, ellipse, box], class_name=names, score=0.5, track=3, position=(1, 2, 3)
    )
    assert len(back) == 2
    assert back.class_name.tolist() == ["loop", "object"]
    assert losses == (
        "2 ellipses written as outlines of their corners: YOLO holds no ellipses",
        "1 point left out: YOLO holds no points",
        "1 object marked 'ignore' is left out: YOLO cannot say 'ignore'",
        "the score of 4 objects is lost: YOLO has no place for it",
        "the track of 4 objects is lost: YOLO has no place for it",
        "the position of 4 objects is lost: YOLO has no place for it",
        "1 object without a class is written as the class 'object'",
        "1 box has rounded corners, which are lost",
    )


def test_names_of_classes_come_from_the_user_classes_txt_or_simple_yaml(tmp_path: Path, context: Context):
    rows = "1 0.5 0.5 0.1 0.1\n0 0.2 0.2 0.1 0.1 0.75\n"
    made = folder(tmp_path, rows)
    found = read_set(made, None, context)
    assert found.classes == ("0", "1")
    assert "the classes have numbers and no names (--classes)" in found.info["notes"]
    np.testing.assert_array_equal(found.images[0].instances.score, [np.nan, 0.75])
    for yaml in (
        "names: [dot, 'big loop']\n",
        "names:\n  - dot\n  - big loop\n",
        'nc: 2\nnames:\n  0: dot\n  1: "big loop"\n',
    ):
        folder(tmp_path, rows, data_yaml=yaml)
        assert read_set(made, None, context).classes == ("dot", "big loop")
    folder(tmp_path, rows, classes_txt="a\nb\n")
    assert read_set(made, None, context).images[0].instances.class_name.tolist() == ["b", "a"]
    assert read_set(made, None, Context(context.images, ("x", "y"))).classes == ("x", "y")


def test_an_empty_file_is_an_empty_image_and_no_file_is_none(tmp_path: Path, context: Context):
    cv2.imwrite(str(tmp_path / "images" / "b.png"), np.zeros((5, 5), np.uint8))
    images = dict(context.images) | {"b.png": tmp_path / "images" / "b.png"}
    made = folder(tmp_path, "", classes_txt="loop\n")
    found = read_set(made, None, Context(images))
    assert [None if image.instances is None else len(image.instances) for image in found.images] == [0, None]


def test_all_problems_of_a_file_are_listed(tmp_path: Path, context: Context):
    rows = [
        "x 0.5 0.5 0.1 0.1", "0 0.5 0.5 0.1", "0 0.5 0.5 nan 0.1", "0 0.5 0.5 0 0.1", "7 0.5 0.5 0.1 0.1",
        "0 0.5 0.5 3 0.1", "0 0.1 0.1 0.2 0.2 0.3 0.3 0.4", "0 0.5 0.5 0.1 0.1", "0 0.1 0.1 0.1 0.2 0.1 0.3",
    ]  # fmt: skip
    made = folder(tmp_path, "\n".join(rows), classes_txt="loop\n")
    with pytest.raises(BadAnnotation, match="found 8 problems") as caught:
        read_set(made, "yolo", context)
    for words in (
        "line 1: 'x' is no number of a class", "line 2: 3 numbers behind the class", "line 3: 'nan' is no coordinate",
        "line 4: a box without area", "line 5: class 7, but there are 1 names", "line 6: '3' is no coordinate",
        "line 7: 7 numbers", "line 9: an outline without area",
    ):  # fmt: skip
        assert words in caught.value.message


def test_sizes_are_needed_and_images_named(tmp_path: Path, context: Context):
    made = folder(tmp_path, "0 0.5 0.5 0.1 0.1\n")
    assert recognise(made) == "yolo"
    with pytest.raises(BadAnnotation, match=r"(?s)BadAnnotation/size.*no image called a.*--images"):
        read_set(made)


def test_objects_that_reach_too_far_out_are_left_out_and_told(tmp_path: Path, context: Context):
    width, height = SIZE
    near = Shape(RoiType.RECT, params=(-width / 2 + 1, 5, width / 2 + 9, 20, 0))
    far = Shape(RoiType.POLYGON, [[10, 10], [2.6 * width, 20], [30, height]])
    wide = Shape(RoiType.RECT, params=(-width, 5, 2.8 * width, 20, 0))
    back, losses = through(tmp_path, context, [near, far], class_name="dot")
    assert len(back) == 1
    left = "1 object reaches more than half an image beyond the border, left out: YOLO has shares of the image"
    assert left in losses
    back, losses = through(tmp_path, context, [near, wide], class_name="dot")
    assert len(back) == 1
    assert left in losses
    _, losses = through(tmp_path, context, [near], class_name="dot")
    assert not any("beyond the border" in text for text in losses)
