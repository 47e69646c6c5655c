"""TIA's ``.ser`` and the settings in the ``.emi`` beside it; files by write_ser.py."""

import importlib.util
import pickle
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from temj import readers
from temj.data import Calibration
from temj.errors import BadImage

_spec = importlib.util.spec_from_file_location("write_ser", Path(__file__).with_name("write_ser.py"))
write_ser = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(write_ser)
Series, emi = write_ser.Series, write_ser.emi

STACK = np.arange(5 * 6 * 7, dtype=np.uint16).reshape(5, 6, 7)
ROWS = (
    ("Microscope", "Microscope TalosF200X 200 kV", ""), ("High tension", "200", "kV"),
    ("Mode", "TEM uP SA Zoom Image", ""),
    ("Defocus", "-1.500", "um"), ("Magnification", "22500", "x"), ("Camera length", "0.490", "m"),
    ("Stage A", "12.50", "deg"), ("Stage B", "-0.00", "deg"),
)  # fmt: skip
CAMERA = "<DwellTimePath>0.1</DwellTimePath><CameraNamePath>BM-Ceta</CameraNamePath><Binning>8</Binning>"
SCAN = "<DwellTimePath>0.000048</DwellTimePath><FrameTime>0.25</FrameTime>"


def write(path: Path, images: object = tuple(STACK), **details: object) -> Path:
    path.write_bytes(Series(images, **details).bytes())
    return path


@pytest.mark.parametrize("version", [0x0210, 0x0220])
def test_series_come_with_the_top_row_first(tmp_path: Path, version: int):
    film = readers.open_film(write(tmp_path / "a_1.ser", version=version))
    assert film.dimensions == (1, 5, 1)
    assert film.partial is None
    for index, micrograph in enumerate(film):
        np.testing.assert_array_equal(micrograph.pixels, STACK[index])
        assert micrograph.position == (1, index + 1, 1)
        assert micrograph.metadata["notes"] == ()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(film.read))(3).pixels, STACK[3])


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8"])
def test_numbers_of_all_kinds(tmp_path: Path, dtype: str):
    image = np.array([[0, 1, 100], [7, 3, 127]]).astype(dtype)
    micrograph = readers.open(write(tmp_path / "a.ser", [image]))
    np.testing.assert_array_equal(micrograph.pixels, image)
    assert micrograph.position == (0, 0, 0)


def test_calibration_and_origin(tmp_path: Path):
    micrograph = readers.open(write(tmp_path / "a.ser", STACK[:1], step=(2e-9, 3e-9), value=(-4e-9, -6e-9)))
    assert micrograph.calibration == Calibration(2.0, 3.0, "nm", 2.0, 3.0)  # column 2; row 2 from below of six
    assert micrograph.metadata["pixel_size_source"] == "TIA calibration of the image"
    assert readers.open(write(tmp_path / "b.ser", STACK[:1], step=(2e-6, 2e-6))).calibration.unit == "µm"
    assert not readers.open(write(tmp_path / "c.ser", STACK[:1], step=(0.0, 0.0))).calibration.known


def test_diffraction_patterns_have_no_pixel_size(tmp_path: Path):
    micrograph = readers.open(write(tmp_path / "a.ser", STACK[:1], step=(4e7, 4e7)))
    assert not micrograph.calibration.known
    expected = "this is a diffraction pattern (a pixel is 0.04 1/nm): pixel size not used"
    assert micrograph.metadata["notes"] == (expected,)
    assert micrograph.metadata["acquisition"] == {"mode": "diffraction"}


def test_settings_of_the_emi_beside_it(tmp_path: Path):
    write(tmp_path / "a_1.ser", STACK[:1])
    write(tmp_path / "a_2.ser")
    scan = [("Mode", "STEM nP SA Zoom Diffraction", ""), *ROWS[:2], *ROWS[3:]]
    (tmp_path / "a.emi").write_bytes(emi(ROWS, info=CAMERA) + emi(scan, info=SCAN))
    assert readers.open(tmp_path / "a_1.ser").metadata["acquisition"] == {
        "microscope": "TalosF200X 200 kV", "mode": "TEM", "voltage_kV": 200.0, "magnification": 22500.0,
        "defocus_nm": -1500.0, "tilt_alpha_deg": 12.5, "tilt_beta_deg": 0.0, "exposure_s": 0.1, "binning": 8,
        "detector": "BM-Ceta", "date": "2015-03-19T15:40:24",
    }  # fmt: skip
    film = readers.open_film(tmp_path / "a_2.ser")
    assert (film.dimensions, film.frame_interval) == ((1, 1, 5), 0.25)
    told = film[0].metadata["acquisition"]
    assert (told["mode"], told["camera_length_mm"], told["exposure_s"]) == ("STEM", 490.0, 0.25)


@pytest.mark.parametrize(
    ("data", "noted"),
    [
        (b"\0\xff no xml", False), (b"<ObjectInfo><a></ObjectInfo>", True), (emi(ROWS).replace(b"200", b"inf"), False),
        (b'<ObjectInfo><!DOCTYPE a [<!ENTITY b "c">]>&b;</ObjectInfo>', True),
        (b"<ObjectInfo>" + b"<a>" * 500_000 + b"</ObjectInfo>", True),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_read_are_left(tmp_path: Path, data: bytes, noted: bool):
    write(tmp_path / "a_1.ser", STACK[:1])
    (tmp_path / "a.emi").write_bytes(data)
    micrograph = readers.open(tmp_path / "a_1.ser")
    np.testing.assert_array_equal(micrograph.pixels, STACK[0])
    assert micrograph.calibration.known
    assert "voltage_kV" not in micrograph.metadata["acquisition"]
    assert any("a.emi cannot be read" in note for note in micrograph.metadata["notes"]) == noted


def test_an_acquisition_that_was_ended_early_is_whole_and_told(tmp_path: Path):
    film = readers.open_film(write(tmp_path / "a.ser", planned=200))
    assert len(film) == 5
    assert film[0].metadata["notes"] == ("the acquisition was ended after 5 of 200 images that were planned",)


@pytest.mark.parametrize("version", [0x0210, 0x0220])
def test_files_cut_off(tmp_path: Path, version: int):
    path = write(tmp_path / "a.ser", version=version)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(STACK[3][::-1].tobytes()) + 20])
    with pytest.raises(BadImage, match=r"truncated: .*a\.ser\. Expected 5 images, as the file announces, found 3 of 5"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert (film.partial, film.dimensions) == ((3, 5), (1, 3, 1))
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], STACK[:3])
    assert "partial: the file was cut off and holds 3 of 5 planes" in film[0].metadata["notes"]
    for length in (5, 20, 40, 100, data.index(STACK[0][::-1].tobytes()) + 20):
        path.write_bytes(data[:length])
        with pytest.raises(BadImage, match="truncated"):
            readers.open_film(path, allow_partial=True)


def test_images_of_several_sizes(tmp_path: Path):
    path = write(tmp_path / "a.ser", [STACK[0], STACK[1][:3]])
    with pytest.raises(
        BadImage, match=r"frame-size: .*\(image 2\). Expected 7 x 6 of type 2 as the first, found 7 x 3"
    ):
        readers.open_film(path)


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"data_type": 0x4120}, "a series of spectra"),
        ({"dimensions": (5, 1)}, ""),
        ({"dimensions": (2, 3)}, r"2 x 3 diffraction patterns \(4D-STEM\)"),
        ({"images": [np.ones((3, 4), np.complex64)]}, "complex numbers"),
    ],
)
def test_what_is_no_micrograph_is_refused_in_words(tmp_path: Path, details: dict, words: str):
    path = write(tmp_path / "a.ser", **details)
    if not words:
        assert len(readers.open_film(path)) == 5
        return
    with pytest.raises(BadImage, match=rf"not-a-micrograph: .*a\.ser.*found .*{words}"):
        readers.open_film(path)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (4, struct.pack("<H", 0x0300), "version 0x0300"),
        (6, struct.pack("<I", 0x9999), "data type 0x9999"),
        (18, struct.pack("<I", 0), "0 of 5 planned"),
        (18, struct.pack("<I", 9), "9 of 5 planned"),
        (14, struct.pack("<II", 2**31, 2**31 - 1), "truncated"),
        (22, struct.pack("<Q", 2**40), "truncated"),
        (30, struct.pack("<I", 2**31), "at most 16 dimensions"),
        (72, struct.pack("<QQ", 152, 152), "another order"),
        (152 + 42, struct.pack("<ii", 60_000, 60_000), "image 1 to end before the next begins"),
        (152 + 42, struct.pack("<ii", 0, 7), "0 x 7 of the data type 2"),
        (152 + 40, struct.pack("<h", 77), "data type 77"),
    ],
)
def test_heads_that_cannot_be_right(tmp_path: Path, place: int, value: bytes, words: str):
    path = write(tmp_path / "a.ser")
    data = bytearray(path.read_bytes())
    assert struct.unpack_from("<Q", data, 72) == (152,)  # the first image, behind the table of places
    data[place : place + len(value)] = value
    path.write_bytes(data)
    with pytest.raises(BadImage, match=words) as caught:
        readers.open_film(path)
    assert str(path) in caught.value.message
