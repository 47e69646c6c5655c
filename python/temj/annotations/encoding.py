"""A shape -> the bytes of a ``.roi`` file."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from temj.annotations import layout
from temj.annotations.layout import AXES, HEADER, HEADER2, MAGIC, VERSION
from temj.data import CLOSE, RoiType, Shape
from temj.errors import BadAnnotation

LARGEST_COORDINATE = 1e6
_POINT_SIZE = 3


@dataclass
class _Body:
    """What differs between the types of ROI: fields of the first header and the coordinates behind it."""

    box: tuple[int, int, int, int]
    """Left, top, right, bottom."""
    count: int = 0
    numbers: bytes = bytes(16)
    path: int = 0
    subtype: int = 0
    options: int = 0
    parameter: bytes = bytes(4)
    coordinates: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a ``.roi`` file says of its shape.

    Attributes:
        name: of the ROI.
        class_name, score, track, diameter, edge: written as properties; "", NaN and 0 are left out.
        group: 0 … 255.
        position: 1-based channel, slice, frame; 0 is none.
    """

    name: str = ""
    class_name: str = ""
    score: float = math.nan
    group: int = 0
    position: tuple[int, int, int] = (0, 0, 0)
    track: int = 0
    diameter: str = ""
    edge: str = ""

    @property
    def properties(self) -> dict[str, str]:
        """The ROI properties."""
        properties = {"class": self.class_name, "diameter": self.diameter, "edge": self.edge}
        properties["score"] = "" if math.isnan(self.score) else repr(float(self.score))
        properties["track"] = str(int(self.track)) if self.track else ""
        return {key: value for key, value in properties.items() if value}


def encode(shape: Shape, **facts: Any) -> bytes:
    """A shape as the bytes of a ``.roi`` file that ImageJ reads as the same kind of selection.

    Args:
        shape: any type; coordinates are rounded to float32.
        facts: the attributes of :class:`Facts`.

    Raises:
        BadAnnotation: coordinates that are not finite or beyond ±1,000,000, or an outline without points.
    """
    said = Facts(**facts)
    require_usable(shape, said.name or "ROI")
    properties = layout.write_properties(said.properties)
    body = _body(shape)
    texts = [said.name.encode("utf-16-be", "surrogatepass"), properties.encode("utf-16-be")]
    coordinates = b"".join(body.coordinates)
    after = HEADER.size + len(coordinates)
    at = after + HEADER2.size
    left, top, right, bottom = (edge & 0xFFFF for edge in body.box)
    many = body.count > 65535
    header_numbers = struct.pack(">i12x", body.count) if many else body.numbers
    stroke = _POINT_SIZE if shape.roi_type == RoiType.POINT else 0
    header = HEADER.pack(
        MAGIC, VERSION, layout.TYPE_OF_ROI[shape.roi_type], top, left, bottom, right, 0 if many else body.count,
        header_numbers, stroke,
        body.path, 0, 0, body.subtype, body.options, body.parameter, 0, after,
    )  # fmt: skip
    header2 = HEADER2.pack(
        *map(int, said.position), at if said.name else 0, len(texts[0]) // 2, 0, 0, int(said.group), 0, 0, 0.0,
        at + len(texts[0]) if properties else 0, len(texts[1]) // 2, 0,
    )  # fmt: skip
    return b"".join([header, coordinates, header2, *texts])


def require_usable(shape: Shape, where: str) -> None:
    """Raise for coordinates that nothing can be done with.

    Raises:
        BadAnnotation: not finite, beyond ±1,000,000 pixels, or an outline without points.
    """
    if shape.roi_type in (RoiType.RECT, RoiType.OVAL, *AXES):
        numbers = np.array(shape.params[: 5 if shape.roi_type in AXES else 4])
    else:
        numbers = shape.points
    if shape.roi_type == RoiType.COMPOSITE:
        numbers = numbers[shape.codes != CLOSE]
    if not numbers.size:
        found: object = "none"
    elif np.abs(numbers).max() <= LARGEST_COORDINATE:
        return
    else:
        found = numbers[~(np.abs(numbers) <= LARGEST_COORDINATE)][0]
    raise BadAnnotation(
        "coordinates",
        where=where,
        expected="coordinates between -1,000,000 and 1,000,000 pixels",
        found=found,
        remedy="Draw this ROI again or remove it.",
    )


def _body(shape: Shape) -> _Body:
    if shape.roi_type in (RoiType.RECT, RoiType.OVAL):
        return _box(shape)
    if shape.roi_type in AXES:
        return _axes(shape)
    if shape.roi_type == RoiType.COMPOSITE:
        path = layout.pack_path(shape.points, shape.codes)
        box = _around(shape.points[shape.codes != CLOSE])
        return _Body(box, path=len(path) // 4, coordinates=[path])
    if shape.roi_type == RoiType.LINE:
        return _Body(_around(shape.points), numbers=struct.pack(">4f", *shape.points.ravel()[:4]))
    return _polygon(shape.points, shape.subpixel)


def _box(shape: Shape) -> _Body:
    x, y, width, height, arc = shape.params
    body = _Body((int(x), int(y), int(x) + math.ceil(width), int(y) + math.ceil(height)))
    if shape.subpixel or not all(layout.SMALLEST <= edge <= layout.LARGEST for edge in body.box):
        body.numbers, body.options = struct.pack(">4f", x, y, width, height), layout.SUB_PIXEL
    if shape.roi_type == RoiType.RECT and arc > 0:
        body.parameter = struct.pack(">xxh", round(arc))
    return body


def _axes(shape: Shape) -> _Body:
    """Ellipse and rotated rectangle: ImageJ makes them from their axes, other programs use the vertices."""
    x1, y1, x2, y2, across = shape.params
    dx, dy = x2 - x1, y2 - y1
    if shape.roi_type == RoiType.ELLIPSE:
        turn = np.arange(72) * (math.pi / 36)
        along, side = np.cos(turn) / 2, np.sin(turn) * across / 2
    else:
        length = math.hypot(dx, dy) or 1.0
        along, side = np.array([-0.5, 0.5, 0.5, -0.5]), np.array([-0.5, -0.5, 0.5, 0.5]) * (across / length)
    centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    body = _polygon(centre + np.stack([along * dx - side * dy, along * dy + side * dx], 1), True)
    body.numbers, body.subtype = struct.pack(">4f", x1, y1, x2, y2), AXES[shape.roi_type]
    body.parameter = struct.pack(">f", across)
    return body


def _around(points: np.ndarray) -> tuple[int, int, int, int]:
    """The integer box around points."""
    low, high = np.floor(points.min(axis=0)).astype(int).tolist(), np.ceil(points.max(axis=0)).astype(int).tolist()
    return low[0], low[1], high[0], high[1]


def _polygon(points: np.ndarray, subpixel: bool) -> _Body:
    """Vertices relative to the box as 16-bit integers, and behind them as floats where they are sub-pixel."""
    box = _around(points)
    subpixel = subpixel or min(box) < layout.SMALLEST or max(box) > layout.LARGEST
    whole = (points - box[:2]).astype(np.int64).astype(">u2")
    body = _Body(box, len(points), coordinates=[whole.T.tobytes()])
    if subpixel:
        body.options = layout.SUB_PIXEL
        body.coordinates.append(points.T.astype(">f4").tobytes())
    return body
