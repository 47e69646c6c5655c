"""TIFF files as ImageJ writes them: planes, pixel size, time per frame, Info, overlay; equal input, equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import IO

import numpy as np

from temj.data import UNCALIBRATED, Calibration


@dataclass(frozen=True)
class Header:
    """What a file says besides its pixels.

    Attributes:
        shape: (height, width) of a plane.
        dtype: of the pixels: uint8, uint16, float32, or uint32 (which ImageJ shows as 32-bit float).
        display: grey values shown as black and white.
        calibration: pixel size, unit and origin.
        dimensions: (channels, slices, frames); planes come in this order, channel fastest.
        frame_interval: seconds; None where it is not known.
        info: text that ImageJ shows with Image > Show Info.
        rois: the overlay, each the bytes of a .roi file.
        labels: of the planes, in their order; none, or as many as there are planes.
        colours: (256, 3) uint8, red, green and blue of the values of 8-bit pixels; None for grey.
    """

    shape: tuple[int, int]
    dtype: np.dtype
    display: tuple[float, float]
    calibration: Calibration = UNCALIBRATED
    dimensions: tuple[int, int, int] = (1, 1, 1)
    frame_interval: float | None = None
    info: str = ""
    rois: Sequence[bytes] = ()
    labels: Sequence[str] = ()
    colours: np.ndarray | None = None


def write(file: IO[bytes], planes: Iterable[np.ndarray], header: Header) -> None:
    """Write planes to an open binary file, one in memory at a time.

    Args:
        file: open for writing.
        planes: as many as ``header.dimensions`` say, each (height, width); cast to ``header.dtype``.
        header: everything else.
    """
    import tifffile

    count, calibration = prod(header.dimensions), header.calibration
    more = {"Info": header.info, "Overlays": list(header.rois), "Labels": list(header.labels)}
    if header.dimensions[0] > 1:
        more["Ranges"] = tuple(map(float, header.display)) * header.dimensions[0]
    more = {key: value for key, value in more.items() if value}
    table = header.colours
    tifffile.imwrite(
        tifffile.FileHandle(file, name="image.tif"),  # a temporary file has a number for a name
        (plane.astype(header.dtype, copy=False) for plane in planes),
        shape=(count, *header.shape) if count > 1 else tuple(header.shape),
        dtype=header.dtype,
        byteorder="<",
        photometric="minisblack" if table is None else "palette",
        colormap=None if table is None else table.T.astype(np.uint16) * 257,
        description=_description(header),
        metadata=None,
        software="TEMJ",
        resolution=(_ratio(calibration.width), _ratio(calibration.height)) if calibration.known else None,
        resolutionunit=1,
        extratags=tifffile.tifffile.imagej_metadata_tag(more, "<") if more else (),
    )


def _description(header: Header) -> str:
    """ImageJ's own text (``FileSaver.getDescriptionString`` of 1.54p). It has no date."""
    count, calibration = prod(header.dimensions), header.calibration
    lines = ["ImageJ=1.54p"]
    if count > 1:
        sizes = zip(("images", "channels", "slices", "frames"), (count, *header.dimensions), strict=True)
        lines += [f"{key}={size}" for key, size in sizes if size > 1]
        channels, _slices, frames = header.dimensions
        lines += ["hyperstack=true"] if channels > 1 or frames > 1 else []
        lines += ["mode=grayscale"] if channels > 1 else []
    if calibration.known:
        lines.append("unit=" + {"µm": "um", "Å": "A"}.get(calibration.unit, calibration.unit))
    if header.frame_interval:
        lines += [f"finterval={header.frame_interval!r}", "tunit=sec"]
    lines += [f"min={float(header.display[0])!r}", f"max={float(header.display[1])!r}"]
    origins = {"xorigin": calibration.x_origin, "yorigin": calibration.y_origin}
    lines += [f"{key}={value!r}" for key, value in origins.items() if value]
    return "\n".join(lines) + "\n"


def _ratio(size: float) -> tuple[int, int]:
    """1 / ``size`` as a fraction of two 32-bit numbers that gives ``size`` back to 9 significant digits."""
    exact = 1 / Fraction(size)
    limit = 2**32 - 1
    fraction = exact.limit_denominator(limit)
    if fraction.numerator > limit:
        fraction = 1 / Fraction(size).limit_denominator(limit)
    return fraction.numerator, fraction.denominator
