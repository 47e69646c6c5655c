"""PNG and JPEG. They have no pixel size of their own, but a text file of the microscope's maker beside them may.

The orientation tag of cameras is not obeyed, as in ImageJ, and a note says so: ROIs drawn there must fit here.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path

import imagecodecs
import numpy as np

from temj import memory
from temj.data import Film, Micrograph
from temj.errors import BadImage, ResourceError
from temj.readers.convert import CMYK_NOTE, cmyk_to_rgb, orientation_note, to_pixels
from temj.readers.files import not_an_image, read_all
from temj.readers.jpeg import decode_whole, jpeg_size
from temj.readers.tiff_scale import told_calibration
from temj.readers.vendors import ask_side_cars

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""PNG's colour type → channels once decoded."""
_INFLATE = 1032
"""The most bytes that one byte of deflate can become."""


def open_film(path: Path, _allow_partial: bool = False) -> Film:
    """The one micrograph of a PNG or JPEG file.

    Raises:
        BadImage: missing, empty, not a PNG or JPEG, cut off or damaged.
        ResourceError: it does not fit into the memory.
    """
    return Film.of(read_picture(path))


def read_picture(path: Path) -> Micrograph:
    """The file's pixels, 8-bit or 16-bit grey (colour becomes grey, with a note)."""
    data = read_all(path)
    if not data.startswith((PNG, JPEG)):
        raise not_an_image(path, "a PNG or JPEG image")
    notes: list[str] = []
    try:
        samples = _png(data, path, notes) if data.startswith(PNG) else _jpeg(data, path, notes)
    except (BadImage, ResourceError):
        raise
    except MemoryError as error:
        raise ResourceError("memory", where=path, found="a picture that does not fit") from error
    except Exception as error:
        # The codecs raise many kinds of errors for damaged data; none of them is a defect of ours.
        text = str(error) or type(error).__name__
        raise _damaged(path, text) from error
    pixels = to_pixels(samples, path, notes)
    metadata: dict[str, object] = {}
    told = ask_side_cars(path, pixels.shape)
    found = [(source.source, told_calibration(source, notes)) for source in told]
    source, calibration = next((pair for pair in found if pair[1].known), ("", None))
    for source_told in reversed(told):
        metadata["acquisition"] = metadata.get("acquisition", {}) | source_told.acquisition.known()
    metadata |= {"pixel_size_source": source} if calibration else {}
    scale = {"calibration": calibration} if calibration else {}
    return Micrograph(pixels, name=path.name, metadata={**metadata, "notes": tuple(notes)}, **scale)


def _damaged(path: Path, text: str) -> BadImage:
    return BadImage(
        "truncated" if "the end of the" in text else "corrupt",
        where=path,
        expected="a whole picture",
        found=text,
        remedy="Copy or export the picture again.",
    )


def _require_memory(path: Path, height: int, width: int, sample_bytes: int) -> None:
    """Stop before decoding what would not fit."""
    remedy = f"Crop the image, free memory, or raise the limit {memory.LIMIT} if you set it."
    needed = height * width * (2 * sample_bytes + 4)
    if needed > 1 << 26:
        memory.require(needed, memory.available(), path, f"{width} x {height} pixels", remedy)


def _png(data: bytes, path: Path, notes: list[str]) -> np.ndarray:
    """The samples of a PNG. Its chunks are checked first: decoders may leave out rows that are missing."""
    chunks = list(_chunks(data))
    head = chunks[0][1] if chunks and chunks[0][0] == b"IHDR" else b""
    if len(head) < 13:
        raise ValueError("no header of a PNG")
    width, height = (int.from_bytes(head[at : at + 4], "big") for at in (0, 4))
    sample_bytes = _CHANNELS.get(head[9], 4) * max(head[8] // 8, 1)
    stored = sum(len(body) for kind, body in chunks if kind == b"IDAT")
    rows = height * ((width * head[8] * (1 if head[9] == 3 else _CHANNELS.get(head[9], 4)) + 7) // 8)
    if stored * _INFLATE < rows:
        raise ValueError(f"{stored} bytes of compressed data for {width} x {height} pixels")
    _require_memory(path, height, width, sample_bytes)
    for kind, body in chunks:
        if kind == b"acTL" and int.from_bytes(body[:4], "big") > 1:
            notes.append(f"an animation of {int.from_bytes(body[:4], 'big')} pictures: only the first is read")
        if kind == b"eXIf":
            notes += orientation_note(_orientation(body))
    return imagecodecs.png_decode(data)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, content) of all chunks.

    Raises:
        ValueError: a wrong checksum, or no end.
    """
    at = len(PNG)
    while at + 12 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + size
        if end > len(data):
            break
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise ValueError(f"a wrong checksum in the part {kind.decode('latin-1')!r} at byte {at}")
        yield kind, data[at + 8 : end - 4]
        if kind == b"IEND":
            return
        at = end
    raise ValueError(f"the end of the file after {len(data)} bytes, before the end of the picture")


def _jpeg(data: bytes, path: Path, notes: list[str]) -> np.ndarray:
    """The samples of a JPEG whose data are all there."""
    size = jpeg_size(data)
    if size is None:
        raise ValueError("no size of the picture")
    _require_memory(path, *size, 4)
    at = data.find(b"Exif\0\0", 0, 1 << 17)
    if at > 0:
        notes += orientation_note(_orientation(data[at : at + (1 << 16)]))
    samples = decode_whole(data, imagecodecs.jpeg_decode)
    if samples.shape[:2] != size:
        raise ValueError(f"{samples.shape[:2]} pixels where {size} are announced")
    if samples.ndim == 3 and samples.shape[2] == 4 and prod(samples.shape):
        notes.append(CMYK_NOTE)
        return cmyk_to_rgb(~samples)  # Adobe's JPEG: 255 is no ink
    return samples


def _orientation(exif: bytes) -> object:
    """EXIF's orientation, None where there is none that can be read."""
    from PIL import Image

    try:
        tags = Image.Exif()
        tags.load(exif)
        return tags.get(274)
    except Exception:
        return None
