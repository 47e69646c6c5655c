"""What all readers promise: faults are named with the full path, pixel sizes can be given, nothing wraps around."""

import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from temj import readers
from temj.data import Calibration
from temj.errors import BadImage, BadValue, MissingSoftware
from temj.opencv import missing, opencv
from temj.readers.convert import COLOUR_NOTE, to_pixels
from temj.registry import load

GREY = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100


def encoded(extension: str, array: np.ndarray) -> bytes:
    return cv2.imencode(extension, array)[1].tobytes()


def test_every_reader_of_the_table_can_be_imported():
    for target in readers.READERS.values():
        assert callable(load(target))


@pytest.mark.parametrize("extension", list(readers.READERS))
def test_empty_foreign_and_missing_files(tmp_path: Path, extension: str):
    path = tmp_path / f"a b#%ü{extension}"
    with pytest.raises(BadImage, match="BadImage/missing") as caught:
        readers.open(path)
    assert str(path) in caught.value.message
    path.write_bytes(b"")
    with pytest.raises(BadImage, match="BadImage/empty") as caught:
        readers.open(path)
    assert str(path) in caught.value.message
    path.write_bytes(b"<!DOCTYPE html><p>404")
    with pytest.raises(BadImage, match="BadImage/not-an-image") as caught:
        readers.open(path)
    assert "b'<!DOCTYPE html><'" in caught.value.message
    assert str(path) in caught.value.message
    path.unlink()
    path.mkdir()
    with pytest.raises(BadImage, match="BadImage/is-a-folder"):
        readers.open(path)


def test_unknown_extensions_list_the_known_ones(tmp_path: Path):
    (tmp_path / "a.xyz").write_bytes(b"abc")
    with pytest.raises(BadImage, match=r"unknown-format: .*a\.xyz.*\.tif, \.tiff, \.png, \.jpg, \.jpeg.*'\.xyz'"):
        readers.open(tmp_path / "a.xyz")


def test_files_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(".png", GREY))
    path.chmod(0)
    if os.access(path, os.R_OK):  # the super-user may read everything

        def refuse(self: Path, *arguments: object, **options: object) -> None:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BadImage, match=rf"no-permission: {re.escape(str(path))}.*Permission denied"):
        readers.open(path)


@pytest.mark.parametrize("array", [GREY, (GREY // 256).astype(np.uint8)])
def test_png_comes_back_exactly_without_pixel_size(tmp_path: Path, array: np.ndarray):
    path = tmp_path / "Bild 1.png"
    path.write_bytes(encoded(".png", array))
    micrograph = readers.open(path)
    np.testing.assert_array_equal(micrograph.pixels, array)
    assert micrograph.pixels.dtype == array.dtype
    assert micrograph.name == "Bild 1.png"
    assert not micrograph.calibration.known
    assert micrograph.position == (0, 0, 0)


def test_colour_becomes_the_rounded_mean(tmp_path: Path):
    colours = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    (tmp_path / "a.png").write_bytes(encoded(".png", colours))
    micrograph = readers.open(tmp_path / "a.png")
    np.testing.assert_array_equal(micrograph.pixels, np.floor(colours.mean(axis=2) + 0.5))
    assert micrograph.metadata["notes"] == (COLOUR_NOTE,)
    (tmp_path / "b.png").write_bytes(encoded(".png", np.dstack([colours, colours[..., 0]])))
    np.testing.assert_array_equal(readers.open(tmp_path / "b.png").pixels, micrograph.pixels)


def test_grey_stored_as_colour_needs_no_note(tmp_path: Path):
    grey = (GREY // 256).astype(np.uint8)
    (tmp_path / "a.jpg").write_bytes(encoded(".jpg", np.dstack([grey] * 3)))
    micrograph = readers.open(tmp_path / "a.jpg")
    assert micrograph.metadata["notes"] == ()
    assert np.abs(micrograph.pixels.astype(int) - grey).max() < 12


@pytest.mark.parametrize("extension", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_pictures_cut_off_are_never_filled_up(tmp_path: Path, extension: str, share: float):
    data = encoded(extension, np.random.default_rng(0).integers(0, 256, (200, 300), np.uint8))
    path = tmp_path / f"a{extension}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadImage, match=rf"truncated: {re.escape(str(path))}"):
        readers.open(path)


def test_png_with_a_flipped_bit_is_corrupt(tmp_path: Path):
    data = bytearray(encoded(".png", GREY))
    data[len(data) // 2] ^= 4
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(BadImage, match=r"corrupt: .*wrong checksum"):
        readers.open(tmp_path / "a.png")


def test_given_pixel_sizes_replace_the_files_own(tmp_path: Path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, imagej=True, resolution=(2, 2), metadata={"unit": "nm", "xorigin": 3.0})
    assert readers.open(path).calibration == Calibration(0.5, 0.5, "nm", 3.0)
    near = readers.open(path, Calibration(0.505, 0.505, "nm"))
    assert near.calibration.width == 0.505
    assert near.calibration.x_origin == 3.0
    assert near.metadata["notes"] == ()
    far = readers.open(path, Calibration(0.6, 0.5, "nm"))
    assert far.metadata["notes"] == ("pixel size 0.6 x 0.5 nm given by the user instead of the file's 0.5 nm",)
    other_unit = readers.open(path, Calibration(0.0005, 0.0005, "µm"))
    assert other_unit.metadata["notes"] == ()
    assert other_unit.calibration.unit == "µm"


def test_one_plane_of_many_must_be_chosen(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([GREY, GREY + 1]), photometric="minisblack")
    with pytest.raises(BadValue, match=r"plane: .*a\.tif.*0 to 1.*has 2.*none chosen"):
        readers.open(tmp_path / "a.tif")
    with pytest.raises(BadValue, match="found 2"):
        readers.open(tmp_path / "a.tif", plane=2)
    np.testing.assert_array_equal(readers.open(tmp_path / "a.tif", plane=1).pixels, GREY + 1)


CONVERSIONS = {
    "uint8": "uint8", "uint16": "uint16", "float32": "float32", "int8": "float32", "int16": "float32",
    "float16": "float32", "float64": "float32", "int32": "float32", "uint32": "float32", "int64": "float32",
    "uint64": "float32",
}  # fmt: skip


@pytest.mark.parametrize("dtype", list(CONVERSIONS))
@pytest.mark.parametrize("order", ["<", ">"])
def test_conversion_table(dtype: str, order: str):
    limits = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    values = (
        np.array([[limits.min, 0, 1, 255, 256, 257, limits.max]]) if dtype != "int8" else np.array([[-128, 0, 127]])
    )
    values = values.astype(float).clip(-(2.0**24), 2.0**24)
    if dtype == "uint8":
        values = values[values < 256][None]
    stored = values.astype(np.dtype(dtype).newbyteorder(order))
    notes: list[str] = []
    pixels = to_pixels(stored, "a.tif", notes)
    assert pixels.dtype == CONVERSIONS[dtype]
    assert pixels.dtype.isnative
    np.testing.assert_array_equal(pixels.astype(float), values)
    assert bool(notes) == (np.dtype(dtype).kind in "iu" and np.dtype(dtype).itemsize > 2)


def test_one_bit_is_black_and_white():
    np.testing.assert_array_equal(to_pixels(np.array([[True, False]]), "a", []), [[255, 0]])


def test_complex_numbers_are_no_grey_values():
    with pytest.raises(BadImage, match=r"pixels: a\.tif.*complex"):
        to_pixels(np.ones((2, 2), complex), "a.tif", [])


@given(arrays(np.uint16, (3, 4, 3)))
def test_16_bit_colours_never_wrap(colours: np.ndarray):
    expected = np.floor(colours.astype(float).sum(axis=2) / 3 + 0.5)
    np.testing.assert_array_equal(to_pixels(colours, "a", []), expected)


@given(arrays(np.float64, (2, 3), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_float64_becomes_the_nearest_float32_or_an_error(values: np.ndarray):
    with np.errstate(over="ignore"):
        expected = values.astype(np.float32)
    lost = int((np.isfinite(values) & ~np.isfinite(expected)).sum())
    if lost:
        with pytest.raises(BadImage, match=rf"range: a\. Expected .*3\.4e38.*found {lost} px beyond it.*Divide"):
            to_pixels(values, "a", [])
    else:
        np.testing.assert_array_equal(to_pixels(values, "a", []), expected)


def test_float64_beyond_32_bit_names_the_first_pixel(tmp_path: Path):
    values = np.ones((4, 5))
    values[2, 3], values[3, 1], values[0, 0] = 1e300, -1e300, np.inf
    tifffile.imwrite(tmp_path / "a.tif", values, metadata=None)
    with pytest.raises(
        BadImage, match=r"BadImage/range: .*a\.tif.*found 2 px beyond it, the first at x=3, y=2: 1e\+300"
    ):
        readers.open(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1e9, 1e9 + 1000], True), ([1e9, 1e9 + 1e6], False), ([1e-60, 3e-60], True), ([1e9, 1e9], False),
        ([0.1, 0.7], False), ([np.nan, np.inf], False), ([np.nan, 1e9, 1e9 + 1], True), ([3.4e38, -3.4e38], False),
    ],
)  # fmt: skip
def test_float64_whose_differences_are_lost_is_told(values: list[float], told: bool):
    notes: list[str] = []
    to_pixels(np.array([values]), "a", notes)
    assert bool(notes) == told
    assert all("in steps of" in note and "subtract or multiply by a constant" in note for note in notes)


def test_missing_system_libraries_are_named_with_their_package():
    message = "libGL.so.1: cannot open shared object file: No such file or directory"
    error = missing(message)
    assert isinstance(error, MissingSoftware)
    assert "libgl1" in error.message
    assert "mesa-libGL" in error.message
    assert "pip install opencv-python" in missing("No module named 'cv2'").message


def test_a_failing_import_of_opencv_is_explained(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(MissingSoftware, match="opencv"):
        opencv()
