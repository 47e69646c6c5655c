"""From an annotation to what a network shall learn."""

from __future__ import annotations

import numpy as np

from temj.cores.base import Truth
from temj.cores.semantic.names import loss_names
from temj.cores.semantic.settings import IGNORE, SemanticSettings
from temj.opencv import opencv

RIM = 2.0
"""Width in pixels of the rim of an object that the mode ``boundary`` learns."""


def encode(truth: Truth, settings: SemanticSettings) -> np.ndarray:
    """What the network shall learn of an image.

    Args:
        truth: of the image.
        settings: of the core.

    Returns:
        float32 (t, h, w): k planes of the classes; the plane that tells objects apart, where the network has one; k
        planes of the signed distance to the edge of the class, where the loss ``boundary`` needs it; 1 where a pixel
        counts and 0 where it is ignored.
    """
    planes = _planes(truth.class_map, len(settings.classes))
    counts = (truth.class_map != IGNORE).reshape(-1, *truth.class_map.shape[-2:]).all(0)
    parts = [planes]
    if settings.learns_objects:
        objects = objects_of(truth)
        parts.append((depth if settings.instances == "distance" else rims)(objects)[None])
    if "boundary" in loss_names(settings.loss):
        parts.append(np.stack([signed_distance(plane > 0) for plane in planes]))
    return np.concatenate([*parts, counts[None]], dtype=np.float32)


def _planes(class_map: np.ndarray, classes: int) -> np.ndarray:
    """bool (k, h, w): where each class is."""
    if class_map.ndim == 3:
        return class_map == 1
    return class_map[None] == np.arange(1, classes + 1, dtype=np.uint8)[:, None, None]


def objects_of(truth: Truth) -> np.ndarray:
    """int32 (h, w): the number of each object, 0 elsewhere; where they are not told, connected pieces of each class."""
    if truth.objects is not None:
        return truth.objects
    cv2 = opencv()
    objects = np.zeros(truth.class_map.shape[-2:], np.int32)
    planes = truth.class_map if truth.class_map.ndim == 3 else None
    for k in range(1, len(planes) + 1) if planes is not None else np.unique(truth.class_map[truth.class_map != IGNORE]):
        mask = (truth.class_map == k) if planes is None else (planes[k - 1] == 1)
        if k:
            pieces = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]
            objects[pieces > 0] = (pieces + objects.max())[pieces > 0]
    return objects


def depth(objects: np.ndarray) -> np.ndarray:
    """How deep each pixel lies in its object: 1 at the deepest place, towards 0 at the edge, 0 outside; float32 (h, w).

    The distance to the nearest pixel of another object or the background (half a pixel less: from the middle of the
    pixel to the edge), divided by the largest one in the object. What is beyond the image counts as inside.
    """
    distance = _distance_inside(objects)
    deepest = np.zeros(int(objects.max()) + 1, np.float32)
    np.maximum.at(deepest, objects.ravel(), distance.ravel())
    deepest[0] = 1
    return distance / np.maximum(deepest, 0.5)[objects]


def rims(objects: np.ndarray) -> np.ndarray:
    """1 on the rim of every object, :data:`RIM` pixels wide, else 0; float32 (h, w).

    Objects so thin that nothing but rim would be left keep their deepest pixels out of it.
    """
    distance = _distance_inside(objects)
    return ((objects > 0) & (distance < RIM) & (depth(objects) < 0.75)).astype(np.float32)


def _distance_inside(objects: np.ndarray) -> np.ndarray:
    """Distance of the middle of each pixel to the edge of its object, pixels; 0 outside; float32 (h, w)."""
    cv2 = opencv()
    # An edge between two objects that touch belongs to both: their outermost pixels lie half a pixel deep.
    inner = objects > 0
    inner[:, 1:] &= objects[:, 1:] == objects[:, :-1]
    inner[:, :-1] &= objects[:, :-1] == objects[:, 1:]
    inner[1:] &= objects[1:] == objects[:-1]
    inner[:-1] &= objects[:-1] == objects[1:]
    if not objects.any():
        return np.zeros(objects.shape, np.float32)
    if inner.all():  # one object that fills everything: no edge is in sight
        return np.ones(objects.shape, np.float32)
    distance = cv2.distanceTransform(inner.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.where(objects > 0, distance + 0.5, 0).astype(np.float32)


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """Distance to the edge of a mask, in parts of the image's diagonal: negative inside, positive outside; float32.

    0 everywhere where the mask is empty or full: there is no edge.
    """
    cv2 = opencv()
    if not mask.any() or mask.all():
        return np.zeros(mask.shape, np.float32)
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return ((outside - inside) / np.hypot(*mask.shape)).astype(np.float32)
