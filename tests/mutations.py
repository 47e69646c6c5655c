"""Damaged copies of a file for the fuzz tests: the same seed gives the same copies.

Import it as the other helpers are: ``importlib.util.spec_from_file_location("mutations", ".../tests/mutations.py")``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
"""Integers at which readers go wrong."""


def flip_bits(data: bytearray, random: random.Random) -> None:
    """Turn 1 to 16 bits around."""
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        data[_place(data, random)] ^= 1 << random.randrange(8)


def extreme_numbers(data: bytearray, random: random.Random) -> None:
    """Overwrite 1 to 4 places by an extreme integer of 1, 2, 4 or 8 bytes, in either byte order."""
    for _ in range(random.choice((1, 1, 2, 4))):
        size = random.choice((1, 2, 4, 8))
        number = random.choice(EXTREMES) % (1 << 8 * size)
        at = _place(data, random)
        data[at : at + size] = number.to_bytes(size, random.choice(("little", "big")))[: len(data) - at]


def cut(data: bytearray, random: random.Random) -> None:
    """Leave out the end of the file."""
    del data[random.randrange(len(data)) :]


def insert_block(data: bytearray, random: random.Random) -> None:
    """Repeat a block of the file at another place; what follows moves."""
    begin, end = _block(data, random)
    at = random.randrange(len(data) + 1)
    data[at:at] = data[begin:end]


def zero_block(data: bytearray, random: random.Random) -> None:
    """Fill a block with zeros."""
    begin, end = _block(data, random)
    data[begin:end] = bytes(end - begin)


def swap_blocks(data: bytearray, random: random.Random) -> None:
    """Exchange two blocks of the same length."""
    begin, end = _block(data, random)
    other = random.randrange(len(data) - (end - begin) + 1)
    if not (other + end - begin <= begin or end <= other):
        return
    size = end - begin
    data[begin:end], data[other : other + size] = data[other : other + size], data[begin:end]


def remove_block(data: bytearray, random: random.Random) -> None:
    """Leave out a block; what follows moves."""
    begin, end = _block(data, random)
    del data[begin:end]


OPERATORS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_bits, extreme_numbers, cut, insert_block, zero_block, swap_blocks, remove_block,
)  # fmt: skip


def mutations(data: bytes, seed: int, count: int) -> Iterator[bytes]:
    """``count`` damaged copies of ``data``, each by one to three operators; copies that stayed whole are made again.

    Args:
        data: a good file, at least 2 bytes.
        seed: the same seed gives the same copies.
        count: how many.
    """
    chance = random.Random(seed)
    made = 0
    while made < count:
        copy = bytearray(data)
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            if len(copy) > 1:
                chance.choice(OPERATORS)(copy, chance)
        if copy != data:
            made += 1
            yield bytes(copy)


def _place(data: bytearray, random: random.Random) -> int:
    """Any byte; half of the time one of the first or last 512, where most headers stand."""
    near = min(512, len(data))
    kind = random.randrange(4)
    if kind == 0:
        return random.randrange(near)
    if kind == 1:
        return len(data) - 1 - random.randrange(near)
    return random.randrange(len(data))


def _block(data: bytearray, random: random.Random) -> tuple[int, int]:
    """(begin, end) of a block of 1 to 256 bytes, at times up to a quarter of the file."""
    longest = random.choice((4, 16, 64, 256, max(len(data) // 4, 1)))
    size = random.randint(1, max(min(longest, len(data) // 2), 1))
    begin = max(0, min(_place(data, random), len(data) - size))
    return begin, begin + size
