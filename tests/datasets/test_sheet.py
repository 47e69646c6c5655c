"""The sample sheet."""

from pathlib import Path

import pytest

from temj.datasets.sheet import COLUMNS, FOUND, complete_sheet, read_sheet
from temj.errors import BadDataset, BadValue


def test_a_fresh_sheet_has_a_line_an_image_and_knows_what_the_files_say(tmp_path: Path) -> None:
    sheet = tmp_path / "samples.csv"
    images = [(tmp_path / "a" / "1.tif", {"voltage_kV": "200", "mode": "STEM"}), (tmp_path / "2.tif", {})]
    assert complete_sheet(sheet, images) == 2
    lines = sheet.read_text("utf-8-sig").splitlines()
    assert lines[0] == ",".join((*COLUMNS, *FOUND))
    assert lines[1].startswith("a/1.tif,not given,not given")
    first, second = read_sheet(sheet)
    assert (first.image, first.mode, first.dose, first.material) == ("a/1.tif", "STEM", None, None)
    assert (second.image, second.mode, dict(second.more)) == ("2.tif", None, {})


def test_what_was_filled_in_is_never_lost(tmp_path: Path) -> None:
    sheet = tmp_path / "samples.csv"
    sheet.write_bytes(
        "operator;image;dose;dose_unit;thickness_nm;g\r\nAnnë;2.tif;0,5;dpa;120;-200\r\n".encode("utf-8-sig")
    )
    assert complete_sheet(sheet, [(tmp_path / "2.tif", {"date": "2020"}), (tmp_path / "3.tif", {})]) == 1
    assert complete_sheet(sheet, [(tmp_path / "3.tif", {})]) == 0
    second, third = read_sheet(sheet)
    assert (second.dose, second.dose_unit, second.thickness_nm, second.g) == (0.5, "dpa", 120.0, "-200")
    assert dict(second.more) == {"operator": "Annë"}
    assert third.image == "3.tif"
    assert sheet.read_text("utf-8-sig").splitlines()[1].startswith("Annë;2.tif;0,5;dpa;120;-200")


def test_all_wrong_cells_are_listed(tmp_path: Path) -> None:
    sheet = tmp_path / "samples.csv"
    sheet.write_text("image,dose,dose_unit,thickness_nm\na,x,dpa,\nb,1,,\nb,1,dpa,-3\n,,dpa,\n", "utf-8")
    with pytest.raises(BadDataset) as raised:
        read_sheet(sheet)
    for told in ("line 2: dose is 'x'", "line 3: the dose has no unit", "line 4: thickness_nm", "lines 3, 4", "line 5"):
        assert told in raised.value.message
    sheet.write_text("sample\nx\n", "utf-8")
    with pytest.raises(BadValue, match="image"):
        read_sheet(sheet)


def test_what_is_no_sheet_is_never_touched(tmp_path: Path) -> None:
    image, table = tmp_path / "a.tif", tmp_path / "a.csv"
    for path in (image, table):
        path.write_bytes(b"II*\0\x1b[2J\x00\xff")
        with pytest.raises(BadValue) as raised:
            complete_sheet(path, [(image, {})])
        assert raised.value.message.isprintable()
        assert path.read_bytes() == b"II*\0\x1b[2J\x00\xff"
