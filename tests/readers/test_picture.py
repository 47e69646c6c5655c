"""PNG and JPEG against OpenCV; what a JPEG decoder would fill up with grey is found."""

from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image

from temj import readers
from temj.errors import BadImage
from temj.readers.convert import CMYK_NOTE, COLOUR_NOTE
from temj.readers.jpeg import decode_whole, jpeg_size

RNG = np.random.default_rng(6)
NOISE = RNG.integers(0, 256, (61, 83), np.uint8)
SMOOTH = cv2.GaussianBlur(NOISE, (0, 0), 3)
RGB = np.dstack([SMOOTH, NOISE[::-1], SMOOTH[:, ::-1]])
KINDS = {"plain": [], "progressive": [2, 1], "optimised": [3, 1], "restarts": [4, 2]}
FILLED = np.full((64, 64), 128, np.uint8)


def jpeg(image: np.ndarray, kind: str, quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality, *KINDS[kind]])[1].tobytes()


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("image", [NOISE, RGB, FILLED, SMOOTH], ids=["noise", "colours", "grey", "smooth"])
def test_whole_jpegs_are_read_as_opencv_reads_them(tmp_path: Path, kind: str, image: np.ndarray):
    data = jpeg(image, kind)
    assert jpeg_size(data) == image.shape[:2]
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    expected = expected if expected.ndim == 2 else np.floor(expected.astype(float).mean(axis=2) + 0.5)
    for tail in (b"", b"text behind the picture \xff\xd9"):
        (tmp_path / "a.jpg").write_bytes(data + tail)
        np.testing.assert_array_equal(readers.open(tmp_path / "a.jpg").pixels, expected)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("quality", [40, 95])
def test_jpegs_with_an_end_mark_but_too_few_data(kind: str, quality: int):
    data = jpeg(NOISE, kind, quality)
    whole = imagecodecs.jpeg_decode(data)
    unseen = 0
    for cut in range(3, 300, 9):
        damaged = data[: -2 - cut] + b"\xff\xd9"
        try:
            unseen += not np.array_equal(decode_whole(damaged, imagecodecs.jpeg_decode), whole)
        except ValueError:
            continue
    assert unseen <= 1


def test_a_jpeg_without_its_end_says_so():
    data = jpeg(NOISE, "plain")
    for cut in (1, 2, 500, len(data) - 3):
        with pytest.raises(ValueError, match="the end of the JPEG data"):
            decode_whole(data[:-cut], imagecodecs.jpeg_decode)


def test_a_part_lost_between_restart_marks():
    data = jpeg(NOISE, "restarts")
    first = data.index(b"\xff\xd1")
    lost = data[:first] + data[data.index(b"\xff\xd2") :]
    with pytest.raises(ValueError, match="restart marks"):
        decode_whole(lost, imagecodecs.jpeg_decode)


def test_printing_colours(tmp_path: Path):
    ink = Image.fromarray(cv2.GaussianBlur(RGB, (0, 0), 4)).convert("CMYK")
    ink.save(tmp_path / "a.jpg", quality=98)
    micrograph = readers.open(tmp_path / "a.jpg")
    expected = np.asarray(Image.open(tmp_path / "a.jpg").convert("RGB")).astype(float).mean(axis=2)
    assert np.abs(micrograph.pixels - expected).max() <= 1.5
    assert micrograph.metadata["notes"] == (CMYK_NOTE, COLOUR_NOTE)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_kinds_of_png(tmp_path: Path, mode: str):
    image = Image.fromarray(SMOOTH.astype(np.uint16) * 250) if mode == "I;16" else Image.fromarray(RGB).convert(mode)
    image.save(tmp_path / "a.png")
    expected = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    expected = expected if expected.ndim == 2 else np.floor(expected[..., :3].astype(float).mean(axis=2) + 0.5)
    np.testing.assert_array_equal(readers.open(tmp_path / "a.png").pixels, expected)


@pytest.mark.parametrize("image", [NOISE, RGB, SMOOTH.astype(np.uint16) * 250], ids=["grey", "colours", "16 bit"])
@pytest.mark.parametrize("level", [0, 9])
def test_png_comes_back_exactly(tmp_path: Path, image: np.ndarray, level: int):
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, level])[1].tobytes())
    expected = image if image.ndim == 2 else np.floor(image.astype(float).mean(axis=2) + 0.5)
    np.testing.assert_array_equal(readers.open(tmp_path / "a.png").pixels, expected)


def test_animations_are_told(tmp_path: Path):
    frames = [Image.fromarray(np.roll(SMOOTH, 9 * k)) for k in range(3)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    micrograph = readers.open(tmp_path / "a.png")
    np.testing.assert_array_equal(micrograph.pixels, SMOOTH)
    assert micrograph.metadata["notes"] == ("an animation of 3 pictures: only the first is read",)


def test_a_png_that_is_a_jpeg_is_read(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(jpeg(SMOOTH, "plain"))
    assert readers.open(tmp_path / "a.png").pixels.shape == SMOOTH.shape


def test_a_size_that_is_not_that_of_the_data(tmp_path: Path):
    data = bytearray(jpeg(NOISE, "plain"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = b"\x7f\xff\x7f\xff"
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(BadImage, match="bytes of JPEG data for 32767 x 32767 pixels"):
        readers.open(tmp_path / "a.jpg")
