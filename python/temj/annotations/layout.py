"""The byte layout of ImageJ's ``.roi`` files (ij.io.RoiDecoder and RoiEncoder of 1.54p), big-endian.

A file is a header of 64 bytes, the coordinates, a second header of 64 bytes, name and properties (UTF-16).
"""

from __future__ import annotations

import re
import struct

import numpy as np

from temj.data import CLOSE, CUBIC, LINE_TO, MOVE, QUADRATIC, RoiType

MAGIC = b"Iout"
VERSION = 228
HEADER = struct.Struct(">4shBx4HH16sHiiiHH4sii")
"""magic, version, type; top, left, bottom, right; number of points; 4 floats or that number as int; stroke width,
length of a path, stroke and fill colour; subtype, options; 4 bytes of parameters; position, offset of header 2."""
HEADER2 = struct.Struct(">4xiiiiiihBBifiii12x")
"""channel, slice, frame; offset and length of the name; label colour and font; group, opacity, image size, stroke
width; offset and length of the properties; offset of point counters."""

POLYGON, RECT, OVAL, LINE, FREELINE, POLYLINE, NO_ROI, FREEHAND, TRACED, ANGLE, POINT = range(11)
TYPE_OF_ROI = {
    RoiType.RECT: RECT, RoiType.OVAL: OVAL, RoiType.ELLIPSE: FREEHAND, RoiType.ROTATED_RECT: FREEHAND,
    RoiType.POLYGON: POLYGON, RoiType.FREEROI: FREEHAND, RoiType.TRACED: TRACED, RoiType.COMPOSITE: RECT,
    RoiType.POINT: POINT, RoiType.LINE: LINE, RoiType.POLYLINE: POLYLINE, RoiType.FREELINE: FREELINE,
    RoiType.ANGLE: ANGLE,
}  # fmt: skip
ROI_OF_TYPE = {
    POLYGON: RoiType.POLYGON, FREEHAND: RoiType.FREEROI, TRACED: RoiType.TRACED, POLYLINE: RoiType.POLYLINE,
    FREELINE: RoiType.FREELINE, ANGLE: RoiType.ANGLE, POINT: RoiType.POINT,
}  # fmt: skip

TEXT, ARROW, ELLIPSE, IMAGE, ROTATED_RECT = range(1, 6)
"""Subtypes."""
AXES = {RoiType.ELLIPSE: ELLIPSE, RoiType.ROTATED_RECT: ROTATED_RECT}
"""Types that ImageJ keeps as a freehand outline with the ends of an axis."""
SPLINE_FIT, SUB_PIXEL = 1, 128
"""Options."""

DIAMETER_RULES = ("major", "geometric", "equivalent")
"""Values of the ROI property ``diameter``: which length is the Diameter of the object's class."""

SMALLEST, LARGEST = -5000, 60535
"""Integer coordinates that 16 bits hold: below -5000 ImageJ takes them for numbers above 32,767."""

_FLOATS_OF_CODE = {MOVE: 2, LINE_TO: 2, QUADRATIC: 4, CUBIC: 6, CLOSE: 0}
_POINTS_OF_CODE = np.array([1, 1, 2, 3, 1])


def signed(value: int) -> int:
    """A 16-bit number as ImageJ reads it: above 60,535 it is negative."""
    return value - 65536 if value > LARGEST else value


def pack_path(points: np.ndarray, codes: np.ndarray) -> bytes:
    """A path's points (n, 2) and codes (n,) as ImageJ's array of segments: code, then 0 to 3 points."""
    run = np.flatnonzero(np.diff(codes, prepend=-1))
    within = np.arange(len(codes)) - np.repeat(run, np.diff(run, append=len(codes)))
    first = within % _POINTS_OF_CODE[codes] == 0
    drawn = codes != CLOSE
    end = np.cumsum(first + 2 * drawn)
    array = np.empty(end[-1] if len(end) else 0, ">f4")
    array[(end - 1 - 2 * drawn)[first]] = codes[first]
    array[end[drawn] - 2], array[end[drawn] - 1] = points[drawn, 0], points[drawn, 1]
    return array.tobytes()


def unpack_path(array: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of :func:`pack_path`; the point of a CLOSE is the first one of its subpath.

    Raises:
        ValueError: an unknown code, or an array that ends within a segment.
    """
    points: list[float] = []
    codes: list[int] = []
    at, start = 0, [0.0, 0.0]
    while at < len(array):
        code = int(array[at])
        count = _FLOATS_OF_CODE.get(code)
        segment = array[at + 1 : at + 1 + (count or 0)]
        if count is None or len(segment) < count:
            raise ValueError(f"an unknown or unfinished path segment {array[at]:g} at number {at}")
        if code == MOVE:
            start = segment
        points += segment or start
        codes += [code] * max(count // 2, 1)
        at += 1 + count
    return np.array(points).reshape(-1, 2), np.array(codes, np.uint8)


def write_properties(properties: dict[str, str]) -> str:
    """Lines ``key: value`` of a Java properties file, pure ASCII: ImageJ reads its UTF-8 as Latin-1."""
    return "".join(f"{key}: {_escaped(value)}\n" for key, value in sorted(properties.items()))


def read_properties(text: str) -> dict[str, str]:
    """The values of a Java properties text, as ImageJ reads and writes it."""
    pattern = re.compile(r"[ \t\f]*([^ \t\f:=#!][^ \t\f:=]*)[ \t\f]*[:=]?[ \t\f]*(.*)", re.DOTALL)
    pairs = (pattern.match(line) for line in re.split(r"[\r\n]+", text))
    return {pair[1]: _unescaped(pair[2]) for pair in pairs if pair}


def _escaped(value: str) -> str:
    value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    value = "\\" + value if value.startswith(" ") else value
    if value.isascii() and value.isprintable():
        return value
    units = np.frombuffer(value.encode("utf-16-be", "surrogatepass"), ">u2").tolist()
    return "".join(chr(unit) if 31 < unit < 127 else f"\\u{unit:04X}" for unit in units)


def _unescaped(value: str) -> str:
    if "\\" not in value:
        return value
    plain = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
    pattern = r"\\u([0-9a-fA-F]{4})|\\(.)"
    value = re.sub(pattern, lambda m: chr(int(m[1], 16)) if m[1] else plain.get(m[2], m[2]), value)
    return value.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")
