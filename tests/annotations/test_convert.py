"""Through every format: pixels, classes and counts are the same, or what is lost is told."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from temj import annotations
from temj.annotations import (
    FORMATS,
    AnnotatedImage,
    AnnotationSet,
    Context,
    format_named,
    read_set,
    recognise,
    write_set,
)
from temj.annotations.outlines import from_axes
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.errors import BadAnnotation, BadValue, StorageError
from temj.geometry import rasterise
from temj.geometry.trace import trace

ENDS = {
    "coco": "a.json",
    "csv": "a.csv",
    "masks": "m",
    "overlay": "o",
    "roiset": "r",
    "shen": "s",
    "voc": "v",
    "yolo": "y",
}
MASKS = [name for name in sorted(FORMATS) if "mask" in format_named(name).holds]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("convert")


def image(folder: Path, height: int, width: int) -> Context:
    cv2.imwrite(str(folder / "a.png"), np.zeros((height, width), np.uint8))
    return Context({"a.png": folder / "a.png"})


def pixels(instances: Instances, width: int, height: int) -> np.ndarray:
    return np.transpose(rasterise(instances.shapes, width, height).pixels(width))


@st.composite
def label_maps(draw: st.DrawFn) -> np.ndarray:
    """Objects that touch each other and the border, with holes, parts, corners and lone pixels."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    values = draw(st.lists(st.integers(0, 4), min_size=height * width, max_size=height * width))
    labels = np.array(values, np.int32).reshape(height, width)
    if draw(st.booleans()):
        labels = np.kron(labels, np.ones((3, 3), np.int32))
    found = np.unique(labels[labels > 0])
    return np.where(labels > 0, np.searchsorted(found, labels) + 1, 0)


def test_masks_are_held_by_the_formats_that_say_so():
    assert MASKS == ["coco", "masks", "overlay", "roiset", "yolo"]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(labels=label_maps())
def test_pixels_are_the_same_after_all_formats_that_hold_masks(folder: Path, labels: np.ndarray):
    height, width = labels.shape
    context = image(folder, height, width)
    before = Instances(trace(labels), class_name="loop")
    for name in MASKS:
        made = AnnotationSet((AnnotatedImage("a.png", (width, height), before),), ("loop",))
        target = folder / f"{name}{format_named(name).extension}"
        settings_ = Context(context.images, masks="instances")
        losses = write_set(target, made, name, settings_, overwrite=True)
        assert not [text for text in losses if "class of" not in text and "without objects" not in text]
        back = read_set(target, name, Context(context.images, ("loop",), "instances")).images[0].instances
        if not len(before):
            assert not back  # empty, or (in an overlay) nothing that says anybody looked
            continue
        np.testing.assert_array_equal(pixels(back, width, height), pixels(before, width, height), err_msg=name)


def mixture() -> AnnotationSet:
    """An image with all kinds of shapes, an empty one and one that nobody has annotated."""
    labels = np.zeros((200, 300), np.uint8)
    labels[100:140, 200:280] = 1
    labels[110:120, 220:230] = 0
    labels[150:160, 10:60] = 2
    shapes = [
        *trace(labels), Shape(RoiType.RECT, params=(7, 8, 9, 10, 0), subpixel=False),
        from_axes(RoiType.ELLIPSE, 100, 80, 60, 20, 30), from_axes(RoiType.ROTATED_RECT, 60, 40, 30, 10, 100),
        Shape(RoiType.POLYGON, [[150.5, 20], [190, 25], [170, 60]]),
        Shape(RoiType.OVAL, params=(220, 20, 31, 17), subpixel=False),
    ]  # fmt: skip
    names = np.array(["loop", "dot", "loop", "dot", "loop", IGNORE, "loop"], object)
    return AnnotationSet(
        (
            AnnotatedImage("a.png", (300, 200), Instances.of(shapes, class_name=names)),
            AnnotatedImage("b.png", (300, 200), Instances.concatenate([])),
            AnnotatedImage("c.png", (300, 200), None),
        ),
        ("dot", "loop"),
    )


@pytest.fixture
def images(tmp_path: Path) -> Context:
    (tmp_path / "images").mkdir()
    for name in "abc":
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.zeros((200, 300), np.uint8))
    return Context({f"{name}.png": tmp_path / "images" / f"{name}.png" for name in "abc"})


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_format_is_recognised_and_empty_images_are_kept_apart(tmp_path: Path, images: Context, name: str):
    losses = write_set(tmp_path / ENDS[name], mixture(), name, images)
    assert recognise(tmp_path / ENDS[name]) == name
    back = read_set(tmp_path / ENDS[name], None, images)
    assert [image.image for image in back.images] == ["a.png", "b.png", "c.png"]
    if "empty" in format_named(name).holds:
        assert [image.instances is None for image in back.images] == [False, False, True]
        assert len(back.images[1].instances) == 0
    else:
        assert [image.instances is None for image in back.images] == [False, True, True]
        assert any("without objects" in text for text in losses)
    assert back.info["format"] == name
    left_out = sum("left out" in text for text in losses)
    assert len(back.images[0].instances) == 7 - left_out
    assert set(back.classes) == {"dot", "loop"}
    assert any("not annotated: " in note and "c.png" in note for note in back.info["notes"])


@pytest.mark.parametrize("source", sorted(FORMATS))
@pytest.mark.parametrize("target", sorted(FORMATS))
def test_every_format_into_every_other(tmp_path: Path, images: Context, source: str, target: str):
    write_set(tmp_path / ENDS[source], mixture(), source, images)
    found = read_set(tmp_path / ENDS[source], None, images)
    other = tmp_path / "other"
    other.mkdir()
    losses = write_set(other / ENDS[target], found, target, images)
    back = read_set(other / ENDS[target], None, images)
    lost = found.images[0].instances.ignored.sum() if any("left out" in text for text in losses) else 0
    assert len(back.images[0].instances) == len(found.images[0].instances) - lost
    one, two = (sorted(i.class_name[~i.ignored]) for i in (found.images[0].instances, back.images[0].instances))
    assert one == two


def test_single_files_of_one_image(tmp_path: Path, images: Context):
    only = AnnotationSet(mixture().images[:1], ("dot", "loop"))
    context = Context({"a.png": images.images["a.png"]}, ("dot", "loop"))
    for name in sorted(FORMATS):
        write_set(tmp_path / f"any{format_named(name).extension}", only, name, context, overwrite=True)
        back = read_set(tmp_path / f"any{format_named(name).extension}", name, context)
        assert [image.image for image in back.images] == ["a.png"], name


def test_holds_names_only_what_a_set_can_have():
    words = {
        "polygon", "mask", "box", "rotated_box", "ellipse", "point", "line", "overlap", "class", "score", "track",
        "position", "name", "group", "ignore", "empty",
    }  # fmt: skip
    for name in FORMATS:
        format = format_named(name)
        assert format.name == name
        assert format.holds <= words
        assert format.title


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_holds_is_honest(tmp_path: Path, name: str):
    """What a format says it holds comes back; what it does not is told."""
    labels = np.zeros((200, 300), np.uint8)
    labels[100:140, 200:280] = 1
    labels[110:120, 220:230] = 0
    kinds = {
        "polygon": Shape(RoiType.POLYGON, [[150.5, 20], [190, 25], [170, 60]]), "mask": trace(labels)[0],
        "box": Shape(RoiType.RECT, params=(7.5, 8, 9, 10, 0)),
        "ellipse": from_axes(RoiType.ELLIPSE, 100, 80, 60, 20, 30),
        "rotated_box": from_axes(RoiType.ROTATED_RECT, 60, 40, 30, 10, 100), "point": Shape(RoiType.POINT, [[3, 4]]),
        "line": Shape(RoiType.LINE, [[3, 4], [30, 40]]),
    }  # fmt: skip
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((200, 300), np.uint8))
    context, holds = Context({"a.png": tmp_path / "a.png"}), format_named(name).holds
    for kind, shape in kinds.items():
        made = AnnotationSet((AnnotatedImage("a.png", (300, 200), Instances.of([shape], class_name="loop")),))
        losses = write_set(tmp_path / kind / ENDS[name], made, name, context)
        assert bool(losses) == (kind not in holds), (kind, losses)
        if kind in holds:
            (back,) = read_set(tmp_path / kind / ENDS[name], None, context).images[0].instances.shapes
            if kind != "mask":
                assert back.roi_type == shape.roi_type
                np.testing.assert_allclose(back.params, shape.params, atol=1e-9)
                np.testing.assert_array_equal(back.points, shape.points)
    columns = {"score": 0.5, "track": 3, "position": (1, 2, 3), "name": "x-1", "group": 7, "class_name": "loop"}
    for column, value in columns.items():
        made = Instances.of([kinds["box"]], **({"class_name": "loop"} | {column: value}))
        made = AnnotationSet((AnnotatedImage("a.png", (300, 200), made),))
        losses = write_set(tmp_path / column / ENDS[name], made, name, context)
        word = column.removesuffix("_name")
        assert any(f"the {word} of 1 object is lost" in text for text in losses) == (word not in holds)
        if word in holds:
            back = read_set(tmp_path / column / ENDS[name], None, context).images[0].instances
            np.testing.assert_array_equal(getattr(back, column), [value])


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_objects_without_a_class_are_told_where_they_get_one(tmp_path: Path, images: Context, name: str):
    corners = np.array([[10, 10], [20, 10], [20, 20], [10, 20]])
    shapes = [Shape(RoiType.TRACED, corners + 30 * k, subpixel=False) for k in range(3)]
    named = Instances.of(shapes, class_name=np.array(["loop", "", ""], object))
    made = AnnotationSet((AnnotatedImage("a.png", (300, 200), named),), ("loop",))
    losses = write_set(tmp_path / ENDS[name], made, name, images)
    back = read_set(tmp_path / ENDS[name], None, images).images[0].instances
    sentence = "2 objects without a class are written as the class 'object'"
    assert sorted(back.class_name) == (["loop", "object", "object"] if sentence in losses else ["", "", "loop"])
    assert (sentence in losses) == (name in ("voc", "yolo", "shen", "masks"))


def test_objects_at_the_same_place_are_counted(tmp_path: Path):
    triangle = Shape(RoiType.POLYGON, [[1, 2], [9, 2], [5, 9]], subpixel=False)
    names = np.array(["loop", "dot", "loop"], object)
    made = AnnotationSet((AnnotatedImage("a.png", None, Instances.of([triangle] * 3, class_name=names)),))
    write_set(tmp_path / "r", made, "roiset")
    assert read_set(tmp_path / "r").info["notes"] == ("2 objects lie exactly on another one (1 has another class)",)


def test_images_in_the_folder_must_be_those_of_the_annotations(tmp_path: Path, images: Context):
    write_set(tmp_path / "r", AnnotationSet((AnnotatedImage("z.png", None, Instances.concatenate([])),)), "roiset")
    with pytest.raises(BadAnnotation, match="image 'z' is not in the folder of images"):
        read_set(tmp_path / "r", None, images)
    one = read_set(tmp_path / "r", None, Context({"a.png": images.images["a.png"]}))
    assert one.images[0].image == "a.png"
    assert "taken to be those of a.png, the only image" in one.info["notes"][0]


def test_damaged_rois_are_told_and_the_others_kept(tmp_path: Path):
    import zipfile

    made = AnnotationSet((AnnotatedImage("a.png", None, Instances.of([mixture().images[0].instances.shapes[0]])),))
    write_set(tmp_path / "r", made, "roiset")
    with zipfile.ZipFile(tmp_path / "r" / "a_RoiSet.zip", "a") as archive:
        archive.writestr("bad.roi", b"Iout")
        archive.writestr("notes.txt", b"x")
    found = read_set(tmp_path / "r")
    assert len(found.images[0].instances) == 1
    assert found.info["notes"] == ("1 files in the archive are no ROIs and are not used",)
    assert [entry["code"] for entry in found.info["skipped"]] == ["BadAnnotation/roi"]


@pytest.mark.parametrize("step", range(1, 11, 2))
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, images: Context, monkeypatch: pytest.MonkeyPatch, step: int):
    monkeypatch.setenv("TEMJ_FAIL_AT", f"{step}:ENOSPC")
    monkeypatch.setattr("temj.storage._steps", 0)
    with pytest.raises(StorageError, match="full"):
        write_set(tmp_path / "v", mixture(), "voc", images)
    assert not [file for file in (tmp_path / "v").rglob("*") if file.is_file()]


def test_json_that_is_none_is_placed(tmp_path: Path):
    (tmp_path / "a.json").write_text('{"images": [\n  1, 2,,]}')
    with pytest.raises(BadAnnotation, match=r"a\.json, line 2, column"):
        read_set(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"a": 1}')
    with pytest.raises(BadAnnotation, match="'images' is missing"):
        read_set(tmp_path / "a.json")


def test_hidden_files_belong_to_no_set(tmp_path: Path, images: Context):
    for name in sorted(FORMATS):
        write_set(tmp_path / ENDS[name], mixture(), name, images)
        if (tmp_path / ENDS[name]).is_dir():
            for file in [*(tmp_path / ENDS[name]).rglob("*")]:
                if file.is_file():
                    file.with_name(f"._{file.name}").write_bytes(b"\0\5\x16\x07")
            assert len(read_set(tmp_path / ENDS[name], None, images).images) == 3, name


def test_unknown_formats_and_files_are_named(tmp_path: Path):
    with pytest.raises(BadValue, match="Did you mean 'coco'"):
        format_named("cocoo")
    with pytest.raises(BadAnnotation, match="BadAnnotation/missing"):
        read_set(tmp_path / "none.zip")
    with pytest.raises(BadAnnotation, match="found an empty folder"):
        recognise(tmp_path)
    (tmp_path / "a.doc").write_text("x")
    with pytest.raises(BadAnnotation, match="one of the formats roiset, coco"):
        recognise(tmp_path / "a.doc")
    assert annotations.__all__


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("sign", ["\n", "\x00", "\x7f", "\t"])
def test_control_characters_in_names_of_images_are_refused_before_anything_is_written(
    tmp_path: Path, name: str, sign: str
):
    shape = Shape(RoiType.RECT, params=(2, 3, 4, 5, 0))
    bad = AnnotatedImage(f"a{sign}b.png", (30, 20), Instances.of([shape], class_name="loop"))
    with pytest.raises(BadAnnotation, match="BadAnnotation/image-name") as caught:
        write_set(tmp_path / "out" / ENDS[name], AnnotationSet((bad,), ("loop",)), name)
    assert repr(bad.image) in caught.value.message
    assert not (tmp_path / "out").exists()


def test_a_path_that_is_not_there_is_called_so(tmp_path):
    with pytest.raises(BadAnnotation, match=r"found no such file or folder\. Check the path"):
        annotations.read_set(tmp_path / "typo")
