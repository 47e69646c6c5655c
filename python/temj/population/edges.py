"""Which objects count, which are whole, and how much a whole one weighs: the edge rules of population statistics.

An object that the edge cuts cannot be measured, and a large one is cut more often than a small one. So each estimate
has its own rule (R. E. Miles, in: Stochastic Geometry, Wiley 1974, 228; Ch. Lantuéjoul, J. Microsc. 119 (1980) 303;
H. J. G. Gundersen, J. Microsc. 111 (1977) 219):

*Counted*, for numbers: the reference point of an object, the upper left corner of its box, lies in the analysed area,
and the object does not touch the left or upper edge of the frame. The corner is known wherever those two edges do not
cut the object, whatever the right and lower edge cut off; in a frame this is the rule of the two forbidden edges.

*Whole* and *Weight*, for sizes: the box lies inside the analysed area and touches nothing that is outside. Such an
object weighs w = A / E: A the analysed area, E the area of the places at which its box would be whole. Sums of w f over
whole objects, divided by sums of w, are unbiased means of f; sums of w divided by sums of A are a number density too.

Where the objects of an image end at the border of the analysed area (our networks find nothing outside of it), corners
of cut objects are not known. Then the reference point is the object's upper left tangent point, its pixel with the
smallest x + y: where what is seen of it has this pixel at the border (the pixel to its left or above is outside), the
true one is hidden, and the object is not counted. One that meets the border anywhere is not whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.area import without_pinholes
from temj.data import Column, Shapes
from temj.geometry import Runs, boxes, rasterise
from temj.opencv import opencv

EDGE_COLUMNS = ("Counted", "Whole", "Weight", "Inside")
_HEIGHTS = 9
"""Heights of boxes for which places are counted. Between them E is a straight line, and exactly so where what an area
lacks are convex pieces that are farther apart than a box is large (a mixed area is linear in each of the two)."""


@dataclass(frozen=True, eq=False)
class Edges:
    """The edge rules of n objects.

    Attributes:
        counted: (n,) bool.
        whole: (n,) bool.
        weight: (n,) float64, A / E, 1 or more; NaN where the box fits nowhere in the analysed area.
        inside: (n,) float64, the share of what is seen of an object that lies in the analysed area, 0 to 1.
    """

    counted: np.ndarray
    whole: np.ndarray
    weight: np.ndarray
    inside: np.ndarray

    def notes(self) -> list[str]:
        """What to tell the user: how many objects are too large to be measured by these rules."""
        large = int(np.isnan(self.weight).sum())
        if not large:
            return []
        which = "1 object does" if large == 1 else f"{large} objects do"
        return [f"{which} not fit into the analysed area; means of size lack objects as large: take larger fields"]


def edge_columns(shapes: Shapes, size: tuple[int, int], area: np.ndarray | None = None) -> tuple[Column, ...]:
    """The columns Counted and Whole (0 or 1), Weight (dimensionless, NaN where the box fits nowhere) and Inside (share
    of the object's pixels in the analysed area, 0 to 1).

    Args:
        shapes: n outlines of one image.
        size: its width and height in pixels.
        area: (height, width) bool, the analysed area; None for all of it. Single dead pixels in it do no harm.
    """
    found = shape_edges(shapes, size, area)
    return tuple(Column(name, getattr(found, name.lower())) for name in EDGE_COLUMNS)


def shape_edges(shapes: Shapes, size: tuple[int, int], area: np.ndarray | None = None) -> Edges:
    """The edge rules of outlines; arguments as :func:`edge_columns`. Boxes are ImageJ's integer bounds."""
    box = boxes(shapes).astype(float)
    if area is None or area.all():
        return edges(box, size)
    area = without_pinholes(area)
    met, inside = _met(rasterise(shapes, *size), len(shapes), area)
    return edges(box, size, area, met if (inside == 1).all() else None, inside)


def edges(
    box: np.ndarray,
    size: tuple[int, int],
    area: np.ndarray | None = None,
    met: np.ndarray | None = None,
    inside: np.ndarray | None = None,
) -> Edges:
    """The edge rules of boxes.

    Args:
        box: (n, 4) x, y, width, height in pixels, pixel (0, 0) covering [0, 1) in both; fractions are welcome.
        size: width and height of the image in pixels.
        area: (height, width) bool, the analysed area; None for all of it.
        met: (n, 2) bool, where objects end at the border of the area: whether an object's tangent point is at the
            border; whether any of its pixels is. None where objects are seen beyond the area too.
        inside: (n,) float64, as in :class:`Edges`; None for 1.
    """
    box = np.asarray(box, float).reshape(-1, 4)
    first, last, span = box[:, :2], box[:, :2] + box[:, 2:], box[:, 2:]
    frame, inside = np.array(size, float), np.ones(len(box)) if inside is None else inside
    counted = ((first > 0) & (first < frame)).all(axis=1)
    whole = ((first > 0) & (last < frame)).all(axis=1)
    if area is None:
        room = np.maximum(frame - span, 0.0)
        return Edges(counted, whole, _weight(frame.prod(), room.prod(axis=1)), inside)
    whole &= _free(first, last, area)
    if met is None:
        x, y = np.clip(np.floor(first), 0, frame - 1).astype(np.int64).T
        counted &= area[y, x]
    else:
        counted, whole = counted & ~met[:, 0], whole & ~met[:, 1]
    return Edges(counted, whole, _weight(np.count_nonzero(area), places(area, span)), inside)


def _weight(area: float, room: np.ndarray) -> np.ndarray:
    return np.divide(area, room, out=np.full(len(room), np.nan), where=room > 0)


def _free(first: np.ndarray, last: np.ndarray, area: np.ndarray) -> np.ndarray:
    """(n,) bool, which boxes from ``first`` to ``last`` (n, 2) neither leave an area nor touch what is outside."""
    total = opencv().integral(area.astype(np.uint8))
    limits = np.array(area.shape[::-1])
    low = np.clip(np.ceil(first) - 1, 0, limits).astype(np.int64)
    high = np.clip(np.floor(last) + 1, low, limits).astype(np.int64)
    (x0, y0), (x1, y1) = low.T, high.T
    return total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0] == (high - low).prod(axis=1)


def places(area: np.ndarray, span: np.ndarray) -> np.ndarray:
    """The area of the places at which boxes lie inside a free-form area: that of its erosion by each box.

    Args:
        area: (height, width) bool.
        span: (n, 2) float64, width and height of the boxes in pixels, not rounded.

    Returns:
        (n,) float64, pixels; 0 where a box fits nowhere. Of a frame (W - w)(H - h). Of more than 9 different heights,
        9 are counted and the others interpolated.
    """
    if not len(span):
        return np.zeros(0)
    low, high = int(np.floor(span[:, 1].min())), int(np.floor(span[:, 1].max())) + 1
    nodes = np.unique(np.linspace(low, high, min(high - low + 1, _HEIGHTS)).round().astype(np.int64))
    below = _rows_below(area)
    table = np.stack([_room(below > node, span[:, 0]) for node in nodes])
    at = np.clip(np.searchsorted(nodes, span[:, 1], side="right") - 1, 0, len(nodes) - 2)
    share = (span[:, 1] - nodes[at]) / (nodes[at + 1] - nodes[at])
    objects = np.arange(len(span))
    return (1 - share) * table[at, objects] + share * table[at + 1, objects]


def _rows_below(area: np.ndarray) -> np.ndarray:
    """(height, width) of integers, how many pixels of the area follow one another downwards from each pixel on."""
    kind = np.uint16 if len(area) < 1 << 16 else np.uint32
    found = np.zeros(area.shape, kind)
    row = np.zeros(area.shape[1], kind)
    for y in range(len(area) - 1, -1, -1):
        row = (row + kind(1)) * area[y]
        found[y] = row
    return found


def _room(rows: np.ndarray, width: np.ndarray) -> np.ndarray:
    """(n,) the sum over all runs of pixels in rows of how far a line of each width can be moved within the run."""
    padded = np.zeros((rows.shape[0], rows.shape[1] + 2), np.int8)
    padded[:, 1:-1] = rows
    ends = np.flatnonzero(np.diff(padded.ravel()))
    lengths = np.bincount(ends[1::2] - ends[::2], minlength=rows.shape[1] + 1)
    several = lengths * np.arange(len(lengths))
    number, total = (np.concatenate([np.cumsum(each[::-1])[::-1], [0]]) for each in (lengths, several))
    longer = np.clip(np.floor(width) + 1, 0, len(lengths)).astype(np.int64)
    return total[longer] - width * number[longer]


def _met(runs: Runs, count: int, area: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(count, 2) bool, whether an object's pixel with the smallest x + y (of several the uppermost), or any of them, is
    at the border of an area; (count,) the share of its pixels in the area. What has no pixel is at the border.
    """
    height, width = area.shape
    outside = np.zeros((height + 2, width + 1), np.int32)
    np.cumsum(~area, axis=1, out=outside[1:-1, 1:])

    def missing(row: np.ndarray, first: np.ndarray, after: np.ndarray) -> np.ndarray:
        """(r,) how many pixels of pieces of rows are in the frame and not in the area."""
        first, after = np.clip(first, 0, width), np.clip(after, 0, width)
        return outside[row + 1, after] - outside[row + 1, first]

    def of_objects(values: np.ndarray) -> np.ndarray:
        return np.bincount(runs.object, values, minlength=count)

    pixels = runs.counts(count)
    share = 1 - np.divide(
        of_objects(missing(runs.y, runs.start, runs.stop)), pixels, out=np.zeros(count), where=pixels > 0
    )
    touching = missing(runs.y, runs.start - 1, runs.stop + 1)
    touching += missing(runs.y - 1, runs.start, runs.stop) + missing(runs.y + 1, runs.start, runs.stop)
    order = np.lexsort((runs.y, runs.y + runs.start, runs.object))
    there, place = np.unique(runs.object[order], return_index=True)
    y, x = runs.y[order[place]], runs.start[order[place]]
    met = np.ones((count, 2), bool)
    met[there, 0] = missing(y, x - 1, x) + missing(y - 1, x, x + 1) > 0
    met[there, 1] = of_objects(touching)[there] > 0
    return met, share
