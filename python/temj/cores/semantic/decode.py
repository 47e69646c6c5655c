"""From probabilities to objects."""

from __future__ import annotations

import numpy as np

from temj.cores.semantic.settings import SemanticSettings
from temj.data import Instances
from temj.geometry.split import split_touching
from temj.geometry.trace import trace
from temj.opencv import opencv

_SURE = 1e-3
"""Probabilities nearer to 0 or 1 are equally sure."""
_RIM = 1.5
"""How much a rim lowers the probability that it crosses."""
_HILLS = {"valleys": (2.0, 0.3), "boundary": (1.0, 0.2), "distance": (1.0, 0.1)}
"""Mode → smoothing of the height (deviation, pixels of the model), and how far the way between two hills must fall to
part them; chosen on validation images of dislocation loops at two pixel sizes (valleys) and of particles (boundary)."""


def decode(raw: np.ndarray, threshold: float, settings: SemanticSettings, scale: float = 1.0) -> Instances:
    """The objects in what a network answered: pixels above the threshold, told apart where they touch, traced.

    Args:
        raw: (r, h, w): k probabilities; where exclusive classes overlap the likelier one (then the first) has the
            pixel; then the channel that tells objects apart, where the network has one.
        threshold: a pixel belongs to an object if its probability exceeds this.
        settings: of the core.
        scale: pixels of ``raw`` per pixel of the model, linear.

    Returns:
        One instance an object, class by class, Score = mean probability of its pixels; unnamed, unsorted.
    """
    k = len(settings.classes)
    likeliest = raw[:k].argmax(0) if k > 1 and settings.mode == "exclusive" else None
    parts = []
    for number, name in enumerate(settings.classes):
        mask = raw[number] > threshold
        if likeliest is not None:
            mask &= likeliest == number
        labels = told_apart(mask, raw[number], raw[k] if settings.learns_objects else None, settings, scale)
        parts.append(Instances(trace(labels), class_name=name, score=means(raw[number], labels)))
    return Instances.concatenate(parts)


def told_apart(
    mask: np.ndarray, probability: np.ndarray, apart: np.ndarray | None, settings: SemanticSettings, scale: float
) -> np.ndarray:
    """Labels 1 .. n of the objects of a mask (h, w); ``apart`` is the channel that was learned for this."""
    least = max(1, round(settings.min_pixels * scale**2))
    if settings.instances == "split":
        return split_touching(mask, neck=settings.neck, min_depth=max(1.0, scale), min_area=least)
    if settings.instances == "none":
        return _without_small(_pieces(mask), least)
    mask = _without_small(_pieces(mask), least) > 0
    smoothing, fall = _HILLS[settings.instances]
    height = _height(probability, apart, settings.instances)
    height = opencv().GaussianBlur(height.astype(np.float32), (0, 0), smoothing * scale)
    return _without_small(grown(mask, hills(mask, height, fall), height), least)


def _height(probability: np.ndarray, apart: np.ndarray | None, instances: str) -> np.ndarray:
    """(h, w): what is high in the middle of an object and low between two."""
    if instances == "distance":
        return apart
    if instances == "boundary":
        return probability - _RIM * apart
    clipped = np.clip(probability, _SURE, 1 - _SURE)
    return np.log(clipped / (1 - clipped))


def hills(mask: np.ndarray, height: np.ndarray, fall: float) -> np.ndarray:
    """Where the objects of a mask have their tops: the h-domes of Vincent (1993) that are of full height.

    Args:
        mask: (h, w) bool.
        height: (h, w).
        fall: a top counts if every way from it to a higher one falls at least so far.

    Returns:
        bool (h, w); each connected piece is one top; pieces of the mask that are nearly flat have none.
    """
    from skimage.morphology import reconstruction

    cv2 = opencv()
    tops = np.zeros(mask.shape, bool)
    _, pieces, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), None, 8)
    for piece in range(1, len(boxes)):
        left, top, width, rows = boxes[piece, :4].tolist()
        box = np.s_[top : top + rows, left : left + width]
        inside = pieces[box] == piece
        heights = height[box][inside]
        if heights.max() - heights.min() < fall:  # there cannot be two tops
            continue
        own = np.where(inside, height[box], heights.min() - 2 * fall)
        above = own - reconstruction(own - fall, own)
        domes = cv2.connectedComponents((inside & (above > 1e-3 * fall)).astype(np.uint8), connectivity=8)[1]
        highest = np.zeros(int(domes.max()) + 1)
        np.maximum.at(highest, domes.ravel(), above.ravel())
        highest[0] = 0
        tops[box] |= (highest > 0.99 * fall)[domes]
    return tops


def grown(mask: np.ndarray, middles: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Labels of the pixels of a mask, each belonging to the middle whose way to it is least uphill (watershed).

    Args:
        mask, middles: (h, w) bool; each connected piece of ``middles`` is the middle of an object; pieces of the mask
            without one are objects of their own.
        depth: (h, w), higher towards the middles.

    Returns:
        int32 (h, w), not numbered without gaps.
    """
    from skimage.segmentation import watershed

    cv2 = opencv()
    pieces, (_, markers, boxes, _) = _pieces(mask), cv2.connectedComponentsWithStats(middles.astype(np.uint8), None, 8)
    seeds = np.zeros(int(pieces.max()) + 1, np.int64)  # how many middles each piece has
    y, x = _first_pixels(markers, boxes)
    np.add.at(seeds, pieces[y, x], 1)
    seeds[0] = 0
    labels = pieces.copy()
    following = len(seeds)
    _, _, extents, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), None, 8)
    for piece in np.flatnonzero(seeds > 1):
        left, top, width, height = extents[piece, :4].tolist()
        box = np.s_[top : top + height, left : left + width]
        own = pieces[box] == piece
        basins = watershed(-depth[box], np.where(own, markers[box], 0), mask=own, connectivity=2)
        labels[box][own] = basins[own] + following
        following += int(basins.max())
    return labels


def _first_pixels(markers: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(y, x) of one pixel of each marker 1 .. n."""
    flat = np.flatnonzero(markers)
    label = markers.ravel()[flat]
    first = np.zeros(len(boxes), np.int64)
    first[label[::-1]] = flat[::-1]
    return np.divmod(first[1:], markers.shape[1])


def _pieces(mask: np.ndarray) -> np.ndarray:
    return opencv().connectedComponents(mask.astype(np.uint8), connectivity=8)[1]


def _without_small(labels: np.ndarray, least: int) -> np.ndarray:
    """Labels 1 .. n without gaps, in the order of the old ones, of objects of at least so many pixels."""
    area = np.bincount(labels.ravel())
    area[0] = 0
    number = np.zeros(len(area), np.int32)
    kept = np.flatnonzero(area >= least)
    number[kept] = np.arange(1, len(kept) + 1)
    return number[labels]


def means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) float64 mean of ``values`` over the pixels of each label 1 .. n."""
    inside = np.flatnonzero(labels)
    label = labels.ravel()[inside]
    return np.bincount(label, weights=values.ravel()[inside])[1:] / np.bincount(label)[1:]
