"""HDF5 as the two kinds of EMD file use it: opened for one look, counted, read plane by plane.

HDF5 itself gives zeros for what was never written and follows links to other files; both are refused here.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path

import h5py
import numpy as np

from temj.errors import BadImage, ResourceError
from temj.readers.files import read_error
from temj.readers.raw_planes import no_memory, require_memory, truncated

_OF_THE_SYSTEM = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.EIO, errno.ESTALE)
"""Errors that are not those of damaged contents."""


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """A file open for reading; whatever goes wrong inside is an error of ours.

    Raises:
        BadImage: the file cannot be read, was cut off, or is damaged.
        ResourceError: something in it does not fit into memory.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except (BadImage, ResourceError):
        raise
    except MemoryError as error:
        raise no_memory(path, "a plane") from error
    except Exception as error:
        # HDF5 and h5py raise many kinds of errors for damaged data; none of them is a defect of ours.
        if isinstance(error, OSError) and error.errno in _OF_THE_SYSTEM:
            raise read_error(path, error) from error
        raise _damaged(path, str(error) or type(error).__name__) from error


def _damaged(path: Path, message: str) -> BadImage:
    """The error for what HDF5 says about a file."""
    cut = re.search(r"truncated file: eof = (\d+).*?stored_eof = (\d+)", message)
    if cut:
        return truncated(path, f"{cut[2]} bytes, as the file announces", f"{cut[1]} of {cut[2]}")
    return BadImage(
        "emd",
        where=path,
        expected="a whole HDF5 file",
        found=message[:300],
        remedy="The file is damaged; copy it again.",
    )


def group(parent: h5py.Group, name: str) -> h5py.Group | None:
    """A group that stands in the same file, or None."""
    return _own(parent, name, h5py.Group)


def dataset(parent: h5py.Group, name: str) -> h5py.Dataset | None:
    """A dataset that stands in the same file with all its data, or None."""
    found = _own(parent, name, h5py.Dataset)
    return None if found is None or found.is_virtual or found.external else found


def _own(parent: h5py.Group, path: str, kind: type) -> h5py.Group | h5py.Dataset | None:
    """What stands at a path, if all links on the way are hard ones: others may lead to other files."""
    found = parent
    for name in path.split("/"):
        if not isinstance(found, h5py.Group) or name not in found:
            return None
        if not isinstance(found.get(name, getlink=True), h5py.HardLink):
            return None
        found = found[name]
    return found if isinstance(found, kind) else None


@dataclass(frozen=True)
class H5Planes:
    """Planes in a dataset.

    Attributes:
        dataset: its path in the file.
        sizes: its shape.
        y: the axis along which rows follow each other.
        x: the axis along columns.
        stack: the axis of the planes; None where there is one plane.
    """

    dataset: str
    sizes: tuple[int, ...]
    y: int
    x: int
    stack: int | None = None

    @property
    def count(self) -> int:
        """Number of planes."""
        return 1 if self.stack is None else self.sizes[self.stack]

    def samples(self, file: h5py.File, index: int) -> np.ndarray:
        """One plane (height, width) of an open file."""
        place: list[int | slice] = [0] * len(self.sizes)
        place[self.x] = place[self.y] = slice(None)
        if self.stack is not None:
            place[self.stack] = index
        found = dataset(file, self.dataset)
        if found is None or found.shape != self.sizes:
            raise ValueError("the file has changed since it was opened")
        require_memory(Path(file.filename), index, self.sizes[self.y] * self.sizes[self.x], found.dtype, found.chunks)
        plane = found[tuple(place)]
        return plane.T if self.x < self.y else plane

    def whole(self, found: h5py.Dataset) -> int:
        """How many planes, from the first on, are in the file with all their pixels.

        Raises:
            ValueError: a filter is missing.
        """
        plist = found.id.get_create_plist()
        for number in range(plist.get_nfilters()):
            code, _, _, name = plist.get_filter(number)
            if not h5py.h5z.filter_avail(code):
                raise ValueError(f"the compression {name.decode('latin-1') or code} is not installed")
        if found.chunks is None:
            return self.count if found.id.get_storage_size() == found.nbytes else 0
        steps = [ceil(size / chunk) for size, chunk in zip(self.sizes, found.chunks, strict=True)]
        return self.count if found.id.get_num_chunks() == prod(steps) else self._whole_chunks(found)

    def _whole_chunks(self, found: h5py.Dataset) -> int:
        """The planes whose chunks are all there."""
        if self.stack is None:
            return 0
        steps = [ceil(size / chunk) for size, chunk in zip(self.sizes, found.chunks, strict=True)]
        chunk = found.chunks[self.stack]
        there = np.zeros(steps[self.stack], np.int64)

        def count(info: object) -> None:
            there[info.chunk_offset[self.stack] // chunk] += 1

        found.id.chunk_iter(count)
        missing = np.flatnonzero(there < prod(steps) // steps[self.stack])
        return self.count if missing.size == 0 else int(missing[0]) * chunk


def text(value: object) -> str:
    """The text of an attribute or dataset, however it is stored; "" where it is none."""
    value = value.flat[0] if isinstance(value, np.ndarray) and value.size == 1 else value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value.strip("\0 ") if isinstance(value, str) else ""
