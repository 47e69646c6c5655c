"""The pixel size of a TIFF: ImageJ's way of reading it, and what is no pixel size at all."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from temj import readers
from temj.data import Calibration

GREY = np.zeros((4, 6), np.uint8)


def imagej(path: Path, lines: str, resolution: tuple = (2, 4), unit: int = 1) -> Path:
    text = f"ImageJ=1.54p\n{lines}"
    tifffile.imwrite(path, GREY, description=text, metadata=None, resolution=resolution, resolutionunit=unit)
    return path


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("nm", "nm"), ("um", "µm"), ("micron", "µm"), ("microns", "µm"), (r"\u00B5m", "µm"), ("mm", "mm"), ("A", "Å"),
        (r"\u00C5", "Å"), ("pm", "pm"), ("angstrom", "Å"), ("nanometer", "nm"), ("inch", "inch"),
    ],
)  # fmt: skip
def test_units_in_all_spellings(tmp_path: Path, written: str, expected: str):
    size = {"mm": 1e-3, "inch": 1e-6}.get(expected, 1.0)
    path = imagej(tmp_path / "a.tif", f"unit={written}\n", (2 / size, 4 / size))
    assert readers.open(path).calibration == Calibration(0.5 * size, 0.25 * size, expected)


@pytest.mark.parametrize("lines", ["", "unit=\n", "unit=pixel\n"])
def test_no_unit_is_no_pixel_size(tmp_path: Path, lines: str):
    micrograph = readers.open(imagej(tmp_path / "a.tif", lines))
    assert not micrograph.calibration.known
    assert micrograph.metadata["notes"] == ()


def test_other_units_are_told(tmp_path: Path):
    micrograph = readers.open(imagej(tmp_path / "a.tif", "unit=sec\n"))
    assert not micrograph.calibration.known
    assert "unit 'sec'" in micrograph.metadata["notes"][0]


def test_the_value_read_is_used_with_nine_digits(tmp_path: Path):
    size = readers.open(imagej(tmp_path / "a.tif", "unit=nm\n", ((2560163, 1000000), (1, 3)))).calibration
    assert size == Calibration(0.39060013, 3.0, "nm")


def test_micrometres_with_a_resolution_per_centimetre(tmp_path: Path):
    path = imagej(tmp_path / "a.tif", "unit=um\n", (20000, 40000), unit=3)
    assert readers.open(path).calibration == Calibration(0.5, 0.25, "µm")


def test_origin_and_a_unit_of_y_of_its_own(tmp_path: Path):
    lines = "unit=um\nyunit=nm\nxorigin=3.5\nyorigin=-2.0\n"
    assert readers.open(imagej(tmp_path / "a.tif", lines)).calibration == Calibration(0.5, 0.00025, "µm", 3.5, -2.0)


@pytest.mark.parametrize(
    ("unit", "resolution"),
    [("m", (1, 1)), ("nm", (10**6, 1)), ("nm", (1, (1, 10**8))), ("mm", ((1, 10**6), 1)), ("nm", ((0, 1), (0, 1)))],
)
def test_absurd_pixel_sizes_are_not_used(tmp_path: Path, unit: str, resolution: tuple):
    micrograph = readers.open(imagej(tmp_path / "a.tif", f"unit={unit}\nxorigin=5\n", resolution))
    assert not micrograph.calibration.known
    assert micrograph.calibration.x_origin == 5
    assert len(micrograph.metadata["notes"]) == 1


@pytest.mark.parametrize(("dots", "unit"), [(72, 2), (96, 2), (300, 2), (1200, 2), (28.3, 3), (118.11, 3)])
def test_printing_resolutions_are_no_pixel_sizes(tmp_path: Path, dots: float, unit: int):
    tifffile.imwrite(tmp_path / "a.tif", GREY, resolution=(dots, dots), resolutionunit=unit, metadata=None)
    micrograph = readers.open(tmp_path / "a.tif")
    assert not micrograph.calibration.known
    assert "printing" in micrograph.metadata["notes"][0]


@pytest.mark.parametrize(("dots", "unit"), [(72, "inch"), (300, "inch"), (4800, "in"), (28.3465, "cm"), (0, "inch")])
def test_printing_resolutions_in_imagejs_own_text_are_none_either(tmp_path: Path, dots: float, unit: str):
    """ImageJ keeps the 72 dots per inch of any picture that it saves."""
    path = imagej(tmp_path / "a.tif", f"unit={unit}\nxorigin=5\n", (dots, dots or 72), unit=2)
    micrograph = readers.open(path)
    assert not micrograph.calibration.known
    assert micrograph.calibration.x_origin == 5
    (note,) = micrograph.metadata["notes"]
    assert f"{dots or 1:g} pixels per {'cm' if unit == 'cm' else 'inch'} is a resolution for printing" in note
    assert "pixel_size_source" not in micrograph.metadata


@pytest.mark.parametrize("unit", ["inch", "cm"])
def test_microscopes_in_inch_and_cm_of_imagej_stay(tmp_path: Path, unit: str):
    micrograph = readers.open(imagej(tmp_path / "a.tif", f"unit={unit}\n", (2e7, 1e7)))
    assert micrograph.calibration == Calibration(5e-8, 1e-7, unit)
    assert micrograph.metadata["notes"] == ()


def test_plain_resolutions_of_microscopes_are_pixel_sizes(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, resolution=(2e7, 1e7), resolutionunit=3, metadata=None)
    assert readers.open(tmp_path / "a.tif").calibration == Calibration(0.0005, 0.001, "µm")
    tifffile.imwrite(tmp_path / "a.tif", GREY, resolution=(2.54e7, 2.54e7), resolutionunit=2, metadata=None)
    assert readers.open(tmp_path / "a.tif").calibration == Calibration(0.001, 0.001, "µm")


def test_signed_16_bit_of_imagej(tmp_path: Path):
    text = "ImageJ=1.54p\ncf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n"
    stored = np.array([[0, 32768, 65535]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stored, description=text, metadata=None)
    micrograph = readers.open(tmp_path / "a.tif")
    assert micrograph.pixels.dtype == np.float32
    np.testing.assert_array_equal(micrograph.pixels, [[-32768, 0, 32767]])


def test_grey_calibrations_beyond_32_bit_are_told(tmp_path: Path):
    micrograph = readers.open(imagej(tmp_path / "a.tif", "cf=0\nc0=0\nc1=1e38\n"))
    assert micrograph.pixels.dtype == np.uint8
    assert "leaves the range" in micrograph.metadata["notes"][0]


def test_other_grey_calibrations_are_told(tmp_path: Path):
    micrograph = readers.open(imagej(tmp_path / "a.tif", "cf=4\nc0=1.0\nc1=2.0\nvunit=OD\n"))
    assert micrograph.pixels.dtype == np.uint8
    assert "not a straight line" in micrograph.metadata["notes"][0]
