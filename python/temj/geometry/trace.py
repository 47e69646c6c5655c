"""Outlines of labelled objects along the edges of their pixels.

The outlines are those of ImageJ's *Edit > Selection > Create Selection* (ThresholdToSelection of 1.54p),
run on each object alone: the same corners, the same first corner (ImageJ's perimeter of a traced outline
depends on it) and the same order of pieces and holes. Only the kind is always TRACED where there is one outline, as
ImageJ's wand has it: Create Selection calls outlines of few, long sides polygons (measured alike) or rectangles.
All objects are traced at once, as arrays.

An outline is a cycle of *corners*, joined by straight runs, with the object to the left of the way (counter-
clockwise on the screen, holes clockwise). Each corner is known from the four pixels around it::

    NW | NE
    ---+---      the vertex (x, y); SE is the pixel (x, y)
    SW | SE
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.data.shapes import CLOSE, LINE_TO, MOVE, RoiType, Shapes
from temj.errors import BadValue

RIGHT, DOWN, LEFT, UP = range(4)
"""Directions of a run: below, at the left of, above and at the right of the object."""

_CONVEX = ((RIGHT, UP), (DOWN, RIGHT), (UP, LEFT), (LEFT, DOWN))
"""(arriving, leaving) direction at the corner of a lone pixel, by the pixel's place NW, NE, SW, SE."""
_CONCAVE = ((DOWN, LEFT), (LEFT, UP), (RIGHT, DOWN), (UP, RIGHT))
"""The same where only the pixel at that place is missing."""
_HORIZONTAL, _VERTICAL, _DIAGONAL = (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0)
"""The place beside, above or below, and across, by place."""


@dataclass(frozen=True, eq=False)
class _Corners:
    """All corners, (n,) arrays, sorted by y, then x. ``joint``: "/" crossings that ImageJ may keep apart."""

    label: np.ndarray
    x: np.ndarray
    y: np.ndarray
    arriving: np.ndarray
    leaving: np.ndarray
    joint: np.ndarray


def trace(labels: np.ndarray) -> Shapes:
    """The outline of each object of a label map.

    Args:
        labels: (h, w) of bool or an integer type; 0 is background, the object i of the result is label i + 1.

    Returns:
        One shape for each label 1 .. max: TRACED with integer corners for a single outline, COMPOSITE (even-odd,
        integer corners, one closed subpath for each piece or hole) for several. Pixels of an object that only
        touch at a corner are joined or not as ImageJ does it. A map without objects gives no shapes.

    Raises:
        BadValue: not a two-dimensional integer map, a negative label, or a label below the largest without pixels.
    """
    labels = _checked(labels)
    corners = _corners(labels)
    if not len(corners.label):
        return Shapes.of([])
    after = _next_corner(corners)
    last = _last_corner(after)
    parted = np.flatnonzero(corners.joint & (last == np.arange(len(last))))
    if len(parted):
        # A hole that would be closed at the crossing goes on beyond it instead. Doing all at once equals ImageJ's
        # sweep from the top: such a hole lies wholly before its crossing, so it never depends on a later one.
        after[parted], after[parted + 1] = after[parted + 1], after[parted]
        last = _last_corner(after)
    return _shapes(corners, after, last)


def _checked(labels: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.dtype == bool:
        labels = labels.view(np.uint8)
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        raise BadValue(
            "labels",
            expected="a label map of height x width with whole numbers",
            found=f"{'x'.join(map(str, labels.shape))} {labels.dtype}",
        )
    if labels.dtype.kind == "i" and labels.size and labels.min() < 0:
        raise BadValue("labels", expected="0 for background and 1, 2, 3 … for objects", found=f"{labels.min()}")
    return labels


def _corners(labels: np.ndarray) -> _Corners:
    """Find the corners of all objects."""
    height, width = labels.shape
    padded = np.zeros((height + 2, width + 3), labels.dtype)
    padded[1:-1, 2:-1] = labels
    y, x = _vertices(padded)
    at = y * padded.shape[1] + x + 1
    flat = padded.ravel()
    row = padded.shape[1]
    around = np.stack([flat[at], flat[at + 1], flat[at + row], flat[at + row + 1]])
    beyond = flat[at + row - 1]  # the pixel to the left of SW: it decides about crossings
    parts = []
    for place in range(4):
        own = around[place]
        beside, above, across = (around[near[place]] for near in (_HORIZONTAL, _VERTICAL, _DIAGONAL))
        convex = (own > 0) & (beside != own) & (above != own)
        concave = (beside > 0) & (beside == above) & (beside == across) & (beside != own)
        arriving, leaving = _CONVEX[place]
        crossed = convex & (across == own)
        rising = place in {1, 2}  # "/": NE and SW
        joined = crossed if rising else crossed & (beyond != own)
        turned = np.where(joined, (leaving + 2) % 4, leaving)
        joint = crossed & (beyond == own) & (place == 1)
        parts.append((convex, own, arriving, turned, joint))
        arriving, leaving = _CONCAVE[place]
        none = np.zeros(len(own), bool)
        parts.append((concave, beside, arriving, np.full(len(own), leaving), none))
    return _gathered(parts, x, y)


def _vertices(padded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """y and x of the vertices where horizontal and vertical edges meet, in raster order, in blocks that fit a cache."""
    height = padded.shape[0] - 1
    step = max(1, 2**18 // padded.shape[1])
    ys, xs = [], []
    for top in range(0, height, step):
        block = padded[top : min(top + step, height) + 1, 1:]
        across = block[1:] != block[:-1]
        along = block[:, 1:] != block[:, :-1]
        y, x = np.nonzero((across[:, 1:] | across[:, :-1]) & (along[1:] | along[:-1]))
        ys.append(y + top)
        xs.append(x)
    return np.concatenate(ys), np.concatenate(xs)


def _gathered(parts: list[tuple], x: np.ndarray, y: np.ndarray) -> _Corners:
    """Put the kinds of corners together, sorted by vertex."""
    which = [np.flatnonzero(part[0]) for part in parts]
    vertex = np.concatenate(which)
    order = np.argsort(vertex, kind="stable")
    vertex = vertex[order]

    def column(k: int) -> np.ndarray:
        values = [np.broadcast_to(part[k], part[0].shape)[rows] for part, rows in zip(parts, which, strict=True)]
        return np.concatenate(values)[order]

    label, arriving, leaving, joint = (column(k) for k in (1, 2, 3, 4))
    return _Corners(label.astype(np.int64), x[vertex], y[vertex], arriving, leaving, joint)


def _next_corner(corners: _Corners) -> np.ndarray:
    """(n,) index of the corner that follows each corner.

    The runs of one object and direction on one grid line do not overlap: sorted along the line, the k-th corner
    that a run leaves belongs to the k-th at which one arrives.
    """
    after = np.empty(len(corners.label), np.intp)
    horizontal, vertical = corners.label, corners.label * (corners.x.max() + 1) + corners.x
    for direction in range(4):
        line = horizontal if direction in {LEFT, RIGHT} else vertical  # the rest of the order is there already
        start, stop = (np.flatnonzero(column == direction) for column in (corners.leaving, corners.arriving))
        start = start[np.argsort(line[start], kind="stable")]
        after[start] = stop[np.argsort(line[stop], kind="stable")]
    return after


def _last_corner(after: np.ndarray) -> np.ndarray:
    """(n,) the largest index among the corners of the cycle that each corner belongs to (by doubling the step)."""
    last, step = np.maximum(np.arange(len(after)), after), after
    while True:
        step = step[step]
        wider = np.maximum(last, last[step])
        if np.array_equal(wider, last):
            return last
        last = wider


def _steps_to_end(after: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(n,) number of steps from each corner to the one before the first corner of its cycle."""
    is_first = np.zeros(len(after), bool)
    is_first[first] = True
    is_end = is_first[after]
    steps, jump = (~is_end).astype(np.int64), np.where(is_end, np.arange(len(after)), after)
    while not is_end[jump].all():
        steps += steps[jump]
        jump = jump[jump]
    return steps


def _shapes(corners: _Corners, after: np.ndarray, last: np.ndarray) -> Shapes:
    """Put the corners into their order along the outlines, and the outlines of an object together."""
    ends = np.flatnonzero(last == np.arange(len(last)))
    ends = ends[np.argsort(corners.label[ends], kind="stable")]
    first = np.where(corners.arriving[ends] == DOWN, after[ends], ends)  # holes begin a corner later, as in ImageJ
    pieces = _pieces(corners.label[ends])
    composite = np.repeat(pieces > 1, pieces)

    steps = _steps_to_end(after, first)
    sizes = steps[first] + 1 + composite
    stop = np.cumsum(sizes)
    cycle = np.empty(len(after), np.intp)
    cycle[ends] = np.arange(len(ends))
    cycle = cycle[last]
    place = (stop - 1 - composite)[cycle] - steps

    points, codes = np.empty((stop[-1], 2)), np.zeros(stop[-1], np.uint8)
    points[place, 0], points[place, 1] = corners.x, corners.y
    codes[place] = np.where(composite, LINE_TO, 0)[cycle]
    codes[(stop - sizes)[composite]] = MOVE
    closing = stop[composite] - 1
    codes[closing] = CLOSE
    points[closing] = points[(stop - sizes)[composite]]

    count = len(pieces)
    return Shapes(
        roi_type=np.where(pieces > 1, RoiType.COMPOSITE, RoiType.TRACED),
        subpixel=pieces > 1,
        params=np.full((count, 5), np.nan),
        points=points,
        codes=codes,
        offsets=np.concatenate([[0], stop[np.cumsum(pieces) - 1]]),
    )


def _pieces(labels: np.ndarray) -> np.ndarray:
    """Number of outlines of each label 1 .. max, from the sorted labels of all outlines."""
    present = np.unique(labels)
    if present[-1] != len(present):
        missing = np.flatnonzero(present != np.arange(1, len(present) + 1))[0] + 1
        raise BadValue(
            "labels",
            expected=f"every label from 1 to {present[-1]}",
            found=f"no pixel of label {missing}",
            remedy="Number the objects without gaps.",
        )
    return np.bincount(labels)[1:]
