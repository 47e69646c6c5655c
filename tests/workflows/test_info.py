"""What ``temj info`` tells."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import cli
from temj.workflows.info import tell


def test_a_file_in_words(micrograph: Callable[..., Path], capsys: pytest.CaptureFixture) -> None:
    path = micrograph("a.tif")
    assert cli.main(["info", str(path)]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{path}\n  256 x 192 pixels, 8-bit, grey values ")
    assert "pixel size: 0.390625 nm, from" in told


def test_an_unknown_pixel_size_and_a_stack(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "film.tif"
    stack = np.arange(5 * 16 * 20, dtype=np.uint16).reshape(5, 16, 20)
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "TYX", "finterval": 0.5})
    assert cli.main(["info", str(path)]) == 0
    told = capsys.readouterr().out
    assert "20 x 16 pixels, 16-bit" in told
    assert "5 frames, 0.5 s from frame to frame" in told
    assert "pixel size: not given; results would be in pixels" in told


def test_json_is_json_and_failures_are_in_it(
    micrograph: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    micrograph("a.tif")
    (tmp_path / "b.tif").write_bytes(b"<html>not found</html>")
    assert cli.main(["info", str(tmp_path), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    (image,) = told["images"]
    assert (image["width"], image["height"], image["pixel_width"], image["unit"]) == (256, 192, 0.390625, "nm")
    assert image["analysed_area_percent"] == 100.0
    (failure,) = told["failures"]
    assert failure["code"] == "BadImage/not-an-image"


def test_a_scale_bar_is_told(micrograph: Callable[..., Path], field: np.ndarray) -> None:
    drawn = field.copy()
    cv2.rectangle(drawn, (12, 176), (72, 181), 255, -1)
    row = tell([micrograph("a.tif", drawn)])["images"]
    assert "scale bar" in row["left_out"][0]
    assert row["analysed_area_percent"][0] < 100


def test_the_sheet_is_made_and_completed(micrograph: Callable[..., Path], tmp_path: Path) -> None:
    micrograph("a.tif")
    sheet = tmp_path / "samples.csv"
    assert cli.main(["info", str(tmp_path), "--sheet", str(sheet)]) == 0
    text = sheet.read_text("utf-8-sig")
    sheet.write_text(text.replace("a.tif,not given", "a.tif,=steel 7"), "utf-8")
    micrograph("b.tif")
    assert cli.main(["info", str(tmp_path), "--sheet", str(sheet)]) == 0
    lines = sheet.read_text("utf-8-sig").splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["a.tif", "'=steel 7"], ["b.tif", "not given"]]
    assert "0.390625" in lines[1]


def test_a_calibration_table_gives_what_the_file_has_not(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    image, table = tmp_path / "zeiss.tif", tmp_path / "calibrations.csv"
    ini = "[System]\r\nType=SEM\r\n[EScan]\r\nHV=5000\r\n[Beam]\r\nHV=5000\r\n[Image]\r\nMagCanvasRealWidth=1\r\n"
    ini += "MagnificationMode=1\r\n[Private.Fei]\r\nx=1\r\n[User]\r\nUser=x\r\n"
    tifffile.imwrite(image, np.eye(16, dtype=np.uint8), extratags=[(34682, 2, 0, ini, True)])
    table.write_text("microscope,magnification,nm_per_px,error_percent\n,50000,0.5,2\n", "utf-8")
    assert cli.main(["info", str(image), "--calibration-table", str(table)]) == 0
    assert "pixel size: not given" in capsys.readouterr().out
