"""The tag tree of a Gatan file: groups of values by name, as far as a file could be read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

_NATIVE_UTF16 = "utf-16-le" if np.little_endian else "utf-16-be"


@dataclass(frozen=True)
class Block:
    """An array that stays in the file.

    Attributes:
        start: its first byte.
        count: how many elements.
        element_bytes: bytes of one.
        code: type of the elements.
    """

    start: int
    count: int
    element_bytes: int
    code: int

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.count * self.element_bytes


class Values(tuple):
    """A short array of numbers; ``text`` reads it as UTF-16, ``block`` says where it stands in the file."""

    block: Block

    def __new__(cls, numbers: np.ndarray, start: int, code: int) -> Values:
        """From the numbers, the first byte in the file and the type."""
        self = super().__new__(cls, numbers.tolist())
        self.block = Block(start, len(numbers), numbers.dtype.itemsize, code)
        return self

    @property
    def text(self) -> str:
        """The numbers as characters of UTF-16."""
        if self.block.code != 4:
            return ""
        return np.array(self, np.uint16).tobytes().decode(_NATIVE_UTF16, "replace").rstrip("\0")


class Group(dict):
    """A group of tags by name; those without a name are called by their number from "0".

    ``announced`` is how many entries the file says it has.
    """

    announced = 0

    def at(self, path: str, default: object = None) -> object:
        """The tag at ``path`` ("Microscope Info/Stage Position/Stage Alpha"), or ``default``."""
        value: object = self
        for name in path.split("/"):
            if not isinstance(value, Group) or name not in value:
                return default
            value = value[name]
        return value

    def text(self, path: str) -> str:
        """The text at ``path``; "" where there is none."""
        value = self.at(path)
        value = value.text if isinstance(value, Values) else value
        return value.strip() if isinstance(value, str) else ""

    def groups(self) -> list[Group]:
        """The groups in this one."""
        return [value for value in self.values() if isinstance(value, Group)]


@dataclass
class Tags:
    """What could be read of a file.

    Attributes:
        version: 3 or 4.
        little: whether data are little-endian.
        announced: bytes that the file says it has.
        root: the tree.
        beyond: the array in which the file ends, where it does.
        faults: (path of the tag, what is wrong) of each that was left out.
        complete: whether the tree was read to its end, but for ``faults``.
        cut: whether the file ends before the tree does.
    """

    version: int
    little: bool
    announced: int
    root: Group
    beyond: Block | None = None
    faults: list[tuple[str, str]] = field(default_factory=list)
    complete: bool = True
    cut: bool = False
