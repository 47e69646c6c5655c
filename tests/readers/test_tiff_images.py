"""Which pages of a TIFF are images: only what the file marks is left out, any other size is an error."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from temj import readers
from temj.errors import BadImage

_spec = importlib.util.spec_from_file_location("tiff_samples", Path(__file__).with_name("tiff_samples.py"))
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
PLANES = np.random.default_rng(8).integers(0, 60_000, (6, 64, 64), np.uint16)


def pages(path: Path, *arrays: np.ndarray, **first: object) -> Path:
    with tifffile.TiffWriter(path) as tif:
        for index, array in enumerate(arrays):
            tif.write(array, metadata=None, contiguous=False, **(first if index == 0 else {}))
    return path


def old_subfile_type(path: Path, page: int, value: int) -> None:
    """Turn tag 254 of a page (from 0) into the older tag 255 with this value."""
    with tifffile.TiffFile(path) as tif:
        at, order = tif.pages[page].tags["NewSubfileType"].offset, tif.byteorder
    data = bytearray(path.read_bytes())
    word = "little" if order == "<" else "big"
    data[at : at + 12] = b"".join(part.to_bytes(size, word) for part, size in ((255, 2), (3, 2), (1, 4), (value, 4)))
    path.write_bytes(data)


@pytest.mark.parametrize("allow_partial", [False, True])
def test_pages_that_are_marked_are_left_out(tmp_path: Path, allow_partial: bool):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(PLANES[0, :5, :6], metadata=None, subfiletype=1)
        tif.write(PLANES[1], metadata=None)
        tif.write(PLANES[2], metadata=None, subfiletype=1)
        tif.write(PLANES[3], metadata=None)
        tif.write(PLANES[4, :19] > 30_000, metadata=None, subfiletype=4)
    film = readers.open_film(tmp_path / "a.tif", allow_partial=allow_partial)
    np.testing.assert_array_equal([plane.pixels for plane in film], PLANES[[1, 3]])
    assert film.partial is None
    told = "3 pages that are thumbnails, masks or smaller copies are left out: page 1 (6 x 5), 3 (64 x 64), 5 (64 x 19)"
    assert told in film[0].metadata["notes"]


@pytest.mark.parametrize(("value", "left_out"), [(2, True), (3, False)])
def test_the_older_tag_marks_them_too(tmp_path: Path, value: int, left_out: bool):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        tif.write(PLANES[0], metadata=None)
        tif.write(PLANES[1, :32, :32], metadata=None, subfiletype=1)
    old_subfile_type(tmp_path / "a.tif", 1, value)
    if left_out:
        assert len(readers.open_film(tmp_path / "a.tif")) == 1
    else:
        with pytest.raises(BadImage, match="page-size"):
            readers.open_film(tmp_path / "a.tif")


def test_a_page_of_another_size_is_an_error(tmp_path: Path):
    path = pages(tmp_path / "a.tif", PLANES[0], PLANES[1, :32, :32])
    expected = (
        rf"BadImage/page-size: {re.escape(str(path))} \(page 2\)\. Expected 64 x 64 pixels, uint16 as in page 1, "
        r"found 32 x 32 pixels, uint16\. .*allow partial"
    )
    with pytest.raises(BadImage, match=expected):
        readers.open_film(path)


@pytest.mark.parametrize("position", [1, 2, 4])
@pytest.mark.parametrize("other", [PLANES[0, :32, :32], PLANES[0].astype(np.uint8), PLANES[0, :, :63]])
def test_partial_files_end_before_a_page_of_another_size(tmp_path: Path, position: int, other: np.ndarray):
    arrays = [*PLANES[:position], other, *PLANES[position:4]]
    path = pages(tmp_path / "a.tif", *arrays)
    with pytest.raises(BadImage, match=rf"page-size.*\(page {position + 1}\)"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert film.partial == (position, 5)
    np.testing.assert_array_equal([plane.pixels for plane in film], PLANES[:position])
    notes = film[0].metadata["notes"]
    assert f"partial: {position} of 5 planes are read" in notes
    assert any(
        note.startswith(f"partial: page {position + 1} has {other.shape[1]} x {other.shape[0]}") for note in notes
    )
    assert not any("cut off" in note for note in notes)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("odd", [1, 3])
def test_imagejs_stacks_of_several_sizes(tmp_path: Path, compression: str | None, odd: int):
    arrays = [*PLANES[:4]]
    arrays[odd] = PLANES[5, :32, :32]
    description = "ImageJ=1.54p\nimages=4\nslices=4\n"
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        for index, array in enumerate(arrays):
            text = description if index == 0 else None
            tif.write(array, metadata=None, contiguous=False, compression=compression, description=text)
    with pytest.raises(BadImage, match=rf"page-size.*\(page {odd + 1}\)"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert film.partial == (odd, 4)
    np.testing.assert_array_equal([plane.pixels for plane in film], PLANES[:odd])


@pytest.mark.parametrize(
    "tag", [samples.bytes_tag(34682, samples.FEI_TEXT), samples.bytes_tag(34118, samples.ZEISS_TEXT)]
)
def test_a_microscopes_thumbnail_behind_its_image(tmp_path: Path, tag: tuple):
    path = pages(tmp_path / "a.tif", PLANES[0], PLANES[1, :32, :32], extratags=[tag])
    film = readers.open_film(path)
    np.testing.assert_array_equal([plane.pixels for plane in film], PLANES[:1])
    assert any("left out: page 2 (32 x 32)" in note for note in film[0].metadata["notes"])
    for others in ((PLANES[1, :, :32],), (PLANES[1, :32, :32], PLANES[2, :32, :32]), (PLANES[1], PLANES[2, :32, :32])):
        with pytest.raises(BadImage, match="page-size"):
            readers.open_film(pages(tmp_path / "b.tif", PLANES[0], *others, extratags=[tag]))


def tiled(path: Path, *shapes: tuple[int, int]) -> Path:
    with tifffile.TiffWriter(path) as tif:
        for height, width in shapes:
            tif.write(np.full((height, width), 7, np.uint8), metadata=None, tile=(16, 16))
    return path


def test_pyramids_of_tiles(tmp_path: Path):
    film = readers.open_film(tiled(tmp_path / "a.tif", (65, 100), (33, 50), (16, 25)))
    assert len(film) == 1
    assert film[0].pixels.shape == (65, 100)
    assert "2 pages that are thumbnails, masks or smaller copies" in film[0].metadata["notes"][0]
    for shapes in (
        ((65, 100), (33, 50), (16, 20)),
        ((64, 64), (32, 32), (32, 32)),
        ((16, 16), (8, 8)),
        ((60, 60), (20, 20)),
    ):
        with pytest.raises(BadImage, match="page-size"):
            readers.open_film(tiled(tmp_path / "b.tif", *shapes))
