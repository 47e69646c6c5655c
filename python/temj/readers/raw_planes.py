"""Planes that stand uncompressed in a file: read one by one by their place, and counted against the file's size.

Shared by the readers of the electron microscopy makers' own formats. No file is kept open and nothing is mapped into
memory: another program may cut a file that is mapped, and that would end this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from temj import memory
from temj.data import UNCALIBRATED, Calibration, Film, Micrograph
from temj.errors import BadImage, ResourceError
from temj.readers.convert import to_pixels
from temj.readers.files import read_error


@dataclass(frozen=True)
class RawPlanes:
    """Where the planes of a film stand in its file, in ImageJ's stack order.

    Attributes:
        dtype: of the stored numbers, with their byte order.
        shape: (height, width) of every plane.
        starts: the first byte of each plane.
        bottom_up: whether the first stored row is the lowest one of the picture; planes come top row first.
        binary: whether any number but 0 is white.
        packed_colour: whether a number is one colour, ``0xAARRGGBB``.
    """

    dtype: np.dtype
    shape: tuple[int, int]
    starts: Sequence[int]
    bottom_up: bool = False
    binary: bool = False
    packed_colour: bool = False

    @property
    def plane_bytes(self) -> int:
        """Bytes of one plane."""
        return plane_bytes(self.shape, self.dtype)

    def samples(self, path: Path, index: int) -> np.ndarray:
        """One plane as stored: (height, width), or (height, width, 3) for colours; native byte order.

        Raises:
            BadImage: the file cannot be read or ends before the plane does.
            ResourceError: the plane does not fit into memory.
        """
        count = prod(self.shape)
        require_memory(path, index, count, self.dtype)
        try:
            numbers = np.fromfile(path, self.dtype, count, offset=self.starts[index])
        except OSError as error:
            raise read_error(path, error) from error
        except MemoryError as error:
            raise no_memory(path, f"plane {index + 1}") from error
        if numbers.size != count:
            raise truncated(path, f"{count * self.dtype.itemsize} bytes for plane {index + 1}", f"{numbers.nbytes}")
        samples = numbers.reshape(self.shape).astype(self.dtype.newbyteorder("="), copy=False)
        samples = samples[::-1] if self.bottom_up else samples
        if self.packed_colour:
            return np.stack([(samples >> shift & 255).astype(np.uint8) for shift in (16, 8, 0)], axis=2)
        return samples != 0 if self.binary else samples


@dataclass(frozen=True)
class RawReader:
    """Reads one plane as a micrograph; a plain value, so that it can be sent to other processes."""

    path: Path
    planes: RawPlanes
    dimensions: tuple[int, int, int]
    calibration: Calibration = UNCALIBRATED
    metadata: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    details: Callable[[int], Mapping[str, object]] | None = None
    """Metadata of one plane alone, by its index."""

    def __call__(self, index: int) -> Micrograph:
        """The plane at ``index``, from 0."""
        notes = list(self.notes)
        pixels = to_pixels(self.planes.samples(self.path, index), self.path, notes)
        own = {} if self.details is None else self.details(index)
        metadata = {**self.metadata, **own, "notes": tuple(notes)}
        place = position(index, self.dimensions)
        return Micrograph(pixels, self.calibration, self.path.name, place, metadata=metadata)

    def film(self, frame_interval: float | None = None, partial: tuple[int, int] | None = None) -> Film:
        """The film of these planes."""
        return Film(self.path.name, self.dimensions, self, frame_interval, partial)


def position(index: int, dimensions: tuple[int, int, int]) -> tuple[int, int, int]:
    """1-based (channel, slice, frame) of a plane; (0, 0, 0) in a file with one plane."""
    if prod(dimensions) == 1:
        return (0, 0, 0)
    channels, slices, _frames = dimensions
    return index % channels + 1, index // channels % slices + 1, index // (channels * slices) + 1


def plane_bytes(shape: tuple[int, int], dtype: np.dtype) -> int:
    """Bytes of a plane of ``shape`` (height, width)."""
    return prod(shape) * dtype.itemsize


@dataclass(frozen=True)
class Announced:
    """What a file says it holds.

    Attributes:
        planes: how many.
        plane_bytes: the bytes of one.
        start: the byte at which the first begins; they follow each other without a gap.
    """

    planes: int
    plane_bytes: int
    start: int

    def whole(self, path: Path, allow_partial: bool, notes: list[str]) -> tuple[int, tuple[int, int] | None]:
        """How many planes are whole, and ``Film.partial``; what is missing is told in ``notes``.

        Raises:
            BadImage: some are missing and ``allow_partial`` is not given, or all are.
        """
        size = path.stat().st_size
        there = min(self.planes, max(size - self.start, 0) // self.plane_bytes)
        if there == self.planes:
            return there, None
        needed = self.start + self.planes * self.plane_bytes
        expected = f"{self.planes} {'plane' if self.planes == 1 else 'planes'} in {needed} bytes, as the file announces"
        if there == 0 or not allow_partial:
            raise truncated(path, expected, f"{there} of {self.planes} in {size} bytes")
        notes.append(partial_note(there, self.planes))
        return there, (there, self.planes)


def partial_note(there: int, announced: int) -> str:
    """What a user reads about a film that was cut off."""
    return f"partial: the file was cut off and holds {there} of {announced} planes"


def truncated(path: Path, expected: str, found: str) -> BadImage:
    """The error for a file that ends too early."""
    return BadImage(
        "truncated",
        where=path,
        expected=expected,
        found=found,
        remedy="The file was cut off or not written to its end; copy it again.",
    )


def no_memory(path: Path, what: str) -> ResourceError:
    """The error for what is larger than the free memory."""
    return ResourceError(
        "memory", where=path, found=f"{what} that does not fit", remedy="Close other programs, or bin the image."
    )


def require_memory(path: Path, index: int, pixels: int, dtype: np.dtype, chunk: tuple[int, ...] | None = None) -> None:
    """Stop before a plane is read that does not fit: as stored, as 32-bit float, and a ``chunk`` of it unpacked.

    Raises:
        ResourceError: with GB needed and free.
    """
    needed = pixels * (dtype.itemsize + 4) + (prod(chunk) * dtype.itemsize if chunk else 0)
    what = f"plane {index + 1} of {pixels} pixels"
    memory.require(needed, memory.available(), path, what, "Close other programs, or bin the image.")
