"""RoiSet.zip: everything kept, whatever else lies in the archive."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from temj import annotations
from temj.annotations import roiset
from temj.annotations.roi import encode
from temj.data import Instances, RoiType, Shape
from temj.errors import BadAnnotation, Refused, StorageError

SQUARE = Shape(RoiType.TRACED, [[3, 4], [13, 4], [13, 24], [3, 24]], subpixel=False)


def many(count: int = 5, **columns: object) -> Instances:
    shapes = [Shape(RoiType.TRACED, SQUARE.points + 20 * k, subpixel=False) for k in range(count)]
    return Instances.of(shapes, **columns)


def archive(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        for name, data in members:
            zipped.writestr(zipfile.ZipInfo(name), data)
    return path


def test_all_columns_come_back(tmp_path: Path):
    found = many(
        4,
        class_name=np.array(["loop", "void", "", "Löcher"], object),
        score=[0.25, np.nan, 1.0, 0.1],
        name=np.array(["loop-0001", "a/b:c", "环", "x" * 300], object),
        group=[0, 1, 255, 7],
        position=[[0, 0, 0], [1, 2, 3], [0, 4, 0], [9, 9, 9]],
        track=[0, 5, 6, 7],
    )
    roiset.write(tmp_path / "a_RoiSet.zip", found)
    back = annotations.read(tmp_path / "a_RoiSet.zip")
    for column in ("class_name", "score", "name", "group", "position", "track"):
        np.testing.assert_array_equal(getattr(back, column), getattr(found, column), err_msg=column)
    np.testing.assert_array_equal(back.shapes.points, found.shapes.points)
    assert back.info == {}
    again = tmp_path / "again.zip"
    roiset.write(again, back)
    assert again.read_bytes() == (tmp_path / "a_RoiSet.zip").read_bytes()


def test_the_rule_of_the_diameter_travels_with_the_class(tmp_path: Path):
    kinds = np.array(["loop", "void", "loop", ""], object)
    rules = {"loop": "major", "void": "geometric", "oxide": "major"}
    roiset.write(tmp_path / "a.zip", many(4, class_name=kinds, name=list("abcd"), info={"diameter": rules}))
    back = roiset.read(tmp_path / "a.zip")
    assert back.info == {"diameter": {"loop": "major", "void": "geometric"}}
    roiset.write(tmp_path / "again.zip", back)
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "a.zip").read_bytes()
    plain = many(4, class_name=kinds)
    roiset.write(tmp_path / "b.zip", plain)
    assert roiset.read(tmp_path / "b.zip").info == {}


def test_the_first_roi_of_a_class_says_its_rule_and_unknown_words_are_none(tmp_path: Path):
    rules = ["smallest", "", "geometric", "major"]
    members = [
        (f"{k}.roi", encode(SQUARE, name=f"r{k}", class_name="loop", diameter=rule)) for k, rule in enumerate(rules)
    ]
    back = roiset.read(archive(tmp_path / "a.zip", members))
    assert back.info == {"diameter": {"loop": "geometric"}}


def test_dates_are_fixed_and_member_names_safe(tmp_path: Path):
    names = ["con", "a/../../b", 'q"<>|?*', "ROI", "roi", "", "tail. ", "\U0001f600"]
    roiset.write(tmp_path / "a.zip", many(len(names), name=np.array(names, object)))
    with zipfile.ZipFile(tmp_path / "a.zip") as zipped:
        members = zipped.infolist()
    assert [member.filename for member in members] == [
        "_con.roi", "a_.._.._b.roi", "q______.roi", "ROI.roi", "roi-1.roi", "0006.roi", "tail.roi", "\U0001f600.roi",
    ]  # fmt: skip
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}


def test_no_objects_are_an_archive_without_members(tmp_path: Path):
    roiset.write(tmp_path / "none.zip", many(0))
    with zipfile.ZipFile(tmp_path / "none.zip") as zipped:
        assert zipped.namelist() == []
    back = annotations.read(tmp_path / "none.zip")
    assert len(back) == 0
    assert back.info == {}


def test_foreign_members_are_counted_and_left_out(tmp_path: Path):
    rois = [(f"folder/r{k}.roi", encode(SQUARE, name=f"r{k}")) for k in range(3)]
    foreign = [("notes.txt", b"hello"), ("__MACOSX/._r0.roi", b"\0\5"), ("._r1.roi", b"\0"), ("folder/", b"")]
    back = roiset.read(archive(tmp_path / "a.zip", [*foreign, *rois]))
    assert list(back.name) == ["r0", "r1", "r2"]
    assert back.info["notes"] == ("3 files in the archive are no ROIs and are not used",)


def test_broken_members_are_named_and_the_others_kept(tmp_path: Path):
    good = encode(SQUARE, name="good")
    absurd = encode(Shape(RoiType.OVAL, params=(1.5, 2, 3, 4)))
    absurd = absurd[:18] + b"\x7f\xc0\0\0" + absurd[22:]
    back = roiset.read(archive(tmp_path / "a.zip", [("x.roi", good[:30]), ("ok.roi", good), ("nan.roi", absurd)]))
    assert list(back.name) == ["good"]
    assert [entry["code"] for entry in back.info["skipped"]] == ["BadAnnotation/roi", "BadAnnotation/coordinates"]
    assert "a.zip/x.roi" in back.info["skipped"][0]["message"]
    assert "a.zip/nan.roi" in back.info["skipped"][1]["message"]
    assert "notes" not in back.info


def test_members_that_cannot_be_unpacked_are_named(tmp_path: Path):
    good = encode(SQUARE, name="good")
    path = archive(tmp_path / "a.zip", [("first.roi", good), ("second.roi", good)])
    data = bytearray(path.read_bytes())
    data[len(b"PK..") + 26 + len("first.roi") + 40] ^= 0xFF
    path.write_bytes(data)
    back = roiset.read(path)
    assert len(back) == 1
    (skipped,) = back.info["skipped"]
    assert skipped["code"] == "BadAnnotation/unpack"
    assert "a.zip/first.roi" in skipped["message"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicates_are_all_kept_with_names_of_their_own(tmp_path: Path):
    members = [("a.roi", encode(Shape(RoiType.OVAL, params=(k, 0, 5, 5), subpixel=False), name="a")) for k in range(3)]
    members += [("b.roi", encode(SQUARE, name="A"))]
    back = roiset.read(archive(tmp_path / "a.zip", members))
    assert list(back.name) == ["a", "a-1", "a-2", "A"]
    assert back.shapes.params[:3, 0].tolist() == [0, 1, 2]
    assert "2 ROIs had the name of another one" in back.info["notes"][0]


def test_class_is_the_property_then_the_group_then_the_name(tmp_path: Path):
    members = [
        ("1.roi", encode(SQUARE, name="x-0001", class_name="void", group=2)),
        ("2.roi", encode(SQUARE, name="y-0001", group=2)),
        ("3.roi", encode(SQUARE, name="loop-0001", group=3)),
        ("4.roi", encode(SQUARE, name="0123-0456")),
    ]
    path = archive(tmp_path / "a.zip", members)
    assert list(roiset.read(path, {2: "line"}).class_name) == ["void", "line", "loop", ""]


def test_latin1_names_are_kept_somehow(tmp_path: Path):
    data = encode(SQUARE, name="abcd").replace("abcd".encode("utf-16-be"), "Lö\xdf.cher.".encode("latin-1")[:8])
    back = roiset.read(archive(tmp_path / "a.zip", [("m.roi", data)]))
    assert len(back) == 1


@pytest.mark.parametrize(
    ("members", "words"),
    [([("notes.txt", b"x")], "1 files in the archive"), ([("a.roi", b"Iout")], "a.roi")],
)
def test_an_archive_without_usable_rois_is_no_empty_set(tmp_path: Path, members: list, words: str):
    with pytest.raises(BadAnnotation, match="no-rois") as caught:
        roiset.read(archive(tmp_path / "a.zip", members))
    assert words in caught.value.message


def test_files_that_are_no_archives_say_what_they_are(tmp_path: Path):
    (tmp_path / "a.zip").write_bytes(b"<html>404</html>")
    with pytest.raises(BadAnnotation, match=r"not-a-zip: .*a\.zip.*<html>404</html>"):
        annotations.read(tmp_path / "a.zip")
    with pytest.raises(BadAnnotation, match=r"unreadable: .*none\.zip"):
        annotations.read(tmp_path / "none.zip")
    with pytest.raises(BadAnnotation, match=r"unknown-format.*\.zip"):
        annotations.read(tmp_path / "a.xml")


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(roiset, "LARGEST_MEMBER", 1000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("big.roi", bytes(10**6))
        zipped.writestr("ok.roi", encode(SQUARE, name="ok"))
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    back = roiset.read(tmp_path / "a.zip")
    assert list(back.name) == ["ok"]
    assert "big.roi" in back.info["skipped"][0]["message"]
    assert "256 MiB" in back.info["skipped"][0]["message"]
    monkeypatch.setattr(roiset, "LARGEST_SET", 1000)
    with pytest.raises(BadAnnotation, match="too-large"):
        roiset.read(tmp_path / "a.zip")


def test_single_roi_files(tmp_path: Path):
    roiset.write(tmp_path / "one.roi", many(1, name="a", class_name="loop"))
    assert list(annotations.read(tmp_path / "one.roi").class_name) == ["loop"]
    with pytest.raises(BadAnnotation, match="one-roi"):
        roiset.write(tmp_path / "two.roi", many(2))
    (tmp_path / "one.roi").write_bytes(b"Iout")
    with pytest.raises(BadAnnotation, match=r"BadAnnotation/roi: .*one\.roi"):
        annotations.read(tmp_path / "one.roi")


def test_absurd_coordinates_are_never_written(tmp_path: Path):
    wrong = Instances.of(
        [SQUARE, Shape(RoiType.POLYGON, [[0, 0], [np.nan, 4], [5, 5]])], name=np.array(["a", "b"], object)
    )
    with pytest.raises(BadAnnotation, match=r"coordinates: b\."):
        roiset.write(tmp_path / "a.zip", wrong)
    assert not list(tmp_path.iterdir())


def test_existing_files_and_failing_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    roiset.write(tmp_path / "a.zip", many(2))
    before = (tmp_path / "a.zip").read_bytes()
    with pytest.raises(Refused):
        roiset.write(tmp_path / "a.zip", many(1), overwrite=False)
    monkeypatch.setenv("TEMJ_FAIL_AT", "1:ENOSPC")
    monkeypatch.setattr("temj.storage._steps", 0)
    with pytest.raises(StorageError, match="full"):
        roiset.write(tmp_path / "a.zip", many(1))
    assert (tmp_path / "a.zip").read_bytes() == before


def test_member_names_that_are_no_utf8_lose_no_roi(tmp_path: Path):
    path = archive(tmp_path / "a.zip", [("é.roi", encode(SQUARE, name="loop-0001")), ("b.roi", encode(SQUARE))])
    path.write_bytes(path.read_bytes().replace("é.roi".encode(), b"\xff\xfe.roi"))
    assert list(roiset.read(path).name) == ["loop-0001", "b"]


def test_what_is_not_kept_of_a_roi_is_counted(tmp_path: Path):
    roifile = pytest.importorskip("roifile")
    plain = roifile.ImagejRoi.frompoints([[3, 4], [13, 4], [13, 24]])
    rois = [roifile.ImagejRoi.frombytes(plain.tobytes()) for _ in range(4)]
    for k, roi in enumerate(rois):
        roi.name = f"n{k}"
    rois[0].stroke_width, rois[0].stroke_color = 3, b"\xff\xff\x00\x00"
    rois[1].fill_color, rois[1].props = b"\x40\x00\xff\x00", "class: loop\nfoo: 1\nbar baz: 2\n"
    rois[2].props = "foo: 2\nscore: 0.5\n"
    back = roiset.read(archive(tmp_path / "a.zip", [(f"{k}.roi", roi.tobytes()) for k, roi in enumerate(rois)]))
    assert back.info["notes"] == (
        "not kept of the ROIs: fill colours (1), stroke colours (1), stroke widths (1), the property 'bar' (1), "
        "the property 'foo' (2)",
    )
    roiset.write(tmp_path / "b.zip", back)
    assert roiset.read(tmp_path / "b.zip").info == {}


def test_the_colour_of_a_group_and_the_size_of_points_are_nothing_else(tmp_path: Path):
    roifile = pytest.importorskip("roifile")
    grouped = roifile.ImagejRoi.frombytes(encode(SQUARE, name="a", group=3))
    grouped.stroke_color = b"\xff\xff\x00\x00"
    points = encode(Shape(RoiType.POINT, [[1, 2], [3, 4]]), name="b")
    back = roiset.read(archive(tmp_path / "a.zip", [("a.roi", grouped.tobytes()), ("b.roi", points)]))
    assert back.group.tolist() == [3, 0]
    assert back.info == {}


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_are_the_same_however_they_are_packed_and_whatever_stands_before(tmp_path: Path, kind: int):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as zipped:
        for k, name in enumerate(["a.roi", "环.roi", "empty.roi"]):
            data = encode(SQUARE, name=f"n{k}") if k < 2 else b""
            zipped.writestr(zipfile.ZipInfo(name), data, kind)
    for before in (b"", b"#!/bin/sh\n"):
        (tmp_path / "a.zip").write_bytes(before + buffer.getvalue())
        back = roiset.read(tmp_path / "a.zip")
        assert list(back.name) == ["n0", "n1"]
        assert "empty.roi" in back.info["skipped"][0]["message"]


def test_members_with_a_wrong_checksum_or_another_name_are_named(tmp_path: Path):
    path = archive(tmp_path / "a.zip", [("one.roi", encode(SQUARE, name="a")), ("two.roi", encode(SQUARE, name="b"))])
    data = path.read_bytes()
    for at, words in ((data.index(b"PK\1\2") + 16, "CRC"), (30, "differ")):
        damaged = bytearray(data)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        back = roiset.read(path)
        assert list(back.name) == ["b"]
        assert words in back.info["skipped"][0]["message"]


def test_members_that_the_end_of_the_archive_counts_are_missed(tmp_path: Path):
    path = archive(tmp_path / "a.zip", [(f"{k}.roi", encode(SQUARE, name=f"n{k}")) for k in range(3)])
    data = bytearray(path.read_bytes())
    end = data.index(b"PK\5\6")
    data[end + 8 : end + 12] = b"\5\0\5\0"
    path.write_bytes(data)
    assert roiset.read(path).info["notes"] == ("2 of the archive's 5 members are not in its directory: it is damaged",)
