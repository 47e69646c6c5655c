"""Pictures that a page holds: made small enough for it, as ``data:`` addresses."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from temj.data import Calibration, Micrograph
from temj.opencv import opencv
from temj.plots.bar import bar, has_room
from temj.plots.text import Writer
from temj.report.blocks import Figure

WIDEST, HIGHEST = 1200, 1600
"""Pixels of a picture of a page."""
MOST_BYTES = 340_000
"""Of a picture on a page: 20 of them stay below 10 MB."""
_LARGEST_FILE = 256 * 2**20
_QUALITIES = (88, 80, 70, 60, 50)
_SMALLER = 0.8
_NARROWEST = 360
_TALL = 1.3


@dataclass(frozen=True)
class Scale:
    """Of the micrograph behind a picture: pixel size in nm, and how many pixels wide it is."""

    nm: tuple[float, float]
    width: int


def micrograph_figure(path: Path | None, name: str, caption: str, alt: str, scale: Scale | None = None) -> Figure:
    """An overlay picture as a figure.

    Args:
        path: the file; None where it is not there.
        name: of the file, for the words in its place.
        caption, alt: as in :class:`temj.report.blocks.Figure`.
        scale: where it is known, a picture whose own bar has no room for a scale bar gets one below it.
    """
    picture = None if path is None else _decoded(path)
    if picture is None:
        why = "is not there" if path is None else "cannot be read as a picture"
        return Figure("", alt, caption, missing=f"The picture {name} {why}.")
    if scale is not None:
        picture = with_bar(picture, scale)
    return Figure(_address(_small(picture), "image/jpeg"), alt, caption, _is_tall(picture))


def drawing_figure(path: Path, alt: str, caption: str) -> Figure:
    """A plot (SVG or PNG) as a figure, as it is; a PNG that is too large is made smaller.

    An SVG is held as a picture, not as a part of the page: two plots may use the same names inside, and a picture runs
    no scripts.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= _LARGEST_FILE else b""
    except OSError:
        data = b""
    if path.suffix == ".svg" and b"<svg" in data[:4096]:
        return Figure(_address(data, "image/svg+xml"), alt, caption, _is_tall_drawing(data))
    picture = _decoded(path) if data and path.suffix != ".svg" else None
    if picture is None:
        return Figure("", alt, caption, missing=f"The picture {path.name} cannot be read.")
    if len(data) > MOST_BYTES:
        return Figure(_address(_small(picture), "image/jpeg"), alt, caption, _is_tall(picture))
    return Figure(_address(data, "image/png"), alt, caption, _is_tall(picture))


def with_bar(picture: np.ndarray, scale: Scale) -> np.ndarray:
    """The picture with a scale bar below it, on a wider canvas where it needs one; as it is where it has room for one.

    Args:
        picture: (h, w, 3) uint8 as :func:`temj.plots.overlay` draws it.
        scale: of the micrograph in it.
    """
    height, width = picture.shape[:2]
    micrograph = Micrograph(np.zeros((1, 1), np.uint8), Calibration(*scale.nm, "nm"))
    if has_room(width, micrograph, width / scale.width):
        return picture
    canvas = np.full((height, max(width, _NARROWEST), 3), 255, np.uint8)
    canvas[:, :width] = picture
    wide = canvas.shape[1]
    return np.concatenate([canvas, bar(wide, (), micrograph, width / scale.width, Writer(wide))])


def _decoded(path: Path) -> np.ndarray | None:
    """(h, w, 3) uint8, blue, green, red; None where the file is no picture."""
    cv2 = opencv()
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return None
        data = np.frombuffer(path.read_bytes(), np.uint8)
        return cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None


def _small(picture: np.ndarray) -> bytes:
    """As JPEG of at most :data:`MOST_BYTES`: first the quality goes down, then the size."""
    cv2 = opencv()
    scale = min(1.0, WIDEST / picture.shape[1], HIGHEST / picture.shape[0])
    while True:
        size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        shown = picture if scale == 1 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        for quality in _QUALITIES:
            data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(data) <= MOST_BYTES:
                return data
        scale *= _SMALLER


def _is_tall(picture: np.ndarray) -> bool:
    return picture.shape[0] > _TALL * picture.shape[1]


def _is_tall_drawing(svg: bytes) -> bool:
    """By its view box; a drawing without one is taken as wide."""
    found = re.search(rb'viewBox="[-\d.]+ [-\d.]+ (\d+(?:\.\d+)?) (\d+(?:\.\d+)?)"', svg[:4096])
    return found is not None and float(found[2]) > _TALL * float(found[1])


def _address(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
