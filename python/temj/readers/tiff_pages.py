"""The pixels of one TIFF page, or an error: a missing or damaged strip is never filled with zeros."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import tifffile

from temj.errors import BadImage, ResourceError
from temj.readers.files import read_error

_TIFFFILE_ALONE = {1, 8, 32773, 32946}
"""Compressions (none, deflate, PackBits) that tifffile decodes without the library imagecodecs."""


def read_page(path: Path, offset: int, number: int) -> np.ndarray:
    """The samples of the page whose directory stands at ``offset``.

    Args:
        path: the file.
        offset: byte at which the page's directory begins.
        number: of the page, from 1, for the error.

    Returns:
        (height, width) or (height, width, channels), native byte order.

    Raises:
        BadImage: truncated, corrupt, or compressed in a way that nothing installed can decode.
    """
    try:
        with tifffile.TiffFile(path) as tif:
            tif.filehandle.seek(offset)
            page = tifffile.TiffPage(tif, number - 1)
            _require_data(page, path, number)
            samples = page.asarray() if _decodable(page) else _with_pillow(page, path, number)
            planar = page.planarconfig == 2 and samples.ndim == 3
    except OSError as error:
        if error.errno is None:
            raise corrupt(path, number, str(error)) from error
        raise read_error(path, error) from error
    except MemoryError as error:
        raise ResourceError(
            "memory", where=path, found=f"page {number} does not fit", remedy="Open a smaller part of it."
        ) from error
    except BadImage:
        raise
    except Exception as error:
        # tifffile and the codecs raise many kinds of errors for damaged data; none of them is a defect of ours.
        raise corrupt(path, number, str(error) or type(error).__name__) from error
    return np.moveaxis(samples, 0, -1) if planar else samples


def corrupt(path: Path, number: int, found: str) -> BadImage:
    """The error for a page whose data are damaged."""
    return BadImage(
        "corrupt", where=f"{path} (page {number})", expected="whole pixel data", found=found,
        remedy="Copy or export the file again.",
    )  # fmt: skip


def require_complete(page: tifffile.TiffPage, path: Path) -> None:
    """Raise where strips or tiles of a page are missing or lie behind the end of the file."""
    size = path.stat().st_size
    missing = sum(
        count <= 0 or offset <= 0 or offset + count > size
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
    )
    pieces = len(page.dataoffsets)
    if missing or not pieces:
        raise BadImage(
            "truncated",
            where=f"{path} (page {page.index + 1})",
            expected=f"{max(pieces, 1)} strips or tiles of pixel data",
            found=f"{pieces - missing} in a file of {size} bytes",
            remedy="The file was cut off or not written to its end; copy it again.",
        )


def _require_data(page: tifffile.TiffPage, path: Path, number: int) -> None:
    """Raise where the page has no pixels, or fewer bytes than its size asks for."""
    if 0 in page.shape:
        raise BadImage(
            "too-small", where=f"{path} (page {number})", expected="at least one pixel",
            found=" x ".join(map(str, page.shape)), remedy="Export the image again.",
        )  # fmt: skip
    require_complete(page, path)
    needed = (page.size * page.bitspersample + 7) // 8
    if page.compression == 1 and sum(page.databytecounts) < needed:
        raise corrupt(path, number, f"{sum(page.databytecounts)} bytes of pixel data where {needed} are needed")


def _decodable(page: tifffile.TiffPage) -> bool:
    """Whether tifffile can decode the page with what is installed."""
    if tifffile.tifffile.imagecodecs.__name__ == "imagecodecs":
        return True
    return page.compression in _TIFFFILE_ALONE and page.predictor in (1, 2) and page.bitspersample in (1, 8, 16, 32, 64)


def _with_pillow(page: tifffile.TiffPage, path: Path, number: int) -> np.ndarray:
    """LZW, JPEG and the like through Pillow, with the file's own numbers (Pillow inverts 8-bit MinIsWhite)."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as image:
            image.seek(number - 1)
            samples = np.asarray(image)
            mode = image.mode
    if samples.shape != page.shape or (mode == "RGB" and page.bitspersample != 8):
        raise BadImage(
            "compression",
            where=f"{path} (page {number})",
            expected="a compression that can be decoded here",
            found=f"{tifffile.COMPRESSION(page.compression).name} of {page.dtype} {page.shape}",
            remedy="Install it with 'pip install imagecodecs', or save the file uncompressed.",
        )
    if page.photometric == 0 and mode in ("L", "1"):
        samples = ~samples
    return samples if mode in ("1", "RGB", "L", "P") else samples.astype(page.dtype)
