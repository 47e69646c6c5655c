"""One more image in annotations that are there: the others stay as they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from temj import annotations
from temj.annotations import AnnotatedImage, AnnotationSet, Context, write_set
from temj.annotations.appending import append
from temj.annotations.base import write_files
from temj.data import IGNORE, Film, Instances, Micrograph, RoiType, Shape
from temj.errors import BadAnnotation

SIZE = (60, 40)


def boxes(*classes, x=3.0):
    shapes = [Shape(RoiType.RECT, params=(x + 8 * k, 5, 6, 4, 0), subpixel=False) for k in range(len(classes))]
    names = [f"{name}-{k:04d}" for k, name in enumerate(classes, 1)]
    return Instances.of(shapes, class_name=np.array(classes, object), name=np.array(names, object))


def one(name, instances, classes=()):
    return AnnotationSet((AnnotatedImage(name, SIZE, instances),), classes)


def put(path, own, format, overwrite=False, **more):
    made = append(path, own, annotations.format_named(format), Context(**more), overwrite)
    write_files(path, made.files)
    return made


def images(*names):
    film = Film.of(Micrograph(np.zeros(SIZE[::-1], np.uint8)))
    return {"films": dict.fromkeys(names, film)}


def seen(path, format, *names):
    found = annotations.read_set(path, format, Context(**images(*names)))
    return {image.image: list(image.instances.class_name) for image in found.annotated}


@pytest.mark.parametrize("format", ["coco", "csv", "yolo", "shen", "masks", "roiset", "voc"])
def test_an_image_is_added_and_read_back_with_the_other(tmp_path: Path, format):
    path = tmp_path / {"coco": "a.json", "csv": "a.csv"}.get(format, format)
    write_set(path, one("a.tif", boxes("loop", "void", "loop"), ("loop", "void")), format, Context(masks="auto"))
    before = {file: file.read_bytes() for file in path.rglob("*.*")} if path.is_dir() else {}
    put(path, one("b.tif", boxes("void", "crack")), format)
    assert seen(path, format, "a.tif", "b.tif") == {"a.tif": ["loop", "void", "loop"], "b.tif": ["void", "crack"]}
    for file, data in before.items():
        if file.name in ("classes.txt", "images.txt"):
            assert file.read_bytes().startswith(data)
        else:
            assert file.read_bytes() == data
    assert put(tmp_path / "new" / path.name, one("b.tif", boxes("void")), format).files


@pytest.mark.parametrize("format", ["coco", "csv", "yolo", "shen", "masks", "roiset", "voc"])
def test_what_an_image_has_is_replaced_only_when_asked(tmp_path: Path, format):
    path = tmp_path / {"coco": "a.json", "csv": "a.csv"}.get(format, format)
    write_set(path, one("a.tif", boxes("loop", "void")), format)
    put(path, one("b.tif", boxes("loop", "void")), format)
    files = sorted(path.rglob("*.*")) if path.is_dir() else [path]
    before = [file.read_bytes() for file in files]
    with pytest.raises(BadAnnotation, match=r"already-annotated.*--overwrite"):
        put(path, one("b.tif", boxes("void")), format)
    assert [file.read_bytes() for file in files] == before
    made = put(path, one("b.tif", boxes("void", "void", "loop")), format, overwrite=True)
    assert made.replaced or made.rows == 2
    expected = {"a.tif": ["loop", "void"], "b.tif": ["void", "void", "loop"]}
    assert seen(path, format, "a.tif", "b.tif") == expected


def test_a_coco_file_of_others_keeps_its_values_ids_order_and_unknown_keys(tmp_path: Path):
    path = tmp_path / "foreign.json"
    document = {
        "licenses": [{"id": 3, "name": "CC BY"}],
        "info": {"year": 2021, "anything": [1.0, 1e-7, None, "é 😀"]},
        "images": [
            {"id": "first", "file_name": "sub/x.png", "width": 9, "height": 8, "date_captured": "2020"},
            {"id": 41, "file_name": "a.tif", "coco_url": "http://example.org/a.tif"},
        ],
        "categories": [{"id": 7, "name": "loop ", "keypoints": ["k"]}, {"id": "v", "name": "void"}],
        "annotations": [
            {"id": 12, "image_id": "first", "category_id": 7, "bbox": [1, 1.50, 3, 2], "attributes": {"who": "me"}},
        ],
    }
    path.write_text(json.dumps(document))
    put(path, one("a.tif", boxes("loop", "crack")), "coco")
    now = json.loads(path.read_text())
    assert list(now) == list(document)
    assert (now["licenses"], now["info"]) == (document["licenses"], document["info"])
    assert now["images"][0] == document["images"][0]
    assert now["images"][1] == document["images"][1] | {"width": 60, "height": 40}
    assert now["categories"][:2] == document["categories"]
    assert [entry["name"] for entry in now["categories"][2:]] == ["crack"]
    assert now["annotations"][0] == document["annotations"][0]
    assert [(row["id"], row["image_id"], row["category_id"]) for row in now["annotations"][1:]] == [
        (13, 41, 7), (14, 41, now["categories"][2]["id"])
    ]  # fmt: skip


def test_an_empty_image_is_marked_and_a_marked_one_refused(tmp_path: Path):
    path = tmp_path / "a.json"
    write_set(path, one("a.tif", boxes("loop")), "coco")
    put(path, one("b.tif", boxes()), "coco")
    assert seen(path, "coco", "a.tif", "b.tif")["b.tif"] == []
    with pytest.raises(BadAnnotation, match="already-annotated"):
        put(path, one("b.tif", boxes("loop")), "coco")
    put(path, one("b.tif", boxes("loop")), "coco", overwrite=True)
    assert "temj" not in json.loads(path.read_text())["images"][1]


def test_an_image_of_another_size_is_another_image(tmp_path: Path):
    write_set(tmp_path / "a.json", one("a.tif", boxes("loop")), "coco")
    other = AnnotationSet((AnnotatedImage("a.tif", (61, 40), boxes("loop")),))
    with pytest.raises(BadAnnotation, match="60 x 40"):
        put(tmp_path / "a.json", other, "coco", overwrite=True)


def test_a_damaged_file_is_not_added_to(tmp_path: Path):
    for name, text, format in (("a.json", '{"images": [', "coco"), ("a.csv", "image,x,y,major\na,1,b,2\n", "csv")):
        (tmp_path / name).write_text(text)
        with pytest.raises(BadAnnotation):
            put(tmp_path / name, one("b.tif", boxes("loop")), format)
        assert (tmp_path / name).read_text() == text


def test_a_table_of_others_is_not_mixed_with_ours(tmp_path: Path):
    (tmp_path / "a.csv").write_text("image,x,y,major\na.tif,1,1,2\n")
    with pytest.raises(BadAnnotation, match="columns"):
        put(tmp_path / "a.csv", one("b.tif", boxes("loop")), "csv")


def test_a_file_about_one_image_takes_no_second_one(tmp_path: Path):
    write_set(tmp_path / "a.xml", one("a.tif", boxes("loop")), "voc")
    with pytest.raises(BadAnnotation, match="folder"):
        put(tmp_path / "a.xml", one("b.tif", boxes("loop")), "voc", overwrite=True)


class TestYolo:
    def test_labels_of_a_dataset_and_names_in_its_yaml(self, tmp_path: Path):
        (tmp_path / "labels").mkdir()
        (tmp_path / "labels" / "a.txt").write_text("1 0.5 0.5 0.1 0.1\n")
        (tmp_path / "data.yaml").write_text("names: [void, loop]\n")
        made = put(tmp_path, one("b.tif", boxes("loop")), "yolo")
        assert [file.name for file in made.files] == ["b.txt"]
        assert (tmp_path / "labels" / "b.txt").read_text().startswith("1 ")
        with pytest.raises(BadAnnotation, match=r"data\.yaml"):
            put(tmp_path, one("c.tif", boxes("crack")), "yolo")

    def test_numbers_without_names_are_not_guessed(self, tmp_path: Path):
        (tmp_path / "a.txt").write_text("1 0.5 0.5 0.1 0.1\n")
        with pytest.raises(BadAnnotation, match="class-names"):
            put(tmp_path, one("b.tif", boxes("loop")), "yolo")
        put(tmp_path, one("b.tif", boxes("loop")), "yolo", classes=("void", "loop"))
        assert seen(tmp_path, "yolo", "a.tif", "b.tif") == {"a.tif": ["loop"], "b.tif": ["loop"]}


class TestMasks:
    def test_masks_of_classes_stay_masks_of_classes(self, tmp_path: Path):
        first = one("a.tif", boxes("loop", "void"))
        write_set(tmp_path / "m", first, "masks", Context(masks="classes"))
        put(tmp_path / "m", one("b.tif", boxes("void", "loop")), "masks")
        found = seen(tmp_path / "m", "masks", "a.tif", "b.tif")
        assert all(sorted(found[name]) == ["loop", "void"] for name in ("a.tif", "b.tif"))

    def test_numbered_objects_take_no_second_class(self, tmp_path: Path):
        write_set(tmp_path / "m", one("a.tif", boxes("loop", "loop")), "masks")
        put(tmp_path / "m", one("b.tif", boxes("loop", "loop", "loop")), "masks")
        assert seen(tmp_path / "m", "masks", "a.tif", "b.tif")["b.tif"] == ["loop"] * 3
        for classes in (("loop", "void"), ("loop", IGNORE)):
            with pytest.raises(BadAnnotation, match="one class"):
                put(tmp_path / "m", one("c.tif", boxes(*classes)), "masks")


def test_flat_text_boxes_stay_flat(tmp_path: Path):
    (tmp_path / "a.txt").write_text("0 1 1 9 9\n")
    (tmp_path / "classes.txt").write_text("loop")
    made = put(tmp_path, one("b.tif", boxes("void")), "shen")
    assert {file.name for file in made.files} == {"b.txt", "classes.txt"}
    assert (tmp_path / "classes.txt").read_text() == "loop\nvoid\n"
    assert seen(tmp_path, "shen", "a.tif", "b.tif") == {"a.tif": ["loop"], "b.tif": ["void"]}
