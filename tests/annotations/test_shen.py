"""The text boxes of Shen et al.: class, y, x, y, x."""

from pathlib import Path

import numpy as np
import pytest

from temj.annotations import AnnotatedImage, AnnotationSet, Context, read_set, recognise, write_set
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.errors import BadAnnotation, Refused

ROWS = "0 297.16 849.09 372.16 911.09\n2 51.18 227.41 70.18 243.41\n1 -0.46 418.43 15.54 435.43\n"
"""As the authors publish them."""


def authors_folder(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "bounding_boxes").mkdir(exist_ok=True)
    (tmp_path / "images.txt").write_text("1ROI 100kx.jpg\nempty.jpg\nnobody.jpg\n")
    (tmp_path / "bounding_boxes" / "1ROI 100kx.txt").write_text(ROWS)
    (tmp_path / "bounding_boxes" / "empty.txt").write_text("")
    for name, text in files.items():
        (tmp_path / name.replace("_txt", ".txt")).write_text(text)
    return tmp_path


def test_the_folder_of_the_authors_program(tmp_path: Path):
    made = authors_folder(tmp_path)
    assert recognise(made) == "shen"
    found = read_set(made)
    assert [image.image for image in found.images] == ["1ROI 100kx.jpg", "empty.jpg", "nobody.jpg"]
    assert [None if i.instances is None else len(i.instances) for i in found.images] == [3, 0, None]
    shapes = found.images[0].instances.shapes
    np.testing.assert_allclose(shapes.params[0, :4], [849.09, 297.16, 62, 75])
    assert found.classes == ("0", "1", "2")
    assert "the classes have numbers and no names (--classes)" in found.info["notes"]
    named = read_set(made, None, Context(classes=("111", "dot", "100")))
    assert named.images[0].instances.class_name.tolist() == ["111", "100", "dot"]


def test_rows_may_name_their_class_or_have_none(tmp_path: Path):
    (tmp_path / "a.txt").write_text("0 442.05 4.79 486.05 69.79 111\n1 620.28 623.12 637.28 645.12 BD\n")
    assert read_set(tmp_path / "a.txt").classes == ("111", "BD")
    (tmp_path / "b.txt").write_text("10 20 30 60\n")
    (image,) = read_set(tmp_path / "b.txt").images
    assert image.instances.class_name.tolist() == ["object"]
    assert image.instances.shapes[0].params[:4] == (20, 10, 40, 20)


def test_one_file_for_many_images(tmp_path: Path):
    (tmp_path / "all.txt").write_text("BF X500K, 06 (2).jpg 1 10 20 30 60\nb.tif 10 20 30 60\nb.tif 50 20 70 60\n")
    found = read_set(tmp_path / "all.txt")
    assert [(image.image, len(image.instances)) for image in found.images] == [
        ("BF X500K, 06 (2).jpg", 1),
        ("b.tif", 2),
    ]
    (tmp_path / "all.txt").write_text("../b.tif 1 10 20 30 60\n")
    with pytest.raises(Refused, match="Refused/path"):
        read_set(tmp_path / "all.txt", "shen")


def test_boxes_come_back_exactly(tmp_path: Path):
    rng = np.random.default_rng(0)
    shapes = [Shape(RoiType.RECT, params=(*rng.integers(1, 90, 4), 0), subpixel=False) for _ in range(30)]
    shapes += [Shape(RoiType.RECT, params=(*rng.integers(8, 700, 4) / 8 + 0.125, 0)) for _ in range(30)]
    names = np.array(["big loop", "dot", ""] * 20, object)
    images = (
        AnnotatedImage("a.tif", None, Instances.of(shapes, class_name=names)),
        AnnotatedImage("b.tif", None, Instances.concatenate([])),
        AnnotatedImage("c.tif", None, None),
    )
    losses = write_set(tmp_path / "out", AnnotationSet(images, ("dot",)), "shen")
    assert losses == ("20 objects without a class are written as the class 'object'",)
    back = read_set(tmp_path / "out")
    assert back.classes == ("dot", "big loop", "object")
    assert [image.image for image in back.images] == ["a.tif", "b.tif"]
    np.testing.assert_array_equal(back.images[0].instances.shapes.params, [shape.params for shape in shapes])
    assert back.images[0].instances.class_name.tolist() == [name or "object" for name in names]
    assert len(back.images[1].instances) == 0


def test_what_boxes_cannot_hold_is_told(tmp_path: Path):
    triangle = Shape(RoiType.POLYGON, [[0, 0], [9, 0], [9, 9]], subpixel=False)
    made = Instances.of([triangle] * 2, class_name=np.array(["loop", IGNORE], object), score=0.5)
    losses = write_set(tmp_path / "out", AnnotationSet((AnnotatedImage("a.tif", None, made),)), "shen")
    assert losses[0].startswith("2 polygons written as the box around it")
    assert losses[1:] == (
        "1 object marked 'ignore' is left out: text boxes (Shen et al.) cannot say 'ignore'",
        "the score of 2 objects is lost: text boxes (Shen et al.) has no place for it",
    )
    (image,) = read_set(tmp_path / "out").images
    assert image.instances.shapes[0].params[:4] == (0, 0, 9, 9)
    assert len(image.instances) == 1


def test_all_problems_of_all_files_are_listed(tmp_path: Path):
    made = authors_folder(tmp_path, classes_txt="a\nb\n")
    (tmp_path / "bounding_boxes" / "empty.txt").write_text("0 5 5 5 9\n0 1 2 x 4\n0 1 2 inf 4\n")
    with pytest.raises(BadAnnotation, match="2 files with problems") as caught:
        read_set(made, "shen")
    for words in (
        "class 2, but there are 2 names",
        "line 1: the box 5 5 5 9 has no area",
        "line 2: '0 1 2 x 4'",
        "line 3",
    ):
        assert words in caught.value.message
