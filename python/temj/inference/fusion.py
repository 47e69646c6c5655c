"""Test-time augmentation of detectors: what was found in several views of an image, brought back and fused.

Weighted box fusion (Solovyev et al., Image and Vision Computing 107 (2021) 104117): of each view at most one detection
belongs to an object; its box and mask are the means of theirs, weighted with their scores, and its score is the mean
over all views, in which a view that did not find it counts 0, as it would in the mean of maps.
"""

from __future__ import annotations

import numpy as np

from temj.cores.detection import Detections
from temj.geometry.rotated import canonical
from temj.inference.parts import on_grid, same, together
from temj.inference.symmetry import View

SAME = 0.5
"""Detections of two views that overlap by more are one object."""


def back(found: Detections, view: View, height: int, width: int) -> Detections:
    """What was found in a view, in pixels of the image of this height and width: the inverse of :meth:`View.of`."""
    boxes, masks = found.boxes, found.masks
    # height and width of the image that is turned last, and so on back to the first
    for turn in range(view.quarters, 0, -1):
        side = width if turn % 2 else height
        boxes = _turned_back(boxes, side)
    if view.mirrored:
        boxes = _mirrored(boxes, width)
    if masks is not None:
        masks = np.rot90(masks, -view.quarters, (1, 2))
        masks = np.ascontiguousarray(masks[:, :, ::-1] if view.mirrored else masks)
    return Detections(boxes, found.label, found.score, masks)


def _turned_back(boxes: np.ndarray, width: float) -> np.ndarray:
    """Boxes in an image that was turned by a quarter counter-clockwise, where they were; it was so wide."""
    if boxes.shape[1] == 5:
        x, y, length, across, angle = boxes.T
        return canonical(np.column_stack([width - y, x, length, across, angle - 90]))
    x1, y1, x2, y2 = boxes.T
    return np.column_stack([width - y2, x1, width - y1, x2])


def _mirrored(boxes: np.ndarray, width: float) -> np.ndarray:
    """Boxes in the left-right mirror image of an image that is so wide."""
    if boxes.shape[1] == 5:
        x, y, length, across, angle = boxes.T
        return canonical(np.column_stack([width - x, y, length, across, 180 - angle]))
    x1, y1, x2, y2 = boxes.T
    return np.column_stack([width - x2, y1, width - x1, y2])


def fused(views: list[Detections], agnostic: bool = False, floor: float = 0.0) -> Detections:
    """What several views of an image found, as one set, the surest first.

    Args:
        views: of each view, in pixels of the image.
        agnostic: whether detections of different classes can be one object.
        floor: objects whose mean score is lower are left out.
    """
    if len(views) == 1:
        return views[0]
    every = together(views)
    view = np.repeat(np.arange(len(views)), [len(found) for found in views])
    groups = _groups(every, view, agnostic)
    score = np.array([every.score[group].sum() for group in groups]) / len(views)
    kept = [place for place in np.argsort(-score, kind="stable") if score[place] >= floor]
    if not kept:
        return every.take(slice(0, 0))
    members = [every.take(groups[place]) for place in kept]
    boxes = np.array([_mean_box(found) for found in members])
    masks = None
    if every.masks is not None:
        masks = np.array([_mean_mask(found, box) for found, box in zip(members, boxes, strict=True)])
    labels = np.array([found.label[0] for found in members], np.int64)
    return Detections(boxes, labels, score[kept], masks)


def _groups(found: Detections, view: np.ndarray, agnostic: bool) -> list[list[int]]:
    """Index lists: a detection, from the surest on, and what is most like it in each other view and not taken yet."""
    pairs = same(found, found)
    fits = (pairs.iou > SAME) & (view[pairs.first] != view[pairs.second])
    fits &= agnostic | (found.label[pairs.first] == found.label[pairs.second])
    pairs = pairs.where(fits)
    order = np.lexsort((-pairs.iou, pairs.first))
    first, second = pairs.first[order], pairs.second[order]
    starts = np.searchsorted(first, np.arange(len(found) + 1))
    free, groups = np.ones(len(found), bool), []
    for head in np.argsort(-found.score, kind="stable").tolist():
        if not free[head]:
            continue
        group = {int(view[head]): head}
        for other in second[starts[head] : starts[head + 1]].tolist():
            if free[other]:
                group.setdefault(int(view[other]), other)
        free[list(group.values())] = False
        groups.append(list(group.values()))
    return groups


def _mean_box(found: Detections) -> np.ndarray:
    """The mean of boxes, weighted with their scores; rotated ones are brought near the angle of the first before."""
    weight = found.score / found.score.sum() if found.score.sum() > 0 else np.full(len(found), 1 / len(found))
    if not found.rotated:
        return weight @ found.boxes
    boxes = found.boxes.copy()
    off = (boxes[:, 4] - boxes[0, 4] + 90) % 180 - 90
    across = np.abs(off) > 45  # nearly square: what is the length of one is the width of another
    boxes[across, 2:4] = boxes[across][:, [3, 2]]
    off[across] -= np.copysign(90, off[across])
    boxes[:, 4] = boxes[0, 4] + off
    return canonical((weight @ boxes)[None])[0]


def _mean_mask(found: Detections, box: np.ndarray) -> np.ndarray:
    """(m, m) float32 over a box: the mean of masks, weighted with their scores."""
    weight = found.score / max(found.score.sum(), 1e-12)
    parts = [share * on_grid(mask, own, box) for share, mask, own in zip(weight, found.masks, found.boxes, strict=True)]
    return np.sum(parts, axis=0, dtype=np.float32)
