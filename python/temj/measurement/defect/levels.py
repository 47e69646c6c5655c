"""Where the edges of an object lie in the profile of its contrast along the normals of its ellipse.

With the contrast c(d) at the distance d from the ellipse (positive outside), its background far outside as 0, its
extremum P at the ridge, and of a ring the level I inside it:

``half-maximum``  where c falls to P/2 outside the ridge.
``outer``         the foot of the outer flank: the straight line through the places where c is 3P/4 and P/4 reaches 0
                  there. A box has its edge there, a Gaussian line of sd s 2.12 s from its ridge (0.9 of its FWHM).
``middle``        half way between the two places where c is P - min(P, P - I)/4: of a line with a symmetric profile
                  its extremum, and less disturbed by noise than the largest value.
``inner``         the foot of the inner flank: the line through 3/4 and 1/4 of the way from I to P reaches I there.

The width that a pixel gives to the flank of a perfectly sharp edge is taken off both feet. An object whose contrast
does not fall by a quarter of P inside, beyond doubt of the noise, is no ring but a disc: its middle and inner edges
are taken at the half maximum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_QUANTILE = 0.25
"""Of the profile outside that is its background: whatever else lies there is mostly stronger."""
_INSIDE = 0.2
"""Of the area inside the ridge that is below the level inside."""
_RING = 0.25
_EPSILON = 1e-5
_SURE = 2.5
"""Standard errors."""
_CORE = 2.5
"""Pixels around the centre whose mean is taken: a few pixels would be mostly noise."""
SHARP = 0.32
"""Half the distance, in pixels, between 3/4 and 1/4 of a sharp edge seen by pixels and cubic interpolation: measured
on discs of 10 to 40 pixels."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Of n objects, each (n,).

    Attributes:
        positions: edge (:data:`temj.measurement.defect.edges.EDGES`) → distance from the ellipse, NaN where unclear.
        background, extremum: grey values of the profile far outside and at the ridge.
        ring: bool, whether the contrast falls again inside.
    """

    positions: dict[str, np.ndarray]
    background: np.ndarray
    extremum: np.ndarray
    ring: np.ndarray


@dataclass(frozen=True, eq=False)
class Means:
    """Mean profiles of n ellipses.

    Attributes:
        distance: (n, m) float64 from the ellipse, ascending, from its middle to far outside.
        grey: (n, m) mean grey values, NaN where unknown.
        around: (n, m) pixels on the line at each distance.
        noise: (n,) sd of single pixels.
    """

    distance: np.ndarray
    grey: np.ndarray
    around: np.ndarray
    noise: np.ndarray


def means_of(distance: np.ndarray, grey: np.ndarray, used: np.ndarray, ellipses: np.ndarray) -> Means:
    """Mean over the directions that are used (all, where none is).

    Args:
        distance: (n, m).
        grey: (n, directions, m), NaN where unknown.
        used: (n, directions) bool.
        ellipses: (n, 5) that the profiles are of.
    """
    used = used | ~used.any(axis=1, keepdims=True)
    there = np.isfinite(grey) & used[..., None]
    count = there.sum(axis=1)
    values = np.where(there, grey, 0).astype(float)
    mean = values.sum(axis=1) / np.maximum(count, 1)
    spread = np.sqrt(np.maximum((values**2).sum(axis=1) / np.maximum(count, 1) - mean**2, 0))
    outside = (distance > 0) & (count > 0)
    ranked = np.sort(np.where(outside, spread, np.inf), axis=1)
    middle = ranked[np.arange(len(ranked)), np.maximum(outside.sum(axis=1) - 1, 0) // 2]
    noise = np.where(np.isfinite(middle), middle, 0.0)
    around = np.maximum(math.pi * (ellipses[:, 2:3] + ellipses[:, 3:4] + 2 * distance), 1.0)
    share = np.clip(used.mean(axis=1), 0.05, 1)[:, None]
    return Means(distance, np.where(count > 0, mean, np.nan), around * share, noise)


def edges_in(profile: Means, sign: np.ndarray, limit: np.ndarray) -> Edges:
    """Find the edges in mean profiles.

    Args:
        profile: of n objects.
        sign: (n,) 1 for bright objects, -1 for dark ones.
        limit: (n,) how far outside the ellipse the half maximum may lie.
    """
    distance = profile.distance
    value = _steadied(distance, sign[:, None] * profile.grey)
    error = _SURE * profile.noise[:, None] / np.sqrt(profile.around)
    background = outside_level(distance, value)
    within = distance <= limit[:, None]
    ridge = np.where(within, value - error, -np.inf).argmax(axis=1)
    row = np.arange(len(value))
    extremum = value[row, ridge]
    height = extremum - background
    inside = np.arange(value.shape[1]) <= ridge[:, None]
    lowest = np.where(inside, value + error, np.inf).min(axis=1)
    ring = (extremum - error[row, ridge] - lowest >= _RING * height) & (height > 0)
    bottom = np.where(ring, _low_of(value, np.where(inside, profile.around, 0.0)), background)

    def out(share: float) -> np.ndarray:
        return crossing(distance, value, background + share * height, ridge, 1)

    def into(share: float) -> np.ndarray:
        return crossing(distance, value, bottom + share * (extremum - bottom), ridge, -1)

    half, high = out(0.5), extremum - 0.25 * np.minimum(height, extremum - bottom)
    middle = (crossing(distance, value, high, ridge, 1) + crossing(distance, value, high, ridge, -1)) / 2
    found = {
        "outer": np.maximum(_foot(out(0.75), out(0.25)), half),
        "half-maximum": half,
        "middle": np.where(ring, middle, half),
        "inner": np.where(ring, np.maximum(_foot(into(0.75), into(0.25)), distance[:, 0]), half),
    }
    flat = ~(height > _EPSILON * np.abs(extremum))
    return Edges(
        {name: np.where(flat, np.nan, place) for name, place in found.items()},
        sign * background, sign * extremum, ring & ~flat,
    )  # fmt: skip


def _foot(three: np.ndarray, quarter: np.ndarray) -> np.ndarray:
    """Where a flank ends, from the places of 3/4 and 1/4 of its height."""
    gap = (quarter - three) / 2
    return (three + quarter) / 2 + 2 * np.sign(gap) * np.sqrt(np.maximum(gap**2 - SHARP**2, 0))


def _low_of(value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(n,) the value below which lies a small part of the weight of each row."""
    order = value.argsort(axis=1)
    total = np.take_along_axis(weight, order, 1).cumsum(axis=1)
    at = (total >= _INSIDE * total[:, -1:]).argmax(axis=1)
    row = np.arange(len(value))
    return value[row, order[row, at]]


def outside_level(distance: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The background (…) of profiles (…, m): a low quantile of what lies outside the ellipse (distance > 0)."""
    outside = np.where(np.broadcast_to(distance > 0, value.shape), value, np.nan)
    ranked = np.sort(outside, axis=-1)  # NaN last
    there = np.isfinite(ranked).sum(axis=-1)
    place = np.maximum(there - 1, 0) * _QUANTILE
    low = np.floor(place).astype(int)
    first = np.take_along_axis(ranked, low[..., None], -1)[..., 0]
    second = np.take_along_axis(ranked, np.minimum(low + 1, np.maximum(there - 1, 0))[..., None], -1)[..., 0]
    return first + (place - low) * (second - first)


def crossing(distance: np.ndarray, value: np.ndarray, level: np.ndarray, start: np.ndarray, way: int) -> np.ndarray:
    """(n,) where profiles (n, m) first fall below a level, going from index ``start`` outwards (1) or inwards (-1).

    Linear between samples; NaN where they do not.
    """
    index = np.arange(value.shape[1])
    passed = (index > start[:, None]) if way > 0 else (index < start[:, None])
    below = passed & (value < level[:, None])
    at = below.argmax(axis=1) if way > 0 else value.shape[1] - 1 - below[:, ::-1].argmax(axis=1)
    row = np.arange(len(value))
    before = np.clip(at - way, 0, value.shape[1] - 1)
    low, high = value[row, at], value[row, before]
    part = np.clip((high - level) / np.where(high > low, high - low, 1.0), 0, 1)
    place = distance[row, before] + part * (distance[row, at] - distance[row, before])
    return np.where(below.any(axis=1), place, np.nan)


def _steadied(distance: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Profiles with the mean of the innermost pixels in their place, and gaps filled with what is next to them."""
    radius = distance - distance[:, :1]
    core = radius < np.minimum(_CORE, 0.25 * -distance[:, :1])
    weight = np.where(core & np.isfinite(value), radius + 0.1, 0.0)
    total = weight.sum(axis=1)
    mean = (weight * np.nan_to_num(value)).sum(axis=1) / np.where(total > 0, total, 1.0)
    value = np.where(core & (total > 0)[:, None], mean[:, None], value)
    index = np.where(np.isfinite(value), np.arange(value.shape[1]), -1)
    last = np.maximum.accumulate(index, axis=1)
    first = np.argmax(index >= 0, axis=1)[:, None]
    return np.take_along_axis(value, np.where(last >= 0, last, first), 1)
