"""Objects cut by the edge of the image, as far as they are seen."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from temj.data import Instances, Shapes
from temj.data.shapes import RoiType
from temj.geometry import clip_boxes, outlines
from temj.geometry.raster import rasterise_outlines
from temj.geometry.trace import trace


def as_seen(instances: Instances, image: tuple[int, int]) -> Instances:
    """The objects with those that reach outside the image cut there, as a mask of the image shows them.

    ImageJ clips the pixels of such an outline to the image, but takes its hull, Feret diameter and perimeter as drawn;
    so Solidity compares a part with the whole. Here all numbers are of the same part.

    Args:
        instances: n objects of one image, or of planes of the same size.
        image: width and height in pixels.

    Returns:
        The same objects in the same order. Areas that reach the edge or leave the image are the traced outlines of
        their pixels in the image (:func:`temj.geometry.trace.trace`); all others, and what has no pixel in the image,
        stay as they are.
    """
    outline = outlines(instances.shapes)
    leaves = (clip_boxes(outline.box, *image) != outline.box).any(axis=1)
    # the box of other outlines may reach the edge where no pixel of them does
    reaches = _reaches(outline.box, image) & ~outline.of_type(RoiType.RECT, RoiType.TRACED)
    index = np.flatnonzero((leaves | reaches) & (instances.shapes.roi_type <= RoiType.COMPOSITE))
    if not len(index):
        return instances
    part = outlines(instances.shapes.take(index))
    runs = rasterise_outlines(part, (0, 0, *image)).clipped(*image)
    bounds = np.searchsorted(runs.object, np.arange(len(index) + 1))
    cut, found = [], []
    for place, (first, last) in enumerate(itertools.pairwise(bounds)):
        if last > first:
            cut.append(_traced(runs.y[first:last], runs.start[first:last], runs.stop[first:last]))
            found.append(index[place])
    order = np.arange(len(instances))
    order[found] = len(instances) + np.arange(len(found))
    return instances.with_columns(shapes=Shapes.concatenate([instances.shapes, *cut]).take(order))


def _reaches(box: np.ndarray, image: tuple[int, int]) -> np.ndarray:
    """(n,) bool, which boxes (n, 4) come to an edge of the image or beyond it."""
    return (box[:, :2] <= 0).any(axis=1) | (box[:, :2] + box[:, 2:] >= np.array(image)).any(axis=1)


def _traced(y: np.ndarray, start: np.ndarray, stop: np.ndarray) -> Shapes:
    """The outline of the pixels of runs (m,), as one shape."""
    left, top = int(start.min()), int(y.min())
    mask = np.zeros((int(y.max()) - top + 1, int(stop.max()) - left), bool)
    for row, first, last in zip(y - top, start - left, stop - left, strict=True):
        mask[row, first:last] = True
    shapes = trace(mask)
    return replace(shapes, points=shapes.points + np.array([left, top]))
