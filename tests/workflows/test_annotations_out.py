"""The ROIs of an open image into files: what is written, what is told, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from temj import annotations, commands
from temj.annotations import Context
from temj.annotations.base import AnnotatedImage
from temj.data import Film, Instances, Micrograph, RoiType, Shape
from temj.errors import BadAnnotation, BadImage, BadValue, Refused

SIZE = (64, 48)


def micrograph(**more):
    return Micrograph(np.arange(48 * 64, dtype=np.uint16).reshape(48, 64), **({"name": "a.tif"} | more))


def boxes(*names, kind=None, **columns):
    shapes = [Shape(RoiType.RECT, params=(3 + 8 * k, 5, 6, 4, 0), subpixel=False) for k in range(len(names))]
    kinds = [kind or name.partition("-")[0] for name in names]
    return Instances.of(shapes, class_name=np.array(kinds, object), name=np.array(names, object), **columns)


def exported(output, objects, image=None, area=None, **options):
    inputs = {"micrograph": image or micrograph()}
    inputs |= {} if objects is None else {"annotations": objects}
    inputs |= {} if area is None else {"area_rois": area}
    made = commands.run("export annotations", {"output": str(output), **options}, inputs)
    return commands.command("export annotations").account(made)


def written(path, **more) -> AnnotatedImage:
    context = Context(films={"a.tif": Film.of(micrograph())}, **more)
    return annotations.read_set(path, None, context).images[0]


@pytest.mark.parametrize("name", ["a.json", "a.zip", "a.csv", "a.xml", "a.png", "a.tif"])
def test_the_extension_says_the_format(tmp_path: Path, name):
    told = exported(tmp_path / name, boxes("loop-0001", "loop-0002"))
    assert told.startswith("2 objects (loop 2) of a.tif")
    assert told.endswith(str(tmp_path / name))
    assert len(written(tmp_path / name).instances) == 2


def test_the_image_is_named_as_its_file(tmp_path: Path):
    image = micrograph(name="a window's title", metadata={"file": "/data/b c.tif"})
    exported(tmp_path / "a.json", boxes("loop-0001"), image)
    (entry,) = json.loads((tmp_path / "a.json").read_text())["images"]
    assert (entry["file_name"], entry["width"], entry["height"]) == ("b c.tif", 64, 48)


def test_a_folder_needs_its_format(tmp_path: Path):
    with pytest.raises(BadValue, match="a folder"):
        exported(tmp_path / "out", boxes("loop-0001"))
    with pytest.raises(BadValue, match=r"'\.txt'"):
        exported(tmp_path / "out.txt", boxes("loop-0001"))
    exported(tmp_path / "out", boxes("loop-0001"), format="yolo")
    assert (tmp_path / "out" / "a.txt").is_file()


def test_nothing_is_replaced_unasked(tmp_path: Path):
    exported(tmp_path / "a.json", boxes("loop-0001"))
    with pytest.raises(Refused, match="exists"):
        exported(tmp_path / "a.json", boxes("void-0001"))
    assert list(written(tmp_path / "a.json").instances.class_name) == ["loop"]
    exported(tmp_path / "a.json", boxes("void-0001"), overwrite=True)
    assert list(written(tmp_path / "a.json").instances.class_name) == ["void"]


def test_appending_tells_what_it_replaced(tmp_path: Path):
    exported(tmp_path / "a.json", boxes("loop-0001"))
    exported(tmp_path / "a.json", boxes("loop-0001"), micrograph(name="b.tif"), append=True)
    told = exported(tmp_path / "a.json", boxes("void-0001"), micrograph(name="b.tif"), append=True, overwrite=True)
    assert "note: what a.json said of this image was replaced: 1 annotation\n" in told
    found = annotations.read_set(tmp_path / "a.json").images
    assert [list(image.instances.class_name) for image in found] == [["loop"], ["void"]]


def test_what_is_lost_is_told(tmp_path: Path):
    ellipse = Shape(RoiType.ELLIPSE, params=(10, 10, 30, 20, 0.5))
    told = exported(tmp_path / "a.xml", Instances.of([ellipse], class_name="loop", name="loop-0001", score=0.5))
    assert "lost: 1 ellipse written as the rotated box around it" in told
    assert "lost: the score of 1 object is lost" in told


def test_without_rois_it_must_be_said_that_there_are_none(tmp_path: Path):
    with pytest.raises(BadAnnotation, match="exported with 'empty'"):
        exported(tmp_path / "a.json", None)
    assert "No objects (empty) of a.tif" in exported(tmp_path / "a.json", None, empty=True)
    assert len(written(tmp_path / "a.json").instances) == 0
    with pytest.raises(BadValue, match="an image without ROIs"):
        exported(tmp_path / "b.json", boxes("loop-0001"), empty=True)


def test_fitted_ellipses_are_not_second_objects(tmp_path: Path):
    both = boxes("loop-0001", "loop-0002", "loop-0001-ellipse", "other-ellipse", kind="loop")
    told = exported(tmp_path / "a.json", both)
    assert "1 fitted ellipse left out" in told
    assert list(written(tmp_path / "a.json").instances.name) == ["loop-0001", "loop-0002", "other-ellipse"]
    told = exported(tmp_path / "b.json", both, ellipses=True)
    assert "1 outline left out" in told
    found = written(tmp_path / "b.json").instances
    assert list(found.name) == ["loop-0002", "loop-0001", "other-ellipse"]
    assert found.shapes[1].params[0] == 3 + 16, "that of the ellipse"


def test_area_rois_go_into_rois_only(tmp_path: Path):
    area = boxes("exclude-0001", kind="")
    told = exported(tmp_path / "a.json", boxes("loop-0001"), area=area)
    assert "1 ROI named area or exclude left out" in told
    exported(tmp_path / "a.zip", boxes("loop-0001"), area=area)
    assert list(written(tmp_path / "a.zip").instances.name) == ["loop-0001", "exclude-0001"]


def test_objects_outside_the_image_are_named_before_anything_is_written(tmp_path: Path):
    outside = Instances.of([Shape(RoiType.RECT, params=(100, 5, 6, 4, 0))], class_name="loop", name="loop-0009")
    with pytest.raises(BadAnnotation, match="loop-0009"):
        exported(tmp_path / "a.json", outside)
    assert not (tmp_path / "a.json").exists()


STACK = {"position": (1, 1, 2), "metadata": {"dimensions": [1, 1, 4]}}


class TestStacks:
    def objects(self):
        return boxes("loop-0001", "loop-0002", "loop-0003", position=np.array([[1, 1, 1], [1, 1, 2], [0, 0, 0]]))

    def test_positions_are_kept_where_the_format_has_them(self, tmp_path: Path):
        exported(tmp_path / "a.json", self.objects(), micrograph(**STACK))
        assert written(tmp_path / "a.json").instances.position.tolist() == [[1, 1, 1], [1, 1, 2], [0, 0, 0]]

    def test_else_the_current_plane_is_taken(self, tmp_path: Path):
        told = exported(tmp_path / "a.png", self.objects(), micrograph(**STACK))
        assert "1 ROI lies in other slices" in told
        assert len(written(tmp_path / "a.png").instances) == 2
        with pytest.raises(BadAnnotation, match="Go to their slice first"):
            exported(tmp_path / "b.png", self.objects().take([0]), micrograph(**STACK))

    def test_an_overlay_of_a_stack_needs_its_file(self, tmp_path: Path):
        import tifffile

        with pytest.raises(BadImage, match="a stack without a file"):
            exported(tmp_path / "a.tif", self.objects(), micrograph(**STACK))
        file = tmp_path / "film.tif"
        tifffile.imwrite(
            file, np.arange(4 * 48 * 64, dtype=np.uint16).reshape(4, 48, 64), imagej=True, metadata={"axes": "TYX"}
        )
        origin = STACK["metadata"] | {"file": str(file)}
        with pytest.raises(BadImage, match="not saved"):
            exported(
                tmp_path / "a.tif", self.objects(), micrograph(position=(1, 1, 2), metadata=origin | {"changed": True})
            )
        exported(tmp_path / "a.tif", self.objects(), micrograph(position=(1, 1, 2), metadata=origin))
        assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), tifffile.imread(file))
        assert len(annotations.read_set(tmp_path / "a.tif").images[0].instances) == 3


def test_the_order_of_classes_can_be_given(tmp_path: Path):
    exported(tmp_path / "out", boxes("void-0001", "loop-0001"), format="yolo", classes="loop, crack,void")
    assert (tmp_path / "out" / "classes.txt").read_text().split() == ["loop", "crack", "void"]
    assert (tmp_path / "out" / "a.txt").read_text()[0] == "2"
