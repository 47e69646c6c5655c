"""TIFF: ImageJ's images, stacks and hyperstacks, OME-TIFF in one file, and any plain or multi-page TIFF.

A film keeps no file open: it knows where each plane begins and reads it when it is asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from temj.data import Calibration, Film, Micrograph
from temj.errors import BadImage
from temj.readers.convert import to_pixels
from temj.readers.files import first_bytes, not_an_image, read_error
from temj.readers.tiff_pages import corrupt, read_page, require_complete
from temj.readers.tiff_planes import Planes, find_planes
from temj.readers.tiff_scale import calibration_of, imagej_properties, number

# What tifffile logs about damaged files reaches the user as an error or a note of ours.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class _Greys:
    """How ImageJ turns stored numbers into grey values: offset + factor * number, or through a colour table."""

    offset: float = 0.0
    factor: float = 1.0
    table: np.ndarray | None = None

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Grey values of stored ``pixels``."""
        if self.table is not None and pixels.dtype == np.uint8:
            return self.table[pixels]
        if (self.offset, self.factor) == (0.0, 1.0) or pixels.dtype == np.float32:
            return pixels
        return (self.offset + self.factor * pixels.astype(np.float64)).astype(np.float32)


def open_film(path: Path, allow_partial: bool = False) -> Film:  # noqa: ARG001
    """The planes of a TIFF file.

    Raises:
        BadImage: no TIFF, cut off (fewer pages or bytes than it announces), damaged or of an unknown kind.
    """
    if not first_bytes(path, 8).startswith(_MAGIC):
        raise not_an_image(path, "a TIFF image")
    notes: list[str] = []
    try:
        with tifffile.TiffFile(path) as tif:
            page = tif.pages[0]
            require_complete(page, path)
            planes = find_planes(tif, path, notes)
            ome = planes.ome
            calibration = calibration_of(page, ome, notes)
            greys = _grey_rule(page, notes)
            metadata = _metadata(page)
    except OSError as error:
        raise read_error(path, error) from error
    except BadImage:
        raise
    except Exception as error:
        raise corrupt(path, 1, str(error) or type(error).__name__) from error
    return Film(path.name, planes.dimensions, _Reader(path, planes, calibration, greys, metadata, tuple(notes)))


@dataclass(frozen=True)
class _Reader:
    """Reads one plane of a file; a plain value, so that it can be sent to other processes."""

    path: Path
    planes: Planes
    calibration: Calibration
    greys: _Greys
    metadata: Mapping[str, object]
    notes: tuple[str, ...]

    def __call__(self, index: int) -> Micrograph:
        planes, notes = self.planes, list(self.notes)
        if planes.dtype is None:
            samples = read_page(self.path, planes.offsets[index], planes.pages[index])
        else:
            samples = _read_raw(self.path, planes, index)
        pixels = self.greys.apply(to_pixels(samples, self.path, notes))
        return Micrograph(
            pixels,
            self.calibration,
            self.path.name,
            planes.position(index),
            planes.labels[index] if index < len(planes.labels) else "",
            {**self.metadata, "notes": tuple(notes)},
        )


def _read_raw(path: Path, planes: Planes, index: int) -> np.ndarray:
    """A plane of an uncompressed stack that has one directory for all its planes, as ImageJ writes big ones."""
    count = planes.shape[0] * planes.shape[1]
    try:
        samples = np.fromfile(path, planes.dtype, count, offset=planes.offsets[index])
    except OSError as error:
        raise read_error(path, error) from error
    if samples.size != count:
        raise corrupt(path, index + 1, f"{samples.nbytes} bytes where {count * planes.dtype.itemsize} are needed")
    return samples.reshape(planes.shape).astype(planes.dtype.newbyteorder("="), copy=False)


def _grey_rule(page: tifffile.TiffPage, notes: list[str]) -> _Greys:
    """ImageJ's straight-line calibration of grey values, and colour tables of other programs."""
    properties = imagej_properties(page)
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        notes.append("0 is white in this file (inverting LUT): grey values are kept as they are, as in ImageJ")
    table = page.colormap if page.photometric == tifffile.PHOTOMETRIC.PALETTE else None
    if table is not None and not properties and table.shape == (3, 256):
        eighths = (table >> 8).astype(np.uint16)
        grey = ((eighths.sum(axis=0, dtype=np.uint16) + 1) // 3).astype(np.uint8)
        if not np.array_equal(grey, np.arange(256)):
            notes.append("colour table: grey values are the mean of its red, green and blue")
            return _Greys(table=grey)
    if "cf" not in properties:
        return _Greys()
    line = number(properties["cf"], -1) == 0 and "c2" not in properties
    if not line:
        notes.append("the file's calibration of grey values is not a straight line and is not used")
        return _Greys()
    return _Greys(number(properties.get("c0")), number(properties.get("c1"), 1.0))


def _metadata(page: tifffile.TiffPage) -> dict[str, object]:
    """What else the file says that a reader of results may want: ImageJ's properties, software, text."""
    found: dict[str, object] = {"imagej": imagej_properties(page)} if imagej_properties(page) else {}
    for name in ("Software", "ImageDescription"):
        text = page.tags.valueof(name)
        if isinstance(text, str) and text and not (name == "ImageDescription" and found):
            found[name] = text[:10_000]
    return found
