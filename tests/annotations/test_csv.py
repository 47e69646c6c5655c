"""The table of objects: exact, readable by spreadsheets, and no formula in it."""

from pathlib import Path

import numpy as np
import pandas
import pytest

from temj.annotations import AnnotatedImage, AnnotationSet, read_set, write_set
from temj.annotations.outlines import axes, from_axes
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.errors import BadAnnotation, Refused
from temj.geometry.trace import trace

HEADER = "image,x,y,major,minor,angle,class,score,unit,pixel_size\n"


def one_image(shapes: list[Shape], **columns: object) -> AnnotationSet:
    return AnnotationSet((AnnotatedImage("a.tif", (900, 900), Instances.of(shapes, **columns)),))


def test_axes_and_columns_come_back_exactly(tmp_path: Path):
    rng = np.random.default_rng(0)
    shapes = []
    for k in range(120):
        kind = (RoiType.ELLIPSE, RoiType.ROTATED_RECT, RoiType.RECT, RoiType.OVAL)[k % 4]
        if kind in (RoiType.ELLIPSE, RoiType.ROTATED_RECT):
            shape = from_axes(kind, *rng.uniform(100, 800, 2), 90, rng.uniform(5, 80), rng.uniform(0, 180))
            shapes.append(Shape(kind, params=np.float32(shape.params).astype(float)))
        else:
            whole = k % 8 < 4
            numbers = rng.integers(1, 90, 4) if whole else rng.integers(8, 700, 4) / 8 + 0.125
            shapes.append(Shape(kind, params=(*numbers, *[0] * (kind == RoiType.RECT)), subpixel=not whole))
    columns = {
        "class_name": np.array(["loop", "", IGNORE, "=1+1"] * 30, object), "score": rng.random(120),
        "name": np.array([f"-{k}" for k in range(120)], object), "track": np.arange(120),
        "position": rng.integers(0, 4, (120, 3)),
    }  # fmt: skip
    before = one_image(shapes, **columns)
    assert write_set(tmp_path / "a.csv", before, "csv") == ()
    back = read_set(tmp_path / "a.csv").images[0].instances
    ours, theirs = back.shapes, before.images[0].instances.shapes
    np.testing.assert_array_equal(ours.roi_type, theirs.roi_type)
    np.testing.assert_array_equal(ours.subpixel, theirs.subpixel)
    np.testing.assert_allclose(ours.params, theirs.params, rtol=0, atol=1e-9)
    for name, values in columns.items():
        np.testing.assert_array_equal(getattr(back, name), values, err_msg=name)


def test_pandas_reads_the_numbers(tmp_path: Path):
    ellipse = from_axes(RoiType.ELLIPSE, 100.5, 80, 60, 20, 30)
    write_set(tmp_path / "a.csv", one_image([ellipse], class_name="loop"), "csv")
    table = pandas.read_csv(tmp_path / "a.csv", encoding="utf-8-sig")
    row = table.iloc[0]
    np.testing.assert_allclose([row.x, row.y, row.major, row.minor, row.angle], [100.5, 80, 60, 20, 30])
    assert (row["image"], row["shape"], row["class"], row["unit"]) == ("a.tif", "ellipse", "loop", "pixel")


def test_outlines_become_ellipses_and_that_is_told(tmp_path: Path):
    labels = np.zeros((900, 900), np.uint8)
    labels[100:140, 200:280] = 1
    labels[110:120, 220:230] = 0
    losses = write_set(tmp_path / "a.csv", one_image(list(trace(labels)), class_name="loop"), "csv")
    assert losses == (
        "1 outline with holes or parts written as the ellipse that fits its pixels: a table of objects holds no "
        "outlines with holes or parts",
    )
    (shape,) = read_set(tmp_path / "a.csv").images[0].instances.shapes
    x, y, major, minor, _ = axes(shape)
    np.testing.assert_allclose((x, y, major / minor), (240, 120, 2), atol=0.02)


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1+1", "-x", "@x", "\tx", "'=x", "''+x", 'a,b"c', "'plain"])
def test_texts_are_no_formulas_and_come_back(tmp_path: Path, text: str):
    ellipse = from_axes(RoiType.ELLIPSE, 100, 80, 60, 20, 30)
    made = one_image([ellipse], name=np.array([text], object))
    write_set(tmp_path / "a.csv", made, "csv")
    assert read_set(tmp_path / "a.csv").images[0].instances.name.tolist() == [text]
    cells = pandas.read_csv(tmp_path / "a.csv", dtype=str, encoding="utf-8-sig").iloc[0].dropna()
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def test_negative_numbers_stay_numbers(tmp_path: Path):
    write_set(tmp_path / "a.csv", one_image([from_axes(RoiType.ELLIPSE, -1, 80, 60, 20, 30)]), "csv")
    assert pandas.read_csv(tmp_path / "a.csv", encoding="utf-8-sig").x[0] == -1


def test_empty_and_not_annotated_images(tmp_path: Path):
    images = (AnnotatedImage("a.tif", None, Instances.concatenate([])), AnnotatedImage("b.tif", None, None))
    losses = write_set(tmp_path / "a.csv", AnnotationSet(images), "csv")
    assert losses == ()
    (image,) = read_set(tmp_path / "a.csv").images
    assert (image.image, len(image.instances)) == ("a.tif", 0)


def test_units_semicolons_and_decimal_commas(tmp_path: Path):
    text = HEADER.replace(",", ";") + "a.tif;50,5;40;20;10;30;loop;;nm;0,5\na.tif;9;9;4;;;dot;0,75;pixel;\n"
    (tmp_path / "a.csv").write_text(text)
    found = read_set(tmp_path / "a.csv").images[0].instances
    np.testing.assert_allclose(axes(found.shapes[0]), (101, 80, 40, 20, 30))
    np.testing.assert_allclose(axes(found.shapes[1])[:4], (9, 9, 4, 4))
    assert found.score[1] == 0.75


def test_all_problems_are_listed(tmp_path: Path):
    rows = [
        "a.tif,x,1,2,3,4,loop,,pixel,", "a.tif,1,,2,3,4,loop,,pixel,", "a.tif,1,1,-2,3,4,loop,,pixel,",
        "a.tif,1,1,2,3,4,loop,1.5,pixel,", "a.tif,1,1,2,3,4,loop,,nm,", "a.tif,1,1,2,3,4,loop,,parsec,1",
        ",1,1,2,3,4,loop,,pixel,", "a.tif,1e9,1,2,3,4,loop,,pixel,", "a.tif,nan,1,2,3,4,loop,,pixel,",
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(rows))
    with pytest.raises(BadAnnotation, match="found 9 problems") as caught:
        read_set(tmp_path / "a.csv")
    for words in (
        "line 2: x is 'x'", "line 3: no y", "line 4: centre", "line 5: score is 1.5", "line 6: unit is nm",
        "line 7: unit is 'parsec'", "line 8: no image", "line 9: centre", "line 10: x is 'nan'",
    ):  # fmt: skip
        assert words in caught.value.message


def test_other_tables_and_dangerous_names_are_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("image,area\na.tif,5\n")
    with pytest.raises(BadAnnotation, match="no column 'x'"):
        read_set(tmp_path / "a.csv", "csv")
    (tmp_path / "a.csv").write_text(HEADER + "../a.tif,1,1,2,3,4,loop,,pixel,\n")
    with pytest.raises(Refused, match="Refused/path"):
        read_set(tmp_path / "a.csv")
