"""What decoders of JPEG keep to themselves: that data are missing. They fill what is not there with grey.

The layout of the stream is that of ITU-T T.81, annex B.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

END = b"\xff\xd9"
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = (0xC0, 0xC1)
_HUFFMAN = (0xC0, 0xC1, 0xC2)
MOST_PIXELS = 1024
"""Pixels that a byte of a Huffman-coded stream can become: each 8 x 8 pixels take at least one bit."""
_RESTARTS = range(0xD0, 0xD8)
_RESTART_INTERVAL, _SCAN, _FINISH = 0xDD, 0xDA, 0xD9
_FILLER = bytes(random.Random(0).randrange(1, 255) for _ in range(4096))


@dataclass
class _Stream:
    """What the marks of a stream say: its size, its end, its restart marks."""

    frame: bytes = b""
    kind: int = 0
    end: int | None = None
    interval: int = 0
    restarts: int = 0
    scans: int = 0

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width)"""
        if len(self.frame) < 6:
            return None
        return int.from_bytes(self.frame[1:3], "big"), int.from_bytes(self.frame[3:5], "big")

    @property
    def announced_restarts(self) -> int | None:
        """How many restart marks there must be; None where that is not plain (several scans, none at all)."""
        components = self.frame[5] if len(self.frame) > 5 else 0
        factors = self.frame[7 : 6 + 3 * components : 3]
        if not self.interval or self.scans != 1 or self.kind not in _SEQUENTIAL or len(factors) != components:
            return None
        across, down = (max(f >> 4 for f in factors), max(f & 15 for f in factors)) if components > 1 else (1, 1)
        if not across or not down:
            return None
        height, width = self.size
        units = -(-width // (8 * across)) * -(-height // (8 * down))
        return -(-units // self.interval) - 1


def _walk(data: bytes) -> _Stream:
    """Go from mark to mark up to the end mark."""
    found, at = _Stream(), 2
    while 0 <= at < len(data) - 1:
        kind = data[at + 1]
        if data[at] != 0xFF:
            at = data.find(b"\xff", at)
        elif kind == _FINISH:
            found.end = at
            return found
        elif kind in _RESTARTS or kind in (0x00, 0x01, 0xFF):
            found.restarts += kind in _RESTARTS
            at += 1 if kind == 0xFF else 2
        else:
            length = int.from_bytes(data[at + 2 : at + 4], "big")
            body = data[at + 4 : at + 2 + length]
            if kind in _SIZES and not found.frame:
                found.frame, found.kind = body, kind
            found.interval = int.from_bytes(body[:2], "big") if kind == _RESTART_INTERVAL else found.interval
            found.scans += kind == _SCAN
            at += 2 + max(length, 2)
    return found


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) that a JPEG stream announces, None where it announces none."""
    return _walk(data).size


def decode_whole(data: bytes, decode: Callable[[bytes], np.ndarray]) -> np.ndarray:
    """The pixels of a JPEG stream whose data are all there.

    A decoder takes from the stream what it needs. Where bytes put in before the end mark change the picture, it had
    asked for more than there was.

    Raises:
        ValueError: no end mark, a part between restart marks is missing, or the picture needs more data than the
            stream has; before any memory is taken where that is plain from its size.
    """
    stream = _walk(data)
    if stream.end is None:
        raise ValueError(f"the end of the JPEG data after {len(data)} bytes, before the end of the picture")
    if stream.kind in _HUFFMAN and stream.size and stream.size[0] * stream.size[1] > MOST_PIXELS * len(data):
        raise ValueError(f"{len(data)} bytes of JPEG data for {stream.size[1]} x {stream.size[0]} pixels")
    pixels = decode(data)
    announced = stream.announced_restarts
    if announced is not None and stream.restarts != announced:
        raise ValueError(f"{stream.restarts} restart marks of {announced} in the JPEG data: a part is missing")
    if not np.array_equal(pixels, decode(data[: stream.end] + _FILLER + END)):
        raise ValueError("the end of the JPEG data before the end of the picture")
    return pixels
