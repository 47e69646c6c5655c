"""The bytes of the members of zip archives, also of damaged ones, and fast."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

_MEMBER, _END, _DIRECTORY, _ENTRY, _UTF8 = b"PK\3\4", b"PK\5\6", b"PK\1\2", 46, 0x08
"""Begin of a member and of the archive's end; begin and length of an entry of a zip's directory, which ends with the
place of the member's own header; the bit "the name is UTF-8" in the second byte of flags of both."""
_HEADER = struct.Struct("<4s2xH18xHH")
"""A member's own header: its begin, flags, lengths of its name and of what stands between the name and its bytes."""
_NAME_IS_UTF8 = 0x800
_PLAIN_FLAGS = _NAME_IS_UTF8 | 0x0E
"""Flags that leave a member as it is: how well it is packed, sizes behind it, UTF-8; not encrypted, no patch."""


def members_of(data: bytes) -> int:
    """How many members an archive's bytes speak of: as many as begin somewhere, or as its end says, twice alike."""
    end = data.rfind(_END)
    counts = struct.unpack_from("<HH", data, end + 8) if 0 <= end <= len(data) - 12 else (0, 0)
    said = counts[0] if counts[0] == counts[1] != 0xFFFF else 0  # all bits stand for "too many for 16"
    return max(data.count(_MEMBER), said)


def opened(path: Path) -> tuple[zipfile.ZipFile, bytes]:
    """An archive and its bytes; where names are not the UTF-8 that they say they are, they are read as plain bytes."""
    data = path.read_bytes()
    try:
        return zipfile.ZipFile(io.BytesIO(data)), data
    except UnicodeDecodeError:
        data = bytearray(data)
        at = data.find(_DIRECTORY)
        while 0 <= at <= len(data) - _ENTRY:
            header = int.from_bytes(data[at + _ENTRY - 4 : at + _ENTRY], "little")
            for place in (at + 9, header + 7):
                if place < len(data):
                    data[place] &= ~_UTF8
            at = data.find(_DIRECTORY, at + 1)
        return zipfile.ZipFile(io.BytesIO(data)), bytes(data)


def whole(packed: bytes, member: zipfile.ZipInfo) -> bytes | None:
    """A member that is stored or deflated and is in order, in half of zipfile's time; None for zipfile to say why."""
    begin = member.header_offset + _HEADER.size
    if not _HEADER.size <= begin <= len(packed) or member.flag_bits & ~_PLAIN_FLAGS:
        return None
    magic, flags, name, extra = _HEADER.unpack_from(packed, member.header_offset)
    said = packed[begin : begin + name].decode("utf-8" if flags & _NAME_IS_UTF8 else "cp437", "replace")
    if magic != _MEMBER or said != member.orig_filename:
        return None
    data = packed[begin + name + extra : begin + name + extra + member.compress_size]
    if member.compress_type == zipfile.ZIP_DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.file_size + 1)
        except zlib.error:
            return None
    elif member.compress_type != zipfile.ZIP_STORED:
        return None
    return data if len(data) == member.file_size and zlib.crc32(data) == member.CRC else None
