"""The pixels of shapes, as runs: exactly those that ImageJ counts for each type of selection.

Rules (``ij.process.PolygonFiller``, ``OvalRoi.getMask``, ``ShapeRoi.getMask`` of ImageJ 1.54p): polygons are filled
even-odd at the pixels' centres, after their rows are found from the rounded y of the vertices; ovals are an
inequality in the pixels of the integer box; nothing is outside the integer box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.data import RoiType, Shapes
from temj.geometry.curves import Rings, rings, rounded_path
from temj.geometry.scan import crossings
from temj.geometry.vertices import Outlines, outlines

FILL_FLATNESS = 0.01
Window = tuple[int, int, int, int]
VERTEX_TYPES = (RoiType.ELLIPSE, RoiType.ROTATED_RECT, RoiType.POLYGON, RoiType.FREEROI, RoiType.TRACED)


@dataclass(frozen=True, eq=False)
class Runs:
    """Horizontal runs of pixels, sorted by object, y, start; runs of one object do not overlap.

    Attributes:
        object: (r,) int64, index of the shape.
        y: (r,) int64, row.
        start: (r,) int64, first column.
        stop: (r,) int64, column after the last one; > start.
    """

    object: np.ndarray
    y: np.ndarray
    start: np.ndarray
    stop: np.ndarray

    def __len__(self) -> int:
        return len(self.object)

    @property
    def length(self) -> np.ndarray:
        """(r,) int64, pixels in each run."""
        return self.stop - self.start

    def counts(self, objects: int) -> np.ndarray:
        """(objects,) int64, pixels of each object."""
        return _sums(self.length, self.object, objects)

    def where(self, kept: np.ndarray) -> Runs:
        """The runs for which ``kept`` (r,) bool is true."""
        return Runs(self.object[kept], self.y[kept], self.start[kept], self.stop[kept])

    def clipped(self, width: int, height: int) -> Runs:
        """The parts inside an image."""
        inside = (self.y >= 0) & (self.y < height) & (self.start < width) & (self.stop > 0)
        if inside.all() and (self.start >= 0).all() and (self.stop <= width).all():
            return self
        part = self.where(inside)
        return Runs(part.object, part.y, np.maximum(part.start, 0), np.minimum(part.stop, width))

    def pixels(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Object and index ``y * width + x`` of every pixel, (pixels,) int64 each, row by row within an object."""
        length = self.length
        ends = np.cumsum(length)
        first = self.y * width + self.start - (ends - length)
        return np.repeat(self.object, length), np.repeat(first, length) + np.arange(ends[-1] if len(ends) else 0)


def rasterise(shapes: Shapes, width: int, height: int) -> Runs:
    """The pixels of each shape inside an image of the given size. Points and lines have none."""
    return rasterise_outlines(outlines(shapes), (0, 0, width, height)).clipped(width, height)


def rasterise_filled(shapes: Shapes, width: int, height: int) -> Runs:
    """Like :func:`rasterise`, with the holes of composite shapes filled (each subpath is filled for itself)."""
    runs = rasterise_outlines(outlines(shapes), (0, 0, width, height), holes=False)
    return runs.clipped(width, height)


def rasterise_outlines(outline: Outlines, window: Window, holes: bool = True) -> Runs:
    """The pixels of prepared outlines; rows outside the window x, y, width, height may be left out."""
    parts = [fill(outline, window) for fill in (_rectangles, _ovals, _polygons)]
    parts = [part for part in (*parts, _composites(outline, window, holes)) if len(part)]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Runs(*np.zeros((4, 0), np.int64))
    both = Runs(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("object", "y", "start", "stop")))
    return both.where(np.argsort(both.object, kind="stable"))


def _sums(values: np.ndarray, owner: np.ndarray, count: int) -> np.ndarray:
    """Exact sums of integers by owner (ascending)."""
    total = np.concatenate([[0], np.cumsum(values)])
    bounds = np.searchsorted(owner, np.arange(count + 1))
    return total[bounds[1:]] - total[bounds[:-1]]


def _seen(box: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """First row of each box (m, 4) that is in the window and the one after the last, relative to the box."""
    first, last = window[1] - box[:, 1], window[1] + window[3] - box[:, 1]
    return np.clip(first, 0, box[:, 3]), np.clip(last, 0, box[:, 3])


def _rows(box: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """For boxes (m, 4): the box and the row within it of each row in the window of all of them."""
    first, last = _seen(box, window)
    count = np.maximum(last - first, 0)
    which = np.repeat(np.arange(len(box)), count)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(count) - count - first, count)


def _rectangles(outline: Outlines, window: Window) -> Runs:
    index = np.flatnonzero(outline.of_type(RoiType.RECT) & ~rounded(outline))
    x, y, width, _ = outline.box[index].T
    which, row = _rows(outline.box[index], window)
    return Runs(index[which], y[which] + row, x[which], x[which] + width[which])


def rounded(outline: Outlines) -> np.ndarray:
    """(n,) bool, which shapes are rectangles with rounded corners."""
    return outline.of_type(RoiType.RECT) & (outline.params[:, 4] >= 1)


def _ovals(outline: Outlines, window: Window) -> Runs:
    """Pixels i, j with (i - cx)² / rx² + (j - cy)² / ry² <= 1, in double, for the integer box."""
    index = np.flatnonzero(outline.of_type(RoiType.OVAL))
    x, y, width, height = outline.box[index].T
    which, row = _rows(outline.box[index], window)
    rx, ry = width[which] / 2.0, height[which] / 2.0
    dy = row - (ry - 0.5)
    share = dy * dy / (ry * ry)
    first = np.floor(rx - 0.5 - rx * np.sqrt(np.maximum(1.0 - share, 0.0)))
    for _ in range(3):  # the square root may be off by one pixel; the inequality decides
        dx = first - (rx - 0.5)
        first = first + ~(dx * dx / (rx * rx) + share <= 1.0)
    start = np.clip(first, 0, None).astype(np.int64)
    stop = width[which] - start
    runs = Runs(index[which], y[which] + row, x[which] + start, x[which] + stop)
    return runs.where(stop > start)


def _polygons(outline: Outlines, window: Window) -> Runs:
    chosen = outline.of_type(*VERTEX_TYPES) & (np.diff(outline.offsets) > 0)
    index = np.flatnonzero(chosen)
    if not len(index):
        return Runs(*np.zeros((4, 0), np.int64))
    counts = np.diff(outline.offsets)[index]
    points = outline.relative[outline.vertices_of(chosen)].astype(float)
    if outline.shift[index].any():
        points += np.repeat(outline.shift[index], counts, axis=0)
    polygons = Rings(points, np.concatenate([[0], np.cumsum(counts)]), np.arange(len(index)))
    return _filled(polygons, index, outline.box[index], window)


def _composites(outline: Outlines, window: Window, holes: bool) -> Runs:
    paths, index = _paths(outline)
    if not len(index):
        return Runs(*np.zeros((4, 0), np.int64))
    box = outline.box[index]
    if holes or len(paths.owner) == len(index):
        return _filled(paths, index, box, window)
    alone = Rings(paths.points, paths.offsets, np.arange(len(paths.owner)))
    return union(_filled(alone, index[paths.owner], box[paths.owner], window))


def _paths(outline: Outlines) -> tuple[Rings, np.ndarray]:
    """Rings of the composite shapes and rounded rectangles (owners count these), and the shapes they are."""
    index = np.flatnonzero(outline.of_type(RoiType.COMPOSITE) | rounded(outline))
    used = outline.vertices_of(outline.of_type(RoiType.COMPOSITE))
    points, codes, owner = [outline.relative[used].astype(float)], [outline.codes[used]], [outline.owner[used]]
    for number in np.flatnonzero(rounded(outline)):
        corner = outline.box[number, :2]
        path, path_codes = rounded_path(*outline.box[number].astype(float), int(outline.params[number, 4]))
        points.append((path - corner).astype(np.float32).astype(float))
        codes.append(path_codes)
        owner.append(np.full(len(path), number))
    shape = np.concatenate(owner)
    order = np.argsort(shape, kind="stable") if len(owner) > 1 else slice(None)
    place = np.searchsorted(index, shape[order])
    return rings(np.concatenate(points)[order], np.concatenate(codes)[order], place, FILL_FLATNESS), index


def _filled(polygons: Rings, index: np.ndarray, box: np.ndarray, window: Window) -> Runs:
    """Even-odd fill; ``index`` and ``box`` belong to the owners of the rings."""
    owner, row, column = crossings(polygons, np.stack(_seen(box, window), axis=1), box[:, 2])
    owner, row, start, stop = owner[::2], row[::2], column[::2], column[1::2]
    x, y = box[owner, 0], box[owner, 1]
    runs = Runs(index[owner], y + row, x + start, x + stop)
    return runs if (stop > start).all() else runs.where(stop > start)


def union(runs: Runs) -> Runs:
    """Runs that may overlap within an object, joined where they overlap or touch."""
    order = np.lexsort((runs.start, runs.y, runs.object))
    runs = runs.where(order)
    if not len(runs):
        return runs
    line = np.cumsum((np.diff(runs.object, prepend=-1) != 0) | (np.diff(runs.y, prepend=0) != 0))
    low = runs.start.min()
    span = int(runs.stop.max() - low) + 1
    start, stop = line * span + runs.start - low, line * span + runs.stop - low
    reach = np.maximum.accumulate(stop)
    first = np.flatnonzero(np.concatenate([[True], start[1:] > reach[:-1]]))
    last = np.concatenate([first[1:], [len(start)]]) - 1
    joined = runs.where(first)
    return Runs(joined.object, joined.y, joined.start, reach[last] - line[first] * span + low)
