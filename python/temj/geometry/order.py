"""The order and the names of objects: down the image, then from left to right."""

from __future__ import annotations

import numpy as np

from temj.data import Instances, Shapes
from temj.geometry.ellipse import moments
from temj.geometry.raster import rasterise_outlines
from temj.geometry.vertices import outlines

_WINDOW = 1 << 16


def centroids(shapes: Shapes) -> np.ndarray:
    """(n, 2) float64, mean x and y of the pixels of each shape (not clipped to an image), in continuous coordinates.

    Shapes without pixels (points, lines) have the centre of their box.
    """
    outline = outlines(shapes)
    window = (-_WINDOW, -_WINDOW, 2 * _WINDOW, 2 * _WINDOW)
    corner = outline.box[:, :2]
    sums = moments(rasterise_outlines(outline, window), corner)
    count = np.maximum(sums.count, 1)[:, None]
    inside = corner + np.stack([sums.x, sums.y], axis=1) / count + 0.5
    return np.where(sums.count[:, None] > 0, inside, corner + outline.box[:, 2:] / 2)


def reading_order(instances: Instances) -> np.ndarray:
    """(n,) int64, the objects by frame, slice and channel of a stack, then y, then x of their centroid."""
    x, y = centroids(instances.shapes).T
    channel, piece, frame = instances.position.T
    return np.lexsort((x, y, channel, piece, frame))


def in_reading_order(instances: Instances) -> Instances:
    """The objects sorted as :func:`reading_order` says, and named ``<class>-<0001>``.

    The numbers count all objects, whatever
    their class, with at least 4 digits; a ``.`` in a class becomes ``_`` (ImageJ's Results drop names with a
    point), and an object without a class is called ``object``.
    """
    ordered = instances.take(reading_order(instances))
    names = [
        f"{str(name).replace('.', '_') or 'object'}-{number:04d}"
        for number, name in enumerate(ordered.class_name, start=1)
    ]
    return ordered.with_columns(name=np.array(names, object))
