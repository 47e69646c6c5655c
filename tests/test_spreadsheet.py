"""Tables as spreadsheets write them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temj import spreadsheet
from temj.errors import BadValue, Refused
from temj.spreadsheet import Row, Sheet

CELL = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=6), separator=st.sampled_from([",", ";", "\t"]))
def test_what_is_written_is_read_again(tmp_path_factory, rows: list[list[str]], separator: str) -> None:
    path = tmp_path_factory.mktemp("sheet") / "a.csv"
    columns = ("image", "µ = value")
    written = Sheet(columns, tuple(Row(0, dict(zip(columns, row, strict=True))) for row in rows if any(row)), separator)
    spreadsheet.write(path, written)
    read = spreadsheet.read(path, required=columns)
    assert read.columns == columns
    assert [dict(row.cells) for row in read.rows] == [
        {k: v[1:] if v.startswith("'") and v[1:2] in ("=", "+", "-", "@") else v for k, v in row.cells.items()}
        for row in written.rows
    ]
    with pytest.raises(Refused):
        spreadsheet.write(path, written)


@pytest.mark.parametrize(
    "data",
    [
        b"image,dose\na.tif,0.5\n",
        b"\xef\xbb\xbfimage;dose\r\na.tif;0,5\r\n",
        b"image\tdose\r\na.tif\t0.5\r\n\r\n\t\r\n",
        b"image, dose \r\na.tif, 0.5\r\n",
        "image;dose\na.tif;0,5".encode("utf-16"),
    ],
)
def test_every_spreadsheets_dialect_gives_the_same_number(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    (row,) = spreadsheet.read(path, required=("image", "dose")).rows
    problems: list[str] = []
    assert (row.text("image"), row.number("dose", problems)) == ("a.tif", 0.5)
    assert not problems


def test_not_given_and_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b,c,d\nNot given,,nan,1e5\n", "utf-8")
    (row,) = spreadsheet.read(path).rows
    problems: list[str] = []
    assert [row.number(name, problems) for name in "abcd"] == [None, None, None, 1e5]
    assert problems == ["line 2: c is 'nan', expected a number or 'not given'"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "image"),
        (b"x,y\n", "image"),
        (b"image,image\n", "twice"),
        (b"image,a\n1,2,3\n", "line 2"),
        (b'image,a\n"1,2\n', None),
    ],
)
def test_broken_tables_are_errors_in_words(tmp_path: Path, data: bytes, told: str | None) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    if told is None:
        spreadsheet.read(path, required=("image",))
    else:
        with pytest.raises(BadValue, match=told):
            spreadsheet.read(path, required=("image",))
    with pytest.raises(BadValue, match="unreadable"):
        spreadsheet.read(tmp_path)


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    spreadsheet.write(path, Sheet(("a", "b"), (Row(0, {"a": "=HYPERLINK(1)", "b": "-1.5"}),)))
    assert path.read_bytes().decode("utf-8-sig") == "a,b\r\n'=HYPERLINK(1),-1.5\r\n"
