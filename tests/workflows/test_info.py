"""What ``temj info`` tells."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

import temj
from temj import area, cli
from temj.errors import BadImage
from temj.inference.checks import finite
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


def told(path: Path, capsys: pytest.CaptureFixture) -> str:
    assert cli.main(["info", str(path)]) == 0
    return capsys.readouterr().out


def test_pixels_that_prediction_refuses_are_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    pixels = np.random.default_rng(1).normal(100, 10, (64, 80)).astype(np.float32)
    pixels[7, 5] = pixels[30, 40] = np.nan
    pixels[50, 60] = np.inf
    tifffile.imwrite(tmp_path / "a.tif", pixels, metadata=None)
    text = told(tmp_path / "a.tif", capsys)
    assert "note: 3 px that are NaN or infinite, the first at x=5, y=7: prediction refuses the image unless" in text
    assert "--fill" in text
    with pytest.raises(BadImage, match="3 px that are NaN or infinite, the first at x=5, y=7"):
        finite(area.analysed(temj.open(tmp_path / "a.tif")), fill=False)
    tifffile.imwrite(tmp_path / "a.tif", np.full((64, 80), np.nan, np.float32), metadata=None)
    assert "prediction refuses the image and cannot fill them" in told(tmp_path / "a.tif", capsys)
    tifffile.imwrite(tmp_path / "a.tif", np.abs(np.nan_to_num(pixels, posinf=0)), metadata=None)
    assert "note" not in told(tmp_path / "a.tif", capsys)


def test_constant_images_and_stacks_are_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((40, 30), 9, np.uint8), metadata=None)
    assert "note: constant image: prediction finds nothing in it" in told(tmp_path / "a.tif", capsys)
    stack = np.ones((3, 40, 30), np.float32)
    stack[0, 2, 1] = np.nan
    tifffile.imwrite(tmp_path / "b.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    assert "note: plane 1 (the others were not looked at): 1 px that are NaN" in told(tmp_path / "b.tif", capsys)


def test_parts_that_were_never_written_are_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    path = tmp_path / "a.tif"
    image = np.random.default_rng(2).integers(60, 190, (64, 64)).astype(np.uint8)
    tifffile.imwrite(path, image, tile=(16, 16), compression="zlib", metadata=None)
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages[0].tags["TileByteCounts"].overwrite([0, *tif.pages[0].databytecounts[1:]])
    text = told(path, capsys)
    assert "analysed area: 93.8 % (left out: never written 6.2 %)" in text
    assert "note: sparse: 1 of 16 strips or tiles were never written; they are left out" in text


@pytest.mark.parametrize(
    ("metadata", "resolution", "shown"),
    [
        ({"unit": "nm", "spacing": 3.5}, (2, 2), "4 slices, 3.5 nm from slice to slice"),
        ({"unit": "um", "spacing": 0.25, "zunit": "nm"}, (2, 2), "4 slices, 0.00025 µm from slice to slice"),
        ({"spacing": 3.5}, (2, 2), None),
        ({"unit": "nm"}, (2, 2), None),
        ({"unit": "inch", "spacing": 0.0139}, (72, 72), None),
    ],
)
def test_the_distance_of_slices(tmp_path: Path, capsys, metadata: dict, resolution: tuple, shown: str | None) -> None:
    stack = np.arange(4 * 16 * 20, dtype=np.uint16).reshape(4, 16, 20)
    tifffile.imwrite(
        tmp_path / "a.tif", stack, imagej=True, resolution=resolution, metadata={"axes": "ZYX", **metadata}
    )
    text = told(tmp_path / "a.tif", capsys)
    assert (shown or "4 slices\n") in text
    assert ("from slice to slice" in text) == (shown is not None)
