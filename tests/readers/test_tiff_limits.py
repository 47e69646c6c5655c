"""Files that were cut off, lie about their size, run in circles, or are larger than the memory."""

import importlib.util
import re
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from temj import memory, readers
from temj.errors import BadImage, ResourceError

_spec = importlib.util.spec_from_file_location("tiff_samples", Path(__file__).with_name("tiff_samples.py"))
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
RNG = np.random.default_rng(4)
PLANES = RNG.integers(0, 60_000, (12, 20, 30), np.uint16)
STACK = PLANES.reshape(3, 2, 2, 20, 30)


def retag(path: Path, page: int = 0, **tags: object) -> Path:
    with tifffile.TiffFile(path, mode="r+b") as tif:
        for name, value in tags.items():
            tif.pages[page].tags[name].overwrite(value)
    return path


def hyperstack(path: Path, compression: str | None = None) -> Path:
    tifffile.imwrite(path, STACK, imagej=True, compression=compression, metadata={"axes": "TZCYX"})
    return path


def chain(path: Path) -> list[int]:
    """Bytes at which the offsets of the following pages stand."""
    with tifffile.TiffFile(path) as tif:
        starts = [page.offset for page in tif.pages]
        return [start + 2 + 12 * struct.unpack("<H", path.read_bytes()[start : start + 2])[0] for start in starts]


def link(path: Path, page: int, offset: int) -> None:
    """Let the directory of a page (from 0) lead to a byte of the file."""
    data = bytearray(path.read_bytes())
    at = chain(path)[page]
    data[at : at + 4] = struct.pack("<I", offset)
    path.write_bytes(data)


@pytest.mark.parametrize("share", [0.3, 0.55, 0.8])
def test_partial_hyperstacks_without_compression(tmp_path: Path, share: float):
    path = hyperstack(tmp_path / "a.tif")
    with tifffile.TiffFile(path) as tif:
        start = tif.pages[0].dataoffsets[0]
    data = path.read_bytes()[: start + int(share * PLANES.nbytes)]
    path.write_bytes(data)
    whole = (len(data) - start) // PLANES[0].nbytes
    with pytest.raises(BadImage, match=f"found {whole} of 12"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert film.partial == (whole, 12)
    assert film.dimensions == ((2, 2, whole // 4) if whole % 4 == 0 else (1, whole, 1))
    for index, micrograph in enumerate(film):
        np.testing.assert_array_equal(micrograph.pixels, PLANES[index])
        assert f"partial: the file was cut off, {whole} of 12 planes are there" in micrograph.metadata["notes"]


@pytest.mark.parametrize("kind", ["imagej", "plain", "ome"])
def test_partial_stacks_with_compression(tmp_path: Path, kind: str):
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    with tifffile.TiffWriter(path, ome=kind == "ome", imagej=kind == "imagej") as tif:
        if kind == "plain":
            for plane in PLANES:
                tif.write(plane, compression="zlib", metadata=None)
        else:
            tif.write(PLANES, compression="zlib", photometric="minisblack", metadata={"axes": "ZYX"})
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[7]
        last = min(page.offset, page.dataoffsets[0])
        path_data = path.read_bytes()[: last + 20]
        known = sum(max(p.offset + 200, p.dataoffsets[-1] + p.databytecounts[-1]) < len(path_data) for p in tif.pages)
    path.write_bytes(path_data)
    with pytest.raises(BadImage) as caught:
        readers.open_film(path)
    assert caught.value.problem == "truncated"
    film = readers.open_film(path, allow_partial=True)
    assert len(film) >= max(known, 1)
    assert film.partial[0] == len(film) < film.partial[1]
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], PLANES[: len(film)])
    assert all(any("partial" in note for note in micrograph.metadata["notes"]) for micrograph in film)


def test_nothing_left_is_an_error_even_if_partial_is_allowed(tmp_path: Path):
    path = hyperstack(tmp_path / "a.tif")
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(BadImage):
        readers.open_film(path, allow_partial=True)


def plain(path: Path, **options: object) -> Path:
    with tifffile.TiffWriter(path, **options) as tif:
        for plane in PLANES[:5]:
            tif.write(plane, metadata=None, contiguous=False)
    return path


@pytest.mark.parametrize("back", [0, 2, 4])
def test_pages_in_a_circle(tmp_path: Path, back: int):
    path = plain(tmp_path / "a.tif")
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[back].offset
    link(path, 4, offset)
    with pytest.raises(BadImage, match=f"ifd-cycle: {re.escape(str(path))}.*page 5 leading back to page {back + 1}"):
        readers.open_film(path)


@pytest.mark.parametrize("offset", [10**6, 3, 2**32 - 1])
def test_a_chain_of_pages_that_breaks_is_no_end(tmp_path: Path, offset: int):
    path = plain(tmp_path / "a.tif")
    link(path, 2, offset)
    with pytest.raises(BadImage, match=r"truncated: .*more than the 3 pages.*page 4.*allow partial"):
        readers.open_film(path)
    film = readers.open_film(path, allow_partial=True)
    assert film.partial == (3, 4)
    assert len(film) == 3


def test_order_of_pages_without_axes_is_told(tmp_path: Path):
    film = readers.open_film(plain(tmp_path / "a.tif", bigtiff=True))
    assert film.dimensions == (1, 5, 1)
    assert film[3].metadata["notes"] == ("5 pages without axes in the file: taken as slices, in the order of the file",)


def test_tifffiles_own_stacks_of_one_directory(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", PLANES, photometric="minisblack", metadata={"axes": "TYX"}, ome=False)
    with tifffile.TiffWriter(tmp_path / "b.tif", shaped=True) as tif:
        tif.write(PLANES, photometric="minisblack", truncate=True)
    for name in "ab":
        film = readers.open_film(tmp_path / f"{name}.tif")
        assert len(film) == 12
        np.testing.assert_array_equal([micrograph.pixels for micrograph in film], PLANES)
    data = (tmp_path / "b.tif").read_bytes()
    (tmp_path / "b.tif").write_bytes(data[: -PLANES[0].nbytes])
    with pytest.raises(BadImage, match="found 11 of 12"):
        readers.open_film(tmp_path / "b.tif")


def test_metamorph_stacks(tmp_path: Path):
    path = tmp_path / "a.tif"
    path.write_bytes(samples.metamorph(PLANES[:3]))
    with tifffile.TiffFile(path) as tif:
        assert tif.is_stk
    film = readers.open_film(path)
    np.testing.assert_array_equal([micrograph.pixels for micrograph in film], PLANES[:3])
    assert "3 pages without axes" in film[0].metadata["notes"][0]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BadImage, match="found 2 of 3"):
        readers.open_film(path)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "zstd"])
def test_headers_that_promise_too_much_take_no_memory(tmp_path: Path, compression: str | None, monkeypatch):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), compression=compression, metadata=None)
    retag(path, ImageWidth=60_000, ImageLength=60_000, RowsPerStrip=60_000)
    monkeypatch.setattr(np, "full", lambda *_: pytest.fail("memory was taken"))
    with pytest.raises(BadImage, match=r"corrupt: .*page 1.*bytes of pixel data where .* needed"):
        readers.open(path)


def test_images_larger_than_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    image = np.zeros((6000, 6000), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", image, compression="zlib")
    (tmp_path / "b.png").write_bytes(imagecodecs.png_encode(image, level=1))
    monkeypatch.setenv(memory.LIMIT, "0.05")
    for name in ("a.tif", "b.png"):
        with pytest.raises(
            ResourceError, match=rf"{name}.*0\.\d GB of free memory for .*6000 x 6000.*0\.1 GB free.*TEMJ_M"
        ):
            readers.open(tmp_path / name)
    monkeypatch.setenv(memory.LIMIT, "nonsense")
    assert memory.available() is None or memory.available() > 10**7
    assert readers.open(tmp_path / "b.png").pixels.shape == image.shape


def png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """400 million pixels in 389 kB: whole, but too large for a small machine."""
    packer = zlib.compressobj(9)
    rows = b"".join([*(packer.compress(bytes(20_001 * 100)) for _ in range(200)), packer.flush()])
    (tmp_path / "a.png").write_bytes(png(20_000, 20_000, rows))
    assert (tmp_path / "a.png").stat().st_size < 400_000
    monkeypatch.setenv(memory.LIMIT, "1")
    with pytest.raises(ResourceError, match=r"2\.4 GB of free memory for 20000 x 20000 pixels.*1\.0 GB free"):
        readers.open(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(png(20_000, 20_000, rows[:1000]))
    with pytest.raises(BadImage, match="1000 bytes of compressed data for 20000 x 20000"):
        readers.open(tmp_path / "b.png")


def test_pngs_with_whole_parts_but_too_few_rows(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(png(30, 20, zlib.compress(bytes(31 * 12))))
    with pytest.raises(BadImage, match=r"BadImage/(corrupt|truncated)"):
        readers.open(tmp_path / "a.png")


@pytest.mark.slow
def test_mosaics_of_more_than_two_to_the_thirty_pixels(tmp_path: Path):
    """OpenCV refuses above 2^30 pixels and Pillow above 179 million."""
    side = 33_000
    row = (np.arange(side) % 251).astype(np.uint8)
    packer = zlib.compressobj(1)
    rows = b"".join([*(packer.compress(b"\0" + row.tobytes()) for _ in range(side)), packer.flush()])
    (tmp_path / "a.png").write_bytes(png(side, side, rows))
    tiles = (np.tile(row[:512], (512, 1)) for _ in range((-(-side // 512)) ** 2))
    tifffile.imwrite(tmp_path / "b.tif", tiles, shape=(side, side), dtype=np.uint8, tile=(512, 512), compression="zlib")
    pixels = readers.open(tmp_path / "a.png").pixels
    np.testing.assert_array_equal(pixels[[0, -1]], [row, row])
    del pixels
    pixels = readers.open(tmp_path / "b.tif").pixels
    assert pixels.shape == (side, side)
    np.testing.assert_array_equal(pixels[-1, :512], row[:512])


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [("finterval=0.25\n", 0.25), ("finterval=2\ntunit=min\n", 120), ("finterval=40\ntunit=ms\n", 0.04),
     ("finterval=500\ntunit=\\u00B5s\n", 5e-4), ("fps=7.0\n", None), ("finterval=0\n", None),
     ("finterval=1\ntunit=frame\n", None), ("finterval=-1\n", None), ("finterval=nan\n", None)],
)  # fmt: skip
def test_time_per_frame_of_imagej(tmp_path: Path, lines: str, seconds: float | None):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PLANES[0], description=f"ImageJ=1.54p\n{lines}", metadata=None)
    assert readers.open_film(path).frame_interval == seconds


def test_infos_of_imagej_are_kept(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", PLANES, imagej=True, metadata={"Info": "kV = 200\nMode = STEM", "axes": "TYX"})
    assert readers.open_film(tmp_path / "a.tif")[3].metadata["info"] == "kV = 200\nMode = STEM"
