"""Outlines of objects on their way through the augmentations: every vertex is moved, so that nothing is resampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torchvision import tv_tensors

from temj.data import Instances
from temj.geometry.moving import bounds, with_points
from temj.opencv import opencv

cv2 = opencv()

_NODES = 32
"""Points of each side of a picture that are moved with it, to know where it ends in a crop."""
_FRACTION = 4
"""Binary digits of the coordinates that OpenCV fills polygons with."""


def with_outlines(instances: Instances, shape: tuple[int, int]) -> dict[str, Any]:
    """What a sample has of the objects of a picture: ``points``, all vertices and the border of the picture; ``boxes``
    around the objects and ``labels``, which object each box is of: augmentations that copy objects copy these two.

    Args:
        instances: polygons, in pixels of the picture.
        shape: height and width of the picture.
    """
    boxes, points = np.nan_to_num(bounds(instances.shapes)), np.concatenate([instances.shapes.points, _border(shape)])
    return {
        "points": tv_tensors.KeyPoints(torch.from_numpy(points), canvas_size=shape),
        "boxes": tv_tensors.BoundingBoxes(torch.from_numpy(boxes), format="XYXY", canvas_size=shape),
        "labels": torch.arange(len(instances)),
    }


def _border(shape: tuple[int, int]) -> np.ndarray:
    """(4 n, 2) points once around a picture of (height, width)."""
    way = np.arange(_NODES) / _NODES
    sides = [(way, 0 * way), (0 * way + 1, way), (1 - way, 0 * way + 1), (0 * way, 1 - way)]
    return np.concatenate([np.column_stack([x, y]) for x, y in sides]) * [shape[1], shape[0]]


def beyond(crop: Mapping[str, Any]) -> np.ndarray:
    """bool (s, s): where a crop shows what lies outside its picture, mirrored, whose objects have no outlines."""
    border = crop["points"].numpy()[-4 * _NODES :]
    found = np.ones(crop["class_map"].shape[-2:], np.uint8)
    corners = np.rint((border - 0.5) * 2**_FRACTION).astype(np.int32)
    cv2.fillPoly(found, [corners], 0, shift=_FRACTION)
    return found.astype(bool)


def outlines_of(crop: Mapping[str, Any], instances: Instances) -> Instances:
    """The objects of a picture where its crop has them, with the copies that were made at the end.

    Args:
        crop: what became of a sample with :func:`with_outlines`.
        instances: the objects of the picture.
    """
    points = crop["points"].numpy()[: -4 * _NODES]
    moved = instances.with_columns(shapes=with_points(instances.shapes, points))
    labels, boxes = crop["labels"].numpy(), crop["boxes"].numpy()
    if len(labels) == len(instances):
        return moved
    copies = moved.take(labels[len(instances) :])
    shift = boxes[len(instances) :, :2] - boxes[labels[len(instances) :], :2]
    points = copies.shapes.points + np.repeat(shift, np.diff(copies.shapes.offsets), axis=0)
    return Instances.concatenate([moved, copies.with_columns(shapes=with_points(copies.shapes, points))])
