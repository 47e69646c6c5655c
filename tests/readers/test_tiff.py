"""TIFF: planes in ImageJ's order, read one by one; cut off or damaged files are named, never filled up."""

import copy
import io
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from temj import readers
from temj.errors import BadImage, ResourceError

RNG = np.random.default_rng(5)
STACK = RNG.integers(0, 60_000, (2, 3, 4, 20, 30), np.uint16)  # frames, slices, channels
PLANES = STACK.reshape(-1, 20, 30)


def write(path: Path, array: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, array, **options)
    return path


def hyperstack(path: Path, **options: object) -> Path:
    metadata = {"axes": "TZCYX", "unit": "nm", "Labels": [f"label {k}" for k in range(24)]}
    return write(path, STACK, imagej=True, resolution=(2, 4), metadata=metadata, **options)


def one_directory(path: Path) -> Path:
    """ImageJ's way to write stacks above 4 GB: one directory, all planes behind it."""
    description = "ImageJ=1.54p\nimages=24\nchannels=4\nslices=3\nframes=2\nhyperstack=true\nunit=nm\n"
    tifffile.imwrite(path, PLANES[0], description=description, metadata=None, resolution=(2, 4), resolutionunit=1)
    with path.open("ab") as file:
        file.write(PLANES[1:].tobytes())
    return path


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"byteorder": ">"}])
def test_hyperstacks(tmp_path: Path, options: dict):
    film = readers.open_film(hyperstack(tmp_path / "a.tif", **options))
    assert film.dimensions == (4, 3, 2)
    assert film.name == "a.tif"
    for index, micrograph in enumerate(film):
        np.testing.assert_array_equal(micrograph.pixels, PLANES[index])
        frame, plane, channel = np.unravel_index(index, (2, 3, 4))
        assert micrograph.position == (channel + 1, plane + 1, frame + 1)
        assert micrograph.slice_label == f"label {index}"
        assert (micrograph.calibration.width, micrograph.calibration.height) == (0.5, 0.25)


def test_stacks_with_one_directory_are_read_plane_by_plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    film = readers.open_film(one_directory(tmp_path / "big.tif"))
    assert film.dimensions == (4, 3, 2)
    read = []
    fromfile = np.fromfile
    monkeypatch.setattr(np, "fromfile", lambda *a, **k: read.append(a[2]) or fromfile(*a, **k))
    np.testing.assert_array_equal(film[23].pixels, PLANES[23])
    assert read == [600]


def test_ome_order_is_turned_into_imagejs(tmp_path: Path):
    for axes, order in (("TZCYX", (0, 1, 2)), ("CTZYX", (2, 0, 1)), ("ZCTYX", (1, 2, 0))):
        array = STACK.transpose([*order, 3, 4])
        metadata = {"axes": axes, "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 6e-4}
        film = readers.open_film(write(tmp_path / "a.ome.tif", array, photometric="minisblack", metadata=metadata))
        assert film.dimensions == (4, 3, 2)
        for index in (0, 5, 13, 23):
            np.testing.assert_array_equal(film[index].pixels, PLANES[index])
    assert (film[0].calibration.width, film[0].calibration.height) == (0.5, 0.6)


def test_plain_stacks_leave_thumbnails_out(tmp_path: Path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for plane in PLANES[:3]:
            tif.write(plane, metadata=None)
        tif.write(PLANES[0, ::2, ::2], metadata=None, subfiletype=1)
    film = readers.open_film(tmp_path / "a.tif")
    assert film.dimensions == (1, 3, 1)
    assert film[2].position == (1, 3, 1)
    assert (
        "1 page that is a thumbnail, mask or smaller copy is left out: page 4 (15 x 10)" in film[2].metadata["notes"][0]
    )


@pytest.mark.parametrize(
    ("text", "dimensions"),
    [("", (1, 6, 1)), ("channels=3\nframes=2\n", (3, 1, 2)), ("slices=4\n", (1, 6, 1)), ("images=\n", (1, 6, 1))],
)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_imagejs_text_without_a_number_of_images_hides_no_page(tmp_path: Path, text, dimensions, compression):
    description = f"ImageJ=1.54p\n{text}unit=nm\n"
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for index, plane in enumerate(PLANES[:6]):
            tif.write(
                plane, metadata=None, contiguous=False, compression=compression,
                description=description if index == 0 else None, resolution=(2, 4), resolutionunit=1,
            )  # fmt: skip
    film = readers.open_film(tmp_path / "a.tif")
    assert film.dimensions == dimensions
    for index, micrograph in enumerate(film):
        np.testing.assert_array_equal(micrograph.pixels, PLANES[index])
        assert micrograph.calibration.width == 0.5


@pytest.mark.parametrize("compression", [5, 32773, 8])
def test_compressions_are_read_with_what_is_installed(tmp_path: Path, compression: int):
    for dtype in ("uint8", "uint16", "int16", "float32", "int32"):
        planes = [(plane // 256).astype(dtype) for plane in PLANES[:3]]
        data = cv2.imencodemulti(".tif", planes, [cv2.IMWRITE_TIFF_COMPRESSION, compression])[1].tobytes()
        assert tifffile.TiffFile(io.BytesIO(data)).pages[0].compression == compression
        (tmp_path / "a.tif").write_bytes(data)
        for index, micrograph in enumerate(readers.open_film(tmp_path / "a.tif")):
            np.testing.assert_array_equal(micrograph.pixels, planes[index])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64", "int32", "uint32"])
def test_all_kinds_of_pixels(tmp_path: Path, dtype: str):
    values = RNG.integers(0, 250, (20, 30)).astype(dtype)
    micrograph = readers.open(write(tmp_path / "a.tif", values))
    np.testing.assert_array_equal(micrograph.pixels, values)
    assert micrograph.pixels.dtype in (np.uint8, np.uint16, np.float32)


def test_one_bit_colour_tables_and_colours(tmp_path: Path):
    bits = RNG.integers(0, 2, (20, 30)).astype(bool)
    np.testing.assert_array_equal(readers.open(write(tmp_path / "a.tif", bits)).pixels, bits * 255)
    indices = (PLANES[0] // 256).astype(np.uint8)
    table = np.zeros((3, 256), np.uint16)
    table[0] = np.arange(255, -1, -1) * 256
    coloured = readers.open(write(tmp_path / "b.tif", indices, photometric="palette", colormap=table))
    np.testing.assert_array_equal(coloured.pixels, (255 - indices.astype(int) + 1) // 3)
    assert "colour table" in coloured.metadata["notes"][0]
    for planar in ("contig", "separate"):
        colours = RNG.integers(0, 256, (20, 30, 3), np.uint8)
        stored = colours if planar == "contig" else np.moveaxis(colours, -1, 0)
        path = write(tmp_path / "c.tif", stored, photometric="rgb", planarconfig=planar)
        np.testing.assert_array_equal(readers.open(path).pixels, np.floor(colours.mean(axis=2) + 0.5))


def test_lost_directories_behind_whole_pixels_do_not_matter(tmp_path: Path):
    path = hyperstack(tmp_path / "a.tif")
    path.write_bytes(path.read_bytes()[:-1500])
    np.testing.assert_array_equal([micrograph.pixels for micrograph in readers.open_film(path)], PLANES)


@pytest.mark.parametrize("kept", [0.02, 0.1, 0.5, 0.8])
def test_stacks_cut_off_say_how_many_are_left(tmp_path: Path, kept: float):
    for path in (hyperstack(tmp_path / "a.tif"), one_directory(tmp_path / "b.tif")):
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * kept)])
        with pytest.raises(BadImage) as caught:
            readers.open_film(path)
        assert str(path) in caught.value.message
        whole = (int(len(data) * kept) - 400) // 1200
        if caught.value.problem == "truncated" and whole > 1:
            assert re.search(rf"found ({whole - 1}|{whole}|{whole + 1}) of 24", caught.value.message)


def test_announced_slices_that_are_not_there(tmp_path: Path):
    description = "ImageJ=1.54p\nimages=10\nslices=10\n"
    path = write(tmp_path / "a.tif", PLANES[0], description=description, metadata=None)
    with pytest.raises(BadImage, match=r"truncated: .*a\.tif\. Expected 10 slices.*found 1 of 10"):
        readers.open_film(path)
    path = write(tmp_path / "b.tif", PLANES[0], description=description, metadata=None, compression="zlib")
    with pytest.raises(BadImage, match="found 1 of 10"):
        readers.open_film(path)


def test_announced_ome_planes_that_are_not_there(tmp_path: Path):
    write(tmp_path / "a.tif", PLANES[:5], photometric="minisblack", metadata={"axes": "ZYX"}, ome=True)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        text = tif.pages[0].description
    write(tmp_path / "b.tif", PLANES[:2], photometric="minisblack", description=text, metadata=None)
    with pytest.raises(BadImage, match="found 2 of 5"):
        readers.open_film(tmp_path / "b.tif")


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_single_images_cut_off(tmp_path: Path, compression: str | None):
    path = tmp_path / "a.tif"
    if compression == "lzw":
        path.write_bytes(cv2.imencode(".tif", PLANES[0], [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1].tobytes())
    else:
        write(path, PLANES[0], compression=compression, rowsperstrip=4)
    data = path.read_bytes()
    for kept in range(9, len(data) - 60, 97):
        path.write_bytes(data[:kept])
        with pytest.raises(BadImage) as caught:
            readers.open(path)
        assert caught.value.problem in ("truncated", "corrupt")
        assert str(path) in caught.value.message


@pytest.mark.parametrize("compression", ["zlib", "lzw"])
def test_damaged_strips_are_named_by_page(tmp_path: Path, compression: str):
    path = tmp_path / "a.tif"
    planes = RNG.integers(0, 60_000, (3, 200, 300), np.uint16)
    if compression == "lzw":
        path.write_bytes(cv2.imencodemulti(".tif", list(planes), [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1].tobytes())
    else:
        write(path, planes, compression="zlib", rowsperstrip=50, photometric="minisblack")
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[1].dataoffsets[1]
    data = bytearray(path.read_bytes())
    data[at + 500 : at + 900] = b"\xff" * 400
    path.write_bytes(data)
    film = readers.open_film(path)
    np.testing.assert_array_equal(film[0].pixels, planes[0])
    with pytest.raises(BadImage, match=r"corrupt: .*a\.tif \(page 2, strip \d+\)"):
        film[1]
    np.testing.assert_array_equal(film[2].pixels, planes[2])


@pytest.mark.parametrize("code", [9, 34_661, 65_123])
def test_unsupported_compression_says_what_to_do(tmp_path: Path, code: int):
    path = write(tmp_path / "a.tif", PLANES[0])
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[0].tags["Compression"].valueoffset
    data[at : at + 2] = code.to_bytes(2, "little")
    path.write_bytes(data)
    with pytest.raises(BadImage, match=rf"compression: .*a\.tif \(page 1\).*{code}.*uncompressed"):
        readers.open(path)


def test_images_without_memory_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write(tmp_path / "a.tif", PLANES[0])

    def no_memory(self: tifffile.TiffPage) -> None:
        raise MemoryError

    monkeypatch.setattr(tifffile.TiffPage, "asarray", no_memory)
    with pytest.raises(ResourceError, match="memory"):
        readers.open(path)


def test_no_damage_gives_a_traceback(tmp_path: Path):
    """Flipped bytes anywhere give an image or an error of ours."""
    whole = hyperstack(tmp_path / "a.tif", compression="zlib").read_bytes()
    rng = np.random.default_rng(9)
    outcomes = set()
    for _ in range(150):
        data = bytearray(whole)
        for at in rng.integers(0, 1500, 6):
            data[at] = rng.integers(0, 256)
        (tmp_path / "b.tif").write_bytes(data)
        try:
            film = readers.open_film(tmp_path / "b.tif")
            film[len(film) - 1]
            outcomes.add("read")
        except (BadImage, ResourceError) as error:
            outcomes.add(error.problem)
    assert "corrupt" in outcomes


@pytest.mark.parametrize("tag", ["ImageLength", "ImageWidth"])
def test_images_without_rows_or_columns(tmp_path: Path, tag: str):
    path = write(tmp_path / "a.tif", PLANES[0])
    with tifffile.TiffFile(path) as tif:
        at = tif.pages[0].tags[tag].valueoffset
    data = bytearray(path.read_bytes())
    data[at : at + 4] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(BadImage, match=r"a\.tif \(page 1\)"):
        readers.open(path)


def test_long_and_narrow_images(tmp_path: Path):
    narrow = RNG.integers(0, 255, (1, 20_000), np.uint8)
    np.testing.assert_array_equal(readers.open(write(tmp_path / "a.tif", narrow)).pixels, narrow)
    np.testing.assert_array_equal(readers.open(write(tmp_path / "b.tif", narrow.T)).pixels, narrow.T)


def test_films_can_be_sent_to_other_processes(tmp_path: Path):
    film = readers.open_film(hyperstack(tmp_path / "a.tif"))
    np.testing.assert_array_equal(copy.deepcopy(film)[7].pixels, PLANES[7])
