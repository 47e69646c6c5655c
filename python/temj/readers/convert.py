"""Any pixels a file may hold -> the three kinds a micrograph has, without ever wrapping a number around.

==========================  =========================================================
uint8, uint16, float32      as they are
bool (1 bit)                uint8, 0 and 255 as in ImageJ
int8, int16                 float32, exact
float16                     float32, exact
float64                     float32, rounded; an error beyond ±3.4e38, a note where
                            differences of the values are lost
int32, uint32, int64, …     float32, exact up to 2^24 (a note says so)
colour                      mean of red, green and blue, rounded, as ImageJ does it with 8 bits a colour
CMYK                        red = (1 - cyan)(1 - black) and so on, then as colour
YCbCr                       red, green, blue by ITU-R BT.601 (full range), then as colour
==========================  =========================================================
"""

from __future__ import annotations

import math

import numpy as np

from temj.errors import BadImage

COLOUR_NOTE = "colour image: grey values are the mean of red, green and blue, as in ImageJ"
DEEP_COLOUR_NOTE = "colour image: grey values are the mean of red, green and blue (ImageJ opens it as three channels)"
ALPHA_NOTE = "the transparency channel is ignored"
CMYK_NOTE = "printing colours (CMYK) are turned into red, green and blue without a colour profile"
COARSE = 1 / 256
"""Share of the range of the values above which the steps of 32-bit float are coarser than those of 8-bit."""
ORIENTATION_NOTE = "the file asks viewers to turn or mirror it (orientation {}): not done, as in ImageJ"


def to_pixels(samples: np.ndarray, where: object, notes: list[str]) -> np.ndarray:
    """The samples of one plane as uint8, uint16 or float32 (height, width).

    Args:
        samples: (height, width) or (height, width, channels), any dtype and byte order.
        where: the file, for the error.
        notes: what was done to the pixels is appended here.

    Raises:
        BadImage: a kind of pixel that is no grey value or colour (complex numbers, 2-D spectra); ``range``: finite
            values beyond 3.4e38, which 32-bit float would turn into infinite ones.
    """
    if samples.ndim == 3:
        samples = _grey(samples, where, notes)
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    kind, size = samples.dtype.kind, samples.dtype.itemsize
    if kind == "b":
        return np.where(samples, np.uint8(255), np.uint8(0))
    if samples.dtype in (np.uint8, np.uint16, np.float32):
        return samples
    if kind not in "iuf":
        raise _unsupported(samples, where)
    if kind in "iu" and size > 2:
        notes.append(f"{samples.dtype.name} pixels are held as 32-bit float (exact up to 16,777,216), as in ImageJ")
    return _rounded(samples, where, notes) if kind == "f" and size > 4 else samples.astype(np.float32)


def _rounded(samples: np.ndarray, where: object, notes: list[str]) -> np.ndarray:
    """64-bit float as 32-bit float: no value becomes infinite, and a note says where their differences are lost."""
    finite = np.isfinite(samples)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        pixels = samples.astype(np.float32)
    over = finite & ~np.isfinite(pixels)
    if over.any():
        y, x = np.unravel_index(int(over.argmax()), over.shape)
        raise BadImage(
            "range",
            where=where,
            expected="grey values within ±3.4e38, the range of 32-bit float",
            found=f"{np.count_nonzero(over)} px beyond it, the first at x={x}, y={y}: {samples[y, x]:g}",
            remedy="Divide the values by a constant in the program that wrote the file.",
        )
    low, high = (
        float(edge(samples, where=finite, initial=start)) for edge, start in ((np.min, np.inf), (np.max, -np.inf))
    )
    step = 2.0 ** max(math.frexp(max(abs(low), abs(high)))[1] - 24, -149)
    if step > (high - low) * COARSE > 0:
        notes.append(
            f"64-bit float pixels from {low:.9g} to {high:.9g} are held as 32-bit float in steps of {step:.3g}: "
            "subtract or multiply by a constant to keep their differences"
        )
    return pixels


def _grey(samples: np.ndarray, where: object, notes: list[str]) -> np.ndarray:
    """Colour to grey: ImageJ's unweighted mean; grey with transparency to its grey."""
    channels = samples.shape[2]
    if channels not in (1, 2, 3, 4) or samples.dtype.kind not in "uf":
        raise _unsupported(samples, where)
    if channels in (2, 4):
        notes.append(ALPHA_NOTE)
    if channels < 3:
        return samples[..., 0]
    first, second, third = samples[..., 0], samples[..., 1], samples[..., 2]
    if np.array_equal(first, second) and np.array_equal(first, third):
        return first
    notes.append(COLOUR_NOTE if samples.dtype == np.uint8 else DEEP_COLOUR_NOTE)
    if samples.dtype.kind == "f":
        return samples[..., :3].mean(axis=2, dtype=np.float64)
    total = first.astype(np.uint64) + second + third
    return ((total + 1) // 3).astype(samples.dtype)


def cmyk_to_rgb(samples: np.ndarray) -> np.ndarray:
    """(height, width, 4) unsigned integers, 0 is no ink → (height, width, 3) of the same type."""
    most = np.iinfo(samples.dtype).max
    left = most - samples.astype(np.float64)
    return np.rint(left[..., :3] * left[..., 3:] / most).astype(samples.dtype)


def ycbcr_to_rgb(samples: np.ndarray) -> np.ndarray:
    """(height, width, 3) uint8 → red, green, blue (ITU-R BT.601, full range, as JFIF and TIFF have it)."""
    y, cb, cr = np.moveaxis(samples.astype(np.float64), -1, 0)
    red, blue = y + 1.402 * (cr - 128), y + 1.772 * (cb - 128)
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return np.rint(np.stack([red, green, blue], axis=-1)).clip(0, 255).astype(np.uint8)


def orientation_note(orientation: object) -> list[str]:
    """A note for an orientation tag (TIFF 274, EXIF) other than 1, which neither ImageJ nor we obey: a user's ROIs
    were drawn on what ImageJ shows."""
    return [ORIENTATION_NOTE.format(orientation)] if orientation in range(2, 9) else []


def _unsupported(samples: np.ndarray, where: object) -> BadImage:
    shape = " x ".join(map(str, samples.shape))
    return BadImage(
        "pixels",
        where=where,
        expected="grey values or colours",
        found=f"{shape} {samples.dtype.name}",
        remedy="Convert it to 8-bit, 16-bit or 32-bit (in ImageJ: Image > Type).",
    )
