"""A dataset says the same whatever format its annotations have."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import annotations, datasets
from temj.annotations import AnnotatedImage, AnnotationSet, Context, roiset
from temj.data import Instances, RoiType, Shape
from temj.errors import BadAnnotation

RNG = np.random.default_rng(5)
PLACES = {
    "coco": "annotations.json", "voc": "annotations", "yolo": "labels", "shen": "labels", "csv": "annotations.csv",
    "roiset": "rois", "masks": "masks",
}  # fmt: skip
"""Where the annotations of a dataset stand, by format."""


def box(x: float, y: float, width: float, height: float) -> Shape:
    return Shape(RoiType.RECT, params=(x, y, width, height, 0), subpixel=False)


OBJECTS = {
    "a.png": Instances.of([box(3, 4, 8, 6), box(20, 10, 5, 9)], class_name=np.array(["loop", "dot"], object)),
    "b.png": Instances.of([box(0, 0, 4, 4), box(30, 20, 10, 10)], class_name="dot"),
    "c.png": Instances.of([box(10, 10, 10, 10), box(25, 3, 4, 4)], class_name=np.array(["loop", "dot"], object)),
    "d.png": Instances.of([]),
}


def images(root: Path, names: object = OBJECTS) -> dict[str, Path]:
    """Pictures of 40 x 30 pixels of noise."""
    (root / "images").mkdir(parents=True)
    paths = {name: root / "images" / name for name in names}
    for path in paths.values():
        path.write_bytes(cv2.imencode(".png", RNG.integers(0, 256, (30, 40), np.uint8))[1].tobytes())
    return paths


def describe(root: Path, **more: object) -> None:
    values = {
        "format": 1, "classes": ["loop", "dot"], "pixel_size": 0.5, "split": {"train": ["a", "b"], "validation": ["c"]},
    }  # fmt: skip
    (root / "dataset.json").write_text(json.dumps(values | more))


def dataset_in(root: Path, name: str, found: dict[str, Instances] = OBJECTS, **more: object) -> datasets.Dataset:
    """A dataset whose annotations were written in one format; the formats that say so have ``d`` as empty."""
    paths = images(root)
    context = Context(paths, ("loop", "dot"), "classes")
    entries = tuple(AnnotatedImage(image, (40, 30), part) for image, part in found.items())
    annotations.write_set(root / PLACES[name], AnnotationSet(entries, ("loop", "dot")), name, context)
    describe(root, **({"empty": ["d"]} if name in ("masks", "roiset") else {}), **more)
    return datasets.open_dataset(root)


def told(dataset: datasets.Dataset, *severities: str) -> list[str]:
    wanted = severities or ("error", "warning")
    return [problem.text for problem in datasets.check(dataset).problems if problem.severity in wanted]


@pytest.mark.parametrize("name", list(PLACES))
def test_every_format_gives_the_same_class_maps(tmp_path: Path, name: str):
    dataset = dataset_in(tmp_path, name)
    assert told(dataset) == []
    assert [item.format for item in dataset.items][:3] == [name] * 3
    for item in dataset.items:
        wanted = np.zeros((30, 40), np.uint8)
        for shape, class_name in zip(OBJECTS[item.image.name].shapes, OBJECTS[item.image.name].class_name, strict=True):
            x, y, width, height = (int(value) for value in shape.params[:4])
            wanted[y : y + height, x : x + width] = 1 + (class_name == "dot")
        np.testing.assert_array_equal(dataset.class_map_of(item), wanted)
        assert sorted(dataset.instances(item).class_name) == sorted(OBJECTS[item.image.name].class_name)


@pytest.mark.parametrize("name", list(PLACES))
def test_a_class_map_holds_in_every_format(tmp_path: Path, name: str):
    more = {"classes": ["defect"], "class_map": {"loop": "defect", "dot": "defect"}, "labelled": ["loop", "dot"]}
    dataset = dataset_in(tmp_path, name, **more)
    assert told(dataset) == []
    item = dataset.items[0]
    assert set(dataset.instances(item).class_name) == {"defect"}
    assert set(dataset.as_labelled(item).class_name) == {"loop", "dot"}
    assert set(np.unique(dataset.class_map_of(item))) == {0, 1}
    objects = datasets.check(dataset).objects
    assert sorted(objects["Labelled"]) == ["dot"] * 4 + ["loop"] * 2
    assert set(objects["Class"]) == {"defect"}


@pytest.mark.parametrize("name", ["coco", "csv", "roiset", "masks"])
def test_what_is_to_be_ignored_is_no_object_in_any_format(tmp_path: Path, name: str):
    unsure = Instances.of([box(3, 4, 8, 6), box(20, 10, 5, 9)], class_name=np.array(["loop", "ignore"], object))
    dataset = dataset_in(tmp_path, name, {**OBJECTS, "a.png": unsure})
    assert told(dataset) == []
    found = dataset.class_map_of(dataset.items[0])
    assert (found[10:19, 20:25] == 255).all()
    assert np.count_nonzero(found == 255) == 45
    report = datasets.check(dataset)
    assert (report.images["Objects"][0], report.images["Ignored"][0]) == (1, 1)
    assert "ignore" not in report.objects["Class"]


def test_a_question_mark_before_the_name_of_a_roi_means_ignore(tmp_path: Path):
    paths = images(tmp_path)
    shapes = [box(2, 2, 5, 5), box(12, 2, 5, 5), box(22, 2, 5, 5)]
    for path in paths.values():
        rois = Instances.of(
            shapes, name=np.array(["?loop-0001", "loop-0002", "dot-0001"], object),
            class_name=np.array(["loop", "", ""], object),
        )  # fmt: skip
        roiset.write(tmp_path / "images" / f"{path.stem}_RoiSet.zip", rois)
    describe(tmp_path)
    dataset = datasets.open_dataset(tmp_path)
    assert told(dataset) == []
    assert list(dataset.instances(dataset.items[0]).class_name) == ["ignore", "loop", "dot"]
    assert dataset.class_map_of(dataset.items[0])[3, [3, 13, 23]].tolist() == [255, 1, 2]


def test_a_group_number_can_stand_for_a_class(tmp_path: Path):
    paths = images(tmp_path)
    for path in paths.values():
        rois = Instances.of([box(2, 2, 5, 5), box(12, 2, 5, 5)], group=np.array([3, 7]))
        roiset.write(tmp_path / "images" / f"{path.stem}_RoiSet.zip", rois)
    describe(tmp_path, class_map={"group 3": "loop", "group 7": "dot"})
    dataset = datasets.open_dataset(tmp_path)
    assert told(dataset) == []
    assert list(dataset.instances(dataset.items[0]).class_name) == ["loop", "dot"]
    describe(tmp_path)
    (problem, *_) = told(datasets.open_dataset(tmp_path), "error")
    assert "objects without a class" in problem


def test_two_annotations_of_an_image_are_an_error_unless_one_is_chosen(tmp_path: Path):
    dataset_in(tmp_path, "coco")
    mask = np.zeros((30, 40), np.uint8)
    mask[1:5, 1:5] = 1
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "a.png").write_bytes(cv2.imencode(".png", mask)[1].tobytes())
    found = told(datasets.open_dataset(tmp_path), "error")
    assert found == [
        "images/a.png: has 2 annotations: masks/a.png, annotations.json. Leave one of them in the folder, or say in "
        'dataset.json which format counts, such as "annotations": "coco".'
    ]
    describe(tmp_path, annotations="coco")
    dataset = datasets.open_dataset(tmp_path)
    assert told(dataset) == []
    assert len(dataset.instances(dataset.items[0])) == 2
    describe(tmp_path, annotations="masks")
    dataset = datasets.open_dataset(tmp_path)
    assert dataset.items[0].format == "masks"
    assert dataset.items[1].format == "coco", "where there is no mask the other annotation counts"


def test_not_annotated_and_empty_are_told_apart(tmp_path: Path):
    some = {name: part for name, part in OBJECTS.items() if name != "c.png"}
    dataset = dataset_in(tmp_path, "coco", some)
    (problem,) = told(dataset, "error")
    assert problem.startswith("images/c.png: not annotated")
    assert len(dataset.instances(dataset.items[3])) == 0  # d is annotated as empty


def test_an_annotation_of_another_image_stops(tmp_path: Path):
    dataset_in(tmp_path / "boxes", "voc")
    first, second = (tmp_path / "boxes" / "annotations" / name for name in ("a.xml", "b.xml"))
    second.write_bytes(first.read_bytes())
    found = told(datasets.open_dataset(tmp_path / "boxes"), "error")
    assert any("b.xml" in problem and "'a.png'" in problem for problem in found), found
    dataset_in(tmp_path / "table", "csv")
    table = tmp_path / "table" / "annotations.csv"
    lines = table.read_text("utf-8-sig").splitlines()
    table.unlink()
    (tmp_path / "table" / "annotations").mkdir()
    one = "\n".join([lines[0], *(line for line in lines if line.startswith("a.png"))])
    for stem in "abc":
        (tmp_path / "table" / "annotations" / f"{stem}.csv").write_text(one)
    found = told(datasets.open_dataset(tmp_path / "table"), "error")
    assert [problem for problem in found if "other-image" in problem] == [
        f"annotations/{stem}.csv: BadAnnotation/other-image: Expected the objects of '{stem}', found those of 'a.png'. "
        "Correct the file name in the annotation, or give the file the name of its image."
        for stem in "bc"
    ]


def test_images_that_are_not_in_the_folder_are_told_and_nothing_outside_is_opened(tmp_path: Path):
    dataset_in(tmp_path, "coco")
    file = tmp_path / "annotations.json"
    values = json.loads(file.read_text())
    values["images"][1]["file_name"] = "elsewhere.png"
    file.write_text(json.dumps(values))
    found = told(datasets.open_dataset(tmp_path), "error")
    assert any("annotations.json: has objects of the image 'elsewhere'" in problem for problem in found)
    assert any("images/b.png: not annotated" in problem for problem in found)
    for name in ("../../.ssh/id_rsa", "/etc/passwd", "\\\\host\\share\\a.png", "file:///a.png", "http://host/a.png"):
        values["images"][1]["file_name"] = name
        file.write_text(json.dumps(values))
        found = told(datasets.open_dataset(tmp_path), "error")
        assert any("Refused/path" in problem for problem in found), (name, found)


def test_a_damaged_file_of_many_images_is_one_problem(tmp_path: Path):
    dataset_in(tmp_path, "coco")
    (tmp_path / "annotations.json").write_text('{"images": [')
    found = told(datasets.open_dataset(tmp_path), "error")
    assert len(found) == 2
    assert "annotations.json" in found[0]
    assert found[1].startswith("images: 4 images without an annotation that can be read: a.png, b.png, c.png, d.png")


def test_sizes_that_the_annotation_says_are_compared(tmp_path: Path):
    paths = images(tmp_path)
    entries = tuple(AnnotatedImage(name, (80, 60), OBJECTS[name]) for name in paths)
    annotations.write_set(
        tmp_path / "annotations.json", AnnotationSet(entries, ("loop", "dot")), "coco", Context(paths)
    )
    describe(tmp_path)
    found = told(datasets.open_dataset(tmp_path), "error")
    assert any("has 80 x 60 pixels, its image a.png 40 x 30" in problem for problem in found), found


def test_a_folder_as_shen_and_others_have_it_is_read_whole(tmp_path: Path):
    images(tmp_path)
    boxes = tmp_path / "annotations" / "bounding_boxes"
    boxes.mkdir(parents=True)
    (tmp_path / "annotations" / "images.txt").write_text("a.png\nb.png\nc.png\n")
    for stem in "abc":
        (boxes / f"{stem}.txt").write_text("0 4 3 10 11\n1 10 20 19 25\n")
    describe(tmp_path, empty=["d"])
    dataset = datasets.open_dataset(tmp_path)
    assert told(dataset) == []
    assert [item.format for item in dataset.items] == ["shen"] * 3 + [""]
    assert dataset.class_map_of(dataset.items[1])[[4, 9, 10, 18], [3, 10, 20, 24]].tolist() == [1, 1, 2, 2]


def test_an_entry_twice_in_a_file_is_an_error(tmp_path: Path):
    dataset = dataset_in(tmp_path, "csv")
    read = dataset.sets[tmp_path / "annotations.csv"]
    twice = AnnotationSet((*read.images, read.images[0]), read.classes)
    broken = datasets.Dataset(
        dataset.folder, dataset.description, dataset.items, sets={tmp_path / "annotations.csv": twice}
    )
    with pytest.raises(BadAnnotation, match=r"image-twice.*'a' once.*2 times"):
        broken.instances(dataset.items[0])


def test_the_overlay_of_a_tiff_counts_where_there_is_nothing_else(tmp_path: Path):
    from temj.annotations.roi import encode

    paths = images(tmp_path, ["a.png"])
    grey = cv2.imdecode(np.frombuffer(paths["a.png"].read_bytes(), np.uint8), -1)
    paths["a.png"].unlink()
    named = (("loop-0001", box(3, 4, 8, 6)), ("|SB|", box(20, 25, 15, 2)), ("dot-0001", box(20, 10, 5, 9)))
    overlay = [encode(shape, name=name) for name, shape in named]
    for stem in "abcd":
        tifffile.imwrite(
            tmp_path / "images" / f"{stem}.tif",
            np.roll(grey, 5 * ord(stem)),
            imagej=True,
            metadata={"Overlays": overlay},
        )
    describe(tmp_path)
    dataset = datasets.open_dataset(tmp_path)
    assert [item.format for item in dataset.items] == ["overlay"] * 4
    assert told(dataset, "error") == []
    assert list(dataset.instances(dataset.items[0]).class_name) == ["loop", "dot"]
    assert any("overlay in the file: a.tif, b.tif" in text for text in told(dataset, "info"))
    roiset.write(tmp_path / "images" / "a_RoiSet.zip", Instances.of([box(1, 1, 4, 4)], class_name="dot"))
    describe(tmp_path, empty=["b"])
    dataset = datasets.open_dataset(tmp_path)
    assert [item.format for item in dataset.items] == ["roiset", "", "overlay", "overlay"]
