"""Every kind of TIFF a microscope or program writes: the pixels are those that independent readers see."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.io
import tifffile
from PIL import Image

from temj import readers
from temj.errors import BadImage
from temj.readers.convert import ALPHA_NOTE, CMYK_NOTE, COLOUR_NOTE, DEEP_COLOUR_NOTE, ycbcr_to_rgb

RNG = np.random.default_rng(3)
NOISE = RNG.integers(0, 256, (50, 70), np.uint8)
SMOOTH = cv2.GaussianBlur(NOISE, (0, 0), 3)
RGB = np.dstack([SMOOTH, SMOOTH[::-1], NOISE])
CODECS = ["zlib", "lzw", "zstd", "lzma", "jpeg2000"]


def open_pixels(path: Path, **options: object) -> np.ndarray:
    return readers.open(path, **options).pixels


def mean(colours: np.ndarray) -> np.ndarray:
    return np.floor(colours[..., :3].astype(float).sum(axis=2) / 3 + 0.5)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("options", [{"tile": (16, 32)}, {"bigtiff": True, "byteorder": ">", "rowsperstrip": 7}])
def test_lossless_codecs(tmp_path: Path, codec: str, options: dict):
    lossless = {"reversible": True} if codec == "jpeg2000" else None
    image = SMOOTH.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", image, compression=codec, compressionargs=lossless, **options)
    np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), image)


@pytest.mark.parametrize("codec", ["packbits", "webp", "jpeg", "png", "lerc", "jpegxl"])
def test_8_bit_codecs(tmp_path: Path, codec: str):
    image = RGB if codec == "webp" else SMOOTH
    arguments = {"webp": {"lossless": True}, "jpeg": {"level": 95}}.get(codec)
    tifffile.imwrite(tmp_path / "a.tif", image, compression=codec, compressionargs=arguments)
    expected = tifffile.imread(tmp_path / "a.tif")
    np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), mean(expected) if expected.ndim == 3 else expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("codec", ["zlib", "lzw"])
def test_predictors(tmp_path: Path, dtype: str, codec: str):
    image = (SMOOTH * 0.75 - (50 if dtype[0] != "u" else 0)).astype(dtype)
    predictor = 3 if dtype.startswith("float") else 2
    tifffile.imwrite(tmp_path / "a.tif", image, compression=codec, predictor=predictor)
    np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), image)


def retagged(path: Path, rows: np.ndarray, codec: str | None, **tags: int) -> None:
    """A TIFF of these bytes (height, bytes of a row) whose tags then say something else about them."""
    tifffile.imwrite(path, rows.view(np.int8), metadata=None, compression=codec, rowsperstrip=len(rows))
    with tifffile.TiffFile(path, mode="r+b") as tif:
        for name, value in tags.items():
            tif.pages[0].tags[name].overwrite(value)


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 9, 10, 12, 14])
@pytest.mark.parametrize("codec", [None, "zlib", "lzw"])
def test_packed_bits(tmp_path: Path, bits: int, codec: str | None):
    image = RNG.integers(0, 2**bits, (50, 71)).astype(np.uint16)
    unpacked = np.unpackbits(image[..., None].byteswap().view(np.uint8), axis=-1)[..., 16 - bits :]
    rows = np.packbits(unpacked.reshape(50, -1), axis=1)
    retagged(tmp_path / "a.tif", rows, codec, ImageWidth=71, BitsPerSample=bits, SampleFormat=1)
    np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), image * (255 if bits == 1 else 1))


def test_bits_of_pillow(tmp_path: Path):
    for compression in ("raw", "group4", "group3", "tiff_ccitt"):
        Image.fromarray(SMOOTH > 128).save(tmp_path / "a.tif", compression=compression)
        np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), (SMOOTH > 128) * 255, err_msg=compression)


def test_half_and_24_bit_floats(tmp_path: Path):
    values = np.float16([[0.5, -2.25, 65504], [np.inf, 6e-8, 1]])
    tifffile.imwrite(tmp_path / "a.tif", values)
    np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), values.astype(np.float32))
    # 24 bits: one of sign, 7 of exponent (bias 63), 16 of mantissa
    words = b"".join(word.to_bytes(3, "little") for word in (0x3F0000, 0xBF8000, 0x400000))
    rows = np.frombuffer(words, np.uint8)[None]
    retagged(tmp_path / "b.tif", rows, None, ImageWidth=3, BitsPerSample=24, SampleFormat=3)
    np.testing.assert_array_equal(open_pixels(tmp_path / "b.tif"), [[1, -1.5, 2]])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(("codec", "tile"), [(None, None), ("lzw", None), ("zstd", (16, 16)), (None, (16, 16))])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_colours(tmp_path: Path, planar: str, codec: str | None, dtype: str, tile: tuple | None):
    colours = (RGB.astype(float) / (255 if dtype == "float32" else 1)).astype(dtype)
    stored = colours if planar == "contig" else np.moveaxis(colours, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, compression=codec, tile=tile)
    micrograph = readers.open(tmp_path / "a.tif")
    expected = mean(colours) if dtype != "float32" else colours.mean(axis=2, dtype=float).astype(np.float32)
    np.testing.assert_array_equal(micrograph.pixels, expected)
    assert micrograph.metadata["notes"] == (COLOUR_NOTE if dtype == "uint8" else DEEP_COLOUR_NOTE,)


def test_transparency_is_left_out(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([RGB, NOISE]), photometric="rgb", extrasamples=["unassalpha"])
    micrograph = readers.open(tmp_path / "a.tif")
    np.testing.assert_array_equal(micrograph.pixels, mean(RGB))
    assert micrograph.metadata["notes"] == (ALPHA_NOTE, COLOUR_NOTE)
    grey = np.dstack([SMOOTH, NOISE])
    tifffile.imwrite(
        tmp_path / "b.tif", grey, photometric="minisblack", extrasamples=["assocalpha"], planarconfig="contig"
    )
    micrograph = readers.open(tmp_path / "b.tif")
    np.testing.assert_array_equal(micrograph.pixels, SMOOTH)
    assert micrograph.metadata["notes"] == (ALPHA_NOTE,)


@pytest.mark.parametrize("channels", [2, 5, 7])
def test_several_channels_are_no_grey_value(tmp_path: Path, channels: int):
    image = RNG.integers(0, 255, (20, 30, channels), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack", planarconfig="contig")
    with pytest.raises(BadImage, match=rf"pixels: .*a\.tif \(page 1\).*{channels} channels.*one channel a page"):
        readers.open(tmp_path / "a.tif")


def test_cmyk_as_pillow_turns_it_into_colours(tmp_path: Path):
    ink = Image.fromarray(np.dstack([RGB, SMOOTH]), "CMYK")
    ink.save(tmp_path / "a.tif", compression="raw")
    micrograph = readers.open(tmp_path / "a.tif")
    colours = np.asarray(ink.convert("RGB"))
    assert np.abs(micrograph.pixels - mean(colours)).max() <= 1
    assert CMYK_NOTE in micrograph.metadata["notes"]
    tifffile.imwrite(tmp_path / "b.tif", np.asarray(ink).astype(np.uint16) * 257, photometric="separated")
    assert np.abs(open_pixels(tmp_path / "b.tif") / 257 - mean(colours)).max() <= 1.5


def test_ycbcr_as_opencv_turns_it_into_colours(tmp_path: Path):
    stored = cv2.cvtColor(RGB, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]]
    expected = cv2.cvtColor(stored[..., [0, 2, 1]].copy(), cv2.COLOR_YCrCb2RGB)
    assert np.abs(ycbcr_to_rgb(stored).astype(int) - expected).max() <= 1
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="ycbcr", compression="zlib", subsampling=(1, 1))
    assert np.abs(open_pixels(tmp_path / "a.tif") - mean(expected)).max() <= 1


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 2), (2, 1)])
def test_jpeg_colours(tmp_path: Path, subsampling: tuple):
    smooth = cv2.GaussianBlur(RGB, (0, 0), 4)
    tifffile.imwrite(tmp_path / "a.tif", smooth, compression="jpeg", subsampling=subsampling, rowsperstrip=16)
    expected = mean(tifffile.imread(tmp_path / "a.tif"))
    np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), expected)
    assert np.abs(expected - mean(smooth)).mean() < 3


@pytest.mark.parametrize("kind", ["cielab", "icclab", "cfa"])
def test_colours_without_one_conversion_are_refused(tmp_path: Path, kind: str):
    image = SMOOTH if kind == "cfa" else RGB
    tifffile.imwrite(tmp_path / "a.tif", image, photometric=kind)
    with pytest.raises(BadImage, match=rf"pixels: .*{kind.upper()}"):
        readers.open(tmp_path / "a.tif")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_colour_tables_of_pillow_and_others(tmp_path: Path, bits: int):
    picture = Image.fromarray(RGB).quantize(2**bits)
    picture.save(tmp_path / "a.tif")
    expected = mean(np.asarray(picture.convert("RGB")))
    np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), expected)


def test_complex_numbers_and_volumes_are_refused(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((20, 30), np.complex64))
    with pytest.raises(BadImage, match=r"pixels: .*COMPLEX"):
        readers.open(tmp_path / "a.tif")
    tifffile.imwrite(tmp_path / "b.tif", np.ones((16, 32, 48), np.uint8), volumetric=True, tile=(16, 16, 16))
    with pytest.raises(BadImage, match="a depth of 16"):
        readers.open(tmp_path / "b.tif")


def test_white_is_zero_keeps_the_numbers_and_says_so(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", SMOOTH, photometric="miniswhite", compression="lzw")
    micrograph = readers.open(tmp_path / "a.tif")
    np.testing.assert_array_equal(micrograph.pixels, SMOOTH)
    assert "0 is white" in micrograph.metadata["notes"][0]


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_orientation_is_not_obeyed_but_told(tmp_path: Path, orientation: int):
    tag = [(274, 3, 1, orientation, True)]
    tifffile.imwrite(tmp_path / "a.tif", SMOOTH, extratags=tag)
    picture = Image.fromarray(SMOOTH)
    exif = Image.Exif()
    exif[274] = orientation
    picture.save(tmp_path / "b.png", exif=exif)
    picture.save(tmp_path / "c.jpg", exif=exif, quality=95)
    for name in ("a.tif", "b.png", "c.jpg"):
        micrograph = readers.open(tmp_path / name)
        assert micrograph.pixels.shape == SMOOTH.shape
        assert np.abs(micrograph.pixels.astype(int) - SMOOTH).max() < 10
        told = [note for note in micrograph.metadata["notes"] if f"orientation {orientation}" in note]
        assert len(told) == (orientation != 1), name


@pytest.mark.parametrize("shape", [(1, 1), (1, 20_000), (20_000, 1), (3, 3)])
@pytest.mark.parametrize("options", [{}, {"tile": (16, 16), "compression": "zlib"}, {"compression": "lzw"}])
def test_tiny_and_narrow_images(tmp_path: Path, shape: tuple, options: dict):
    image = RNG.integers(0, 60_000, shape).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", image, **options)
    np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), image)
    cv2.imwrite(str(tmp_path / "b.png"), image)
    np.testing.assert_array_equal(open_pixels(tmp_path / "b.png"), image)


def test_files_of_other_writers(tmp_path: Path):
    for dtype, compression in ((np.uint8, 5), (np.uint16, 32946), (np.float32, 8), (np.uint8, 32773)):
        image = SMOOTH.astype(dtype) * (1 if dtype == np.uint8 else 3)
        cv2.imwrite(str(tmp_path / "a.tif"), image, [cv2.IMWRITE_TIFF_COMPRESSION, compression])
        np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), skimage.io.imread(tmp_path / "a.tif"))
        np.testing.assert_array_equal(open_pixels(tmp_path / "a.tif"), image)
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg"):
        Image.fromarray(SMOOTH).save(tmp_path / "b.tif", compression=compression)
        np.testing.assert_array_equal(open_pixels(tmp_path / "b.tif"), np.asarray(Image.open(tmp_path / "b.tif")))
    assert tifffile.TiffFile(io.BytesIO((tmp_path / "b.tif").read_bytes())).pages[0].compression == 7


def test_damaged_jpeg_strips_are_named(tmp_path: Path):
    """A decoder of JPEG alone fills what is missing with grey."""
    tifffile.imwrite(tmp_path / "a.tif", NOISE, compression="jpeg", rowsperstrip=16)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        at, count = tif.pages[0].dataoffsets[1], tif.pages[0].databytecounts[1]
    data[at + count // 2 : at + count] = b"\xff\xd9" * ((count - count // 2 + 1) // 2)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(BadImage, match=r"corrupt: .*page 1, strip 2.*end of the JPEG data"):
        readers.open(tmp_path / "a.tif")


@pytest.mark.parametrize("codec", ["zlib", "lzw", "packbits", "zstd", "lzma", "png", "jpegxl"])
def test_damaged_tiles_are_named(tmp_path: Path, codec: str):
    tifffile.imwrite(tmp_path / "a.tif", NOISE, compression=codec, tile=(32, 32))
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        at, count = tif.pages[0].dataoffsets[4], tif.pages[0].databytecounts[4]
    data[at + count // 2 : at + count] = b"\x80" * (count - count // 2)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(BadImage, match=r"corrupt: .*page 1, tile 5"):
        readers.open(tmp_path / "a.tif")
