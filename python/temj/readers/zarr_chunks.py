"""Which chunks of a Zarr array are stored. The library fills in what is missing without a word."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

_NOT_STORED = 2**64 - 1
_CHECKSUM = 4

Selection = tuple[int | slice, ...]


@dataclass(frozen=True)
class Chunks:
    """The chunks of an array in a folder; a plain value.

    Attributes:
        folder: of the array.
        shape: of the array.
        file: shape of what one file holds: a chunk, or a shard of several chunks.
        inner: shape of a chunk within a shard whose index can be read here; None where there are no shards.
        prefix, separator: how the name of a file is made from the numbers of its chunk.
    """

    folder: Path
    shape: tuple[int, ...]
    file: tuple[int, ...]
    inner: tuple[int, ...] | None
    prefix: str
    separator: str

    @classmethod
    def of(cls, array: Any, folder: Path) -> Chunks:
        """The chunks of an open array of the library zarr."""
        shape = tuple(array.shape)
        first = array.metadata.encode_chunk_key((0,) * len(shape))
        second = array.metadata.encode_chunk_key((1,) * len(shape))
        separator = next((sign for sign in second if sign in "./" and len(shape) > 1 and f"1{sign}1" in second), ".")
        prefix = first.removesuffix(separator.join("0" * len(shape)))
        inner = tuple(array.chunks) if array.shards and _plain_index(array) else None
        return cls(folder, shape, tuple(array.shards or array.chunks), inner, prefix, separator)

    def missing(self, selection: Selection, inner: bool = True) -> tuple[int, int]:
        """How many of how many chunks that a selection (of whole axes or single indices) needs are not stored.

        Args:
            selection: as numpy's.
            inner: whether chunks are counted within shards too; else files are.
        """
        grid = [_touched(part, size, step) for part, size, step in zip(selection, self.shape, self.file, strict=True)]
        absent = count = 0
        for place in product(*grid):
            path = self.folder / (self.prefix + self.separator.join(map(str, place)))
            if self.inner is None or not inner:
                absent, count = absent + (not path.is_file()), count + 1
                continue
            there = self._within(path, place, selection)
            absent, count = absent + int((~there).sum()), count + there.size
        return absent, count

    def _within(self, path: Path, place: tuple[int, ...], selection: Selection) -> np.ndarray:
        """bool for each chunk of a shard that a selection touches: whether it is stored."""
        assert self.inner is not None
        grid = tuple(whole // part for whole, part in zip(self.file, self.inner, strict=True))
        there = np.zeros(grid, bool)
        size = 16 * prod(grid)
        if path.is_file() and path.stat().st_size >= size + _CHECKSUM:
            with path.open("rb") as file:
                file.seek(-size - _CHECKSUM, 2)
                index = np.frombuffer(file.read(size), "<u8").reshape(*grid, 2)
            there = ~(index == _NOT_STORED).all(axis=-1)
        parts = []
        for axis, part in enumerate(selection):
            begin, number = place[axis] * self.file[axis], grid[axis]
            if isinstance(part, int):
                within = (part - begin) // self.inner[axis]
                parts.append(slice(within, within + 1))
            else:  # chunks of the last shard that lie behind the end of the array are never stored
                ending = -(-min(self.shape[axis] - begin, self.file[axis]) // self.inner[axis])
                parts.append(slice(0, min(ending, number)))
        return there[tuple(parts)]


def _touched(part: int | slice, size: int, step: int) -> range:
    """The numbers of the chunks along one axis."""
    return range(part // step, part // step + 1) if isinstance(part, int) else range(-(-size // step))


def _plain_index(array: Any) -> bool:
    """Whether shards have their index at the end, as plain numbers with a checksum (what the library writes)."""
    codec = array.metadata.codecs[0]
    names = [type(part).__name__ for part in getattr(codec, "index_codecs", ())]
    location = getattr(getattr(codec, "index_location", None), "value", "")
    return len(array.metadata.codecs) == 1 and names == ["BytesCodec", "Crc32cCodec"] and location == "end"
