"""Pixel sizes of a laboratory's own table."""

from pathlib import Path

import numpy as np
import pytest

from temj.data import Calibration, Film, Micrograph
from temj.errors import BadValue
from temj.readers.calibration_table import read_calibrations

HEADER = "microscope,mode,magnification,binning,nm_per_px,error_percent\n"


def micrograph(calibration: Calibration | None = None, **acquisition: object) -> Micrograph:
    known = {} if calibration is None else {"calibration": calibration}
    return Micrograph(np.zeros((2, 2), np.uint8), **known, metadata={"acquisition": acquisition})


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str, header: str = HEADER):
        path = tmp_path / "calibrations.csv"
        path.write_text(header + text, "utf-8")
        return read_calibrations(path)

    return write


def test_the_line_that_fits_gives_pixel_size_source_and_error(table) -> None:
    known = table("Tecnai F20,TEM,50000,1,0.39,1.5\nTecnai F20,TEM,50000,2,0.78,1.5\n,STEM,50000,,0.2,\n")
    found = known.calibrate(micrograph(microscope="tecnai  f20", mode="TEM", magnification=50000, binning=2))
    assert found.calibration == Calibration(0.78, 0.78, "nm")
    assert found.metadata["pixel_size_source"] == "calibrations.csv, line 3"
    assert found.metadata["pixel_size_error_percent"] == 1.5
    other = known.calibrate(micrograph(microscope="another", mode="STEM", magnification=50100))
    assert other.calibration.nm == (0.2, 0.2)
    assert "pixel_size_error_percent" not in other.metadata


def test_a_film_is_calibrated_plane_by_plane(table) -> None:
    one = micrograph(magnification=1000)
    film = table(",,1000,,12,\n").calibrate_film(Film("a", (1, 1, 2), lambda _index: one))
    assert [plane.calibration.nm for plane in film] == [(12.0, 12.0)] * 2


def test_lines_that_differ_and_fit_equally_give_none(table) -> None:
    found = table(",,1000,1,12,\n,,1000,2,24,\n").calibrate(micrograph(magnification=1000))
    assert not found.calibration.known
    assert "line 2: 12 nm, line 3: 24 nm" in found.metadata["notes"][0]


def test_the_files_own_pixel_size_stays_and_a_difference_is_told(table) -> None:
    known = table(",,1000,,12,\n")
    near, far = Calibration(12.1, 12.1, "nm"), Calibration(0.0123, 0.0123, "µm")
    assert known.calibrate(micrograph(near, magnification=1000)).metadata.get("notes", ()) == ()
    found = known.calibrate(micrograph(far, magnification=1000))
    assert found.calibration == far
    assert found.metadata["notes"] == ("the file's pixel size of 0.0123 µm is used; calibrations.csv has 12 nm",)


def test_without_magnification_nothing_is_guessed(table) -> None:
    assert not table(",,1000,,12,\n").calibrate(micrograph(mode="TEM")).calibration.known
    assert not table(",,1000,,12,\n").calibrate(micrograph(magnification=1020)).calibration.known


def test_all_wrong_lines_are_listed(table) -> None:
    with pytest.raises(BadValue) as raised:
        table(",,x,,12,\n,,1000,,,\n,,1000,,1e9,\n,,1000,,12,200\n,,-5,,12,\n")
    for line in range(2, 7):
        assert f"line {line}:" in raised.value.message
    with pytest.raises(BadValue, match="no line"):
        table("")
    with pytest.raises(BadValue, match="nm_per_px"):
        table("1000\n", "magnification\n")
