"""From annotated outlines to what a detector shall learn of a crop, and to what a perfect one would answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from temj.cores.base import Truth
from temj.cores.detection.detections import Detections
from temj.data import Instances, Shapes
from temj.data.instances import IGNORE
from temj.errors import BadValue
from temj.geometry import outlines, rasterise
from temj.geometry.moving import bounds
from temj.geometry.raster import rasterise_outlines
from temj.opencv import opencv

if TYPE_CHECKING:
    import torch

SEEN = 0.3
"""An object of which a crop shows less than this share is unknown there: nobody could tell what it is."""
UNKNOWN = 255
_FAR = 1 << 16
_LEAST = 1.0
"""Sides of a box are at least so many pixels."""


@dataclass(frozen=True, eq=False)
class Target:
    """What is in a crop of (h, w) pixels.

    Attributes:
        boxes: (n, 4) float32 x1, y1, x2, y2 inside the crop; or (n, 5) rotated ones, which may leave it.
        labels: (n,) int64, the class from 1.
        masks: (n, h, w) uint8, 1 where an object is; None where they are not asked for.
        unknown: (h, w) bool, where nobody knows what there is.
    """

    boxes: np.ndarray
    labels: np.ndarray
    masks: np.ndarray | None
    unknown: np.ndarray


@dataclass(frozen=True, eq=False)
class Seen:
    """The objects of a truth that can be told in its crop.

    Attributes:
        shapes: their outlines.
        labels: (n,) int64 from 0.
        owner, y, x: pixels inside the crop, and to which of the objects each belongs.
        unknown: (h, w) bool.
    """

    shapes: Shapes
    labels: np.ndarray
    owner: np.ndarray
    y: np.ndarray
    x: np.ndarray
    unknown: np.ndarray


def seen_in(truth: Truth, classes: Sequence[str]) -> Seen:
    """Which objects a crop shows well enough; what it shows of the others is unknown.

    Args:
        truth: with ``instances``: outlines of areas in pixels of the crop (:func:`temj.geometry.moving.as_polygons`).
        classes: of the core.
    """
    height, width = truth.class_map.shape[-2:]
    planes = truth.class_map.reshape(-1, height, width)
    unknown = (planes == UNKNOWN).any(0)
    found: Instances = truth.instances
    numbers = {name: number for number, name in enumerate(classes)}
    found = found.take(found.class_name != IGNORE)
    labels = np.array([numbers[name] for name in found.class_name], np.int64)
    whole = _areas(found.shapes)
    owner, place = rasterise(found.shapes, width, height).pixels(width)
    inside = np.bincount(owner, minlength=len(found))
    # pixels of an annotated object that lie where nobody knows are unknown too
    known = np.bincount(owner, ~unknown.ravel()[place], len(found))
    kept = (known >= 1) & (known >= SEEN * np.maximum(whole, 1)) & (inside > 0)
    lost = ~kept[owner]
    shown = np.zeros(unknown.size, bool)
    shown[place[~lost]] = True
    # what another object covers is known all the same
    unknown = unknown.copy()
    unknown.ravel()[place[lost][~shown[place[lost]]]] = True
    new = np.cumsum(kept) - 1
    unknown |= _without_outline(((planes > 0) & (planes < UNKNOWN)).any(0), place)
    owner, place = new[owner[~lost]], place[~lost]
    y, x = np.divmod(place, width)
    return Seen(found.shapes.take(kept), labels[kept], owner, y, x, unknown)


def _without_outline(objects: np.ndarray, place: np.ndarray) -> np.ndarray:
    """bool (h, w): pieces of a class map that no outline touches: copies whose outline was lost, lines, points.

    Args:
        objects: bool (h, w), where the class map has an object.
        place: flat indices of the pixels of all outlines.
    """
    _, pieces = opencv().connectedComponents(objects.astype(np.uint8), connectivity=8)
    touched = np.unique(pieces.ravel()[place])
    return objects & ~np.isin(pieces, touched)


def _areas(shapes: Shapes) -> np.ndarray:
    """(n,) int64, pixels of each shape wherever it lies."""
    return rasterise_outlines(outlines(shapes), (-_FAR, -_FAR, 2 * _FAR, 2 * _FAR)).counts(len(shapes))


def upright_target(truth: Truth, classes: Sequence[str], masks: bool) -> Target:
    """Boxes around what is seen of each object in its crop, with its pixels where they are asked for."""
    seen = seen_in(truth, classes)
    height, width = seen.unknown.shape
    boxes = boxes_of_pixels(seen)
    planes = None
    if masks:
        planes = np.zeros((len(seen.labels), height, width), np.uint8)
        planes[seen.owner, seen.y, seen.x] = 1
    return Target(boxes.astype(np.float32), seen.labels + 1, planes, seen.unknown)


def boxes_of_pixels(seen: Seen) -> np.ndarray:
    """(n, 4) float64 around the outlines of what is seen, inside the crop."""
    height, width = seen.unknown.shape
    boxes = bounds(seen.shapes)
    boxes = np.clip(boxes, 0, [width, height, width, height])
    small = boxes[:, 2:] - boxes[:, :2] < _LEAST
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    boxes[:, :2] = np.where(small, middle - _LEAST / 2, boxes[:, :2])
    boxes[:, 2:] = np.where(small, middle + _LEAST / 2, boxes[:, 2:])
    return boxes


def perfect(truth: Truth, classes: Sequence[str], side: int | None) -> Detections:
    """What a perfect detector of upright boxes would answer: score 1; masks of ``side`` cells unless None."""
    seen = seen_in(truth, classes)
    boxes = boxes_of_pixels(seen)
    masks = None if side is None else _cells(seen, boxes, side)
    return Detections(boxes, seen.labels, np.ones(len(boxes)), masks)


def _cells(seen: Seen, boxes: np.ndarray, side: int) -> np.ndarray:
    """(n, side, side) float32, how much of each cell of a box its object covers."""
    cv2 = opencv()
    height, width = seen.unknown.shape
    cells = np.zeros((len(boxes), side, side), np.float32)
    for number, (x1, y1, x2, y2) in enumerate(boxes):
        mine = seen.owner == number
        plane = np.zeros((height, width), np.float32)
        plane[seen.y[mine], seen.x[mine]] = 1
        # four samples a cell and direction
        step = np.array([[(x2 - x1) / (4 * side), 0, x1], [0, (y2 - y1) / (4 * side), y1]])
        step[:, 2] += 0.5 * step[:, :2].sum(1) - 0.5
        fine = cv2.warpAffine(
            plane, step, (4 * side, 4 * side), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
        )  # fmt: skip
        cells[number] = fine.reshape(side, 4, side, 4).mean((1, 3))
    return cells


def _require_sound(target: Target) -> None:
    """Prove that boxes are finite with an area, labels no background, masks of 0 and 1, and as many of each."""
    boxes, count = target.boxes, len(target.labels)
    sides = boxes[:, 2:] - boxes[:, :2] if boxes.shape[1] == 4 else boxes[:, 2:4]
    wrong = ~(np.isfinite(boxes).all(1) & (sides > 0).all(1)) if len(boxes) else np.zeros(0, bool)
    problem = ""
    if len(boxes) != count or (target.masks is not None and len(target.masks) != count):
        masks = "no" if target.masks is None else len(target.masks)
        problem = f"{len(boxes)} boxes, {count} labels, {masks} masks"
    elif wrong.any():
        problem = f"the box {boxes[wrong.argmax()].tolist()} of object {1 + int(wrong.argmax())}"
    elif count and target.labels.min() < 1:
        problem = f"the label {int(target.labels.min())}"
    elif target.masks is not None and count and target.masks.max() > 1:
        problem = f"the value {int(target.masks.max())} in a mask"
    if problem:
        raise BadValue(
            "target", where="objects of a crop", found=problem,
            expected="finite boxes with an area, labels from 1, masks of 0 and 1, one of each for an object",
            remedy="Check the annotations: temj dataset check.",
        )  # fmt: skip


def tensors(target: Target, device: torch.device) -> Mapping[str, torch.Tensor]:
    """A target as torchvision takes it, with ``unknown`` as the sums that :func:`proposals.unknown` reads.

    Raises:
        BadValue: numbers that native code must never see (an infinite box ends the process).
    """
    import torch

    _require_sound(target)
    sums = np.pad(target.unknown.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    found = {"boxes": target.boxes, "labels": target.labels, "unknown": sums}
    if target.masks is not None:
        found["masks"] = target.masks
    return {name: torch.from_numpy(np.ascontiguousarray(array)).to(device) for name, array in found.items()}
