"""Which objects of two sets overlap, and by how much: by their pixels, or by the boxes around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from temj.data import RoiType, Shape, Shapes
from temj.geometry.moving import as_polygons, bounds
from temj.geometry.overlap import Overlaps, best_partners
from temj.geometry.rotated import of_shapes, of_upright, rotated_iou

Kind = Literal["outlines", "boxes", "rotated"]
KINDS: dict[Kind, str] = {
    "outlines": "pixels inside both outlines / pixels inside one of them",
    "boxes": "area in both upright boxes around the objects / area in one of them",
    "rotated": "area in both of the smallest rotated boxes around the objects / area in one of them",
}
"""What the IoU of two objects is of → how it is computed."""
BOXES = (RoiType.RECT, RoiType.ROTATED_RECT)
"""Shapes that are boxes."""


def kind_of(parts: Iterable[Shapes]) -> Kind:
    """What suits shapes that were found: boxes where all of them are boxes, of one kind, else outlines."""
    kinds = {int(kind) for shapes in parts for kind in np.unique(shapes.roi_type)}
    return {(RoiType.RECT,): "boxes", (RoiType.ROTATED_RECT,): "rotated"}.get(tuple(kinds), "outlines")


def box_overlaps(found: Shapes, true: Shapes, kind: Literal["boxes", "rotated"]) -> Overlaps:
    """All pairs whose boxes overlap, of the areas of the boxes; nothing is rounded to pixels.

    Raises:
        BadValue: a coordinate that is not finite.
    """
    if kind == "rotated":
        return rotated_iou(of_shapes(found), of_shapes(true))
    return rotated_iou(of_upright(boxes_of(found)), of_upright(boxes_of(true)))


def boxes_of(shapes: Shapes) -> np.ndarray:
    """The upright boxes x1, y1, x2, y2 around shapes: (n, 4) float64; of a shape without points (0, 0, 0, 0)."""
    boxes = bounds(as_polygons(shapes))
    plain = np.isin(shapes.roi_type, (RoiType.RECT, RoiType.OVAL))
    corner, size = shapes.params[plain, :2], shapes.params[plain, 2:4]
    boxes[plain] = np.concatenate([corner, corner + size], axis=1)
    boxes[np.isnan(boxes).all(axis=1)] = 0
    return boxes


def boxes_around(shapes: Shapes) -> Shapes:
    """The upright boxes of :func:`boxes_of` as shapes."""
    boxes = boxes_of(shapes)
    boxes[:, 2:] -= boxes[:, :2]
    return Shapes.of([Shape(RoiType.RECT, params=tuple(box), subpixel=True) for box in boxes.tolist()])


def diameters(shapes: Shapes, areas: np.ndarray, kind: Kind) -> np.ndarray:
    """The equivalent diameter of each object, (n,) float64.

    2 sqrt(area / pi); where boxes are compared, of a box that stands for an object that of the ellipse within it,
    sqrt(length x width), so that boxes and outlines of round objects are in the same bin of sizes.

    Args:
        shapes: the objects.
        areas: (n,) their areas in pixels.
        kind: what is compared.
    """
    found = 2 * np.sqrt(np.asarray(areas, float) / np.pi)
    boxes = np.isin(shapes.roi_type, BOXES) & (kind != "outlines")
    if boxes.any():
        length, width = of_shapes(shapes.take(boxes))[:, 2:4].T
        found[boxes] = np.sqrt(length * width)
    return found


def one_to_one(pairs: Overlaps, iou: float) -> Overlaps:
    """Who is whose partner, of the pairs with IoU > ``iou``, no object being in two pairs.

    As many pairs as possible, and among these choices the one with the largest sum of IoU.
    """
    pairs = pairs.where(pairs.iou > iou)
    return pairs.where(best_partners(pairs, np.full(len(pairs), float(len(pairs)))))
