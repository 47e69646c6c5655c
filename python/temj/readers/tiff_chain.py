"""The chain of directories of a TIFF file: every page has one, and each says where the next one is."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from temj.errors import BadImage
from temj.readers.files import first_bytes, not_an_image, read_error

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_TAGS = 4096


@dataclass(frozen=True)
class Chain:
    """Where the directories are.

    Attributes:
        offsets: byte of each directory, in the order of the pages.
        fault: why the chain ends before its end, in words; None for a whole one.
    """

    offsets: tuple[int, ...]
    fault: str | None = None


def find_chain(path: Path) -> Chain:
    """All directories of a TIFF or BigTIFF file, without looking into them.

    Raises:
        BadImage: no TIFF; ``ifd-cycle`` where a directory leads back to an earlier one; ``truncated`` without a first.
    """
    if not first_bytes(path, 8).startswith(MAGIC):
        raise not_an_image(path, "a TIFF image")
    try:
        with path.open("rb") as file:
            return _walk(file, path, path.stat().st_size)
    except OSError as error:
        raise read_error(path, error) from error


def _walk(file: object, path: Path, size: int) -> Chain:
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    count_format, entry, offset_format, first = ("Q", 20, "Q", 8) if big else ("H", 12, "I", 4)
    width, numbers = struct.calcsize(offset_format), {}
    offset = int.from_bytes(head[first : first + width], "little" if order == "<" else "big")
    while offset:
        number = len(numbers) + 1
        if offset in numbers:
            raise BadImage(
                "ifd-cycle",
                where=path,
                expected="pages in a row",
                found=f"page {number - 1} leading back to page {numbers[offset]}",
                remedy="The file is damaged; export it again.",
            )
        if offset < first + width or offset + 2 > size:
            return _ended(path, numbers, f"the directory of page {number} at byte {offset} of a file of {size} bytes")
        file.seek(offset)
        tags = _number(file.read(struct.calcsize(count_format)), order + count_format)
        if tags is None or not 0 < tags <= MOST_TAGS:
            return _ended(path, numbers, f"no directory at byte {offset}, where that of page {number} should be")
        file.seek(tags * entry, 1)
        following = _number(file.read(width), order + offset_format)
        if following is None:
            return _ended(path, numbers, f"the end of the file inside the directory of page {number}")
        numbers[offset] = number
        offset = following
    return _ended(path, numbers, None if numbers else "no directory of any page")


def _number(data: bytes, form: str) -> int | None:
    """An integer of a file, None where the file ended in it."""
    return struct.unpack(form, data)[0] if len(data) == struct.calcsize(form) else None


def _ended(path: Path, numbers: dict[int, int], fault: str | None) -> Chain:
    if not numbers:
        raise BadImage(
            "truncated",
            where=path,
            expected="at least one page",
            found=fault,
            remedy="The file was cut off or not written to its end; copy it again.",
        )
    return Chain(tuple(numbers), fault)
