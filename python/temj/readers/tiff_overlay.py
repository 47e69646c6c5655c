"""The overlay and the ROI that ImageJ keeps in a TIFF, as the bytes of its .roi files."""

from __future__ import annotations

from pathlib import Path

import tifffile

from temj.errors import BadImage
from temj.readers.tiff_chain import find_chain
from temj.readers.tiff_pages import corrupt, faults, page_at

SIZES, DATA = 50838, 50839
_KINDS = {b"roi ": "roi", b"over": "overlay"}


def tiff_overlay(path: str | Path) -> tuple[bytes, ...]:
    """The ROIs in a TIFF, each as the bytes of a .roi file: that of the image first, then the overlay's in their order.

    Empty where the file has none. The layout of the tags 50838 and 50839 is that of ij.io.TiffEncoder of ImageJ 1.54p.

    Raises:
        BadImage: no TIFF, or the tags are damaged; no ROI is left out in silence.
    """
    path = Path(path).absolute()
    chain = find_chain(path)
    with faults(path, 1), tifffile.TiffFile(path) as tif:
        page = page_at(tif, chain.offsets[0], 1)
        if DATA not in page.tags and SIZES not in page.tags:
            return ()
        sizes, data = _raw(page, path)
        little = tif.byteorder == "<"
    parts = _parts(sizes, data, little, path)
    return (*parts["roi"], *parts["overlay"])


def _raw(page: tifffile.TiffPage, path: Path) -> tuple[tuple[int, ...], bytes]:
    """The sizes of the parts and the bytes of all of them."""
    tags = page.tags
    if DATA not in tags or SIZES not in tags:
        raise _damaged(path, "only one of the tags 50838 and 50839")
    sizes = tags[SIZES].value
    sizes = tuple(int(size) for size in (sizes if isinstance(sizes, tuple) else (sizes,)))
    tag, file = tags[DATA], page.parent.filehandle
    file.seek(tag.valueoffset)
    data = file.read(tag.count)
    if len(data) != tag.count or sum(sizes) != tag.count:
        raise _damaged(path, f"{len(data)} bytes where {sum(sizes)} are announced")
    return sizes, data


def _parts(sizes: tuple[int, ...], data: bytes, little: bool, path: Path) -> dict[str, list[bytes]]:
    """ROI and overlay parts. A header names each kind and how many of it follow, in this order."""
    head = data[: sizes[0]]
    order = "little" if little else "big"
    kinds = []
    if len(head) < 4 or int.from_bytes(head[:4], order) != 0x494A494A:
        raise _damaged(path, f"the header {head[:4]!r}")
    for at in range(4, len(head) - 7, 8):
        kind = head[at : at + 4][::-1] if little else head[at : at + 4]
        kinds += [(kind, int.from_bytes(head[at + 4 : at + 8], order))]
    if sum(count for _kind, count in kinds) != len(sizes) - 1:
        raise _damaged(path, f"{len(sizes) - 1} parts where {sum(count for _kind, count in kinds)} are announced")
    found: dict[str, list[bytes]] = {"roi": [], "overlay": []}
    place, start = 1, sizes[0]
    for kind, count in kinds:
        for size in sizes[place : place + count]:
            part, start = data[start : start + size], start + size
            if kind in _KINDS:
                if not part.startswith(b"Iout"):
                    raise _damaged(path, f"a ROI that begins with {part[:4]!r}")
                found[_KINDS[kind]].append(part)
        place += count
    return found


def _damaged(path: Path, found: str) -> BadImage:
    error = corrupt(path, 1, found)
    return BadImage(
        "overlay", where=error.where, expected="ImageJ's overlay", found=found,
        remedy="Open the image in ImageJ and save it again.",
    )  # fmt: skip
