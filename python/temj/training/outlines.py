"""Outlines of objects on their way through the augmentations: every vertex is moved, so that nothing is resampled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torchvision import tv_tensors

from temj.data import Instances
from temj.geometry.moving import bounds, with_points


def with_outlines(instances: Instances, shape: tuple[int, int]) -> dict[str, Any]:
    """What a sample has of the objects of a picture: ``points``, all vertices; ``boxes`` around the objects and
    ``labels``, which object each box is of: augmentations that copy objects copy these two.

    Args:
        instances: polygons, in pixels of the picture.
        shape: height and width of the picture.
    """
    boxes = np.nan_to_num(bounds(instances.shapes))
    return {
        "points": tv_tensors.KeyPoints(torch.from_numpy(instances.shapes.points.copy()), canvas_size=shape),
        "boxes": tv_tensors.BoundingBoxes(torch.from_numpy(boxes), format="XYXY", canvas_size=shape),
        "labels": torch.arange(len(instances)),
    }


def outlines_of(crop: Mapping[str, Any], instances: Instances) -> Instances:
    """The objects of a picture where its crop has them, with the copies that were made at the end.

    Args:
        crop: what became of a sample with :func:`with_outlines`.
        instances: the objects of the picture.
    """
    moved = instances.with_columns(shapes=with_points(instances.shapes, crop["points"].numpy()))
    labels, boxes = crop["labels"].numpy(), crop["boxes"].numpy()
    if len(labels) == len(instances):
        return moved
    copies = moved.take(labels[len(instances) :])
    shift = boxes[len(instances) :, :2] - boxes[labels[len(instances) :], :2]
    points = copies.shapes.points + np.repeat(shift, np.diff(copies.shapes.offsets), axis=0)
    return Instances.concatenate([moved, copies.with_columns(shapes=with_points(copies.shapes, points))])
