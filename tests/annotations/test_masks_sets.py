"""Folders of masks: what their values mean, which image they belong to, and what they cannot hold."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj.annotations import AnnotatedImage, AnnotationSet, Context, read_set, recognise, write_set
from temj.annotations.outlines import from_axes
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.errors import BadAnnotation, BadImage
from temj.geometry.trace import trace

LABELS = np.zeros((20, 30), np.uint8)
LABELS[2:5, 3:9] = 1
LABELS[5:8, 3:9] = 2
LABELS[12:15, 12:15] = 5


def png(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    assert cv2.imwrite(str(path), array)
    return path


def images_of(tmp_path: Path, *names: str) -> Context:
    files = {name: png(tmp_path / "images" / name, np.zeros((20, 30), np.uint8)) for name in names}
    return Context(files)


def rect(x: int, y: int, width: int, height: int) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height, 0), subpixel=False)


def one_image(shapes: list[Shape], **columns: object) -> AnnotationSet:
    return AnnotationSet((AnnotatedImage("a.png", (30, 20), Instances.of(shapes, **columns)),))


def mask(file: Path) -> np.ndarray:
    return cv2.imread(str(file), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("suffix", ["", "_mask", "_labels", "-labels", "_cp_masks"])
def test_masks_are_paired_with_images_by_name(tmp_path: Path, suffix: str):
    context = images_of(tmp_path, "a.png", "b.png", "c.png")
    for name in "ab":
        png(tmp_path / "m" / f"{name}{suffix}.png", LABELS)
    found = read_set(tmp_path / "m", None, context)
    assert [(i.image, None if i.instances is None else len(i.instances)) for i in found.images] == [
        ("a.png", 3), ("b.png", 3), ("c.png", None),
    ]  # fmt: skip
    told = "2 masks paired with images by leaving out an ending such as _mask"
    assert (told in found.info["notes"]) == bool(suffix)
    assert "1 image is not annotated: c.png" in found.info["notes"]


def test_images_beside_their_masks_are_no_masks(tmp_path: Path):
    for name in "ab":
        png(tmp_path / "m" / f"{name}_mask.png", LABELS)
        png(tmp_path / "m" / f"{name}.png", np.full((20, 30), 77, np.uint8))
    found = read_set(tmp_path / "m")
    assert [image.image for image in found.images] == ["a", "b"]
    assert "2 images beside their masks left out" in found.info["notes"]


@pytest.mark.parametrize(
    ("values", "count", "kind"), [((0, 1), 2, "classes"), ((0, 255), 2, "classes"), ((0, 1, 2, 5), 3, "objects")]
)
def test_the_meaning_of_values_is_found_for_all_masks_together(tmp_path: Path, values: tuple, count: int, kind: str):
    labels = LABELS if len(values) > 2 else (LABELS > 0).astype(np.uint8) * values[1]
    png(tmp_path / "m" / "a.png", labels)
    png(tmp_path / "m" / "b.png", np.zeros((20, 30), np.uint8))
    found = read_set(tmp_path / "m")
    assert [len(image.instances) for image in found.images] == [count, 0]
    assert kind in found.info["notes"][0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_instance_masks_of_any_depth(tmp_path: Path, dtype: type):
    labels = LABELS.astype(dtype)
    labels[19, 29] = min(np.iinfo(dtype).max, 2**24)
    (tmp_path / "m").mkdir()
    tifffile.imwrite(tmp_path / "m" / "a.tif", labels)
    assert len(read_set(tmp_path / "m").images[0].instances) == 4


def test_one_class_goes_there_and_back(tmp_path: Path):
    made = one_image([rect(1, 1, 5, 5), rect(6, 1, 5, 5), rect(20, 10, 1, 1)], class_name="loop")
    assert write_set(tmp_path / "m", made, "masks") == ()
    assert sorted(file.name for file in (tmp_path / "m").iterdir()) == ["a.png", "classes.txt"]
    back = read_set(tmp_path / "m")
    assert back.images[0].instances.class_name.tolist() == ["loop"] * 3
    assert write_set(tmp_path / "n", back, "masks") == ()
    np.testing.assert_array_equal(mask(tmp_path / "m" / "a.png"), mask(tmp_path / "n" / "a.png"))


def test_several_classes_and_ignore_make_pairs_that_lose_nothing(tmp_path: Path):
    names = np.array(["loop", "dot", IGNORE, "loop"], object)
    made = one_image([rect(1, 1, 5, 5), rect(6, 1, 5, 5), rect(11, 1, 5, 5), rect(16, 1, 5, 5)], class_name=names)
    assert write_set(tmp_path / "m", made, "masks") == ()
    assert np.unique(mask(tmp_path / "m" / "classes" / "a.png")).tolist() == [0, 1, 2, 255]
    assert recognise(tmp_path / "m") == "masks"
    back = read_set(tmp_path / "m")
    assert back.classes == ("loop", "dot")
    assert back.images[0].instances.class_name.tolist() == names.tolist()


def test_one_class_and_ignore_in_pairs(tmp_path: Path):
    names = np.array(["loop", IGNORE], object)
    write_set(tmp_path / "m", one_image([rect(1, 1, 5, 5), rect(6, 1, 5, 5)], class_name=names), "masks")
    assert read_set(tmp_path / "m").images[0].instances.class_name.tolist() == names.tolist()


def test_class_masks_say_which_objects_they_cannot_tell_apart(tmp_path: Path):
    made = one_image([rect(1, 1, 5, 5), rect(6, 1, 5, 5), rect(20, 1, 5, 5)], class_name="loop")
    losses = write_set(tmp_path / "m", made, "masks", Context(masks="classes"))
    assert losses == ("2 objects cannot be told apart in class masks: they touch or have parts",)
    parts = np.zeros((20, 30), np.uint8)
    parts[2:4, 2:4] = parts[10:12, 2:4] = 1
    made = one_image([*trace(parts), rect(20, 1, 5, 5)], class_name="loop")
    assert write_set(tmp_path / "n", made, "masks", Context(masks="classes"))[0].startswith("1 object cannot")


def test_overlaps_are_decided_by_a_rule_and_counted(tmp_path: Path):
    shapes = [rect(1, 1, 10, 10), rect(6, 1, 10, 10), rect(2, 2, 3, 3)]
    losses = write_set(tmp_path / "m", one_image(shapes, class_name="loop", score=[0.5, 0.9, 0.1]), "masks")
    assert "59 pixels of 1 image are claimed by several objects" in losses[1]
    assert losses[2] == "1 object has no pixel of their own and are lost"
    labels = mask(tmp_path / "m" / "a.png")
    assert (labels[5, 5], labels[5, 6], labels[3, 3]) == (1, 2, 1)


def test_what_masks_cannot_hold_is_told(tmp_path: Path):
    shapes = [from_axes(RoiType.ELLIPSE, 15, 10, 8, 6, 20), Shape(RoiType.POINT, [[3, 4]]), rect(1, 1, 3, 3)]
    losses = write_set(tmp_path / "m", one_image(shapes, class_name="loop", name="x", track=1), "masks")
    assert losses == (
        "1 point left out: a label mask holds no points",
        "the track of 3 objects is lost: a label mask has no place for it",
        "the name of 3 objects is lost: a label mask has no place for it",
        "1 outline is written as the pixels inside: a mask has no corners between pixels",
    )


def test_a_single_mask_is_a_file(tmp_path: Path):
    made = one_image([rect(1, 1, 5, 5)], class_name="loop")
    losses = write_set(tmp_path / "a.png", made, "masks")
    assert losses == ("the class of 1 object is lost: a label mask has no place for it",)
    assert read_set(tmp_path / "a.png").images[0].size == (30, 20)
    with pytest.raises(BadAnnotation, match="one-image"):
        write_set(tmp_path / "b.png", AnnotationSet(made.images * 2), "masks")
    with pytest.raises(BadAnnotation, match=r"ends in \.png \(label masks\), or a folder"):
        write_set(tmp_path / "b.json", made, "masks")


def test_more_than_65535_objects_need_32_bits(tmp_path: Path):
    y, x = np.divmod(np.arange(66_000), 300)
    shapes = [rect(int(a), int(b), 1, 1) for a, b in zip(x, y, strict=True)]
    made = AnnotationSet((AnnotatedImage("a.png", (300, 220), Instances.of(shapes, class_name="dot")),))
    write_set(tmp_path / "m", made, "masks")
    assert tifffile.imread(tmp_path / "m" / "a.tif").max() == 66_000


@pytest.mark.parametrize(("kind", "value"), [("classes", 3), ("classes", 254)])
def test_labels_without_a_class_stop(tmp_path: Path, kind: str, value: int):
    labels = LABELS.copy()
    labels[labels == 5] = value
    png(tmp_path / "m" / "a.png", labels)
    png(tmp_path / "m" / "b.png", labels)
    with pytest.raises(BadAnnotation, match="2 files with problems") as caught:
        read_set(tmp_path / "m", None, Context(classes=("loop", "dot"), masks=kind))
    assert f"found {value}" in caught.value.message


def test_pairs_that_do_not_fit_stop(tmp_path: Path):
    png(tmp_path / "m" / "classes" / "a.png", (LABELS > 0).astype(np.uint8))
    png(tmp_path / "m" / "instances" / "a.png", LABELS[:10])
    with pytest.raises(BadAnnotation, match="30 x 10 pixels"):
        read_set(tmp_path / "m")
    png(tmp_path / "m" / "instances" / "b.png", LABELS)
    with pytest.raises(BadAnnotation, match="b: only in one of the two folders"):
        read_set(tmp_path / "m")


@pytest.mark.parametrize("wrong", ["number", "none"])
def test_pairs_with_classes_that_are_none_stop(tmp_path: Path, wrong: str):
    classes = (LABELS > 0).astype(np.uint8)
    classes[LABELS == 5] = 9 if wrong == "number" else 0
    png(tmp_path / "m" / "classes" / "a.png", classes)
    png(tmp_path / "m" / "instances" / "a.png", LABELS)
    with pytest.raises(BadAnnotation, match="found 9" if wrong == "number" else "none for 1 object: 5"):
        read_set(tmp_path / "m")


def test_a_mask_of_another_size_than_its_image_stops(tmp_path: Path):
    context = images_of(tmp_path, "a.png")
    png(tmp_path / "m" / "a.png", LABELS[:, :20])
    with pytest.raises(BadAnnotation, match=r"a\.png has 30 x 20 pixels, its annotation says 20 x 20"):
        read_set(tmp_path / "m", None, context)


def test_two_masks_for_one_image_stop(tmp_path: Path):
    for name in ("a.png", "a_mask.png"):
        png(tmp_path / "m" / name, LABELS)
    context = images_of(tmp_path, "a.png")
    png(tmp_path / "n" / "a_mask.png", LABELS)
    png(tmp_path / "n" / "a_labels.png", LABELS)
    assert len(read_set(tmp_path / "m", None, context).images) == 1
    with pytest.raises(BadAnnotation, match=r"two masks for image a\.png"):
        read_set(tmp_path / "n", None, context)


def test_damaged_masks_are_images_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a.png").write_bytes(b"<html>")
    with pytest.raises(BadImage):
        read_set(tmp_path / "m")


def test_classes_that_nobody_names_have_numbers(tmp_path: Path):
    values = np.where(LABELS == 5, 3, LABELS)
    values[0, 0] = 255
    png(tmp_path / "m" / "a.png", values)
    png(tmp_path / "m" / "b.png", (LABELS == 2).astype(np.uint8) * 2)
    found = read_set(tmp_path / "m", "masks", Context(masks="classes"))
    assert found.classes == ("class-1", "class-2", "class-3")
    assert sorted(found.images[0].instances.class_name) == ["class-1", "class-2", "class-3", IGNORE]
    assert list(found.images[1].instances.class_name) == ["class-2"]
    told = "the classes have numbers and no names: called class-1 to class-3 (--classes names them)"
    assert found.info["notes"] == (told,)


def test_one_class_that_nobody_names_is_called_object(tmp_path: Path):
    png(tmp_path / "m" / "a.png", (LABELS > 0).astype(np.uint8))
    found = read_set(tmp_path / "m", "masks", Context(masks="classes"))
    assert (found.classes, "notes" in found.info) == (("object",), False)


def test_the_error_on_missing_classes_says_how_to_name_them(tmp_path: Path):
    png(tmp_path / "m" / "a.png", LABELS)
    with pytest.raises(BadAnnotation, match=r"--classes oxide crack.*--masks instances"):
        read_set(tmp_path / "m", "masks", Context(masks="classes", classes=("loop",)))
