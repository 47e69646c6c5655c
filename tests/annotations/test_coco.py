"""COCO: what other programs write is understood, what we write others understand, and comes back exactly."""

import contextlib
import importlib.util
import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from temj.annotations import AnnotatedImage, AnnotationSet, Context, coco, read_set, write_set
from temj.annotations.outlines import from_axes
from temj.data import IGNORE, Instances, RoiType, Shape, Shapes
from temj.errors import BadAnnotation, Refused
from temj.geometry import rasterise
from temj.geometry.trace import trace

_spec = importlib.util.spec_from_file_location("shapes_for_coco", Path(__file__).with_name("shapes.py"))
shapes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shapes)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
AREAS = [kind for kind in RoiType if kind.is_area]
SIZE = (300, 200)


def one_image(instances: Instances | None, size: tuple[int, int] | None = SIZE, **info: object) -> AnnotationSet:
    return AnnotationSet((AnnotatedImage("a.png", size, instances),), info=info)


def written(path: Path, annotations: AnnotationSet, context: Context | None = None) -> AnnotationSet:
    """Through a file and back."""
    assert write_set(path, annotations, "coco", context, overwrite=True) == ()
    return read_set(path)


def document(*entries: dict, size: tuple[int, int] = SIZE) -> dict:
    return {
        "images": [{"id": 7, "file_name": "a.png", "width": size[0], "height": size[1]}],
        "annotations": [{"id": k, "image_id": 7, "category_id": 3} | entry for k, entry in enumerate(entries, 1)],
        "categories": [{"id": 3, "name": "loop"}],
    }


def read(path: Path, value: object) -> AnnotationSet:
    path.write_text(json.dumps(value), "utf-8")
    return coco.read(path, Context())


def mask_of(shape: Shape, size: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.zeros(size[0] * size[1], bool)
    mask[rasterise(Shapes.of([shape]), *size).pixels(size[0])[1]] = True
    return mask.reshape(size[1], size[0])


@pytest.mark.parametrize("kind", AREAS)
def test_every_kind_comes_back_exactly_with_all_that_is_known_of_it(tmp_path: Path, kind: RoiType):
    rng = np.random.default_rng(kind)
    made = [shapes.random_shape(kind, rng, 20, 100) for _ in range(40)]
    columns = {
        "class_name": np.array(["loop", "dot", "", IGNORE] * 10, object), "score": rng.random(40),
        "name": np.array([f"ö {k}" for k in range(40)], object), "track": np.arange(40), "group": np.arange(40),
        "position": rng.integers(0, 4, (40, 3)),
    }  # fmt: skip
    before = replace(one_image(Instances.of(made, **columns), (2000, 2000)), classes=("dot", "loop", "void"))
    back = written(tmp_path / "a.json", before)
    assert back.classes == before.classes
    found = back.images[0].instances
    assert [k for k in range(40) if not shapes.same(made[k], found.shapes[k])] == []
    for name, values in columns.items():
        np.testing.assert_array_equal(getattr(found, name), values, err_msg=name)


def test_pycocotools_reads_our_file_and_finds_our_pixels(tmp_path: Path):
    rng = np.random.default_rng(3)
    labels = np.zeros((200, 300), np.uint8)
    for number in range(1, 30):
        cv2.ellipse(labels, rng.integers(0, 300, 2).tolist(), rng.integers(1, 25, 2).tolist(), 30.0, 0, 360, number, -1)
    labels[rng.random(labels.shape) < 0.05] = 0
    labels[0, 0] = 30
    values = np.unique(labels)[1:]
    made = trace(np.searchsorted(values, labels) + (labels > 0))
    made = Shapes.concatenate([made, Shapes.of([Shape(RoiType.OVAL, params=(50, 60, 21, 14), subpixel=False)])])
    write_set(tmp_path / "a.json", one_image(Instances(made, class_name="loop")), "coco")
    with contextlib.redirect_stdout(io.StringIO()):
        reader = COCO(tmp_path / "a.json")
    assert reader.getImgIds() == [1]
    for shape, entry in zip(made, reader.loadAnns(reader.getAnnIds()), strict=True):
        ours = mask_of(shape)
        packed = reader.annToRLE(entry)
        np.testing.assert_array_equal(reader.annToMask(entry).astype(bool), ours)
        assert entry["area"] == coco_masks.area(packed) == ours.sum()
        np.testing.assert_allclose(entry["bbox"], coco_masks.toBbox(packed))


@pytest.mark.parametrize("kind", [RoiType.POLYGON, RoiType.ELLIPSE, RoiType.ROTATED_RECT, RoiType.COMPOSITE])
def test_pycocotools_differs_from_imagej_only_at_slanted_edges(tmp_path: Path, kind: RoiType):
    rng = np.random.default_rng(kind)
    made = [shapes.random_shape(kind, rng, 20, 150) for _ in range(20)]
    if kind == RoiType.POLYGON:  # without needles thinner than a pixel
        made = [Shape(kind, cv2.convexHull(shape.points.astype(np.float32))[:, 0]) for shape in made]
    write_set(tmp_path / "a.json", one_image(Instances.of(made, class_name="loop")), "coco")
    with contextlib.redirect_stdout(io.StringIO()):
        reader = COCO(tmp_path / "a.json")
    for shape, entry in zip(made, reader.loadAnns(reader.getAnnIds()), strict=True):
        ours = mask_of(shape).astype(np.uint8)
        edge = cv2.dilate(ours, np.ones((3, 3))) - cv2.erode(ours, np.ones((3, 3)), borderValue=1)
        wrong = (reader.annToMask(entry) != ours) & (edge == 0)
        assert not wrong.any()


def test_the_real_loops_are_read_and_no_word_is_needed(tmp_path: Path):
    """Polygons as the authors of the sample wrote them, the first corner repeated at the end."""
    outline = [248, 278, 248, 285, 257, 290, 267, 289, 273, 283, 273, 277, 267, 271, 255, 272, 248, 278]
    found = read(tmp_path / "a.json", document({"segmentation": [outline], "bbox": [248, 271, 26, 20], "area": 371.5}))
    assert "notes" not in found.info
    shape = found.images[0].instances.shapes[0]
    assert (shape.roi_type, shape.subpixel, len(shape.points)) == (RoiType.POLYGON, False, 8)


def test_parts_are_united(tmp_path: Path):
    squares = [[10, 10, 30, 10, 30, 30, 10, 30], [20.5, 20, 40, 20, 40, 40, 20.5, 40], [60, 60, 70, 60, 70, 70, 60, 70]]
    found = read(tmp_path / "a.json", document({"segmentation": squares}, {"segmentation": squares[1:]}))
    assert found.info["notes"] == ("1 object has overlapping polygons: the outline of all their pixels is taken",)
    overlapping, apart = found.images[0].instances.shapes
    expected = np.zeros(SIZE[::-1], bool)
    expected[10:30, 10:30] = expected[20:40, 20:40] = expected[60:70, 60:70] = True
    np.testing.assert_array_equal(mask_of(overlapping)[:, :20], expected[:, :20])
    assert abs(mask_of(overlapping).sum() - expected.sum()) <= 20  # the half column
    assert apart.roi_type == RoiType.COMPOSITE
    assert {20.5, 40.0, 60.0, 70.0} == set(apart.points[:, 0])


def test_a_polygon_that_crosses_itself_is_filled_even_odd(tmp_path: Path):
    bow = [10, 10, 50, 50, 50, 10, 10, 50]
    found = read(tmp_path / "a.json", document({"segmentation": [bow]}))
    expected = coco_masks.decode(coco_masks.frPyObjects([bow], 200, 300))[..., 0]
    ours = mask_of(found.images[0].instances.shapes[0])
    assert ours[30, 20]  # x 20, y 30: in the left half
    assert not ours[12, 30]
    assert (ours != expected).sum() < 90


def test_crowds_are_ignored_and_keep_their_category(tmp_path: Path):
    found = read(tmp_path / "a.json", document({"bbox": [1, 2, 3, 4], "iscrowd": 1}, {"bbox": [9, 9, 3, 4]}))
    assert found.images[0].instances.class_name.tolist() == [IGNORE, "loop"]
    assert found.images[0].instances.name.tolist() == ["?loop-0001", ""]
    write_set(tmp_path / "b.json", found, "coco")
    again = json.loads((tmp_path / "b.json").read_text())
    assert [(entry["category_id"], entry["iscrowd"]) for entry in again["annotations"]] == [(1, 1), (1, 0)]
    assert [category["name"] for category in again["categories"]] == ["loop"]


def test_ignored_objects_without_a_category_get_one_that_is_no_class(tmp_path: Path):
    square = Shape(RoiType.RECT, params=(1, 2, 3, 4, 0), subpixel=False)
    back = written(tmp_path / "a.json", one_image(Instances.of([square], class_name=IGNORE)))
    assert back.classes == ()
    assert back.images[0].instances.ignored.all()


def test_categories_may_have_any_ids_in_any_order(tmp_path: Path):
    value = document({"bbox": [1, 2, 3, 4]}, {"bbox": [1, 9, 3, 4], "category_id": 0})
    value["categories"] += [{"id": 90, "name": " Void "}, {"id": 0, "name": "e\u0301dge"}]
    found = read(tmp_path / "a.json", value)
    assert found.classes == ("\u00e9dge", "loop", "Void")
    assert found.images[0].instances.class_name.tolist() == ["loop", "\u00e9dge"]
    value["categories"].append({"id": 91, "name": "Void"})
    assert read(tmp_path / "a.json", value).info["notes"] == (
        "1 category has the name of another one and are merged",
        "2 objects have a box and no outline",
    )


def test_empty_and_not_annotated_images_are_told_apart(tmp_path: Path):
    images = (
        AnnotatedImage("empty.png", SIZE, Instances.concatenate([])),
        AnnotatedImage("nobody.png", SIZE, None),
    )
    back = written(tmp_path / "a.json", AnnotationSet(images, ("loop",)))
    assert [None if image.instances is None else len(image.instances) for image in back.images] == [0, None]
    value = json.loads((tmp_path / "a.json").read_text())
    del value["images"][0]["temj"]
    (tmp_path / "a.json").write_text(json.dumps(value))
    told = read_set(tmp_path / "a.json")
    assert told.images[0].instances is None
    assert told.info["notes"] == ("2 images are not annotated: empty.png, nobody.png",)
    value["images"][1]["temj"] = {"annotated": False}
    (tmp_path / "a.json").write_text(json.dumps(value))
    results = read_set(tmp_path / "a.json", context=Context(found=True))
    assert [None if image.instances is None else len(image.instances) for image in results.images] == [0, None]
    assert results.info["notes"] == (
        "nothing was found in 1 image that the file lists without objects",
        "1 image is not annotated: nobody.png",
    )


def test_axes_of_other_programs_are_ellipses_and_rotated_boxes(tmp_path: Path):
    ellipse = from_axes(RoiType.ELLIPSE, 100, 80, 60, 20, 30)
    box = from_axes(RoiType.ROTATED_RECT, 200, 80, 60, 20, 100)
    made = one_image(Instances.of([ellipse, box], class_name="loop"))
    write_set(tmp_path / "a.json", made, "coco")
    value = json.loads((tmp_path / "a.json").read_text())
    np.testing.assert_allclose(value["annotations"][0]["ellipse"], [100, 80, 60, 20, 30], atol=1e-9)
    np.testing.assert_allclose(value["annotations"][1]["rotated_box"], [200, 80, 60, 20, 100], atol=1e-9)
    for entry in value["annotations"]:
        del entry["temj"]
    found = read(tmp_path / "b.json", value).images[0].instances.shapes
    assert [shape.roi_type for shape in found] == [RoiType.ELLIPSE, RoiType.ROTATED_RECT]
    np.testing.assert_allclose(found.params, [ellipse.params, box.params], atol=1e-9)


def test_rotated_boxes_are_those_of_opencv(tmp_path: Path):
    """OpenCV's angle turns the other way, from +x towards +y; its centres are 0.5 less."""
    box = {"bbox": [0, 0, 250, 190], "rotated_box": [120, 90, 80, 30, 25]}
    shape = read(tmp_path / "a.json", document(box)).images[0].instances.shapes[0]
    corners = cv2.boxPoints(((120, 90), (80, 30), -25))
    x1, y1, x2, y2, across = shape.params
    ours = np.array([[x1, y1], [x2, y2]])
    theirs = np.array(sorted([corners[:2].mean(0).tolist(), corners[2:].mean(0).tolist()]))
    np.testing.assert_allclose(sorted(ours.tolist()), theirs, atol=1e-4)
    assert across == 30


@pytest.mark.parametrize("how", ["moved", "corner", "mask"])
def test_an_outline_that_another_program_changed_is_taken_as_it_is(tmp_path: Path, how: str):
    ring = np.zeros((200, 300), np.uint8)
    cv2.circle(ring, (100, 100), 30, 1, -1)
    cv2.circle(ring, (100, 100), 10, 0, -1)
    shape = trace(ring)[0] if how == "mask" else from_axes(RoiType.ELLIPSE, 100, 80, 60, 20, 30)
    write_set(tmp_path / "a.json", one_image(Instances.of([shape], class_name="loop")), "coco")
    value = json.loads((tmp_path / "a.json").read_text())
    entry = value["annotations"][0]
    if how == "mask":
        ring[100, 100] = 1
        entry["segmentation"]["counts"] = coco_masks.encode(np.asfortranarray(ring))["counts"].decode()
    elif how == "moved":
        entry["segmentation"][0] = [number + 5 for number in entry["segmentation"][0]]
        entry["bbox"] = [entry["bbox"][0] + 5, entry["bbox"][1] + 5, *entry["bbox"][2:]]
    else:
        entry["segmentation"][0] = entry["segmentation"][0][:-2]
    found = read(tmp_path / "a.json", value)
    assert "1 object is no longer the shape it was" in found.info["notes"][0]
    new = found.images[0].instances.shapes[0]
    if how == "mask":
        np.testing.assert_array_equal(mask_of(new), ring)
    else:
        np.testing.assert_allclose(new.points.ravel(), entry["segmentation"][0])


@pytest.mark.parametrize(("wrong", "refused"), [(1, False), (4, True)])
def test_boxes_given_by_their_corners_are_noticed(tmp_path: Path, wrong: int, refused: bool):
    entries = []
    for k in range(6):
        x, y = 20 + 30 * k, 50
        box = [x, y, x + 12, y + 10] if k < wrong else [x, y, 12, 10]
        entries.append({"segmentation": [[x, y, x + 12, y, x + 12, y + 10, x, y + 10]], "bbox": box})
    told = f"{wrong} of 6 boxes disagree with the outline \\({wrong} fit as left, top, right, bottom"
    if refused:
        with pytest.raises(BadAnnotation, match=told):
            read(tmp_path / "a.json", document(*entries))
    else:
        (note,) = read(tmp_path / "a.json", document(*entries)).info["notes"]
        assert note.startswith(told.replace("\\", ""))


def test_lone_boxes_given_by_their_corners_are_noticed(tmp_path: Path):
    entries = [{"bbox": [200 + k, 150, 290, 190]} for k in range(3)]
    with pytest.raises(BadAnnotation, match="3 of 3 boxes leave the image"):
        read(tmp_path / "a.json", document(*entries))


def test_sizes_come_from_the_images_and_must_agree(tmp_path: Path):
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((20, 30), np.uint8))
    context = Context({"a.png": tmp_path / "images" / "a.png"})
    square = Shape(RoiType.RECT, params=(1, 2, 3, 4, 0), subpixel=False)
    unknown = one_image(Instances.of([square], class_name="loop"), None)
    with pytest.raises(BadAnnotation, match=r"BadAnnotation/size: a\.png.*--images"):
        write_set(tmp_path / "a.json", unknown, "coco")
    write_set(tmp_path / "a.json", unknown, "coco", context)
    assert read_set(tmp_path / "a.json", None, context).images[0].size == (30, 20)
    value = document({"bbox": [1, 2, 3, 4]}, size=(31, 20))
    value["images"].append({"id": 8, "file_name": "other.png"})
    (tmp_path / "b.json").write_text(json.dumps(value))
    with pytest.raises(BadAnnotation) as caught:
        read_set(tmp_path / "b.json", None, context)
    assert "a.png has 30 x 20 pixels, its annotation says 31 x 20" in caught.value.message
    assert "image 'other.png' is not in the folder of images" in caught.value.message


def test_objects_outside_their_image_stop_and_partly_outside_are_counted(tmp_path: Path):
    value = document({"bbox": [-2, 5, 10, 10]}, {"bbox": [-20, 5, 10, 10]}, {"bbox": [300, 5, 10, 10]})
    (tmp_path / "a.json").write_text(json.dumps(value))
    with pytest.raises(BadAnnotation, match="found 2 problems") as caught:
        read_set(tmp_path / "a.json")
    assert "a.png: object 2 (-20, 5, -10, 15) lies outside its 300 x 200 pixels" in caught.value.message
    (tmp_path / "a.json").write_text(json.dumps(document({"bbox": [-2, 5, 10, 10]}, {"bbox": [-2, 5, 10, 10]})))
    notes = read_set(tmp_path / "a.json").info["notes"]
    assert notes[1].startswith("2 objects lie partly outside the image")
    assert notes[2] == "1 object lies exactly on another one"


def test_bytes_of_windows_and_flat_segmentations_are_understood(tmp_path: Path):
    value = document({"segmentation": [10, 10, 30, 10, 30, 30]})
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(value).encode())
    assert len(coco.read(tmp_path / "a.json", Context()).images[0].instances) == 1


def test_a_list_of_results_is_told_what_it_lacks(tmp_path: Path):
    with pytest.raises(BadAnnotation, match="of results"):
        read(tmp_path / "a.json", [{"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}])


def test_texts_of_any_kind_survive(tmp_path: Path):
    square = Shape(RoiType.RECT, params=(1, 2, 3, 4, 0), subpixel=False)
    names = np.array(["\ud800", "=1+1", '"\n', "環"], object)
    back = written(tmp_path / "a.json", one_image(Instances.of([square] * 4, name=names, class_name="\u202eloop")))
    assert back.images[0].instances.name.tolist() == names.tolist()


def test_equal_sets_give_equal_bytes_and_existing_files_are_kept(tmp_path: Path):
    square = Shape(RoiType.RECT, params=(1.5, 2, 3, 4, 0))
    made = one_image(Instances.of([square], class_name="loop"))
    write_set(tmp_path / "a.json", made, "coco")
    before = (tmp_path / "a.json").read_bytes()
    with pytest.raises(Refused, match="exists"):
        write_set(tmp_path / "a.json", made, "coco")
    write_set(tmp_path / "a.json", made, "coco", overwrite=True)
    assert (tmp_path / "a.json").read_bytes() == before
    with pytest.raises(BadAnnotation, match=r"ends in \.json"):
        write_set(tmp_path / "folder", made, "coco")


def test_what_is_not_used_is_told_and_licences_are_kept(tmp_path: Path):
    value = document({"bbox": [1, 2, 3, 4], "attributes": {"rotation": 30}, "keypoints": []})
    value |= {"info": {"year": 2025}, "licenses": [{"id": 1, "name": "MIT", "url": "x"}]}
    found = read(tmp_path / "a.json", value)
    assert (
        found.info["notes"][-1]
        == "what stands under these keys of annotations is not used: attributes (1), keypoints (1)"
    )
    assert found.info["licence"] == "MIT"
    write_set(tmp_path / "b.json", found, "coco")
    again = json.loads((tmp_path / "b.json").read_text())
    assert (again["info"], again["licenses"]) == (value["info"], value["licenses"])


def test_coordinates_far_out_are_exact(tmp_path: Path):
    points = [[40_000, 999_000.5], [999_999.5, 999_100], [500_000, 999_999]]
    made = Instances.of([Shape(RoiType.POLYGON, points)], class_name="loop")
    back = written(tmp_path / "a.json", one_image(made, (1_000_000, 1_000_000)))
    np.testing.assert_array_equal(back.images[0].instances.shapes.points, points)


def test_an_object_with_a_part_far_away_is_refused_before_it_takes_the_memory(tmp_path: Path):
    squares = [
        [0, 0, 9, 0, 9, 9, 0, 9],
        [5, 5, 9, 5, 9, 9, 5, 9],
        [999_000, 999_000, 999_009, 999_000, 999_009, 999_009],
    ]
    with pytest.raises(BadAnnotation, match=r"too-large.*268,435,456 pixels"):
        read(tmp_path / "a.json", document({"segmentation": squares}, size=(10**6, 10**6)))


def test_images_that_are_missing_stand_in_the_report_of_the_other_problems(tmp_path: Path):
    for name, size in (("a.png", (200, 300)), ("b.png", (10, 20))):
        cv2.imwrite(str(tmp_path / name), np.zeros(size, np.uint8))
    context = Context({name: tmp_path / name for name in ("a.png", "b.png")})
    value = document({"bbox": [1, 1, 0, 5]})
    value["images"] += [
        {"id": 8, "file_name": "gone.png", "width": 5, "height": 5},
        {"id": 9, "file_name": "b.png", "width": 99, "height": 10},
        {"id": 10, "file_name": ""},
    ]
    (tmp_path / "a.json").write_text(json.dumps(value))
    with pytest.raises(BadAnnotation) as caught:
        read_set(tmp_path / "a.json", None, context)
    assert caught.value.found.startswith("4 problems")
    for words in ("bbox has the width 0", "image 'gone.png' is not in", "b.png has 20 x 10 pixels", "file_name ''"):
        assert words in caught.value.message
    value["images"][1:] = value["images"][1:2]
    value["annotations"] = []
    (tmp_path / "a.json").write_text(json.dumps(value))
    with pytest.raises(BadAnnotation, match=r"(?s)images: .*image 'gone\.png' is not in the folder of images"):
        read_set(tmp_path / "a.json", None, context)
