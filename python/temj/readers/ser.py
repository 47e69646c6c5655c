"""TIA's ``.ser`` (FEI): images and series of images, read one by one; settings from the ``.emi`` beside it.

Facts about the format from C. Boothroyd's notes (er-c.org/cbb/info/TIAformat) and from real files. All numbers are
little-endian; "offset" is 4 bytes in version 0x0210 and 8 bytes in 0x0220::

    file     0x4949, 0x0197, version (2 bytes each), data type, tag type, elements planned, elements there (4 each),
             place of the table (offset), number of dimensions (4), dimensions
    table    places of the elements, places of their tags (offsets, as many as planned)
    element  x and y: calibration value, step (8 each), at which pixel (4); data type (2), width, height (4 each);
             pixels

The first stored row is the lowest one of the picture; rows come here from the top, as TIA shows them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np

from temj.data import Film
from temj.errors import BadImage
from temj.readers.files import first_bytes, not_an_image, read_error
from temj.readers.maker_scale import Axis, calibration_of, in_microscope_units
from temj.readers.raw_planes import RawPlanes, RawReader, partial_note, truncated
from temj.readers.ser_emi import settings_of

_HEAD = struct.Struct("<HHHIIII")
_ELEMENT = struct.Struct("<ddiddihii")
_ORDER, _SERIES, _VERSIONS = 0x4949, 0x0197, (0x0210, 0x0220)
_SPECTRA, _IMAGES = 0x4120, 0x4122
NUMBERS = {1: "<u1", 2: "<u2", 3: "<u4", 4: "<i1", 5: "<i2", 6: "<i4", 7: "<f4", 8: "<f8"}
COMPLEX = (9, 10)
_MOST_DIMENSIONS = 16


@dataclass(frozen=True)
class _Series:
    """What the head of a file says: elements there, dimensions that have more than one position, places."""

    planned: int
    there: int
    scanned: tuple[int, ...]
    places: tuple[int, ...]


@dataclass(frozen=True)
class _Element:
    """One image: axes from its own head (steps in metres, or 1/m for diffraction), type, size."""

    x: Axis
    y: Axis
    data_type: int
    shape: tuple[int, int]

    @property
    def kind(self) -> tuple[int, tuple[int, int]]:
        """What must be the same in all images of a film."""
        return self.data_type, self.shape


def open_film(path: Path, allow_partial: bool = False) -> Film:
    """The images of a ``.ser`` file.

    Raises:
        BadImage: no such file, cut off, damaged, of images of several sizes, or of spectra or diffraction scans.
    """
    if not first_bytes(path, 4).startswith(struct.pack("<HH", _ORDER, _SERIES)):
        raise not_an_image(path, "a TIA series (.ser)")
    notes: list[str] = []
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            series = _series(file, path, size)
            elements = list(_whole_elements(file, path, series, size))
    except OSError as error:
        raise read_error(path, error) from error
    except struct.error as error:
        raise truncated(path, "the head of a TIA series", f"{size} bytes") from error
    partial = _partial(path, series, len(elements), allow_partial, notes)
    first = elements[0]
    settings = settings_of(path, notes)
    x, y = in_microscope_units(first.x, first.y)
    calibration = calibration_of(x, y, notes)
    metadata: dict[str, object] = {"acquisition": settings.acquisition(diffraction=first.x.unit == "1/m").known()}
    if calibration.known:
        metadata["pixel_size_source"] = "TIA calibration of the image"
    dtype = np.dtype(NUMBERS[first.data_type])
    starts = tuple(place + _ELEMENT.size for place in series.places[: len(elements)])
    planes = RawPlanes(dtype, first.shape, starts, bottom_up=True)
    step = settings.frame_time if len(elements) > 1 else None
    dimensions = (1, len(elements), 1) if step is None else (1, 1, len(elements))
    return RawReader(path, planes, dimensions, calibration, metadata, tuple(notes)).film(step, partial)


def _series(file: BinaryIO, path: Path, size: int) -> _Series:
    """The head and the table of places."""
    _, _, version, data_type, _, planned, there = _HEAD.unpack(file.read(_HEAD.size))
    if version not in _VERSIONS:
        raise _damaged(path, "version 0x0210 or 0x0220", f"version {version:#06x}")
    if data_type == _SPECTRA:
        raise _refused(path, "a series of spectra")
    if data_type != _IMAGES:
        raise _damaged(path, "images (data type 0x4122)", f"data type {data_type:#06x}")
    kind = "<I" if version == _VERSIONS[0] else "<Q"
    width = struct.calcsize(kind)
    table, count = struct.unpack(f"{kind}I", file.read(width + 4))
    if not 0 < there <= planned:
        raise _damaged(path, "at least one image", f"{there} of {planned} planned")
    if count > _MOST_DIMENSIONS:
        raise _damaged(path, f"at most {_MOST_DIMENSIONS} dimensions", count)
    scanned = tuple(steps for steps in (_positions(file, size) for _ in range(count)) if steps > 1)
    if len(scanned) > 1:
        raise _refused(path, f"a scan of {' x '.join(map(str, scanned))} diffraction patterns (4D-STEM)")
    if table + planned * width > size or planned > size // width:
        raise truncated(path, f"a table of {planned} images at byte {table}", f"{size} bytes")
    file.seek(table)
    places = struct.unpack(f"<{there}{kind[1]}", file.read(there * width))
    if any(after - before < _ELEMENT.size for before, after in pairwise(places)):
        raise _damaged(path, "images one behind another", "places in another order")
    return _Series(planned, there, scanned, places)


def _positions(file: BinaryIO, size: int) -> int:
    """Steps of one dimension; its calibration and texts are passed over."""
    steps, _, _, _, length = struct.unpack("<IddiI", file.read(28))
    file.seek(min(length, size), 1)
    (length,) = struct.unpack("<I", file.read(4))
    file.seek(min(length, size), 1)
    return steps


def _whole_elements(file: BinaryIO, path: Path, series: _Series, size: int) -> Iterator[_Element]:
    """The images that lie in the file, up to the first that does not."""
    first = None
    for number, place in enumerate(series.places, start=1):
        if place + _ELEMENT.size > size:
            return
        file.seek(place)
        element = _element(file.read(_ELEMENT.size), path, number)
        first = first or element
        if element.kind != first.kind:
            told = [f"{' x '.join(map(str, one.shape[::-1]))} of type {one.data_type}" for one in (first, element)]
            raise BadImage(
                "frame-size",
                where=f"{path} (image {number})",
                expected=f"{told[0]} as the first",
                found=told[1],
                remedy="Export the images of different sizes from TIA one by one.",
            )
        end = place + _ELEMENT.size + math.prod(element.shape) * np.dtype(NUMBERS[element.data_type]).itemsize
        if number < len(series.places) and end > series.places[number]:
            raise _damaged(path, f"image {number} to end before the next begins", f"its end at byte {end}")
        if end > size:
            return
        yield element


def _element(head: bytes, path: Path, number: int) -> _Element:
    x_value, x_step, x_at, y_value, y_step, y_at, data_type, width, height = _ELEMENT.unpack(head)
    if data_type in COMPLEX:
        raise _refused(path, "images of complex numbers (Fourier transforms)")
    if data_type not in NUMBERS or width <= 0 or height <= 0:
        raise _damaged(f"{path} (image {number})", "pixels", f"{width} x {height} of the data type {data_type}")
    unit = "1/m" if abs(x_step) > 1 else "m"  # no microscope has pixels of a metre
    x = Axis(x_step, unit, _origin(x_value, x_step, x_at))
    y = Axis(y_step, unit, height - 1 - _origin(y_value, y_step, y_at))
    return _Element(x, y, data_type, (height, width))


def _origin(value: float, step: float, at: int) -> float:
    """The pixel whose calibrated coordinate is 0; 0 where that cannot be said."""
    origin = at - value / step if step else 0.0
    return origin if math.isfinite(origin) else 0.0


def _partial(path: Path, series: _Series, there: int, allow_partial: bool, notes: list[str]) -> tuple[int, int] | None:
    """``Film.partial``; raises where images are missing and that is not allowed, or all are."""
    if series.there < series.planned:
        notes.append(f"the acquisition was ended after {series.there} of {series.planned} images that were planned")
    if there == series.there:
        return None
    if there == 0 or not allow_partial:
        found = f"{there} of {series.there} in {path.stat().st_size} bytes"
        raise truncated(path, f"{series.there} images, as the file announces", found)
    notes.append(partial_note(there, series.there))
    return there, series.there


def _damaged(where: object, expected: str, found: object) -> BadImage:
    return BadImage(
        "ser", where=str(where), expected=expected, found=found, remedy="The file is damaged; copy it again."
    )


def _refused(path: Path, what: str) -> BadImage:
    return BadImage(
        "not-a-micrograph",
        where=path,
        expected="a micrograph or a series of them",
        found=what,
        remedy="Export what you need from TIA as an image.",
    )
