"""OME-Zarr (OME-NGFF 0.4 in Zarr 2 and 0.5 in Zarr 3, https://ngff.openmicroscopy.org) through the library zarr.

Of a pyramid the finest level is used. A chunk that is not stored means its fill value by the standard; in a micrograph
it more often means that somebody stopped writing, so it is counted and told; frames missing at the end are an error.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from temj import memory
from temj.data import Calibration, Film, Micrograph
from temj.errors import BadImage, MissingSoftware, TemjError
from temj.readers.convert import to_pixels
from temj.readers.ome_zarr_metadata import Image, find_image
from temj.readers.zarr_chunks import Chunks


def open_film(path: Path, allow_partial: bool = False) -> Film:
    """The planes of an OME-Zarr image.

    Args:
        path: the folder (``x.zarr``, ``x.ome.zarr``), or that of one image within it.
        allow_partial: whether frames that are not stored at the end are left out; else they are an error.

    Raises:
        MissingSoftware: the library zarr is not installed.
        BadImage: no image in it, axes or units that cannot be understood, frames missing.
    """
    zarr = _zarr()
    with _explained(path):
        image = find_image(zarr, path)
        array = _array(zarr, image)
        chunks = Chunks.of(array, image.folder)
    _require_memory(path, array, image)
    frames, announced = _stored_frames(image, chunks), image.dimensions[image.time]
    dimensions, partial, notes = image.dimensions, None, list(image.notes)
    if frames < announced:
        count = prod(dimensions) // announced
        if not allow_partial or not frames:
            raise _truncated(path, frames, announced)
        partial = (frames * count, announced * count)
        dimensions = (*dimensions[: image.time], frames, *dimensions[image.time + 1 :])
        notes.append(f"partial: {frames} of {announced} frames are stored")
    reader = _Reader(path.name, image, chunks, image.calibration, tuple(notes))
    return Film(path.name, dimensions, reader, image.frame_interval, partial, along=image.time if partial else 0)


@dataclass
class _Reader:
    """Reads one plane; sent to another process it opens the array there again."""

    name: str
    image: Image
    chunks: Chunks
    calibration: Calibration
    notes: tuple[str, ...]
    _open: Any = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_open": None}

    def __call__(self, index: int) -> Micrograph:
        place, where = self.image.place(index), f"{self.image.folder} (plane {index + 1})"
        selection = self.image.selection(place)
        with _explained(where):
            if self._open is None:
                self._open = _array(_zarr(), self.image)
            samples = np.asarray(self._open[selection])
        if self.image.transposed:
            samples = samples.T
        notes = list(self.notes)
        missing, count = self.chunks.missing(selection)
        if missing:
            notes.append(
                f"{missing} of the {count} chunks of this plane are not stored: they are filled with "
                f"{self._open.fill_value}, as the standard says"
            )
        pixels = to_pixels(samples, where, notes)
        position = (0, 0, 0) if prod(self.image.dimensions) == 1 else tuple(number + 1 for number in place)
        metadata = {**self.image.metadata, "notes": tuple(notes)}
        return Micrograph(pixels, self.calibration, self.name, position, metadata=metadata)


def _zarr() -> ModuleType:
    """The library.

    Raises:
        MissingSoftware: it is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise MissingSoftware(
            "zarr",
            where="zarr",
            expected="the library that reads OME-Zarr",
            found=str(error),
            remedy='Install it with pip install "temj[zarr]".',
        ) from error
    return zarr


@contextlib.contextmanager
def _explained(where: object) -> Iterator[None]:
    """Whatever zarr and its codecs raise about damaged files becomes our error; their warnings are not shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except TemjError:
        raise
    except Exception as error:
        raise BadImage(
            "corrupt",
            where=where,
            expected="Zarr as the standard has it",
            found=f"{type(error).__name__}: {str(error)[:300]}",
            remedy="Copy or export it again.",
        ) from error


def _array(zarr: ModuleType, image: Image) -> Any:
    """The array of an image, of the shape that was seen when it was opened."""
    array = zarr.open_array(str(image.folder), mode="r")
    if image.shape and tuple(array.shape) != image.shape:
        raise ValueError(f"shape {array.shape} instead of {image.shape}")
    return array


def _require_memory(path: Path, array: Any, image: Image) -> None:
    """Stop where a plane, or a chunk that must be decoded as a whole, would not fit."""
    height, width = image.plane_shape
    needed = max(height * width, prod(array.chunks)) * array.dtype.itemsize * 3
    what = f"planes of {width} x {height} pixels in chunks of {' x '.join(map(str, array.chunks))}"
    memory.require(needed, memory.available(), path, what, "Save it with smaller chunks, or free memory.")


def _stored_frames(image: Image, chunks: Chunks) -> int:
    """How many frames there are up to the last of which anything is stored."""
    planes = prod(image.dimensions)
    for index in reversed(range(planes)):
        place = image.place(index)
        missing, count = chunks.missing(image.selection(place), inner=False)
        if missing < count:
            return place[image.time] + 1
    return 0


def _truncated(path: Path, frames: int, announced: int) -> BadImage:
    return BadImage(
        "truncated",
        where=path,
        expected=f"{announced} frames, as the file announces",
        found=f"{frames} of {announced}; of the others not one chunk is stored",
        remedy="The recording was stopped or not copied to its end."
        + (" Process what is there with --allow-partial (in Python: allow_partial=True)." if frames else ""),
    )
