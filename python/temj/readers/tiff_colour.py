"""What the samples of a TIFF page mean: grey, colour, colour table; everything becomes grey or red, green, blue.

===========================  ==========================================================================
MinIsBlack, MinIsWhite       as they are stored; with transparency: the grey alone
RGB, 3 or 4 samples          red, green, blue (transparency is left out); then grey as in ``convert``
colour table                 8-bit red, green and blue of the table, their mean as grey, as in ImageJ
CMYK                         red = (1 - cyan)(1 - black), and so on
YCbCr                        red, green, blue by ITU-R BT.601, full range
CIELab, LogLuv, raw mosaic   an error: there is no grey value that everybody agrees on
===========================  ==========================================================================
"""

from __future__ import annotations

import numpy as np
import tifffile

from temj.errors import BadImage
from temj.readers.convert import CMYK_NOTE, cmyk_to_rgb, ycbcr_to_rgb

_KNOWN = {0, 1, 2, 3, 4, 5, 6, 34892, 51177}
"""MinIsWhite, MinIsBlack, RGB, palette, mask, CMYK, YCbCr, linear raw, depth map."""
_JPEG = {6, 7, 33007, 34892}
_TRANSPARENT = (1, 2)


def grey_or_rgb(page: tifffile.TiffPage, samples: np.ndarray, where: str, notes: list[str]) -> np.ndarray:
    """Samples as (height, width) or (height, width, channels) that ``convert.to_pixels`` understands.

    Args:
        page: tells what the samples are.
        samples: (height, width) or (height, width, channels).
        where: file and page, for the error.
        notes: what was done is appended here.

    Raises:
        BadImage: colours without a documented conversion, or several channels that are none.
    """
    kind = int(page.photometric)
    if kind not in _KNOWN:
        raise unsupported(where, f"samples of the kind {_name(page)}")
    channels = samples.shape[2] if samples.ndim == 3 else 1
    if kind == 5 and channels >= 4 and samples.dtype.kind == "u":
        notes.append(CMYK_NOTE)
        return cmyk_to_rgb(samples[..., :4])
    if kind == 6 and channels == 3 and page.compression not in _JPEG:
        if samples.dtype != np.uint8:
            raise unsupported(where, f"YCbCr of {samples.dtype.name}")
        return ycbcr_to_rgb(samples)
    if channels > 4 or (kind == 5 and channels != 1):
        raise unsupported(where, f"{channels} channels in each pixel ({_name(page)})")
    if channels == 2 and not (page.extrasamples and page.extrasamples[0] in _TRANSPARENT):
        raise unsupported(where, "2 channels in each pixel, of which none is transparency")
    return samples


def colour_table(page: tifffile.TiffPage, samples: np.ndarray, notes: list[str]) -> np.ndarray:
    """Grey values of the indices of a page with a colour table; the samples where it has none or a grey one."""
    table = page.colormap if page.photometric == tifffile.PHOTOMETRIC.PALETTE else None
    fits = table is not None and table.ndim == 2 and table.shape[0] == 3 and samples.dtype == np.uint8
    if not fits or samples.ndim != 2 or table.shape[1] <= samples.max(initial=0):
        return samples
    eighths = (table >> 8).astype(np.uint16)
    grey = ((eighths.sum(axis=0, dtype=np.uint16) + 1) // 3).astype(np.uint8)
    if np.array_equal(grey, np.arange(len(grey))):
        return samples
    notes.append("colour table: grey values are the mean of its red, green and blue")
    return grey[samples]


def unsupported(where: str, found: str) -> BadImage:
    """The error for pixels that have no documented conversion."""
    return BadImage(
        "pixels",
        where=where,
        expected="grey values or colours",
        found=found,
        remedy="Export it as 8-bit, 16-bit or 32-bit grey values (one channel a page).",
    )


def _name(page: tifffile.TiffPage) -> str:
    return getattr(page.photometric, "name", str(page.photometric))
