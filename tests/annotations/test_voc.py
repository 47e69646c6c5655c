"""LabelImg, Pascal VOC and roLabelImg: offsets, the sense of angles, and what is refused before it is parsed."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from temj.annotations import AnnotatedImage, AnnotationSet, Context, read_set, voc, write_set
from temj.annotations.outlines import from_axes
from temj.data import IGNORE, Instances, RoiType, Shape
from temj.errors import BadAnnotation, Refused
from temj.geometry.vertices import rotated_rect_vertices

CASES = pytest.mark.parametrize("cases", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
"""Damaged files of either kind: fewer than of other formats in the suite, because each is parsed as XML."""
BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"
TURNED = "<robndbox><cx>{}</cx><cy>{}</cy><w>{}</w><h>{}</h><angle>{}</angle></robndbox>"


def xml(*objects: str, name: str = "a.png", head: str = "", database: str = "") -> str:
    size = "<size><width>300</width><height>200</height><depth>1</depth></size>"
    source = f"<source><database>{database}</database></source>"
    path = "<folder>..</folder><path>C:\\\\secret\\\\a.png</path>"
    return f"{head}<annotation>{path}<filename>{name}</filename>{source}{size}{''.join(objects)}</annotation>"


def entry(box: str, name: str = "loop", more: str = "<difficult>0</difficult>") -> str:
    return f"<object><name>{name}</name>{more}{box}</object>"


def read(path: Path, text: str | bytes) -> AnnotationSet:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return voc.read(path, Context())


def one_image(shapes: list[Shape], **columns: object) -> AnnotationSet:
    return AnnotationSet((AnnotatedImage("a.png", (300, 200), Instances.of(shapes, **columns)),))


def test_pixels_count_from_one_and_the_last_one_is_included(tmp_path: Path):
    (image,) = read(tmp_path / "a.xml", xml(entry(BOX.format(11, 31, 20, 50)))).images
    assert (image.image, image.size) == ("a.png", (300, 200))
    shape = image.instances.shapes[0]
    assert (shape.roi_type, shape.subpixel, shape.params[:4]) == (RoiType.RECT, False, (10, 30, 10, 20))


def test_boxes_come_back_exactly(tmp_path: Path):
    rng = np.random.default_rng(0)
    whole = [Shape(RoiType.RECT, params=(*rng.integers(1, 90, 4), 0), subpixel=False) for _ in range(50)]
    halves = [Shape(RoiType.RECT, params=(*rng.integers(8, 900, 4) / 8, 0)) for _ in range(50)]
    ends = [
        from_axes(RoiType.ROTATED_RECT, *rng.integers(400, 800, 2) / 8, 40, 15.5, angle) for angle in range(0, 360, 7)
    ]
    ends = [Shape(RoiType.ROTATED_RECT, params=np.float32(shape.params)) for shape in ends]
    names = np.array([f"kind {k % 3}" for k in range(100 + len(ends))], object)
    before = one_image(whole + halves + ends, class_name=names)
    assert write_set(tmp_path / "a.xml", before, "voc") == ()
    back = read_set(tmp_path / "a.xml").images[0].instances
    np.testing.assert_array_equal(back.shapes.params, before.images[0].instances.shapes.params)
    np.testing.assert_array_equal(back.shapes.subpixel, before.images[0].instances.shapes.subpixel)
    np.testing.assert_array_equal(back.class_name, names)


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 120, 179, 200, -30])
def test_angles_turn_as_roLabelImg_and_opencv_turn_them(tmp_path: Path, degrees: float):
    """roLabelImg draws the corners (±w/2, ±h/2) turned from +x towards +y, which points down; so does OpenCV."""
    box = TURNED.format(120.5, 80.25, 60, 20, math.radians(degrees))
    shape = read(tmp_path / "a.xml", xml(entry(box))).images[0].instances.shapes[0]
    theirs = cv2.boxPoints(((120.5, 80.25), (60, 20), degrees))
    ours = rotated_rect_vertices(np.array([shape.params]))[0]
    distance = np.linalg.norm(ours[:, None] - theirs[None], axis=2)
    assert (distance.min(axis=0) < 1e-3).all()
    assert (distance.min(axis=1) < 1e-3).all()


def test_a_positive_angle_is_clockwise_on_the_screen(tmp_path: Path):
    shape = read(tmp_path / "a.xml", xml(entry(TURNED.format(100, 100, 50, 10, 0.5)))).images[0].instances.shapes[0]
    x1, y1, x2, y2, _ = shape.params
    assert (x1 < x2) == (y1 < y2)  # down to the right


def test_labelimg_finds_an_upright_box_in_every_object(tmp_path: Path):
    ellipse = from_axes(RoiType.ELLIPSE, 100, 80, 60, 20, 30)
    losses = write_set(tmp_path / "a.xml", one_image([ellipse], class_name="loop"), "voc")
    assert losses == (
        "1 ellipse written as the rotated box around it (ovals: the box): LabelImg / Pascal VOC holds no ellipses",
    )
    text = (tmp_path / "a.xml").read_text()
    assert text.index("<bndbox>") < text.index("<robndbox>")
    shape = read_set(tmp_path / "a.xml").images[0].instances.shapes[0]
    assert shape.roi_type == RoiType.ROTATED_RECT
    np.testing.assert_allclose(shape.params, (*ellipse.params[:4], 20), atol=1e-5)


def test_difficult_objects_are_ignored_and_keep_their_class(tmp_path: Path):
    boxes = [entry(BOX.format(1, 1, 5, 5), more="<difficult>1</difficult>"), entry(BOX.format(9, 9, 12, 12))]
    found = read(tmp_path / "a.xml", xml(*boxes))
    assert found.images[0].instances.class_name.tolist() == [IGNORE, "loop"]
    write_set(tmp_path / "b.xml", found, "voc")
    again = read_set(tmp_path / "b.xml").images[0].instances
    assert again.class_name.tolist() == [IGNORE, "loop"]
    assert again.name.tolist() == ["?loop-0001", ""]


def test_no_objects_mean_an_empty_image_and_no_file_means_not_annotated(tmp_path: Path):
    (tmp_path / "images").mkdir()
    for name in "ab":
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), np.zeros((200, 300), np.uint8))
    (tmp_path / "a.xml").write_text(xml())
    context = Context({name: tmp_path / "images" / name for name in ("a.png", "b.png")})
    found = read_set(tmp_path / "a.xml", None, context)
    assert [None if image.instances is None else len(image.instances) for image in found.images] == [0, None]


def test_the_name_of_another_image_stops_a_folder(tmp_path: Path):
    for name in "ab":
        (tmp_path / f"{name}.xml").write_text(xml(name="a.png"))
    with pytest.raises(BadAnnotation, match=r"filename is 'a.png', the file itself is called b\.xml"):
        read_set(tmp_path)
    (tmp_path / "b.xml").write_text(xml(name="b"))  # roLabelImg leaves the extension out
    assert [image.image for image in read_set(tmp_path).images] == ["a.png", "b"]


def test_labelimg_is_told_to_be_exact_to_a_pixel(tmp_path: Path):
    found = read(tmp_path / "a.xml", xml(entry(BOX.format(11, 31, 20, 50)), database="Unknown"))
    assert found.info["notes"] == (
        "1 box written by LabelImg, which cuts corners to whole pixels: exact to about a pixel",
    )


PROBLEMS = {
    "inverted": (entry(BOX.format(20, 1, 10, 5)), "object 1 has the box 20, 1, 10, 5 without area"),
    "no number": (entry(BOX.format("x", 1, 10, 5)), "object 1 has xmin 'x', expected a number"),
    "NaN": (entry(BOX.format("nan", 1, 10, 5)), "object 1 has xmin 'nan'"),
    "inf": (entry(BOX.format(1, 1, "inf", 5)), "object 1 has xmax 'inf'"),
    "far": (entry(BOX.format(1, 1, 2e8, 5)), "object 1 has xmax '200000000.0'"),
    "missing": (entry("<bndbox><xmin>1</xmin></bndbox>"), "object 1 has ymin ''"),
    "no box": (entry("<polygon/>"), "object 1 has neither bndbox nor robndbox"),
    "no name": (entry(BOX.format(1, 1, 5, 5), name=" "), "object 1 has no name"),
    "flat": (entry(TURNED.format(9, 9, 0, 5, 1)), "object 1 has a rotated box of 0 x 5"),
    "angle": (entry(TURNED.format(9, 9, 5, 5, "inf")), "object 1 has angle 'inf'"),
    "difficult": (entry(BOX.format(1, 1, 5, 5), more="<difficult>2</difficult>"), "object 1 has difficult '2'"),
}


@CASES
def test_every_planted_error_is_reported(tmp_path: Path, cases: int):
    @settings(max_examples=cases, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(st.sampled_from(sorted(PROBLEMS)), min_size=1, max_size=4), st.integers(0, 3))
    def run(names: list[str], good: int) -> None:
        objects = [entry(BOX.format(1, 1, 5, 5))] * good + [PROBLEMS[name][0] for name in names]
        with pytest.raises(BadAnnotation) as caught:
            read(tmp_path / "a.xml", xml(*objects))
        for number, name in enumerate(names, start=good + 1):
            assert PROBLEMS[name][1].replace("object 1", f"object {number}") in caught.value.message

    run()


@CASES
def test_damaged_files_are_read_or_refused(tmp_path: Path, cases: int):
    chance = np.random.default_rng(1)
    whole = xml(entry(BOX.format(11, 31, 20, 50)), entry(TURNED.format(90, 90, 50, 5, 1))).encode()
    refused = 0
    for _ in range(cases):
        damaged = bytearray(whole)
        for _ in range(chance.integers(1, 5)):
            place = int(chance.integers(len(damaged)))
            damaged[place : place + int(chance.integers(7))] = chance.bytes(int(chance.integers(5)))
        try:
            shapes = read(tmp_path / "a.xml", bytes(damaged)).images[0].instances.shapes
        except (BadAnnotation, Refused):
            refused += 1
            continue
        assert np.isfinite(shapes.params[:, :4]).all()
    assert cases / 4 < refused < cases


ENTITIES = {
    "file": '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "network": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
    "laughs": "<!DOCTYPE a [" + "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10)) + "]>",
    "spaced": "<!  doctype a>",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", ENTITIES)
def test_entities_are_refused_before_anything_is_parsed(tmp_path: Path, kind: str, encoding: str):
    text = xml(entry(BOX.format(1, 1, 5, 5), name="&l9;"), head=ENTITIES[kind])
    with pytest.raises(Refused, match="Refused/xml-entity"):
        read(tmp_path / "a.xml", text.encode(encoding))


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "C:\\a.png", "\\\\host\\a.png", "http://host/a.png"])
def test_file_names_that_lead_outside_are_refused(tmp_path: Path, name: str):
    with pytest.raises(Refused, match="Refused/path"):
        read(tmp_path / "a.xml", xml(name=name))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "BadAnnotation/xml"), (b"<annotation>", "line 1, column 13"), (b"<html/>", "found <html>"),
        (b"<annotation>\xff</annotation>", "byte 0xff"), (b'<?xml version="1.0" encoding="utf-7"?><a/>', "utf-7"),
        (b"<a>" * 10_000, "BadAnnotation"),
    ],
)  # fmt: skip
def test_what_is_no_annotation_is_named(tmp_path: Path, data: bytes, words: str):
    with pytest.raises(BadAnnotation) as caught:
        read(tmp_path / "a.xml", data)
    assert words in caught.value.message


def test_all_files_with_problems_are_listed(tmp_path: Path):
    for name in "abc":
        (tmp_path / f"{name}.xml").write_text(xml(entry(BOX.format(20, 1, 10, 5)), name=f"{name}.png"))
    with pytest.raises(BadAnnotation, match="3 files with problems"):
        read_set(tmp_path)


def test_names_of_any_script_and_control_characters(tmp_path: Path):
    names = np.array(["環 <&>", "a\x00b"], object)
    square = Shape(RoiType.RECT, params=(1, 2, 3, 4, 0), subpixel=False)
    write_set(tmp_path / "a.xml", one_image([square] * 2, class_name=names), "voc")
    assert read_set(tmp_path / "a.xml").classes == ("環 <&>", "a\ufffdb")


def test_what_is_not_used_is_told(tmp_path: Path):
    box = BOX.format(11, 31, 20, 50) + "<polygon/><occluded>1</occluded>"
    found = read(tmp_path / "a.xml", xml(entry(box)))
    assert found.info["notes"] == ("what stands in these elements of objects is not used: occluded (1), polygon (1)",)
