"""Lengths of polygons and polylines as ImageJ computes them (``PolygonRoi.getLength`` of 1.54p)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from temj.data import RoiType

_OPEN = (RoiType.POLYLINE, RoiType.FREELINE, RoiType.ANGLE)
_SMOOTHED = (RoiType.FREEROI, RoiType.FREELINE)


@dataclass(frozen=True, eq=False)
class Chains:
    """Vertices of many polygons or polylines.

    Attributes:
        kind: (m,) RoiType of each.
        x: (total,) float32 for sub-pixel vertices, float64 for integers: sums are taken in this type.
        y: (total,).
        offsets: (m + 1,) int64.
    """

    kind: np.ndarray
    x: np.ndarray
    y: np.ndarray
    offsets: np.ndarray

    @property
    def count(self) -> np.ndarray:
        """(m,) int64, vertices of each."""
        return np.diff(self.offsets)

    @property
    def owner(self) -> np.ndarray:
        """(total,) int64, the chain of each vertex."""
        return np.repeat(np.arange(len(self.kind)), self.count)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """(m,) float64, sums of values (total,) whose sums do not round, such as integers."""
        sums = np.zeros(len(self.kind))
        filled = self.count > 0
        if filled.any():
            sums[filled] = np.add.reduceat(values, self.offsets[:-1][filled], dtype=float)
        return sums

    def neighbour(self, step: int) -> np.ndarray:
        """(total,) int64, index of the vertex ``step`` (-1, 1 or 2) further along its closed chain."""
        index = np.arange(step, len(self.x) + step)
        for from_end in range(abs(step)):
            first, count = (part[self.count > from_end] for part in (self.offsets[:-1], self.count))
            place = count - 1 - from_end if step > 0 else np.full(len(count), from_end)
            index[first + place] = first + (place + step) % count
        return index

    def where(self, kept: np.ndarray) -> Chains:
        """The chains for which ``kept`` (m,) bool is true."""
        if kept.all():
            return self
        vertex = np.repeat(kept, self.count)
        offsets = np.concatenate([[0], np.cumsum(self.count[kept])])
        return Chains(self.kind[kept], self.x[vertex], self.y[vertex], offsets)


def chain_lengths(chains: Chains, size: tuple[float, float]) -> np.ndarray:
    """(m,) float64 calibrated lengths by the rule of each kind, for pixels of the given width and height.

    A polygon whose sides are all axis-parallel and whose vertices are whole pixels apart counts as traced; a
    traced outline with sub-pixel vertices has no length in ImageJ (NaN).
    """
    lengths = np.zeros(len(chains.kind))
    traced = chains.kind == RoiType.TRACED
    polygon = np.flatnonzero(chains.kind == RoiType.POLYGON)
    if len(polygon):
        traced[polygon] = axis_parallel(chains.where(chains.kind == RoiType.POLYGON))
    smoothed = np.isin(chains.kind, _SMOOTHED) & (chains.count > 2)
    ellipse = chains.kind == RoiType.ELLIPSE
    for chosen, rule in (
        (traced, traced_lengths), (smoothed, _smoothed_lengths),
        (ellipse, _ellipse_lengths), (~(traced | smoothed | ellipse), _plain_lengths),
    ):  # fmt: skip
        if chosen.any():
            lengths[chosen] = rule(chains.where(chosen), size)
    if chains.x.dtype == np.float32:
        lengths[chains.kind == RoiType.TRACED] = np.nan
    return lengths


def axis_parallel(chains: Chains) -> np.ndarray:
    """(m,) bool, whether all sides (the closing one too) are axis-parallel and all vertices integers."""
    following = chains.neighbour(1)
    bad = (chains.x != chains.x[following]) & (chains.y != chains.y[following])
    bad |= (chains.x != np.trunc(chains.x)) | (chains.y != np.trunc(chains.y))
    return np.bincount(chains.owner[bad], minlength=len(chains.kind)) == 0


def traced_lengths(chains: Chains, size: tuple[float, float]) -> np.ndarray:
    """Length along pixel edges less (w + h - sqrt(w² + h²)) for each corner that is cut (``getTracedPerimeter``).

    Walking along, a corner is cut when the side that arrives there is longer than 1, or when the corner before
    it was not cut.
    """
    before = chains.neighbour(-1)
    dx, dy = np.abs(chains.x - chains.x[before]), np.abs(chains.y - chains.y[before])
    index = np.arange(len(dx))
    fresh = dx + dy > 1
    fresh[chains.offsets[:-1][chains.count > 0]] = True
    since = index - np.maximum.accumulate(np.where(fresh, index, 0))
    width, height = size
    across, down, corners = (chains.sums(part) for part in (dx, dy, (since & 1) == 0))
    length = across * width + down * height - corners * ((width + height) - math.sqrt(width * width + height * height))
    return np.where(chains.count < 4, 0.0, length)


def _plain_lengths(chains: Chains, size: tuple[float, float]) -> np.ndarray:
    following = chains.neighbour(1)
    dx = (chains.x[following] - chains.x).astype(float) * size[0]
    dy = (chains.y[following] - chains.y).astype(float) * size[1]
    length = np.sqrt(dx * dx + dy * dy)
    ends = chains.offsets[1:][np.isin(chains.kind, _OPEN) & (chains.count > 0)] - 1
    length[ends] = 0.0
    return np.bincount(chains.owner, weights=length, minlength=len(chains.kind))


def _ellipse_lengths(chains: Chains, size: tuple[float, float]) -> np.ndarray:
    following = chains.neighbour(1)
    dx, dy = ((part[following] - part).astype(float) for part in (chains.x, chains.y))
    length = np.sqrt(dx * dx * (size[0] * size[0]) + dy * dy * (size[1] * size[1]))
    return np.bincount(chains.owner, weights=length, minlength=len(chains.kind))


def _smoothed_lengths(chains: Chains, size: tuple[float, float]) -> np.ndarray:
    """Length through the running means of 3 vertices, and the closing side between the vertices themselves."""
    dx, dy = _smoothed_steps(chains, chains.x), _smoothed_steps(chains, chains.y)
    length = np.sqrt(dx * dx * (size[0] * size[0]) + dy * dy * (size[1] * size[1]))
    length[chains.offsets[1:][np.isin(chains.kind, _OPEN)] - 1] = 0.0
    return np.bincount(chains.owner, weights=length, minlength=len(chains.kind))


def _smoothed_steps(chains: Chains, value: np.ndarray) -> np.ndarray:
    """One coordinate of the pieces: first, the middle ones, last, closing; as many as there are vertices."""
    step = (value[chains.neighbour(2)] - value[chains.neighbour(-1)]).astype(float) / 3.0
    first, end = chains.offsets[:-1], chains.offsets[1:]
    step[first] = (value[first] + value[first + 1] + value[first + 2]).astype(float) / 3.0 - value[first]
    step[end - 2] = value[end - 1] - (value[end - 3] + value[end - 2] + value[end - 1]).astype(float) / 3.0
    step[end - 1] = (value[end - 1] - value[first]).astype(float)
    return step
