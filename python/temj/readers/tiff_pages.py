"""The pixels of one TIFF page, or an error: a missing or damaged strip is never filled with zeros."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import tifffile

from temj import memory
from temj.errors import BadImage, ResourceError, TemjError
from temj.readers.files import read_error
from temj.readers.jpeg import decode_whole, jpeg_size
from temj.readers.tiff_colour import colour_table, grey_or_rgb, unsupported

EXPANSION = {1: 1, 2: 1 << 16, 3: 1 << 16, 4: 1 << 16, 5: 4096, 6: 4096, 7: 4096, 8: 1032, 32773: 64, 32946: 1032,
             34925: 20_000, 34926: 1 << 17, 50_000: 1 << 17}  # fmt: skip
"""Compression → the most bytes that one byte of the file can become. Others have no such bound."""
_JPEG = (6, 7)
_BIG = 1 << 26
"""Below this many bytes nobody's memory is asked."""


@dataclass(frozen=True)
class Samples:
    """What a page holds.

    Attributes:
        values: (height, width) or (height, width, channels), native byte order.
        notes: what was done to them.
        sparse: (strips or tiles that were never written, all of them).
        written: (height, width) bool, False on the pixels of those; None where all were written.
    """

    values: np.ndarray
    notes: tuple[str, ...] = ()
    sparse: tuple[int, int] = (0, 1)
    written: np.ndarray | None = None


def read_page(path: Path, offset: int, number: int, imagej: bool = False) -> Samples:
    """The samples of the page whose directory stands at ``offset``.

    Args:
        path: the file.
        offset: byte at which the page's directory begins.
        number: of the page, from 1, for the error.
        imagej: whether ImageJ wrote it: then a colour table is for the display only.

    Raises:
        BadImage: truncated, corrupt, or in a form that nothing here can decode; page and strip or tile are named.
        ResourceError: it does not fit into the memory.
    """
    notes: list[str] = []
    with faults(path, number), tifffile.TiffFile(path) as tif:
        page = page_at(tif, offset, number)
        sparse = require_data(page, path, number)
        values = page.asarray() if page.is_contiguous else _decoded(page, path, number)
        if page.planarconfig == 2 and values.ndim == 3:
            values = np.moveaxis(values, 0, -1)
        values = grey_or_rgb(page, values, _where(path, number), notes)
        values = values if imagej else colour_table(page, values, notes)
        written = _written(page) if sparse[0] else None
    if sparse[0]:
        notes.append(f"sparse: {sparse[0]} of {sparse[1]} strips or tiles were never written; they are left out")
    return Samples(values, tuple(notes), sparse, written)


def page_at(tif: tifffile.TiffFile, offset: int, number: int) -> tifffile.TiffPage:
    """The page (from 1) whose directory stands at byte ``offset``."""
    tif.filehandle.seek(offset)
    return tifffile.TiffPage(tif, number - 1)


@contextmanager
def faults(path: Path, number: int) -> Iterator[None]:
    """Whatever tifffile and the codecs raise for damaged data, as an error that names file and page."""
    try:
        yield
    except TemjError:
        raise
    except OSError as error:
        raise (corrupt(path, number, str(error)) if error.errno is None else read_error(path, error)) from error
    except MemoryError as error:
        raise ResourceError(
            "memory", where=path, found=f"page {number} does not fit", remedy="Open a smaller part of it."
        ) from error
    except Exception as error:
        text = str(error) or type(error).__name__
        if _no_decoder(error):
            raise BadImage(
                "compression", where=_where(path, number), expected="a form that can be decoded here", found=text,
                remedy="Export the image uncompressed.",
            ) from error  # fmt: skip
        # Many kinds of errors come of damaged data; none of them is a defect of ours.
        raise corrupt(path, number, text) from error


def _no_decoder(error: Exception) -> bool:
    """Whether the data are in a form that nothing here can decode, which is no damage."""
    form = "not supported|not a known|not implemented|cannot dec|not a valid|decoder requires"
    return isinstance(error, NotImplementedError) or re.search(form, str(error)) is not None


def corrupt(path: Path, number: int, found: str, piece: str = "") -> BadImage:
    """The error for a page whose data are damaged; ``piece`` names the strip or tile."""
    return BadImage(
        "corrupt", where=_where(path, number, piece), expected="whole pixel data", found=found,
        remedy="Copy or export the file again.",
    )  # fmt: skip


def require_complete(page: tifffile.TiffPage, path: Path, number: int) -> tuple[int, int]:
    """(never written, all) strips or tiles of a page.

    Raises:
        BadImage: some are missing or lie behind the end of the file.
    """
    size = path.stat().st_size
    pairs = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    wanted = 1 if page.is_contiguous else max(prod(page.chunked), 1)
    empty = sum(count == 0 for _offset, count in pairs)
    whole = sum(count > 0 and 0 < offset <= size - count for offset, count in pairs)
    if whole + empty < wanted or whole == 0:
        raise BadImage(
            "truncated",
            where=_where(path, number),
            expected=f"{wanted} strips or tiles of pixel data",
            found=f"{whole} in a file of {size} bytes",
            remedy="The file was cut off or not written to its end; copy it again.",
        )
    return (0 if page.is_contiguous else empty), wanted


def require_data(page: tifffile.TiffPage, path: Path, number: int) -> tuple[int, int]:
    """As :func:`require_complete`, and raise before any memory is taken where the data cannot be what they claim."""
    where = _where(path, number)
    if 0 in page.shaped:
        raise BadImage(
            "too-small", where=where, expected="at least one pixel", found=" x ".join(map(str, page.shape)),
            remedy="Export the image again.",
        )  # fmt: skip
    if page.dtype is None or page.dtype.kind not in "buif":
        kind = getattr(page.sampleformat, "name", page.sampleformat)
        raise unsupported(where, f"{page.bitspersample} bits a sample of the kind {kind}")
    if page.shaped[1] != 1:
        raise unsupported(where, f"a page with a depth of {page.shaped[1]}")
    sparse = require_complete(page, path, number)
    bits = sum(page.bitspersample) if isinstance(page.bitspersample, tuple) else page.bitspersample
    needed, stored = (prod(page.shaped) * bits + 7) // 8, sum(page.databytecounts)
    least = 0 if sparse[0] else needed
    if page.is_tiled and not page.is_contiguous:
        tile = page.tilewidth * page.tilelength * page.tiledepth * bits // 8
        least, needed = max(least, tile), max(needed, tile)
    bound = EXPANSION.get(page.compression)
    if bound is not None and stored * bound < least and not page.is_subsampled:
        raise corrupt(path, number, f"{stored} bytes of pixel data where {_least(least, bound)} are needed")
    if needed > _BIG:
        size = f"page {number} of {page.imagewidth} x {page.imagelength} pixels"
        remedy = f"Crop or bin the image, free memory, or raise the limit {memory.LIMIT} if you set it."
        memory.require(2 * needed + 4 * page.imagewidth * page.imagelength, memory.available(), path, size, remedy)
    return sparse


def _least(needed: int, bound: int) -> str:
    return str(needed) if bound == 1 else f"at least {-(-needed // bound)} (for {needed} of pixels)"


def _decoded(page: tifffile.TiffPage, path: Path, number: int) -> np.ndarray:
    """The samples of a page in strips or tiles, one after the other; those never written are 0 (or GDAL's value)."""
    values, file = np.full(page.shaped, page.nodata, page.dtype), page.parent.filehandle
    tables = page.jpegtables if page.compression in _JPEG else None
    pieces = zip(page.dataoffsets, page.databytecounts, strict=False)
    for index, (offset, count) in enumerate(pieces):
        if count == 0 or index >= prod(page.chunked):
            continue
        file.seek(offset)
        data = file.read(count)
        try:
            piece, (sample, _depth, top, left, _), _shape = _decode(page, data, index, tables)
        except MemoryError:
            raise
        except Exception as error:
            if _no_decoder(error):
                raise
            what = "tile" if page.is_tiled else "strip"
            raise corrupt(path, number, str(error) or type(error).__name__, f"{what} {index + 1}") from error
        target = values[sample, 0, top : top + piece.shape[1], left : left + piece.shape[2]]
        target[...] = piece[0, : target.shape[0], : target.shape[1]]
    return values.reshape(page.shape)


def _written(page: tifffile.TiffPage) -> np.ndarray:
    """(height, width) bool: False where a strip or tile of any channel was never written."""
    written = np.ones((page.imagelength, page.imagewidth), bool)
    for index, count in enumerate(page.databytecounts[: prod(page.chunked)]):
        if count == 0:
            _none, (_sample, _depth, top, left, _), shape = page.decode(None, index)
            written[top : top + shape[1], left : left + shape[2]] = False
    return written


def _decode(page: tifffile.TiffPage, data: bytes, index: int, tables: bytes | None) -> tuple:
    """tifffile's (samples, place, shape) of a strip or tile."""
    if page.compression not in _JPEG:
        return page.decode(data, index)
    size = jpeg_size(data)
    most = page.chunks[:2] if page.planarconfig == 1 or page.samplesperpixel == 1 else page.chunks[-2:]
    if size is None or prod(size) > 4 * max(prod(most), 64):
        raise ValueError(f"JPEG data of {size} pixels in a piece of {most}")
    place: list = []

    def decode(stream: bytes) -> np.ndarray:
        samples, *rest = page.decode(stream, index, jpegtables=tables)
        place[:] = rest
        return samples

    return decode_whole(data, decode), *place


def _where(path: Path, number: int, piece: str = "") -> str:
    return f"{path} (page {number}{', ' if piece else ''}{piece})"
