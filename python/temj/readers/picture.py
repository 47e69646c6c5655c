"""PNG and JPEG through OpenCV. They have no pixel size; the orientation tag of cameras is ignored."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from temj.data import Film, Micrograph
from temj.errors import BadImage
from temj.opencv import opencv
from temj.readers.convert import to_pixels
from temj.readers.files import not_an_image, read_all

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def open_film(path: Path, _allow_partial: bool = False) -> Film:
    """The one micrograph of a PNG or JPEG file, read when it is asked for.

    Raises:
        BadImage: missing, empty, not a PNG or JPEG, cut off or damaged.
    """
    micrograph = read_picture(path)
    return Film(path.name, (1, 1, 1), lambda _index: micrograph)


def read_picture(path: Path) -> Micrograph:
    """The file's pixels, 8-bit or 16-bit grey (colour becomes grey, with a note)."""
    data = read_all(path)
    if not data.startswith((PNG, JPEG)):
        raise not_an_image(path, "a PNG or JPEG image")
    complaint = _png_fault(data) if data.startswith(PNG) else _jpeg_fault(data)
    cv2 = opencv()
    try:
        samples = None if complaint else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        complaint, samples = str(error), None
    if samples is None:
        raise BadImage(
            "truncated" if complaint and "end" in complaint else "corrupt",
            where=path,
            expected="a whole picture",
            found=complaint or "data that cannot be decoded",
            remedy="Copy or export the picture again.",
        )
    notes: list[str] = []
    pixels = to_pixels(samples, path, notes)
    return Micrograph(pixels, name=path.name, metadata={"notes": tuple(notes)})


def _png_fault(data: bytes) -> str | None:
    """What is wrong with the chunks of a PNG file: OpenCV itself fills missing rows silently."""
    at = len(PNG)
    while at + 12 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + size
        if end > len(data):
            break
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return f"a wrong checksum in the part {kind.decode('latin-1')!r} at byte {at}"
        if kind == b"IEND":
            return None
        at = end
    return f"the end of the file after {len(data)} bytes, before the end of the picture"


def _jpeg_fault(data: bytes) -> str | None:
    """Whether the end mark is missing: OpenCV itself fills missing rows with grey silently."""
    if data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda"):
        return None
    return f"the end of the file after {len(data)} bytes, before the end of the picture"
