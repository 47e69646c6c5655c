"""From detections to objects: boxes as rectangles, masks as outlines along the edges of pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from temj.cores.detection.detections import Detections
from temj.data import Instances, RoiType, Shape, Shapes
from temj.geometry.trace import trace
from temj.opencv import opencv

_HALF = 0.5
"""Probability that a pixel of a mask must exceed, whatever the threshold of the score."""
_WIDE = 4096
"""Width of the sheet on which the pixels of all objects are laid out beside each other to be traced at once."""


def rectangles(found: Detections) -> Shapes:
    """Sub-pixel RECT shapes of upright boxes."""
    x1, y1, x2, y2 = found.boxes.T
    params = np.column_stack([x1, y1, x2 - x1, y2 - y1, np.zeros(len(found))])
    count = len(found)
    return Shapes(
        np.full(count, RoiType.RECT, np.uint8), np.ones(count, bool), params, np.zeros((0, 2)),
        np.zeros(0, np.uint8), np.zeros(count + 1, np.int64),
    )  # fmt: skip


def instances(found: Detections, shapes: Shapes, classes: tuple[str, ...]) -> Instances:
    """Objects of these shapes with class and score."""
    names = np.array([classes[label] for label in found.label], object)
    return Instances(shapes, class_name=names, score=found.score)


def mask_outlines(found: Detections) -> Shapes:
    """TRACED outlines (COMPOSITE with holes or of several pieces) of the pixels where a mask exceeds one half.

    Of a mask only the largest piece counts. Where it exceeds it nowhere, the pixel where it is highest.
    """
    return _outlines([_patch(box, mask) for box, mask in zip(found.boxes, found.masks, strict=True)])


def traced(owner: np.ndarray, y: np.ndarray, x: np.ndarray, count: int) -> Shapes:
    """The outlines of objects 0 … count - 1 that have these pixels, at least one each; they may overlap."""
    order = np.argsort(owner, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(owner, minlength=count))[:-1])
    patches = []
    for part in parts if count else ():
        first = np.array([x[part].min(), y[part].min()])
        patch = np.zeros((int(y[part].max()) - first[1] + 1, int(x[part].max()) - first[0] + 1), bool)
        patch[y[part] - first[1], x[part] - first[0]] = True
        patches.append((patch, first))
    return _outlines(patches)


def _outlines(patches: list[tuple[np.ndarray, np.ndarray]]) -> Shapes:
    """The outlines of objects given by their pixels and x, y of the first one."""
    if not patches:
        return Shapes.of([])
    sheet, places = _laid_out([patch for patch, _ in patches])
    shapes = trace(sheet)
    shift = np.array([corner for _, corner in patches]) - places
    return replace(shapes, points=shapes.points + np.repeat(shift, np.diff(shapes.offsets), axis=0))


def _patch(box: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool (h, w), the pixels of an object, and x, y of their first one."""
    cv2 = opencv()
    x1, y1, x2, y2 = box
    first = np.floor(box[:2]).astype(int)
    width, height = np.maximum(np.ceil(box[2:]).astype(int) - first, 1).tolist()
    side = len(mask)
    # the place in the mask of the middle of each pixel, in pixels of the mask whose middles are whole numbers
    scale_x, scale_y = side / max(x2 - x1, 1e-6), side / max(y2 - y1, 1e-6)
    way = np.array([
        [scale_x, 0, (first[0] + 0.5 - x1) * scale_x - 0.5], [0, scale_y, (first[1] + 0.5 - y1) * scale_y - 0.5],
    ])  # fmt: skip
    level = cv2.warpAffine(
        mask, way, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    inside = level > _HALF
    if not inside.any():
        inside = level >= level.max()
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    if count > 2:
        inside = pieces == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return inside, first


def _laid_out(patches: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """A label map with the patches beside each other, none touching another, and x, y of the corner of each."""
    places, x, y, tall = [], 1, 1, 0
    wide = max(_WIDE, max(patch.shape[1] for patch in patches) + 2)
    for patch in patches:
        height, width = patch.shape
        if x + width + 1 > wide:
            x, y, tall = 1, y + tall + 1, 0
        places.append((x, y))
        x, tall = x + width + 1, max(tall, height)
    sheet = np.zeros((y + tall + 1, wide), np.int32)
    for number, (patch, (left, top)) in enumerate(zip(patches, places, strict=True), start=1):
        sheet[top : top + patch.shape[0], left : left + patch.shape[1]][patch] = number
    return sheet, np.array(places)


def boxes_as_shapes(boxes: np.ndarray) -> Shapes:
    """Sub-pixel RECT shapes of boxes (n, 4) x1, y1, x2, y2."""
    return Shapes.of(Shape(RoiType.RECT, params=(x1, y1, x2 - x1, y2 - y1)) for x1, y1, x2, y2 in boxes.tolist())


def boxes_in(shapes: Shapes) -> np.ndarray:
    """Boxes (n, 4) x1, y1, x2, y2 of RECT shapes."""
    return np.concatenate([shapes.params[:, :2], shapes.params[:, :2] + shapes.params[:, 2:4]], axis=1)
