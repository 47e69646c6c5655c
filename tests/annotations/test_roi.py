"""One ROI: bytes <-> shape and columns, and what is refused."""

import contextlib
import importlib.util
import math
import struct
from pathlib import Path

import numpy as np
import pytest
import roifile
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.annotations.roi import class_of_name, decode, encode
from temj.data import CLOSE, LINE_TO, MOVE, RoiType, Shape
from temj.errors import BadAnnotation

_spec = importlib.util.spec_from_file_location("shapes_for_rois", Path(__file__).with_name("shapes.py"))
shapes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shapes)

SQUARE = np.array([[3, 4], [13, 4], [13, 24], [3, 24]])


@pytest.mark.parametrize("roi_type", list(RoiType))
def test_every_type_comes_back_exactly(roi_type: RoiType):
    rng = np.random.default_rng(int(roi_type))
    for _ in range(50):
        shape = shapes.random_shape(roi_type, rng)
        back, facts = decode(encode(shape, name="a"), "a.roi")
        assert shapes.same(back, shape)
        assert facts["note"] == ""


@given(
    name=st.text(max_size=40).filter(lambda text: text and not any(0xD800 <= ord(c) < 0xE000 for c in text)),
    class_name=st.text(st.characters(codec="utf-8"), max_size=20),
    score=st.one_of(st.floats(0, 1), st.just(math.nan)),
    group=st.integers(0, 255),
    position=st.tuples(*[st.integers(0, 5000)] * 3),
    track=st.integers(0, 10**9),
)
@settings(max_examples=200, deadline=None)
def test_columns_come_back_exactly(name, class_name, score, group, position, track):
    shape = Shape(RoiType.TRACED, SQUARE, subpixel=False)
    columns = {"class_name": class_name, "score": score, "group": group, "position": position, "track": track}
    _shape, facts = decode(encode(shape, name=name, **columns), "member.roi")
    assert facts["name"] == name
    for key, value in columns.items():
        assert facts[key] == value or (key == "score" and math.isnan(value) and math.isnan(facts[key])), key


@pytest.mark.parametrize("offset", [0, 32_700, 40_000, 60_500, 70_000, 999_900, -4_990, -60_000])
def test_integer_outlines_keep_their_numbers_wherever_they_are(offset: int):
    for shape in (
        Shape(RoiType.TRACED, SQUARE + offset, subpixel=False),
        Shape(RoiType.RECT, params=(offset, offset, 20, 30, 4), subpixel=False),
        Shape(RoiType.OVAL, params=(offset, offset, 20, 30), subpixel=False),
    ):
        back, _facts = decode(encode(shape), "a")
        assert np.array_equal(back.points, shape.points)
        assert back.params[:4] == shape.params[:4] or np.isnan(shape.params[0])
        assert back.subpixel == (not -5000 <= offset <= 60_500)


def test_more_points_than_16_bits_count():
    rng = np.random.default_rng(1)
    for subpixel in (False, True):
        shape = Shape(RoiType.FREEROI, rng.integers(0, 60_000, (70_000, 2)), subpixel=subpixel)
        assert shapes.same(decode(encode(shape), "a")[0], shape)


def test_roifile_reads_what_we_write():
    shape = Shape(RoiType.POLYGON, SQUARE + 0.25)
    roi = roifile.ImagejRoi.frombytes(
        encode(shape, name="void-0001", class_name="void", score=0.5, group=3, position=(1, 2, 3))
    )
    assert roi.roitype == roifile.ROI_TYPE.POLYGON
    assert np.array_equal(roi.coordinates(), shape.points)
    assert (roi.name, roi.group, roi.properties) == ("void-0001", 3, {"class": "void", "score": 0.5})
    assert (roi.c_position, roi.z_position, roi.t_position) == (1, 2, 3)


@pytest.mark.parametrize("roi_type", [kind for kind in RoiType if kind != RoiType.COMPOSITE])
def test_we_read_what_roifile_writes(roi_type: RoiType):
    rng = np.random.default_rng(7)
    shape = shapes.random_shape(roi_type, rng, low=0)
    written = roifile.ImagejRoi.frombytes(encode(shape, name="ab", class_name="void", group=2)).tobytes()
    back, facts = decode(written, "x.roi")
    assert shapes.same(back, shape)
    assert (facts["name"], facts["class_name"], facts["group"]) == ("ab", "void", 2)


def test_ellipses_carry_their_outline_for_other_programs():
    ellipse = roifile.ImagejRoi.frombytes(encode(Shape(RoiType.ELLIPSE, params=(10, 20, 50, 20, 0.5))))
    points = ellipse.coordinates()
    assert len(points) == 72
    np.testing.assert_allclose(((points[:, 0] - 30) / 20) ** 2 + ((points[:, 1] - 20) / 10) ** 2, 1, atol=1e-5)
    box = roifile.ImagejRoi.frombytes(encode(Shape(RoiType.ROTATED_RECT, params=(10, 20, 50, 20, 8))))
    assert {tuple(point) for point in box.coordinates().tolist()} == {(10, 16), (50, 16), (50, 24), (10, 24)}


def test_plain_stack_position_is_a_slice():
    data = bytearray(encode(Shape(RoiType.TRACED, SQUARE, subpixel=False)))
    data[56:60] = struct.pack(">i", 7)
    assert decode(bytes(data), "a")[1]["position"] == (1, 7, 1)


def test_a_roi_without_name_has_that_of_its_member():
    data = encode(Shape(RoiType.TRACED, SQUARE, subpixel=False))
    assert decode(data, "/tmp/RoiSet.zip/folder/0012-0034.roi")[1]["name"] == "0012-0034"


def test_spline_polygons_become_the_points_of_their_curve():
    angle = np.arange(8) * math.pi / 4
    data = bytearray(encode(Shape(RoiType.POLYGON, 500 + 100 * np.stack([np.cos(angle), np.sin(angle)], 1))))
    data[50:52] = struct.pack(">H", struct.unpack(">H", data[50:52])[0] | 1)
    shape, facts = decode(bytes(data), "a")
    radius = np.hypot(*(shape.points - 500).T)
    assert shape.roi_type == RoiType.POLYGON
    assert len(shape.points) == 306
    assert np.abs(radius - 100).max() < 1
    assert "spline" in facts["note"]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1_000_001.0])
@pytest.mark.parametrize("roi_type", list(RoiType))
def test_absurd_coordinates_are_refused_by_name(roi_type: RoiType, bad: float):
    shape = shapes.random_shape(roi_type, np.random.default_rng(3))
    if len(shape.points):
        points = shape.points.copy()
        points[1] = bad
        broken = Shape(roi_type, points, shape.params, True, shape.codes)
    else:
        broken = Shape(roi_type, params=(bad, *shape.params[1:]), subpixel=True)
    with pytest.raises(BadAnnotation, match=r"coordinates: loop-0007\. .*1,000,000"):
        encode(broken, name="loop-0007")


def test_absurd_coordinates_in_files_are_refused():
    data = bytearray(encode(Shape(RoiType.OVAL, params=(1.5, 2, 3, 4))))
    data[18:22] = struct.pack(">f", math.nan)
    with pytest.raises(BadAnnotation, match=r"set\.zip/a\.roi"):
        decode(bytes(data), "set.zip/a.roi")


GOOD = encode(Shape(RoiType.POLYGON, SQUARE, subpixel=False), name="loop-0001")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (GOOD[:40], "40 bytes"),
        (b"\x89PNG" + GOOD[4:], "PNG"),
        (GOOD[:70], "4 points in 70 bytes"),
        (GOOD[:16] + b"\xff\xff" + GOOD[18:], "65535 points"),
        (GOOD[:6] + b"\x06" + GOOD[7:], "unknown type 6"),
        (GOOD[:36] + struct.pack(">i", 10**9) + GOOD[40:], "path of 1000000000"),
        (GOOD[:36] + struct.pack(">i", 2) + GOOD[40:64] + struct.pack(">2f", 0, 1) + GOOD[72:], "unfinished path"),
        (GOOD[:6] + b"\x01" + GOOD[7:48] + b"\x00\x01" + GOOD[50:], "found text"),
    ],
)
def test_damaged_rois_are_named(data: bytes, words: str):
    with pytest.raises(BadAnnotation, match=r"BadAnnotation/roi: set/b\.roi.*") as caught:
        decode(data, "set/b.roi")
    assert words in caught.value.message


@given(st.binary(max_size=300), st.integers(0, 200))
@settings(max_examples=300, deadline=None)
def test_no_bytes_give_a_traceback(noise: bytes, keep: int):
    data = GOOD[:keep] + noise
    with contextlib.suppress(BadAnnotation):
        shape, _facts = decode(data, "noise.roi")
        assert isinstance(shape, Shape)


def test_undecodable_names_are_replaced_and_the_roi_kept():
    data = bytearray(encode(Shape(RoiType.TRACED, SQUARE, subpixel=False), name="abcd"))
    at = bytes(data).index("abcd".encode("utf-16-be"))
    data[at : at + 2] = b"\xd8\x00"
    assert decode(bytes(data), "x.roi")[1]["name"].endswith("bcd")


def test_paths_of_traced_holes_are_small():
    ring = np.array([[0, 0], [9, 0], [9, 9], [0, 9], [0, 0], [3, 3], [3, 6], [6, 6], [3, 3]], float)
    shape = Shape(
        RoiType.COMPOSITE, ring, codes=[MOVE, LINE_TO, LINE_TO, LINE_TO, CLOSE, MOVE, LINE_TO, LINE_TO, CLOSE]
    )
    data = encode(shape)
    assert struct.unpack(">i", data[36:40])[0] == 7 * 3 + 2
    assert shapes.same(decode(data, "a")[0], shape)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loop-0001", "loop"), ("loop-0001-1", "loop"), ("black dot-12", "black dot"), ("316L-0004", "316L"),
        ("0123-0456", ""), ("0001-0123-0456", ""), ("loop", ""), ("", ""), ("环-0001", "环"),
    ],
)  # fmt: skip
def test_classes_in_names(name: str, expected: str):
    assert class_of_name(name) == expected
