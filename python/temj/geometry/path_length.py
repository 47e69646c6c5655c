"""Length of composite outlines (``ij.gui.ShapeRoi.parsePath`` of 1.54p), with its rule for each subpath.

ImageJ guesses what a subpath was drawn with: a traced outline, a polygon, or a freehand line, which it smooths.
The guess uses the length of all subpaths so far (not only of this one), and stops at the first curve: copied as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from temj.data import CLOSE, CUBIC, LINE_TO, MOVE, QUADRATIC, RoiType
from temj.geometry.chains import Chains, chain_lengths, traced_lengths
from temj.geometry.curves import controls, curve_ends, curve_lengths
from temj.geometry.vertices import Outlines

_FEW = 10


def path_lengths(outline: Outlines, index: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """(len(index),) float64, calibrated lengths of the composite shapes ``index``."""
    lengths, done = _traced_lengths(outline, index, size)
    for place in np.flatnonzero(~done):
        part = slice(outline.offsets[index[place]], outline.offsets[index[place] + 1])
        corner = outline.base[index[place]].astype(np.float32)
        lengths[place] = _path_length(outline.relative[part], outline.codes[part], corner, size)
    return lengths


def _traced_lengths(outline: Outlines, index: np.ndarray, size: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of all shapes at once, and for which of them they hold: closed subpaths along pixel edges."""
    place = np.full(len(outline), -1)
    place[index] = np.arange(len(index))
    owner = place[outline.owner]
    used = owner >= 0
    owner, codes, (x, y) = owner[used], outline.codes[used], outline.relative[used].astype(float).T
    closing = codes == CLOSE
    dx, dy = np.diff(x, prepend=0), np.diff(y, prepend=0)
    odd = ~np.isin(codes, (MOVE, LINE_TO, CLOSE)) | (x != np.trunc(x)) | (y != np.trunc(y))
    odd |= (codes != MOVE) & (dx != 0) & (dy != 0)
    follows = np.append(codes[1:], MOVE)
    odd |= closing & (follows != MOVE)
    corner = ~closing
    begins = codes[corner] == MOVE
    ring_owner = owner[corner][begins]
    offsets = np.append(np.flatnonzero(begins), corner.sum())
    chains = Chains(np.full(len(ring_owner), RoiType.TRACED), x[corner], y[corner], offsets)
    closed = np.bincount((np.cumsum(codes == MOVE) - 1)[closing], minlength=len(ring_owner)) > 0
    first, last = offsets[:-1], offsets[1:] - 1
    closed |= (chains.x[first] == chains.x[last]) & (chains.y[first] == chains.y[last])
    bad = np.bincount(owner[odd], minlength=len(index)) > 0
    bad |= np.bincount(ring_owner[~closed | (chains.count == 2)], minlength=len(index)) > 0
    return np.bincount(ring_owner, weights=traced_lengths(chains, size), minlength=len(index)), ~bad


@dataclass
class _Subpath:
    """What is known of the subpath that is being walked along."""

    points: list
    length: float = 0.0
    closed: bool = False
    upright: bool = True


def _path_length(points: np.ndarray, codes: np.ndarray, corner: np.ndarray, size: tuple[float, float]) -> float:
    """Length of one path; points float32 relative to the corner."""
    scaled = points.astype(float) * size
    curves = _curve_lengths(scaled, codes)
    subpath, total, walked = None, 0.0, 0.0
    last = start = (0.0, 0.0)
    for at, code in enumerate(codes):
        if code == MOVE:
            total += _subpath_length(subpath, walked, corner, size)
            subpath = _Subpath([points[at]])
            start = last = scaled[at]
            continue
        if code in {QUADRATIC, CUBIC} and at not in curves:
            continue
        subpath.closed = code == CLOSE
        if at in curves:
            subpath.length += curves[at]
            walked = math.nan
        else:
            end = start if code == CLOSE else scaled[at]
            subpath.length += _distance(last, end)
            dx, dy = points[at] - subpath.points[-1]
            walked += math.sqrt(float(dx) * float(dx) + float(dy) * float(dy))
            subpath.upright = subpath.upright and not (dx != 0 and dy != 0)
        if code != CLOSE:
            subpath.points.append(points[at])
            last = scaled[at]
    return total + _subpath_length(subpath, walked, corner, size)


def _curve_lengths(scaled: np.ndarray, codes: np.ndarray) -> dict[int, float]:
    """Length of each curve, by the index of its last point."""
    lengths = {}
    for code in (QUADRATIC, CUBIC):
        ends = curve_ends(codes, code)
        if len(ends):
            curves = controls(scaled, ends, code)
            if code == QUADRATIC:
                curves[:, 1, 1] = curves[:, 2, 0]  # ImageJ takes the end's x for the y of the control point
            lengths |= dict(zip(ends.tolist(), curve_lengths(curves).tolist(), strict=True))
    return lengths


def _subpath_length(subpath: _Subpath | None, walked: float, corner: np.ndarray, size: tuple[float, float]) -> float:
    """Length of a finished subpath; ``walked`` is the pixel length of all lines of the path, NaN after a curve."""
    if subpath is None:
        return 0.0
    points = np.array(subpath.points, np.float32)
    count, closed = len(points), subpath.closed or bool((points[0] == points[-1]).all())
    if math.isnan(walked) or count < 2 or (count == 2 and closed):
        return subpath.length
    absolute = points + corner
    if count == 2:
        dx, dy = (absolute[1] - absolute[0]).astype(float) * size
        return math.sqrt(dx * dx + dy * dy)
    if closed and subpath.upright and (points == np.trunc(points)).all():
        return _chain_length(RoiType.TRACED, np.floor(absolute.astype(float) + 0.5), size)
    drawn = count > _FEW and not walked / (count * math.sqrt(count)) >= 2
    kind = (
        (RoiType.FREEROI if drawn else RoiType.POLYGON) if closed else (RoiType.FREELINE if drawn else RoiType.POLYLINE)
    )
    return _chain_length(kind, absolute - absolute.min(axis=0), size)


def _chain_length(kind: RoiType, points: np.ndarray, size: tuple[float, float]) -> float:
    return float(chain_lengths(Chains(np.array([kind]), *points.T, np.array([0, len(points)])), size)[0])


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    dx, dy = float(b[0]) - float(a[0]), float(b[1]) - float(a[1])
    return math.sqrt(dx * dx + dy * dy)
