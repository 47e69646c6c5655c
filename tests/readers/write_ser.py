"""A small writer of TIA's ``.ser`` and of the XML in an ``.emi`` for the tests; it shares nothing with the reader."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CODES = {"u1": 1, "u2": 2, "u4": 3, "i1": 4, "i2": 5, "i4": 6, "f4": 7, "f8": 8, "c8": 9, "c16": 10}


@dataclass(frozen=True)
class Series:
    """A series of images, top row first.

    Attributes:
        images: of any sizes and types.
        step: metres of a pixel in x and y.
        value: coordinate of the first stored pixel (left, bottom).
        version: 0x0210 or 0x0220.
        planned: images that the acquisition was meant to have; as many as there are if None.
        dimensions: sizes of the scan.
    """

    images: Sequence[np.ndarray]
    step: tuple[float, float] = (2e-9, 3e-9)
    value: tuple[float, float] = (-4e-9, -6e-9)
    version: int = 0x0220
    planned: int | None = None
    dimensions: tuple[int, ...] | None = None
    data_type: int = 0x4122

    @property
    def offset(self) -> str:
        return "<Q" if self.version == 0x0220 else "<I"

    def dimension(self, size: int) -> bytes:
        return struct.pack("<Iddii", size, 0.0, 1.0, 0, 6) + b"Number" + struct.pack("<i", 0)

    def element(self, image: np.ndarray) -> bytes:
        height, width = image.shape
        (x, y), (dx, dy) = self.value, self.step
        code = CODES[image.dtype.str[1:]]
        return struct.pack("<ddiddihii", x, dx, 0, y, dy, 0, code, width, height) + image[::-1].tobytes()

    def bytes(self) -> bytes:
        count = len(self.images)
        planned = count if self.planned is None else self.planned
        sizes = (planned,) if self.dimensions is None else self.dimensions
        dimensions = b"".join(map(self.dimension, sizes))
        width = struct.calcsize(self.offset)
        head = struct.pack("<HHHIIII", 0x4949, 0x0197, self.version, self.data_type, 0x4152, planned, count)
        table = len(head) + width + 4 + len(dimensions)
        elements = [self.element(image) for image in self.images]
        tag = struct.pack("<HHI", 0x4152, 0, 1_500_000_000)
        places, at = [], table + 2 * planned * width
        for element in elements:
            places.append(at)
            at += len(element) + len(tag)
        tags = [place + len(element) for place, element in zip(places, elements, strict=True)]
        empty = [0] * (planned - count)
        entries = b"".join(struct.pack(self.offset, place) for place in [*places, *empty, *tags, *empty])
        head += struct.pack(self.offset, table) + struct.pack("<I", len(sizes)) + dimensions
        return head + entries + b"".join(element + tag for element in elements)


def emi(*objects: Sequence[tuple[str, str, str]], info: str = "", date: str = "Thu Mar 19 15:40:24 2015") -> bytes:
    """An ``.emi`` with an ``<ObjectInfo>`` for each series: (label, value, unit) rows, and ``<AcquireInfo>``."""
    parts = [b"\x0a\0\xff binary "]
    for rows in objects:
        data = "".join(
            f"<Data><Label>{label}</Label><Value>{value}</Value><Unit>{unit}</Unit></Data>"
            for label, value, unit in rows
        )
        text = (
            f"<ObjectInfo><ExperimentalDescription><Root>{data}</Root></ExperimentalDescription>"
            f"<AcquireDate>{date}</AcquireDate><AcquireInfo>{info}</AcquireInfo></ObjectInfo>"
        )
        parts += [text.encode(), b"\0\x01 more \xfe"]
    return b"".join(parts)
