"""What the container of a film says about its own length (RIFF of AVI; boxes of ISO/IEC 14496-12 of MP4 and MOV)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp")
_MOST = 100_000
_HEADER = 65_536


def is_avi(head: bytes) -> bool:
    """Whether a file that begins like this is AVI."""
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def is_film(head: bytes) -> bool:
    """Whether a file that begins like this (12 bytes) is AVI, MP4 or MOV.

    Everything else is kept away from FFmpeg, which would guess: a play list with the name of a film makes it open
    other files.
    """
    return is_avi(head) or head[4:8] in _BOXES


def is_cut_off(path: Path) -> bool:
    """Whether the file ends before a part of it that its header announces."""
    size = path.stat().st_size
    return any(end > size for _kind, end in _parts(path))


def without_index(path: Path) -> bool:
    """Whether an MP4 or MOV has no index (``moov``), without which nothing of it can be found."""
    parts = list(_parts(path))
    return not any(kind == b"moov" for kind, _end in parts) and not any(kind == b"RIFF" for kind, _end in parts)


def is_bottom_up(path: Path) -> bool:
    """Whether the rows of an uncompressed AVI begin with the lowest: so they do if its height is above 0."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    at = head.find(b"strf", head.find(b"vids"))
    return at < 0 or int.from_bytes(head[at + 16 : at + 20], "little", signed=True) > 0


def _parts(path: Path) -> Iterator[tuple[bytes, int]]:
    """Kind and announced end of each outermost part."""
    size = path.stat().st_size
    at = 0
    with path.open("rb") as file:
        for _ in range(_MOST):
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                return
            if head[:4] == b"RIFF":
                kind, length = b"RIFF", 8 + int.from_bytes(head[4:8], "little")
                length += length % 2
            else:
                kind, length = head[4:8], int.from_bytes(head[:4], "big")
                length = size - at if length == 0 else length
                length = int.from_bytes(head[8:16], "big") if length == 1 else length
                if kind not in _BOXES and not kind.isalnum():
                    return  # bytes behind the end of the film
            if length < 8:
                return
            yield kind, at + length
            at += length
