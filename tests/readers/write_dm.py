"""A small writer of Gatan's DM3 and DM4 for the tests; it shares nothing with the reader.

Tags are (name, value) pairs in a list; a value is a list (a group), a :class:`Raw`, or what ``encoded`` turns into
one: int (32 bit), float (64 bit), str (UTF-16), tuple (structure of 32-bit or 64-bit numbers).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

CODES = {"i2": 2, "i4": 3, "u2": 4, "u4": 5, "f4": 6, "f8": 7, "u1": 8, "i1": 9, "i8": 11, "u8": 12}
DATA_TYPES = {
    "i2": 1, "f4": 2, "c8": 3, "u1": 6, "i4": 7, "i1": 9, "u2": 10, "u4": 11, "f8": 12, "c16": 13, "bool": 14,
    "colour": 23,
}  # fmt: skip


@dataclass(frozen=True)
class Raw:
    """A data tag as it stands in the file: its description in words, and its bytes."""

    description: tuple[int, ...]
    data: bytes


@dataclass(frozen=True)
class Writer:
    """Writes files of one version and byte order."""

    version: int = 4
    little: bool = True

    @property
    def order(self) -> str:
        return "<" if self.little else ">"

    def word(self, number: int) -> bytes:
        return struct.pack(">Q" if self.version == 4 else ">I", number)

    def array(self, values: np.ndarray) -> Raw:
        """An array of numbers, complex ones as structures of two."""
        values = np.asarray(values)
        if values.dtype.kind == "c":
            part = 6 if values.dtype.itemsize == 8 else 7
            description = (20, 15, 0, 2, 0, part, 0, part, values.size)
        else:
            description = (20, CODES[values.dtype.str[1:]], values.size)
        return Raw(description, values.astype(values.dtype.newbyteorder(self.order)).tobytes())

    def encoded(self, value: object) -> Raw:
        if isinstance(value, Raw):
            return value
        if isinstance(value, bool):
            return Raw((8,), struct.pack("B", value))
        if isinstance(value, int):
            return Raw((3,), struct.pack(f"{self.order}i", value))
        if isinstance(value, float):
            return Raw((7,), struct.pack(f"{self.order}d", value))
        if isinstance(value, str):
            return self.array(np.frombuffer(value.encode("utf-16-le"), "<u2").astype(np.uint16))
        kinds = [3 if isinstance(part, int) else 7 for part in value]
        parts = [
            struct.pack(f"{self.order}{'i' if kind == 3 else 'd'}", part)
            for kind, part in zip(kinds, value, strict=True)
        ]
        return Raw((15, 0, len(kinds), *(word for kind in kinds for word in (0, kind))), b"".join(parts))

    def group(self, tags: Sequence[tuple[str, object]]) -> bytes:
        return b"\1\0" + self.word(len(tags)) + b"".join(self.tag(name, value) for name, value in tags)

    def tag(self, name: str, value: object) -> bytes:
        label = name.encode("latin-1")
        if isinstance(value, list):
            kind, body = 20, self.group(value)
        else:
            raw = self.encoded(value)
            kind = 21
            body = b"%%%%" + self.word(len(raw.description)) + b"".join(map(self.word, raw.description)) + raw.data
        length = struct.pack(">Q", len(body)) if self.version == 4 else b""
        return struct.pack(">BH", kind, len(label)) + label + length + body

    def file(self, tags: Sequence[tuple[str, object]]) -> bytes:
        body = self.group(tags)
        return struct.pack(">I", self.version) + self.word(len(body)) + struct.pack(">I", self.little) + body + bytes(8)


@dataclass(frozen=True)
class Image:
    """One image of a file: pixels (…, planes, height, width), axes x first as (origin, scale, units)."""

    pixels: np.ndarray
    axes: tuple[tuple[float, float, str], ...] = ()
    name: str = "image"
    tags: tuple[tuple[str, object], ...] = ()
    data_type: int | None = None
    sizes_first: bool = False

    def group(self, writer: Writer) -> list:
        pixels = np.asarray(self.pixels)
        kind = "bool" if pixels.dtype == bool else pixels.dtype.str[1:]
        data_type = DATA_TYPES[kind] if self.data_type is None else self.data_type
        axes = [("", [("Origin", o), ("Scale", s), ("Units", u)]) for o, s, u in self.axes]
        data = ("Data", writer.array(pixels.view("u1") if kind == "bool" else pixels))
        sizes = [("DataType", data_type), ("Dimensions", [("", size) for size in reversed(pixels.shape)])]
        calibrations = ("Calibrations", [("Dimension", axes)])
        inside = [calibrations, *sizes, data] if self.sizes_first else [calibrations, data, *sizes]
        return [("ImageData", inside), ("ImageTags", list(self.tags)), ("Name", self.name)]


THUMBNAIL = Image(np.zeros((6, 6), np.int32), data_type=23, name="thumbnail")


@dataclass(frozen=True)
class Gatan:
    """A whole file: images in their order, the places of the thumbnails, other tags before and behind."""

    images: tuple[Image, ...]
    thumbnails: tuple[int, ...] = (0,)
    before: tuple[tuple[str, object], ...] = (("ApplicationBounds", (0, 0, 100, 200)),)
    behind: tuple[tuple[str, object], ...] = field(default=(("InImageMode", True),))

    def bytes(self, writer: Writer) -> bytes:
        images = ("ImageList", [("", image.group(writer)) for image in self.images])
        listed = [("", [("ImageIndex", index)]) for index in self.thumbnails]
        small = [("Thumbnails", listed)] if listed else []
        return writer.file([*self.before, images, *self.behind, *small])
