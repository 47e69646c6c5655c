"""What detections have in common: whole ones, and the parts of them in a region; masks on another grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from temj.cores.detection import Detections
from temj.cores.detection.targets import SEEN
from temj.geometry.overlap import Overlaps
from temj.geometry.rotated import corners, of_upright, rotated_iou
from temj.geometry.upright import touching
from temj.opencv import opencv

_HALF = 0.5

Measure = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""The areas of both of each pair and of what they have in common → how much that is."""


def together(parts: Sequence[Detections]) -> Detections:
    """Those of all parts (at least one), in their order."""
    masks = None if parts[0].masks is None else np.concatenate([part.masks for part in parts])
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("boxes", "label", "score"))
    return Detections(*columns, masks)


def same(first: Detections, second: Detections) -> Overlaps:
    """Pairs of boxes (upright or rotated) with their intersection over union."""
    if first.rotated:
        return rotated_iou(first.boxes, second.boxes)
    return rotated_iou(of_upright(first.boxes), of_upright(second.boxes))


def alike(first: Detections, second: Detections, region: np.ndarray) -> Overlaps:
    """Pairs with the intersection over union of their parts in a region.

    Args:
        first, second: of the same kind. Of masks the part is the box around what lies in the region, since a network
            draws the box of a piece around what it sees.
        region: x1, y1, x2, y2.
    """
    if first.rotated:
        return _of_polygons(first, second, region, _over_union)
    one, other = _within(first, region), _within(second, region)
    return _of_boxes(one, other, _over_union)


def covered(first: Detections, second: Detections) -> Overlaps:
    """Pairs with the share (as ``iou``) of the first's box that lies in the second's."""
    if first.rotated:
        return _of_polygons(first, second, None, _over_first)
    return _of_boxes(first.boxes, second.boxes, _over_first)


def _over_union(one: np.ndarray, other: np.ndarray, both: np.ndarray) -> np.ndarray:
    return both / np.maximum(one + other - both, 1e-12)


def _over_first(one: np.ndarray, other: np.ndarray, both: np.ndarray) -> np.ndarray:
    del other
    return both / np.maximum(one, 1e-12)


def _pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of boxes that overlap, sorted."""
    found = list(touching(first, second))
    one, other = (np.concatenate([np.zeros(0, np.int64), *(pair[k] for pair in found)]) for k in (0, 1))
    order = np.lexsort((other, one))
    return one[order], other[order]


def _of_boxes(first: np.ndarray, second: np.ndarray, measure: Measure) -> Overlaps:
    one, other = _pairs(first, second)
    a, b = first[one], second[other]
    both = np.maximum(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0).prod(axis=1)
    return _overlaps(one, other, measure(*((box[:, 2:] - box[:, :2]).prod(axis=1) for box in (a, b)), both))


def _overlaps(one: np.ndarray, other: np.ndarray, iou: np.ndarray) -> Overlaps:
    kept = iou > 0
    return Overlaps(one[kept], other[kept], np.minimum(iou[kept], 1.0))


def _within(found: Detections, region: np.ndarray) -> np.ndarray:
    """(n, 4) the boxes of the parts of boxes or masks in a region; without area where there is none."""
    low, high = np.tile(region[:2], 2), np.tile(region[2:], 2)
    box = np.clip(found.boxes, low, high)
    if found.masks is None or not len(found):
        return box
    side = found.masks.shape[1]
    cell = (found.boxes[:, 2:] - found.boxes[:, :2]) / side
    middle = found.boxes[:, None, :2] + (np.arange(side)[:, None] + 0.5) * cell[:, None]
    here = (middle > region[:2]) & (middle < region[2:])
    drawn = (found.masks > _HALF) & here[:, :, None, 1] & here[:, None, :, 0]
    for axis, line in enumerate((drawn.any(axis=1), drawn.any(axis=2))):
        some = line.any(axis=1)  # a part that is narrower than a cell keeps the box
        first, last = line.argmax(axis=1), side - line[:, ::-1].argmax(axis=1)
        edges = found.boxes[:, axis, None] + np.stack([first, last], axis=1) * cell[:, axis, None]
        box[some, axis] = np.maximum(box[some, axis], edges[some, 0])
        box[some, 2 + axis] = np.minimum(box[some, 2 + axis], edges[some, 1])
    return box


def _of_polygons(first: Detections, second: Detections, region: np.ndarray | None, measure: Measure) -> Overlaps:
    """As for boxes, of rotated ones, only the part in the region."""
    cv2 = opencv()
    one, other = _pairs(first.upright(), second.upright())
    polygons = [_polygons(found, np.unique(index), region) for found, index in ((first, one), (second, other))]
    areas = np.zeros((3, len(one)))
    for place, (i, j) in enumerate(zip(one.tolist(), other.tolist(), strict=True)):
        (a, area), (b, other_area) = polygons[0][i], polygons[1][j]
        both = cv2.intersectConvexConvex(a, b)[0] if area > 0 and other_area > 0 else 0.0
        areas[:, place] = area, other_area, max(both, 0.0)
    return _overlaps(one, other, measure(*areas))


def _polygons(found: Detections, index: np.ndarray, region: np.ndarray | None) -> dict[int, tuple[np.ndarray, float]]:
    """Corners (k, 1, 2) and area of what lies in the region of each of these rotated boxes."""
    cv2 = opencv()
    made = {}
    for number, polygon in zip(index.tolist(), corners(found.boxes[index]).astype(np.float32), strict=True):
        area = float(found.boxes[number, 2] * found.boxes[number, 3])
        if region is not None:
            x1, y1, x2, y2 = region
            window = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float32)
            area, polygon = cv2.intersectConvexConvex(polygon, window)
            polygon = window if polygon is None else polygon
        made[number] = polygon, float(area)
    return made


def on_grid(mask: np.ndarray, box: np.ndarray, wanted: np.ndarray, side: int | None = None) -> np.ndarray:
    """A mask (m, m) over a box as float32 (side, side) over another box; 0 outside its own."""
    cv2 = opencv()
    side = side or len(mask)
    scale = (wanted[2:] - wanted[:2]) / side
    own = np.maximum(box[2:] - box[:2], 1e-6) / len(mask)
    # the place in the mask of the middle of each cell, in cells whose middles are whole numbers
    shift = (wanted[:2] + 0.5 * scale - box[:2]) / own - 0.5
    step = scale / own
    way = np.array([[step[0], 0, shift[0]], [0, step[1], shift[1]]])
    level = cv2.warpAffine(
        mask.astype(np.float32), way, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    x, y = (shift[k] + step[k] * np.arange(side) for k in (0, 1))
    level[(y < -0.5) | (y > len(mask) - 0.5)] = 0
    level[:, (x < -0.5) | (x > len(mask) - 0.5)] = 0
    return level


def union_of_masks(found: Detections, box: np.ndarray) -> np.ndarray:
    """(m, m) float32 over a box: the highest probability that any of the masks has there."""
    return np.max([on_grid(mask, own, box) for mask, own in zip(found.masks, found.boxes, strict=True)], axis=0)


def clipped(found: Detections, width: float, height: float) -> Detections:
    """Without what lies outside an image: upright boxes and masks end at its border; rotated boxes may leave it.

    Upright ones whose middle lies outside are dropped, and rotated ones of which the image shows less than
    :data:`temj.cores.detection.targets.SEEN`: the share from which on they are learned and judged.
    """
    if found.rotated:
        region = np.array([0.0, 0.0, width, height])
        seen = np.array([area for _, area in _polygons(found, np.arange(len(found)), region).values()])
        return found.take(seen >= SEEN * found.boxes[:, 2] * found.boxes[:, 3])
    box = found.upright()
    middle = (box[:, :2] + box[:, 2:]) / 2
    found = found.take((middle >= 0).all(axis=1) & (middle[:, 0] < width) & (middle[:, 1] < height))
    boxes = np.clip(found.boxes, 0, [width, height, width, height])
    masks, changed = found.masks, np.flatnonzero((boxes != found.boxes).any(axis=1))
    if masks is not None and len(changed):
        masks = masks.copy()
        for index in changed:
            masks[index] = on_grid(masks[index], found.boxes[index], boxes[index])
    return Detections(boxes, found.label, found.score, masks)
