"""Annotations for an image that is open: which entry is its own, what is told."""

import json
from pathlib import Path

import numpy as np
import pytest

from temj import commands
from temj.annotations import AnnotatedImage, AnnotationSet, Context, roiset, write_set
from temj.data import IGNORE, Column, Film, Instances, Micrograph, RoiType, Shape, Table
from temj.errors import BadAnnotation, BadValue
from temj.opencv import opencv
from temj.workflows.annotations_in import ImportOptions, import_account, import_annotations

SIZE = (64, 48)


def micrograph(name="a.tif", file=""):
    return Micrograph(np.zeros(SIZE[::-1], np.uint8), name=name, metadata={"file": file} if file else {})


def boxes(*classes, names=None):
    shapes = [Shape(RoiType.RECT, params=(3 + 8 * k, 5, 6, 4, 0), subpixel=False) for k in range(len(classes))]
    columns = {"class_name": np.array(classes, object)} | ({"name": np.array(names, object)} if names else {})
    return Instances.of(shapes, **columns if classes else {})


def several(folder: Path, format: str, **images: Instances) -> Path:
    """A file or folder of several images; ``x`` stands for ``x.tif``."""
    found = AnnotationSet(tuple(AnnotatedImage(f"{name}.tif", SIZE, part) for name, part in images.items()), ("loop",))
    path = folder / {"coco": "a.json", "csv": "a.csv"}.get(format, format)
    write_set(path, found, format, Context(films={f"{name}.tif": Film.of(micrograph()) for name in images}))
    return path


def taken(path, image=None, **options):
    return import_annotations(image or micrograph(), ImportOptions(path, **options))


@pytest.mark.parametrize("format", ["coco", "csv", "yolo", "shen", "masks", "roiset", "voc"])
def test_the_entry_of_the_image_is_taken(tmp_path: Path, format):
    path = several(tmp_path, format, a=boxes("loop"), b=boxes("loop", "loop"), c=boxes())
    assert len(taken(path, micrograph("b.tif"))["annotations"]) == 2
    assert len(taken(path, micrograph("a.tif"))["annotations"]) == 1
    assert len(taken(path, micrograph("title", "/data/b.tif"))["annotations"]) == 2, "the file's name counts first"
    assert len(taken(path, micrograph("b.png"))["annotations"]) == 2, "another extension"
    assert len(taken(path, entry="b.tif")["annotations"]) == 2
    if format != "shen":
        empty = taken(path, micrograph("c.tif"))
        assert len(empty["annotations"]) == 0
        assert import_account(empty).startswith("No objects: the image is annotated as empty")
    with pytest.raises(BadAnnotation, match=r"no-entry.*an entry for d\.tif.*a.*b"):
        taken(path, micrograph("d.tif"))


def test_a_file_about_one_image_is_taken_and_told(tmp_path: Path):
    roiset.write(tmp_path / "RoiSet.zip", boxes("loop"))
    found = taken(tmp_path / "RoiSet.zip")
    assert len(found["annotations"]) == 1
    assert "taken to be those of a.tif" in import_account(found)


def test_an_image_of_another_size_is_refused(tmp_path: Path):
    path = several(tmp_path, "coco", a=boxes("loop"))
    other = Micrograph(np.zeros((10, 10), np.uint8), name="a.tif")
    with pytest.raises(BadAnnotation, match="10 x 10 pixels, its annotation says 64 x 48"):
        taken(path, other)


def test_two_entries_of_one_stem_are_not_guessed(tmp_path: Path):
    found = AnnotationSet(tuple(AnnotatedImage(name, SIZE, boxes("loop")) for name in ("a.png", "a.jpg")))
    write_set(tmp_path / "a.json", found, "coco")
    with pytest.raises(BadAnnotation, match=r"ambiguous.*a\.png, a\.jpg.*entry=NAME"):
        taken(tmp_path / "a.json")
    assert len(taken(tmp_path / "a.json", entry="a.jpg")["annotations"]) == 1


def test_not_annotated_is_not_empty(tmp_path: Path):
    document = {"images": [{"id": 1, "file_name": "a.tif"}], "annotations": [], "categories": []}
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(BadAnnotation, match="not-annotated"):
        taken(tmp_path / "a.json")


def test_a_damaged_file_of_another_image_does_not_matter(tmp_path: Path):
    path = several(tmp_path, "voc", a=boxes("loop"), b=boxes("loop"))
    (path / "b.xml").write_text("<annotation>")
    assert len(taken(path)["annotations"]) == 1


def test_names_are_given_and_kept(tmp_path: Path):
    path = several(tmp_path, "csv", a=boxes("loop", "void", "void", names=["mine", "", ""]))
    assert list(taken(path)["annotations"].name) == ["mine", "void-0002", "void-0003"]


def test_area_rois_are_no_objects(tmp_path: Path):
    roiset.write(tmp_path / "a.zip", boxes("loop", "", "?", names=["loop-0001", "exclude-0001", "?-0002"]))
    found = taken(tmp_path / "a.zip")
    assert list(found["annotations"].class_name) == ["loop", IGNORE]
    assert list(found["area_rois"].name) == ["exclude-0001"]
    assert "2 objects (loop 1, ignore 1), from a.zip (roiset)" in import_account(found)


def test_group_names_of_imagej_say_the_class(tmp_path: Path):
    plain = boxes("", names=["x"]).with_columns(group=4)
    roiset.write(tmp_path / "a.zip", plain)
    groups = Table((Column("Group", np.array([4])), Column("Name", np.array(["void"], object))))
    inputs = {"micrograph": micrograph(), "groups": groups}
    found = commands.run("import annotations", {"source": str(tmp_path / "a.zip")}, inputs)
    assert list(found["annotations"].class_name) == ["void"]


def test_masks_and_names_of_classes(tmp_path: Path):
    labels = np.zeros(SIZE[::-1], np.uint8)
    labels[2:9, 3:9], labels[20:30, 20:40] = 1, 2
    (tmp_path / "a.png").write_bytes(opencv().imencode(".png", labels)[1].tobytes())
    inputs = {"micrograph": micrograph()}
    one = commands.run("import annotations", {"source": str(tmp_path / "a.png"), "masks": "instances"}, inputs)
    assert list(one["annotations"].class_name) == ["object", "object"]
    two = {"source": str(tmp_path / "a.png"), "classes": "loop, void"}
    assert list(commands.run("import annotations", two, inputs)["annotations"].class_name) == ["loop", "void"]


@pytest.mark.parametrize(("given", "error"), [({"source": "/none"}, BadAnnotation), ({"format": "auto"}, BadValue)])
def test_what_is_wrong_is_said(given, error):
    with pytest.raises(error):
        commands.run("import annotations", given, {"micrograph": micrograph()})
