"""The bytes of a ``.roi`` file -> a shape and what else they say."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from temj.annotations import layout
from temj.annotations.encoding import require_usable
from temj.annotations.layout import AXES, HEADER, HEADER2, MAGIC
from temj.annotations.spline import spline_points
from temj.data import IGNORE, RoiType, Shape
from temj.errors import BadAnnotation

_STYLE = ("stroke widths", "stroke colours", "fill colours")
_PROPERTIES = {"class", "score", "track", "diameter", "edge"}


def decode(data: bytes, member: str) -> tuple[Shape, dict[str, Any]]:
    """The shape in the bytes of a ``.roi`` file, and what else it says.

    Args:
        data: the bytes.
        member: where they come from, for errors, and its file name is the name of a ROI that has none.

    Returns:
        The shape and ``name, class_name, score, group, position, track`` as in :class:`temj.data.Instances`,
        ``diameter``: ``major``, ``geometric``, ``equivalent`` or "" where it says none of them, ``edge``: which edge
        of its contrast the outline follows, in words, ``note``: what was changed in reading, or "", and ``dropped``:
        what else the ROI has in ImageJ, which has no place here, in words.

    Raises:
        BadAnnotation: no ROI, cut off, damaged, text or a picture instead of an outline, or absurd coordinates.
    """
    try:
        shape, facts = _decode(data, member)
    except (struct.error, ValueError, OverflowError) as error:
        raise BadAnnotation(
            "roi", where=member, expected="an ImageJ ROI", found=str(error), remedy="Save the ROI again in ImageJ."
        ) from error
    require_usable(shape, member)
    return shape, facts


def _decode(data: bytes, member: str) -> tuple[Shape, dict[str, Any]]:
    if len(data) < HEADER.size or not data.startswith(MAGIC[:2]):
        raise ValueError(f"{len(data)} bytes that begin with {data[:16]!r}")
    (_magic, version, kind, top, left, bottom, right, count, numbers, stroke, path, stroke_colour, fill,
     subtype, options, parameter, plane, after) = HEADER.unpack_from(data)  # fmt: skip
    box = tuple(layout.signed(edge) for edge in (left, top, right, bottom))
    subpixel = bool(options & layout.SUB_PIXEL) and version >= 222
    note = ""
    if path > 0:
        shape = Shape(RoiType.COMPOSITE, *_path(data, path))
    elif kind in (layout.RECT, layout.OVAL):
        if subtype in (layout.TEXT, layout.IMAGE):
            raise ValueError("text" if subtype == layout.TEXT else "a picture")
        shape = _read_box(kind, box, numbers if subpixel and version >= 223 else None, parameter)
    elif kind == layout.LINE:
        shape = Shape(RoiType.LINE, np.reshape(struct.unpack(">4f", numbers), (2, 2)))
    elif kind == layout.FREEHAND and subtype in AXES.values():
        roi_type = RoiType.ELLIPSE if subtype == layout.ELLIPSE else RoiType.ROTATED_RECT
        shape = Shape(roi_type, params=(*struct.unpack(">4f", numbers), *struct.unpack(">f", parameter)))
    elif kind in layout.ROI_OF_TYPE:
        shape = _read_polygon(data, kind, count or struct.unpack_from(">i", numbers)[0], box, subpixel)
        if options & layout.SPLINE_FIT and version >= 218 and kind != layout.POINT and len(shape.points) > 2:
            require_usable(shape, member)
            shape = Shape(shape.roi_type, spline_points(shape.points, shape.roi_type.is_area))
            note = "the points of its fitted spline are taken"
    else:
        raise ValueError(f"the unknown type {kind}")
    facts = _facts(data, version, after, plane, member) | {"note": note}
    if stroke or stroke_colour or fill:
        facts["dropped"] += _style(stroke and kind != layout.POINT, stroke_colour and not facts["group"], fill)
    return shape, facts


def _style(width: int, colour: int, fill: int) -> list[str]:
    """What a ROI is drawn with; the size of points is none of it, nor is the colour that ImageJ gives to a group."""
    return [name for name, value in zip(_STYLE, (width, colour, fill), strict=True) if value]


def _path(data: bytes, count: int) -> tuple[np.ndarray, tuple, bool, np.ndarray]:
    """Points, params, sub-pixel and codes of a composite."""
    if HEADER.size + 4 * count > len(data):
        raise ValueError(f"a path of {count} numbers in {len(data)} bytes")
    points, codes = layout.unpack_path(np.frombuffer(data, ">f4", count, HEADER.size).tolist())
    return points, (), True, codes


def _read_box(kind: int, box: tuple[int, ...], numbers: bytes | None, parameter: bytes) -> Shape:
    roi_type = RoiType.RECT if kind == layout.RECT else RoiType.OVAL
    arc = struct.unpack(">xxh", parameter)[0]
    rounding = (float(max(arc, 0)),) if roi_type == RoiType.RECT else ()
    if numbers is not None:
        return Shape(roi_type, params=(*struct.unpack(">4f", numbers), *rounding))
    left, top, right, bottom = box
    size = max(right - left, 1), max(bottom - top, 1)
    return Shape(roi_type, params=(left, top, *size, *rounding), subpixel=False)


def _read_polygon(data: bytes, kind: int, count: int, box: tuple[int, ...], subpixel: bool) -> Shape:
    if count <= 0 or HEADER.size + count * (12 if subpixel else 4) > len(data):
        raise ValueError(f"{count} points in {len(data)} bytes")
    if subpixel:
        with np.errstate(invalid="ignore"):  # a damaged number that is NaN is refused below
            points = np.frombuffer(data, ">f4", 2 * count, HEADER.size + 4 * count).astype(float)
    else:
        points = np.frombuffer(data, ">u2", 2 * count, HEADER.size).astype(float)
        points[points > layout.LARGEST] = 0  # ImageJ: negative offsets are 0
        points[:count] += box[0]
        points[count:] += box[1]
    return Shape(layout.ROI_OF_TYPE[kind], points.reshape(2, count).T, subpixel=subpixel)


def _facts(data: bytes, version: int, after: int, plane: int, member: str) -> dict[str, Any]:
    """Name, properties, group and position from the second header, as far as it is there."""
    position, group, name, properties = (0, 0, 0), 0, "", {}
    if 0 < after <= len(data) - 36:
        fields = HEADER2.unpack(data[after : after + HEADER2.size].ljust(HEADER2.size, b"\0"))
        position = tuple(max(number, 0) for number in fields[:3])
        group = fields[7] if version >= 228 else 0
        if version >= 229 and not group:
            group = min(struct.unpack_from(">H", data[after : after + 64].ljust(64, b"\0"), 52)[0], 255)
        name = _text(data, fields[3], fields[4])
        properties = layout.read_properties(_text(data, fields[11], fields[12])) if version >= 224 else {}
    if not any(position) and plane > 0:
        position = (1, plane, 1)
    return {
        "name": name or re.split(r"[/\\]", member)[-1].removesuffix(".roi"),
        "class_name": properties.get("class", ""),
        "score": _number(properties.get("score", ""), math.nan),
        "group": group,
        "position": position,
        "track": int(_number(properties.get("track", ""), 0)),
        "diameter": _rule(properties.get("diameter", "")),
        "edge": properties.get("edge", "").strip(),
        "dropped": [f"the property '{key[:40]}'" for key in properties if key not in _PROPERTIES],
    }


def _text(data: bytes, offset: int, length: int) -> str:
    """UTF-16 text; characters that cannot be decoded are replaced, text beyond the end of the file is none."""
    if offset <= 0 or length <= 0 or offset + 2 * length > len(data):
        return ""
    return data[offset : offset + 2 * length].decode("utf-16-be", "replace")


def _number(text: str, default: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return default
    return value if abs(value) <= 2**53 else default


def _rule(text: str) -> str:
    return text if text in layout.DIAMETER_RULES else ""


def diameter_info(class_names: Iterable[str], rules: Iterable[str]) -> dict[str, dict[str, str]]:
    """What ROIs say of their classes' Diameter, for ``Instances.info``; the first ROI of a class decides.

    Args:
        class_names: of the ROIs.
        rules: of the same ROIs, "" where one says nothing.

    Returns:
        ``{"diameter": {class: rule}}``, or an empty dict where no ROI says anything.
    """
    return _said_by_class("diameter", class_names, rules)


def edge_info(class_names: Iterable[str], edges: Iterable[str]) -> dict[str, dict[str, str]]:
    """The same for the edge that outlines follow: ``{"edge": {class: words}}``, or an empty dict."""
    return _said_by_class("edge", class_names, edges)


def _said_by_class(key: str, class_names: Iterable[str], values: Iterable[str]) -> dict[str, dict[str, str]]:
    said: dict[str, str] = {}
    for name, value in zip(class_names, values, strict=True):
        if value:
            said.setdefault(name, value)
    return {key: said} if said else {}


def class_of(kind: str, group_name: str, name: str) -> str:
    """The class of a ROI: its property ``class``, else the name of its group, else what stands in its own name before
    ``-0001``.

    A ``?`` before one of the three says "I do not know", whatever else it has: :data:`temj.data.IGNORE`.
    """
    if any(text.startswith("?") for text in (kind, group_name, name)):
        return IGNORE
    return kind or group_name or class_of_name(name)


def class_of_name(name: str) -> str:
    """The class in a name such as ``loop-0001`` or ``loop-0001-2``; "" for ImageJ's own names such as ``0123-0456``."""
    match = re.fullmatch(r"(.+?)-\d+(?:-\d+)?", name)
    return match[1] if match and any(character.isalpha() for character in match[1]) else ""
