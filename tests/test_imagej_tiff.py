"""TIFFs as ImageJ writes them (the real ImageJ reads them in tests/annotations/test_overlays.py)."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from temj import readers
from temj.data import Calibration
from temj.imagej_tiff import Header, _ratio, write


@given(st.floats(1e-4, 1e4))
@settings(max_examples=200, deadline=None)
def test_pixel_sizes_survive_as_fractions(size: float):
    numerator, denominator = _ratio(size)
    assert 0 < numerator < 2**32
    assert 0 < denominator < 2**32
    assert denominator / numerator == pytest.approx(size, rel=1e-9)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_everything_comes_back(tmp_path: Path, dtype: str):
    planes = np.random.default_rng(0).integers(0, 200, (6, 5, 7)).astype(dtype)
    calibration = Calibration(0.39, 1 / 3, "nm", 4.5, -2.0)
    header = Header((5, 7), planes.dtype, (0, 200), calibration, (1, 2, 3), 0.04, "made in a test")
    path = tmp_path / "a.tif"
    with path.open("wb") as file:
        write(file, iter(planes), header)
    film = readers.open_film(path)
    assert (film.dimensions, film.frame_interval) == ((1, 2, 3), 0.04)
    for micrograph, plane in zip(film, planes, strict=True):
        np.testing.assert_array_equal(micrograph.pixels, plane)
        assert micrograph.calibration.width == pytest.approx(0.39, rel=1e-8)
        assert (micrograph.calibration.unit, micrograph.calibration.x_origin) == ("nm", 4.5)
    with tifffile.TiffFile(path) as tif:
        assert tif.imagej_metadata["Info"] == "made in a test"


def test_equal_input_gives_equal_bytes():
    header = Header((2, 2), np.dtype("uint8"), (0, 1), rois=[b"Iout1234"])
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        write(file, [np.eye(2)], header)
    assert files[0].getvalue() == files[1].getvalue()


def test_channels_have_labels_and_ranges_of_their_own(tmp_path: Path):
    header = Header((2, 3), np.dtype("float32"), (0.0, 1.0), dimensions=(2, 1, 2), labels=("a", "b") * 2)
    path = tmp_path / "a.tif"
    with path.open("wb") as file:
        write(file, np.zeros((4, 2, 3), np.float32), header)
    with tifffile.TiffFile(path) as tif:
        assert tif.imagej_metadata["Labels"] == ["a", "b", "a", "b"]
        assert tif.imagej_metadata["Ranges"] == (0.0, 1.0, 0.0, 1.0)
        assert tif.imagej_metadata["mode"] == "grayscale"
    assert [plane.slice_label for plane in readers.open_film(path)] == ["a", "b", "a", "b"]


def test_a_colour_table(tmp_path: Path):
    colours = np.zeros((256, 3), np.uint8)
    colours[1] = (255, 127, 14)
    path = tmp_path / "a.tif"
    with path.open("wb") as file:
        write(file, [np.eye(3, dtype=np.uint8)], Header((3, 3), np.dtype("uint8"), (0, 255), colours=colours))
    with tifffile.TiffFile(path) as tif:
        assert (tif.pages[0].colormap[:, 1] // 257).tolist() == [255, 127, 14]
        np.testing.assert_array_equal(tif.asarray(), np.eye(3))
