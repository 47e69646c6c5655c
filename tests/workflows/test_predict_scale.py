"""Where the pixel size of a batch comes from, and what is said where there is none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from temj import cli


def jeol(path: Path, pixels: np.ndarray, magnification: int) -> Path:
    """An SEM image whose side-car text knows the magnification only."""
    tifffile.imwrite(path, pixels)
    path.with_suffix(".txt").write_text(
        f"$CM_FORMAT JEOL\r\n$CM_INSTRUMENT JSM-7000F\r\n$CM_MAG {magnification}\r\n$CM_ACCEL_VOLT 15.00\r\n"
    )
    return path


def test_what_has_no_pixel_size_is_listed_before_the_first_prediction(
    micrograph: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    images = [micrograph("a.tif"), micrograph("b.tif", nm=None), micrograph("c.tif", nm=None)]
    assert cli.main(["predict", *map(str, images), "--output", str(tmp_path / "out"), "--area", "whole"]) == 0
    told = capsys.readouterr().err
    assert "2 of 3 images have no pixel size" in told
    assert told.index("  b.tif\n  c.tif\n") < told.index("Predicting")


def test_nothing_is_listed_where_all_is_known(
    micrograph: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    images = [micrograph("a.tif"), micrograph("b.tif", nm=None)]
    words = ["predict", *map(str, images), "--pixel-size", "0.390625", "--output", str(tmp_path / "out")]
    assert cli.main(words) == 0
    assert "no pixel size" not in capsys.readouterr().err


def test_a_calibration_table_scales_the_prediction(
    field: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    image, table = jeol(tmp_path / "a.tif", field, 80000), tmp_path / "calibrations.csv"
    table.write_text("magnification,nm_per_px,error_percent\n80000,0.390625,2\n", "utf-8")
    assert cli.main(["info", str(image), "--calibration-table", str(table)]) == 0
    assert "pixel size: 0.390625 nm ± 2 %, from calibrations.csv, line 2" in capsys.readouterr().out
    words = ["predict", str(image), "--output", str(tmp_path / "out")]
    assert cli.main([*words, "--calibration-table", str(table)]) == 0
    assert "number density" in capsys.readouterr().out
    assert cli.main([*words, "--overwrite"]) == 0
    assert "number density" not in capsys.readouterr().out


def test_a_wrong_table_stops_before_the_first_image(micrograph: Callable[..., Path], tmp_path: Path) -> None:
    table = tmp_path / "calibrations.csv"
    table.write_text("magnification,nm_per_px\n80000,x\n", "utf-8")
    out = tmp_path / "out"
    assert cli.main(["predict", str(micrograph("a.tif")), "--calibration-table", str(table), "--output", str(out)]) == 2
    assert not out.exists()


def test_one_file_of_an_absurd_size_does_not_end_the_batch(
    micrograph: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMJ_MEMORY_GB", "4")
    images = [micrograph("a.tif", nm=4000.0), micrograph("b.tif")]
    assert cli.main(["predict", *map(str, images), "--output", str(tmp_path / "out")]) == 3
    told = capsys.readouterr().out
    assert "1 image failed" in told
    assert "a.tif" in told
    assert told.startswith("b.tif: ")


def test_a_resumed_run_says_which_image_has_changed(
    micrograph: Callable[..., Path], tmp_path: Path, field: np.ndarray, capsys: pytest.CaptureFixture
) -> None:
    images = [micrograph("a.tif"), micrograph("b.tif")]
    words = ["predict", *map(str, images), "--output", str(tmp_path / "out")]
    assert cli.main(words) == 0
    micrograph("a.tif", pixels=field[::-1].copy())
    capsys.readouterr()
    assert cli.main([*words, "--resume"]) == 0
    told = capsys.readouterr().out
    assert "has changed since the earlier run: predicted again" in told
    assert "was done before" in told
