"""From a rough ellipse to the one along the wanted edge: profiles along its normals, edge points, fit, again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from temj.measurement.defect.edges import EDGES
from temj.measurement.defect.fitting import fit_points
from temj.measurement.defect.levels import Edges, edges_in, means_of, outside_level
from temj.measurement.defect.profiles import Profiles, directions_for, sample
from temj.opencv import opencv

_FIRST, _THEN = (0.4, 2.5), (0.2, 1.5)
"""How far outside the rough ellipse, and then the better one, an edge may lie: this part of the minor semi-axis, and
these pixels more."""
_TURN = 10.0
"""sd in degrees of the Gaussian that averages profiles of neighbouring directions."""
_SEEN = 3.5
"""sds of this Gaussian after which it ends."""
_WEAK = 0.35
"""Directions with less than this part of the usual contrast (gaps of a ring) say nothing about its edge."""
_LEAST_SHARE = 0.4
_COARSE = 1.0
"""Step in pixels of the profiles that only bring the rough ellipse near its edge."""
_GROUP = 64
_FLANK = 1.0
_LEAST_SAMPLES = 5
_HALF = "half-maximum"


@dataclass(frozen=True, eq=False)
class Refined:
    """Of n objects.

    Attributes:
        half: (n, 5) the ellipse along the half maximum.
        wanted: (n, 5) the one along the wanted edge.
        edges: where the edges lie, as distances from ``half``.
        clear: (n,) bool, whether the edge was found in enough directions; where not, both ellipses are the rough one.
    """

    half: np.ndarray
    wanted: np.ndarray
    edges: Edges
    clear: np.ndarray


def refine(pixels: np.ndarray, rough: np.ndarray, sign: np.ndarray, edge: np.ndarray) -> Refined:
    """Bring ellipses to the wanted edge.

    Args:
        pixels: (h, w) float32, finite.
        rough: (n, 5) ellipses in pixels.
        sign: (n,) 1 for bright objects, -1 for dark ones.
        edge: (n,) str, one of EDGES each.
    """
    order = np.argsort(rough[:, 2], kind="stable")
    groups = [order[first : first + _GROUP] for first in range(0, len(order), _GROUP)]
    parts = [_refined(pixels, rough[group], sign[group], edge[group]) for group in groups]
    back = np.argsort(np.concatenate([*groups, np.empty(0, int)]), kind="stable").astype(int)

    def joined(pick: object) -> np.ndarray:
        return np.concatenate([pick(part) for part in parts])[back]

    if not parts:
        none, empty = np.empty((0, 5)), np.empty(0)
        return Refined(none, none, Edges(dict.fromkeys(EDGES, empty), empty, empty, empty > 0), empty > 0)
    return Refined(
        joined(lambda part: part.half),
        joined(lambda part: part.wanted),
        Edges(
            {name: joined(lambda part, name=name: part.edges.positions[name]) for name in EDGES},
            *(joined(lambda part, name=name: getattr(part.edges, name)) for name in ("background", "extremum", "ring")),
        ),
        joined(lambda part: part.clear),
    )


def _refined(pixels: np.ndarray, rough: np.ndarray, sign: np.ndarray, edge: np.ndarray) -> Refined:
    ellipse, clear, directions = rough, np.full(len(rough), True), directions_for(rough)
    for reach in (_FIRST, _THEN):
        profiles = sample(pixels, ellipse, directions, step=_COARSE)
        fitted, used = _fit(profiles, *half_maxima(profiles, sign, _limit(ellipse, *reach)), ellipse)
        clear &= ((used > 0).mean(axis=1) >= _LEAST_SHARE) & np.isfinite(fitted).all(axis=1)
        ellipse = np.where(clear[:, None], fitted, rough)
    profiles = sample(pixels, ellipse, directions)
    edges = edges_in(means_of(profiles.distance, profiles.grey, used > 0, ellipse), sign, _limit(ellipse, *_THEN))
    points = aligned(profiles, edges, sign, used > 0)
    half = wanted = _at_edge(profiles, ellipse, edges, _HALF, points)
    if (edge != _HALF).any():
        wanted = _at_edge(profiles, ellipse, edges, edge, points)
    clear &= np.isfinite(wanted).all(axis=1) & np.isfinite(half).all(axis=1)
    return Refined(*(np.where(clear[:, None], each, rough) for each in (half, wanted)), edges, clear)


def _limit(ellipse: np.ndarray, share: float, more: float) -> np.ndarray:
    """(n,) how far outside each ellipse its edge may lie."""
    return share * ellipse[:, 3] + more


def _fit(profiles: Profiles, place: np.ndarray, weight: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ellipses through the points at distances ``place`` (n, directions) along the normals."""
    return fit_points(profiles.points + profiles.normals * place[..., None], weight, start)


def aligned(profiles: Profiles, edges: Edges, sign: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far the profile of each direction lies outside (or inside) the mean profile.

    A profile is taken as the mean one, moved by a small distance, times a factor, plus a constant, least squares over
    the flanks of the line: both sides of a ring speak, so that noise disturbs less than where one level is crossed.

    Args:
        profiles: of n ellipses that lie along the half maximum.
        edges: of their mean profiles.
        sign: (n,) 1 for bright objects, -1 for dark ones.
        used: (n, directions) those that make the mean profile.

    Returns:
        (n, directions) distances, 0 being that of the mean; NaN where unknown; and weights, 0 where it says nothing.
    """
    distance = profiles.distance
    value = _averaged_around(sign.astype(np.float32)[:, None, None] * profiles.grey)
    there = np.isfinite(value)
    known = there & (used | ~used.any(axis=1, keepdims=True))[..., None]
    mean = np.where(known, value, 0).sum(axis=1, dtype=float) / np.maximum(known.sum(axis=1), 1)
    slope = np.gradient(mean, axis=1) / np.gradient(distance, axis=1)
    flank = edges.positions["outer"] - edges.positions["half-maximum"] + _FLANK
    low = np.where(edges.ring, edges.positions["inner"] - _FLANK, edges.positions["half-maximum"] - 2 * flank)
    high = edges.positions["half-maximum"] + 2 * flank
    window = (distance >= low[:, None]) & (distance <= high[:, None])
    factor, shift, samples = _moved(value, there, mean, slope, window)
    room = np.maximum(flank, _FLANK)[:, None]
    with np.errstate(invalid="ignore"):
        enough = (samples >= _LEAST_SAMPLES) & (factor > _WEAK) & (np.abs(shift) <= 2 * room)
    return np.where(enough, shift, np.nan), np.where(enough, 1.0, 0.0)


def _moved(
    value: np.ndarray, there: np.ndarray, mean: np.ndarray, slope: np.ndarray, window: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares of each profile as constant + factor (mean - shift slope): the factors, shifts and samples of each.

    The normal equations of a line fit with two variables, solved by hand: many small systems at once.

    Args:
        value, there: (n, directions, m), and which of them are known.
        mean, slope: (n, m).
        window: (n, m) bool, what counts.
    """
    middle = (mean * window).sum(axis=1) / np.maximum(window.sum(axis=1), 1)
    one, a, b = window.astype(float), (mean - middle[:, None]) * window, -slope * window
    sums = there.astype(float) @ np.stack([one, a, b, a * a, a * b, b * b], axis=2)
    count, sum_a, sum_b, aa, ab, bb = np.moveaxis(sums, 2, 0)
    known = np.where(there, value - middle[:, None, None], 0.0)
    sum_y, ay, by = np.moveaxis(known @ np.stack([one, a, b], axis=2), 2, 0)
    each = np.maximum(count, 1)
    aa, ab, bb = aa - sum_a * sum_a / each, ab - sum_a * sum_b / each, bb - sum_b * sum_b / each
    ay, by = ay - sum_a * sum_y / each, by - sum_b * sum_y / each
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = (bb * ay - ab * by) / (aa * bb - ab * ab)
        shift = (aa * by - ab * ay) / (bb * ay - ab * by)
    return factor, shift, count


def half_maxima(profiles: Profiles, sign: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In each direction the outermost place where the contrast falls to half.

    Args:
        profiles: of n ellipses.
        sign: (n,) 1 for bright objects, -1 for dark ones.
        limit: (n,) how far outside the ellipse it may lie.

    Returns:
        (n, directions) distances, NaN where there is none; and weights, 0 where the contrast is too weak.
    """
    value = _averaged_around(sign.astype(np.float32)[:, None, None] * profiles.grey)
    distance = profiles.distance[:, None, :]
    background = outside_level(distance, value)
    allowed = (distance <= limit[:, None, None]) & np.isfinite(value)
    height = np.where(allowed, value, -np.inf).max(axis=2) - background
    level = background + height / 2
    above = allowed & (value >= level[..., None])
    count = value.shape[2]
    last = np.minimum(count - 1 - above[..., ::-1].argmax(axis=2), count - 2)
    pair = np.take_along_axis(value, np.stack([last, last + 1], axis=2), 2)
    places = np.take_along_axis(np.broadcast_to(distance, value.shape), np.stack([last, last + 1], axis=2), 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = (pair[..., 0] - level) / (pair[..., 0] - pair[..., 1])
    found = above.any(axis=2) & (pair[..., 1] < level) & np.isfinite(height)
    place = np.where(found, places[..., 0] + part * (places[..., 1] - places[..., 0]), np.nan)
    usual = np.median(np.where(found, height, 0.0), axis=1, keepdims=True)
    return place, np.where(found & (height > _WEAK * usual) & (height > 0), 1.0, 0.0)


def _averaged_around(value: np.ndarray) -> np.ndarray:
    """Profiles (n, directions, m) float32 averaged with those of neighbouring directions; NaN stays NaN."""
    there = np.isfinite(value)
    if there.all():
        return _smoothed(value)
    weight = np.maximum(_smoothed(there.astype(np.float32)), 1e-6)
    return np.where(there, _smoothed(np.where(there, value, np.float32(0))) / weight, np.float32(np.nan))


def _smoothed(value: np.ndarray) -> np.ndarray:
    """(n, directions, m) after a Gaussian around the directions, of which the last is next to the first."""
    count, directions, length = value.shape
    sd = _TURN * directions / 360
    reach = min(math.ceil(_SEEN * sd), directions // 2)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sd) ** 2).astype(np.float32)
    around = np.concatenate([value[:, -reach:], value, value[:, :reach]], axis=1).reshape(-1, length)
    done = opencv().sepFilter2D(around, -1, np.ones(1, np.float32), kernel / kernel.sum())
    return done.reshape(count, -1, length)[:, reach:-reach]


def _at_edge(
    profiles: Profiles, near: np.ndarray, edges: Edges, edge: np.ndarray | str, found: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """The ellipses through the edge points: where each direction has what the mean profile has at the edge."""
    place, weight = found
    shift = np.select([np.full(len(near), edge) == name for name in EDGES], [edges.positions[name] for name in EDGES])
    start = near.copy()
    start[:, 2:4] = np.maximum(start[:, 2:4] + np.nan_to_num(shift)[:, None], 0.4)
    fitted, _ = _fit(profiles, place + shift[:, None], weight, start)
    return np.where(np.isfinite(shift)[:, None], fitted, np.nan)
