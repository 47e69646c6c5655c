"""Strips and tiles that were never written are no data: they are outside the analysed area, or the file is refused."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from temj import area, readers
from temj.errors import BadImage
from temj.workflows.areas import chosen

RNG = np.random.default_rng(5)


def write(path: Path, array: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, array, **options)
    return path


def test_tiles_that_were_never_written_are_told(tmp_path: Path):
    """Byte count 0: a sparse file of tifffile or GDAL."""
    path = write(tmp_path / "a.tif", np.ones((64, 64), np.uint16), tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as tif:
        counts = list(tif.pages[0].databytecounts)
        counts[3] = counts[7] = 0
        tif.pages[0].tags["TileByteCounts"].overwrite(counts)
    micrograph = readers.open(path)
    assert micrograph.metadata["sparse"] == 2
    assert "sparse: 2 of 16 strips or tiles were never written; they are left out" in micrograph.metadata["notes"]
    assert micrograph.pixels.sum() == 14 * 256
    np.testing.assert_array_equal(micrograph.area, micrograph.pixels == 1)


@pytest.mark.parametrize(
    ("kind", "options", "boxes"),
    [
        ("Tile", {"tile": (16, 32)}, [(0, 16, 32, 64), (48, 50, 64, 70)]),
        ("Strip", {"rowsperstrip": 7}, [(7, 14, 0, 70), (49, 50, 0, 70)]),
        ("Strip", {"rowsperstrip": 9, "planarconfig": "separate"}, [(9, 18, 0, 70), (45, 50, 0, 70)]),
    ],
)
@pytest.mark.parametrize("compression", ["zlib", "jpeg"])
@pytest.mark.parametrize("offset", ["kept", "0"])
def test_what_was_never_written_does_not_count(
    tmp_path: Path, kind: str, options: dict, boxes: list, compression: str, offset: str
):
    """The second and the last piece, which is smaller than the others, of three channels that of one is enough."""
    image = RNG.integers(200, 256, (3, 50, 70), np.uint8)
    colours = {"photometric": "rgb"} if "planarconfig" in options else {}
    stored = image if colours else image[0]
    path = write(tmp_path / "a.tif", stored, compression=compression, metadata=None, **options, **colours)
    with tifffile.TiffFile(path, mode="r+b") as tif:
        page, missing = tif.pages[0], (1, len(tif.pages[0].databytecounts) - 1)
        for name, values in (("ByteCounts", page.databytecounts), ("Offsets", page.dataoffsets)):
            zeros = [0 if index in missing else value for index, value in enumerate(values)]
            if name == "ByteCounts" or offset == "0":
                page.tags[kind + name].overwrite(zeros)
    expected = np.ones((50, 70), bool)
    for top, bottom, left, right in boxes:
        expected[top:bottom, left:right] = False
    micrograph = readers.open(path)
    np.testing.assert_array_equal(micrograph.area, expected)
    assert micrograph.pixels[expected].min() > 150
    assert micrograph.metadata["sparse"] == 2


@pytest.mark.parametrize("how", ["auto", "whole"])
def test_what_was_never_written_is_no_data_of_a_prediction(tmp_path: Path, how: str):
    image = RNG.integers(60, 190, (64, 64)).astype(np.uint8)
    path = write(tmp_path / "a.tif", image, tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as tif:
        counts = list(tif.pages[0].databytecounts)
        counts[5] = 0
        tif.pages[0].tags["TileByteCounts"].overwrite(counts)
    micrograph = readers.open(path)
    written = np.ones((64, 64), bool)
    written[16:32, 16:32] = False
    np.testing.assert_array_equal(area.analysed(micrograph, how=how).area, written)
    assert area.note(area.choose(micrograph, how=how)).endswith("left out: never written (6.2 %)")
    regions = chosen(how)
    np.testing.assert_array_equal(regions.apply(micrograph).area, written)
    (fact,) = regions.facts()
    assert fact["left_out"] == [{"kind": "never written", "percent": 6.25, "box": [16, 16, 16, 16]}]
    assert list(regions.found_rois().name) == ["exclude: never written"]


def test_files_without_any_written_tile_are_no_images(tmp_path: Path):
    path = write(tmp_path / "a.tif", np.ones((64, 64), np.uint16), tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as tif:
        tif.pages[0].tags["TileByteCounts"].overwrite([0] * 16)
    with pytest.raises(BadImage, match=r"truncated: .*page 1.*16 strips or tiles.*found 0"):
        readers.open(path)


def test_tiles_behind_the_end_are_never_zeros(tmp_path: Path):
    path = write(tmp_path / "a.tif", np.ones((64, 64), np.uint16), tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as tif:
        offsets = list(tif.pages[0].dataoffsets)
        offsets[3] = 10**6
        tif.pages[0].tags["TileOffsets"].overwrite(offsets)
    with pytest.raises(BadImage, match=r"truncated: .*page 1.*16 strips or tiles.*found 15"):
        readers.open(path)
