"""Gatan files that are damaged or cut off: named, never filled up; optional tags are dropped, pixels kept."""

import importlib.util
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from temj import readers
from temj.errors import BadImage

_spec = importlib.util.spec_from_file_location("write_dm_damaged", Path(__file__).with_name("write_dm.py"))
write_dm = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(write_dm)
Gatan, Image, THUMBNAIL, Writer, Raw = (
    write_dm.Gatan, write_dm.Image, write_dm.THUMBNAIL, write_dm.Writer, write_dm.Raw,
)  # fmt: skip

STACK = np.arange(10 * 30 * 40, dtype=np.uint16).reshape(10, 30, 40)
AXES = ((0.0, 0.5, "nm"), (0.0, 0.5, "nm"), (0.0, 0.1, "s"))


def stack(version: int = 4, **details: object) -> bytes:
    behind = (("Much", [("text", "x" * 400)]),)
    return Gatan((THUMBNAIL, Image(STACK, AXES, **details)), behind=behind).bytes(Writer(version))


@pytest.mark.parametrize("version", [333319, 0, 2, 5, 0x00FFFFFF])
def test_other_versions_are_named(tmp_path: Path, version: int):
    path = tmp_path / "a.dm4"
    path.write_bytes(struct.pack(">I", version) + stack()[4:])
    with pytest.raises(BadImage, match=rf"BadImage/dm: .*a\.dm4.*version 3 or 4.*found version {version}"):
        readers.open(path)


def test_side_files_of_macos_are_explained(tmp_path: Path):
    (tmp_path / "._a.dm4").write_bytes(struct.pack(">I", 333319) + bytes(100))
    with pytest.raises(BadImage, match=r"macOS.*no '._' before"):
        readers.open(tmp_path / "._a.dm4")


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("share", [0.0002, 0.02, 0.5, 0.9])
def test_files_cut_off_say_how_much_is_there(tmp_path: Path, version: int, share: float):
    data, path = stack(version), tmp_path / f"a.dm{version}"
    path.write_bytes(data[: int(len(data) * share)])
    for allow_partial in (False, True):
        with pytest.raises(BadImage, match="BadImage/truncated") as caught:
            readers.open_film(path, allow_partial=allow_partial)
        assert str(path) in caught.value.message
    if share >= 0.5:
        assert f"{int(len(data) * share)} of {len(data)}" in caught.value.message
        assert "ImageList/1/ImageData/Data" in caught.value.message


@pytest.mark.parametrize("version", [3, 4])
def test_the_pixels_are_kept_where_the_end_behind_them_is_cut(tmp_path: Path, version: int):
    data, path = stack(version), tmp_path / f"a.dm{version}"
    path.write_bytes(data[:-300])
    with pytest.raises(BadImage, match=rf"truncated: .*{len(data) - 300} of {len(data)}; it ends in 'Much/text'"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], STACK)
    assert film.partial is None
    assert film[0].metadata["notes"][0].startswith(f"the file was cut off: {len(data) - 300} of {len(data)} bytes")


@pytest.mark.parametrize("version", [3, 4])
def test_whole_planes_where_the_size_stands_before_the_pixels(tmp_path: Path, version: int):
    data, path = stack(version, sizes_first=True), tmp_path / f"a.dm{version}"
    path.write_bytes(data[: data.index(STACK[3].tobytes()) + 500])
    with pytest.raises(BadImage, match="truncated"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert film.partial == (3, 10)
    assert film.dimensions == (1, 1, 3)
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], STACK[:3])
    assert "partial: the file was cut off and holds 3 of 10 planes" in film[0].metadata["notes"]
    path.write_bytes(data[: data.index(STACK[0].tobytes()) + 500])
    with pytest.raises(BadImage, match=r"truncated: .*0 of 10"):
        readers.open_film(path, allow_partial=True)


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("name", [b"ImageList", b"ImageData", b"Data", b"DataType", b"Dimensions"])
def test_pixels_whose_tags_are_damaged_are_not_guessed(tmp_path: Path, version: int, name: bytes):
    data, label = stack(version), struct.pack(">H", len(name)) + name
    at = data.rindex(label)
    path = tmp_path / f"a.dm{version}"
    path.write_bytes(data[:at] + label[:2] + b"X" + label[3:] + data[at + len(label) :])
    with pytest.raises(BadImage, match="BadImage/dm"):
        readers.open(path, plane=0)


def test_numbers_that_contradict_each_other(tmp_path: Path):
    path = tmp_path / "a.dm4"
    path.write_bytes(stack(data_type=1))
    with pytest.raises(BadImage, match=r"dm: .*a\.dm4 \(ImageList/1/ImageData/DataType\).*type 1.*type 4"):
        readers.open_film(path)
    data = stack()
    path.write_bytes(data.replace(struct.pack("<i", 40), struct.pack("<i", 50), 1))
    with pytest.raises(BadImage, match=r"dm: .*Data\).*30000 bytes of pixels.*24000 bytes"):
        readers.open_film(path)


@pytest.mark.parametrize("version", [3, 4])
def test_a_size_far_above_the_file_is_refused_before_memory_is_taken(tmp_path: Path, version: int):
    data = stack(version)
    for old, new in ((40, 60_000), (30, 60_000)):
        data = data.replace(struct.pack("<i", old), struct.pack("<i", new), 1)
    path = tmp_path / f"a.dm{version}"
    path.write_bytes(data)
    with pytest.raises(BadImage, match="72000000000 bytes of pixels"):
        readers.open_film(path)


def test_damaged_optional_tags_of_dm4_are_dropped_and_told(tmp_path: Path):
    tags = (
        ("Bad", Raw((77,), bytes(4))), ("Microscope Info", [("Voltage", 200000.0)]),
        ("Worse", Raw((20, 4, 2**62), b"ab")),
    )  # fmt: skip
    path = tmp_path / "a.dm4"
    path.write_bytes(stack(tags=tags))
    film = readers.open_film(path)
    np.testing.assert_array_equal(film[4].pixels, STACK[4])
    note = film[0].metadata["notes"][-1]
    assert note.startswith("damaged tags of the file are left out, 2 in all ('ImageList/1/ImageTags/Bad': ")
    assert "'ImageList/1/ImageTags/Worse'" in note
    assert film[0].metadata["acquisition"]["voltage_kV"] == 200.0


def test_behind_a_damaged_tag_of_dm3_nothing_is_read_but_pixels_before_it_are_kept(tmp_path: Path):
    path = tmp_path / "a.dm3"
    path.write_bytes(stack(3, tags=(("Bad", Raw((77,), bytes(4))), ("Microscope Info", [("Voltage", 200000.0)]))))
    film = readers.open_film(path)
    np.testing.assert_array_equal(film[4].pixels, STACK[4])
    assert "'ImageList/1/ImageTags/Bad'" in film[0].metadata["notes"][-1]
    assert film[0].metadata["notes"][-1].endswith("what stands behind is not read")
    images = (THUMBNAIL, Image(STACK[0], tags=(("Bad", Raw((77,), bytes(4))),)), Image(STACK))
    path.write_bytes(Gatan(images).bytes(Writer(3)))
    with pytest.raises(BadImage, match=r"dm: .*\(tag 'ImageList/1/ImageTags/Bad'\).*ImageList/2"):
        readers.open_film(path)


@pytest.mark.parametrize("version", [3, 4])
def test_groups_in_groups_without_end(tmp_path: Path, version: int):
    nested: list = [("Data", 1)]
    for _ in range(150):
        nested = [("deep", nested)]
    path = tmp_path / f"a.dm{version}"
    path.write_bytes(Writer(version).file([("Nest", nested)]))
    with pytest.raises(BadImage, match=r"BadImage/dm.*deep"):
        readers.open(path)
    behind = (("Nest", nested),)
    path.write_bytes(Gatan((THUMBNAIL, Image(STACK)), behind=behind).bytes(Writer(version)))
    film = readers.open_film(path)
    np.testing.assert_array_equal(film[9].pixels, STACK[9])
    assert "deeper than 64" in film[0].metadata["notes"][-1]


def test_a_file_without_images(tmp_path: Path):
    path = tmp_path / "a.dm4"
    path.write_bytes(Writer(4).file([("Other", 1)]))
    with pytest.raises(BadImage, match=r"BadImage/dm: .*no image"):
        readers.open(path)


def test_an_entry_count_that_is_too_small_loses_no_image(tmp_path: Path):
    for version in (3, 4):
        data = stack(version)
        at = data.index(b"ImageList") + 9 + (8 if version == 4 else 0) + 2
        width = 8 if version == 4 else 4
        assert int.from_bytes(data[at : at + width], "big") == 2
        path = tmp_path / f"a.dm{version}"
        path.write_bytes(data[:at] + (1).to_bytes(width, "big") + data[at + width :])
        with pytest.raises(BadImage, match="BadImage/dm"):
            readers.open_film(path)
