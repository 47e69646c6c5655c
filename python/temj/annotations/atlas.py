"""Outlines of many single masks at once: their pixels are put side by side into one label map and traced."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from temj.data import Shapes
from temj.errors import BadAnnotation
from temj.geometry.raster import Runs, rasterise_outlines
from temj.geometry.trace import trace
from temj.geometry.vertices import outlines

LARGEST_MASK = 2**28
"""Pixels of the box around one mask that is traced."""
_BATCH = 2**23


def traced(shapes: Shapes) -> tuple[Shapes, np.ndarray]:
    """The outlines of the pixels that ImageJ counts for shapes, also where they lie outside any image.

    Returns:
        The shapes along pixel edges (TRACED or COMPOSITE), and the index of the shape that each was made of: shapes
        without pixels have none.
    """
    outline = outlines(shapes)
    top, bottom = outline.box[:, 1].min(initial=0), (outline.box[:, 1] + outline.box[:, 3]).max(initial=0)
    return trace_runs(rasterise_outlines(outline, (0, int(top), 1, int(bottom - top))))


def trace_runs(runs: Runs, upright: bool = False) -> tuple[Shapes, np.ndarray]:
    """The outline of the pixels of each object; objects may overlap.

    Args:
        runs: pixels, sorted by object and y.
        upright: whether the runs stand upright: ``y`` are columns, ``start`` and ``stop`` rows (as in COCO's RLE).

    Returns:
        The shapes as :func:`temj.geometry.trace.trace` gives them, and the object of each, ascending.

    Raises:
        BadAnnotation: the box around an object has more than 2^28 pixels.
    """
    if not len(runs):
        return Shapes.of([]), np.zeros(0, np.int64)
    first = np.flatnonzero(np.diff(runs.object, prepend=-1))
    present = runs.object[first]
    left, low = np.minimum.reduceat(runs.start, first), np.minimum.reduceat(runs.y, first)
    size = np.stack([np.maximum.reduceat(runs.stop, first) - left, np.maximum.reduceat(runs.y, first) + 1 - low], 1)
    if (size.prod(axis=1) > LARGEST_MASK).any():
        width, height = size[size.prod(axis=1).argmax()]
        raise BadAnnotation(
            "too-large", where="an object's outline", expected=f"a box of at most {LARGEST_MASK:,} pixels around it",
            found=f"{width:,} x {height:,}", remedy="Remove the object, or its part that lies far away.",
        )  # fmt: skip
    place = np.searchsorted(present, runs.object)
    parts, order = [], []
    for batch in _batches(size):
        chosen = np.zeros(len(present), bool)
        chosen[batch] = True
        batch = np.flatnonzero(chosen)
        number = np.zeros(len(present), np.int64)
        number[batch] = np.arange(1, len(batch) + 1)
        of_batch = chosen[place]
        rows = np.concatenate([[0], np.cumsum(size[batch, 1])])
        which = place[of_batch]
        row = runs.y[of_batch] - low[which] + rows[number[which] - 1]
        start, stop = runs.start[of_batch] - left[which], runs.stop[of_batch] - left[which]
        labels = _painted((int(rows[-1]), int(size[batch, 0].max())), row, (start, stop), number[which])
        shapes = trace(np.ascontiguousarray(labels.T) if upright else labels)
        shift = np.stack([left[batch], low[batch] - rows[:-1]], 1)
        shift = shift[:, ::-1] if upright else shift
        points = shapes.points + np.repeat(shift, np.diff(shapes.offsets), axis=0)
        parts.append(Shapes(shapes.roi_type, shapes.subpixel, shapes.params, points, shapes.codes, shapes.offsets))
        order.append(batch)
    return Shapes.concatenate(parts).take(np.argsort(np.concatenate(order))), present


def _batches(size: np.ndarray) -> Iterator[np.ndarray]:
    """Indices of boxes (n, 2) of similar width that fit into one label map of bounded size."""
    order = np.argsort(size[:, 0], kind="stable")
    start, rows = 0, 0
    for end, (width, height) in enumerate(size[order].tolist()):
        if end > start and (rows + height) * width > _BATCH:
            yield order[start:end]
            start, rows = end, 0
        rows += height
    yield order[start:]


def _painted(
    shape: tuple[int, int], row: np.ndarray, ends: tuple[np.ndarray, np.ndarray], value: np.ndarray
) -> np.ndarray:
    """A label map with a value in each run of pixels; the runs do not overlap. In the smallest type that holds it."""
    dtype = next(kind for kind in (np.int8, np.int16, np.int32) if value.max() <= np.iinfo(kind).max)
    steps = np.zeros((shape[0], shape[1] + 1), dtype)
    np.add.at(steps, (row, ends[0]), value.astype(dtype))
    np.subtract.at(steps, (row, ends[1]), value.astype(dtype))
    return np.cumsum(steps, axis=1, out=steps, dtype=dtype)[:, :-1]
