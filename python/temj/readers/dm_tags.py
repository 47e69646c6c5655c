"""The tag tree of Gatan's DM3 and DM4 files, with every length checked against the file before anything is read.

The formats are not published; facts from C. Boothroyd's notes on DM3 and DM4 (er-c.org/cbb/info/dmformat) and
ImageJ's page on DM3. All structure numbers are big-endian; DM3 has 4 bytes where DM4 has 8 (here: "word").

::

    file   version (4 bytes: 3 or 4), length (word), byte order of the data (4 bytes: 1 is little-endian), group
    group  sorted, open (1 byte each), number of entries (word), entries
    entry  20 (group) or 21 (data), length of the name (2 bytes), name, DM4: bytes that follow (8 bytes), group or data
    data   "%%%%", number of words in the description, description, values
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from temj.readers.dm_tree import Block, Group, Tags, Values

GROUP, DATA = 20, 21
STRUCT, STRING, ARRAY = 15, 18, 20
SIMPLE = {
    2: "i2", 3: "i4", 4: "u2", 5: "u4", 6: "f4", 7: "f8", 8: "u1", 9: "i1", 10: "u1", 11: "i8", 12: "u8",
}  # fmt: skip
"""Code of a simple type -> NumPy's. 4 is also a character of UTF-16 text."""

DEEPEST = 64
MOST_TAGS = 1_000_000
LONGEST_VALUE = 65_536
"""Arrays of more bytes stay in the file."""


class Damage(Exception):
    """A tag that cannot be read; ``cut`` where the file ends before it does."""

    def __init__(self, what: str, cut: bool = False):
        super().__init__(what)
        self.cut = cut


def read_tags(path: Path) -> Tags:
    """The tags of a file whose version is 3 or 4; damaged ones are listed in ``faults`` and left out.

    A DM4 file says where each tag ends, and reading goes on behind a damaged one; in a DM3 file nothing behind it
    can be found, and ``complete`` is False.

    Raises:
        OSError: the file cannot be read.
        Damage: it has no header.
    """
    with path.open("rb") as file:
        return _Parser(file, path.stat().st_size).tags()


class _Parser:
    """Walks through an open file."""

    def __init__(self, file: BinaryIO, size: int):
        self.file, self.size, self.count = file, size, 0
        self.version = self.number(">I")
        self.word = ">Q" if self.version == 4 else ">I"
        length = self.number(self.word)
        self.little = self.number(">I") == 1
        self.order = "<" if self.little else ">"
        self.result = Tags(self.version, self.little, length + file.tell() + 8, Group())

    def tags(self) -> Tags:
        """The whole tree, as far as it goes."""
        try:
            self.group(self.result.root, "", 0)
            end = self.file.tell() + 8
            if self.result.complete and end not in (self.size, self.result.announced):
                raise Damage(f"{self.size - end} bytes behind its last entry")
        except Damage as damage:
            self.stop("", damage)
        return self.result

    def stop(self, path: str, damage: Damage) -> None:
        """Note the fault after which nothing more can be found."""
        if self.result.complete:
            self.result.faults.append((path, str(damage)))
            self.result.complete = False
            self.result.cut = damage.cut and self.result.announced > self.size

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        if count > self.size - self.file.tell():
            raise Damage(f"{count} bytes at byte {self.file.tell()} of {self.size}", cut=True)
        data = self.file.read(count)
        if len(data) < count:
            raise Damage(f"the file ended at byte {self.file.tell()}", cut=True)
        return data

    def number(self, kind: str) -> int:
        """The next number of a structure."""
        return struct.unpack(kind, self.take(struct.calcsize(kind)))[0]

    def group(self, into: Group, path: str, depth: int) -> None:
        """Read the entries of a group into ``into``."""
        self.take(2)
        into.announced = self.number(self.word)
        smallest = 3 if self.version == 3 else 11
        if into.announced > (self.size - self.file.tell()) // smallest:
            raise Damage(f"{into.announced} entries announced", cut=True)
        if depth > DEEPEST:
            raise Damage(f"groups in groups, deeper than {DEEPEST}")
        for number in range(into.announced):
            if not self.result.complete:
                return
            self.entry(into, number, path, depth)

    def entry(self, into: Group, number: int, path: str, depth: int) -> None:
        """Read one entry; where it is damaged and its end is known (DM4), go on behind it."""
        end, start = None, 0
        name = str(number)
        try:
            self.count += 1
            if self.count > MOST_TAGS:
                raise Damage(f"more than {MOST_TAGS} tags")
            kind, length = struct.unpack(">BH", self.take(3))
            name = self.take(length).decode("latin-1") or name
            if kind not in (GROUP, DATA):
                raise Damage(f"an entry of kind {kind} at byte {self.file.tell() - length - 3}")
            if self.version == 4:
                length, start = self.number(self.word), self.file.tell()
                end = start + length
            if kind == GROUP:
                into[name] = Group()
                self.group(into[name], f"{path}/{name}", depth + 1)
            else:
                into[name] = self.data()
            if end is not None and self.result.complete and self.file.tell() != end:
                raise Damage(f"it ends at byte {self.file.tell()} and not at {end}")
        except Damage as damage:
            where = f"{path}/{name}".lstrip("/")
            if end is None or not start <= end <= self.size:
                self.stop(where, damage)
            elif self.result.complete:
                self.result.faults.append((where, str(damage)))
                self.file.seek(end)

    def data(self) -> object:
        """The value of a data tag: number, text, tuple, or :class:`Block`."""
        mark = self.take(4)
        if mark != b"%%%%":
            raise Damage(f"{mark!r} where '%%%%' should be")
        words = self.number(self.word)
        if not 1 <= words <= 4096:
            raise Damage(f"a description of {words} words")
        kind = "Q" if self.version == 4 else "I"
        description = list(struct.unpack(f">{words}{kind}", self.take(words * struct.calcsize(kind))))
        value = self.value(description)
        if description:
            raise Damage(f"{len(description)} words too many in its description")
        return value

    def value(self, description: list[int]) -> object:
        """The value that the next words of the description stand for; they are taken away from it."""
        code = _next(description)
        if code in SIMPLE:
            return self.simple(code, 1)[0].item()
        if code == STRING:
            return _text(self.take(_next(description)))
        if code == STRUCT:
            return tuple(self.simple(field, 1)[0].item() for field in _fields(description))
        if code == ARRAY:
            return self.array(description)
        raise Damage(f"a value of the unknown type {code}")

    def simple(self, code: int, count: int) -> np.ndarray:
        """The next numbers, native byte order."""
        if code not in SIMPLE:
            raise Damage(f"a number of the unknown type {code}")
        kind = np.dtype(SIMPLE[code]).newbyteorder(self.order)
        return np.frombuffer(self.take(count * kind.itemsize), kind).astype(kind.newbyteorder("="))

    def array(self, description: list[int]) -> object:
        """Text, a short array, or where a long one or one of structures stands."""
        code = _next(description)
        size = _size(code, description, 0)
        count = _next(description)
        here = self.file.tell()
        if count * size > self.size - here:
            self.result.beyond = Block(here, count, size, code)
            raise Damage(f"{count * size} bytes of values at byte {here} of {self.size}", cut=True)
        if code not in SIMPLE or count * size > LONGEST_VALUE:
            self.file.seek(here + count * size)
            return Block(here, count, size, code)
        return Values(self.simple(code, count), here, code)


def _next(description: list[int]) -> int:
    if not description:
        raise Damage("a description that ends too early")
    return description.pop(0)


def _fields(description: list[int]) -> list[int]:
    """Types of the fields of a structure."""
    _next(description)
    count = _next(description)
    if count * 2 > len(description):
        raise Damage(f"a structure of {count} fields in a description of {len(description)} words")
    fields = []
    for _ in range(count):
        _next(description)
        fields.append(_next(description))
    return fields


def _size(code: int, description: list[int], depth: int) -> int:
    """Bytes of one element of an array; takes its own description away."""
    if code in SIMPLE:
        return np.dtype(SIMPLE[code]).itemsize
    if depth > DEEPEST:
        raise Damage("arrays in arrays, too deep")
    if code == STRUCT:
        return sum(_size(field, [], depth + 1) for field in _fields(description))
    if code == STRING:
        return _next(description)
    if code == ARRAY:
        return _size(_next(description), description, depth + 1) * _next(description)
    raise Damage(f"an array of the unknown type {code}")


def _text(data: bytes) -> str:
    """Text of a string tag: UTF-8, else Latin-1."""
    try:
        return data.decode("utf-8").rstrip("\0")
    except UnicodeDecodeError:
        return data.decode("latin-1").rstrip("\0")
