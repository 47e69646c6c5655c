"""Perimeters of shapes as ImageJ computes them (``Roi.getLength`` of each kind of selection in 1.54p)."""

from __future__ import annotations

import math

import numpy as np

from temj.data import RoiType
from temj.geometry.chains import Chains, chain_lengths
from temj.geometry.path_length import path_lengths
from temj.geometry.raster import VERTEX_TYPES, rounded
from temj.geometry.vertices import Outlines


def perimeters(outline: Outlines, size: tuple[float, float]) -> np.ndarray:
    """(n,) float64, ImageJ's Perim. of each area shape for pixels of the given width and height."""
    lengths = np.zeros(len(outline))
    polygons = outline.of_type(*VERTEX_TYPES)
    for fractional, dtype in ((True, np.float32), (False, np.float64)):
        index = np.flatnonzero(polygons & (outline.shapes.subpixel == fractional))
        if len(index):
            used = outline.vertices_of(polygons & (outline.shapes.subpixel == fractional))
            x, y = (outline.relative[used, axis].astype(dtype) for axis in (0, 1))
            offsets = np.concatenate([[0], np.cumsum(np.diff(outline.offsets)[index])])
            lengths[index] = chain_lengths(Chains(outline.shapes.roi_type[index], x, y, offsets), size)
    composite = np.flatnonzero(outline.of_type(RoiType.COMPOSITE))
    if len(composite):
        lengths[composite] = path_lengths(outline, composite, size)
    return _boxes(outline, size, lengths)


def _boxes(outline: Outlines, size: tuple[float, float], lengths: np.ndarray) -> np.ndarray:
    """Lengths with those of rectangles and ovals filled in, from the integer box."""
    width, height = outline.box[:, 2] * 1.0, outline.box[:, 3] * 1.0
    straight = 2.0 * width * size[0] + 2.0 * height * size[1]
    arc = np.trunc(np.nan_to_num(outline.params[:, 4]))
    a, b = 0.5 * np.minimum(arc, width) * size[0], 0.5 * np.minimum(arc, height) * size[1]
    lengths = np.where(outline.of_type(RoiType.RECT), straight, lengths)
    lengths = np.where(rounded(outline), straight + (_ramanujan(a, b) - 4 * (a + b)), lengths)
    oval = _ramanujan(0.5 * width * size[0], 0.5 * height * size[1])
    return np.where(outline.of_type(RoiType.OVAL), oval, lengths)


def _ramanujan(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Circumference of ellipses with the given semi-axes."""
    with np.errstate(invalid="ignore"):
        return math.pi * (3 * (a + b) - np.sqrt((3 * a + b) * (a + 3 * b)))
