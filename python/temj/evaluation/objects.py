"""The pixels of the objects of one image, their ellipses, and which of two sets of objects are the same ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from temj.data import Shapes
from temj.evaluation.overlapping import one_to_one
from temj.geometry.overlap import Overlaps
from temj.geometry.raster import rasterise

DEFAULT_IOU = 0.5


@dataclass(frozen=True, eq=False)
class Objects:
    """Which pixels belong to which object; objects may overlap, and some may have no pixel.

    Attributes:
        owner: (p,) int64, the object 0 … count - 1 of each pixel.
        place: (p,) int64, y * width + x of each pixel.
        count: number of objects, with those that have no pixel.
        shape: (height, width) of the image.
    """

    owner: np.ndarray
    place: np.ndarray
    count: int
    shape: tuple[int, int]

    @classmethod
    def of_labels(cls, labels: np.ndarray) -> Objects:
        """Object i has the pixels with the number i + 1 in ``labels`` (height, width), any integers from 0."""
        place = np.flatnonzero(labels)
        return cls(labels.ravel()[place].astype(np.int64) - 1, place, int(labels.max(initial=0)), labels.shape)

    @classmethod
    def of_shapes(cls, shapes: Shapes, height: int, width: int) -> Objects:
        """The pixels that ImageJ sees inside each outline; points and lines have none."""
        owner, place = rasterise(shapes, width, height).pixels(width)
        return cls(owner, place, len(shapes), (height, width))

    @property
    def area(self) -> np.ndarray:
        """(count,) int64, pixels of each object."""
        return np.bincount(self.owner, minlength=self.count)

    @property
    def present(self) -> np.ndarray:
        """(count,) bool: the objects that have pixels."""
        return self.area > 0

    @property
    def mask(self) -> np.ndarray:
        """(height * width,) bool: the pixels of all objects."""
        mask = np.zeros(self.shape[0] * self.shape[1], bool)
        mask[self.place] = True
        return mask

    def inside(self, counts: np.ndarray | None, mostly: bool = False) -> Objects:
        """The same objects with only the pixels where ``counts`` (height, width) bool is true; None: all of them.

        With ``mostly`` objects that have more than half of their pixels elsewhere lose all of them.
        """
        if counts is None:
            return self
        kept = np.ascontiguousarray(counts).ravel()[self.place]
        if mostly:
            outside = np.bincount(self.owner, ~kept, self.count) > 0.5 * self.area
            kept = kept & ~outside[self.owner]
        return replace(self, owner=self.owner[kept], place=self.place[kept])

    def only(self, kept: np.ndarray) -> Objects:
        """The same objects, of which those where ``kept`` (count,) bool is false have no pixel."""
        which = kept[self.owner]
        return replace(self, owner=self.owner[which], place=self.place[which])

    def axes(self, pixel: tuple[float, float] = (1.0, 1.0)) -> tuple[np.ndarray, np.ndarray]:
        """Major and minor axis of each object's ellipse: (count,) float64 twice; NaN without pixels.

        The ellipse has the second moments of the pixels, each being a rectangle (width² / 12 and height² / 12 are added
        to the variances), and is scaled to their area: for square pixels ImageJ's Major and Minor.

        Args:
            pixel: width and height of a pixel, in the unit of the result.
        """
        y, x = np.divmod(self.place, self.shape[1])
        area = np.where(self.present, self.area, np.nan)
        mean_x, mean_y = (self._sums(values) / area for values in (x, y))
        dx, dy = (x - mean_x[self.owner]) * pixel[0], (y - mean_y[self.owner]) * pixel[1]
        xx, yy, xy = (self._sums(values) / area for values in (dx * dx, dy * dy, dx * dy))
        xx, yy = xx + pixel[0] ** 2 / 12, yy + pixel[1] ** 2 / 12
        middle, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
        longer, shorter = np.sqrt(middle + spread), np.sqrt(middle - spread)
        scale = 2 * np.sqrt(area * pixel[0] * pixel[1] / (np.pi * longer * shorter))
        return scale * longer, scale * shorter

    def _sums(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.owner, values, self.count)


def intersections(found: Objects, true: Objects) -> Overlaps:
    """All pairs of objects that share a pixel, with their intersection over union."""
    order = np.argsort(true.place, kind="stable")
    places = true.place[order]
    first, last = (np.searchsorted(places, found.place, side) for side in ("left", "right"))
    times = last - first
    mine = np.repeat(found.owner, times)
    ends = np.cumsum(times)
    theirs = true.owner[order][np.arange(len(mine)) + np.repeat(first - (ends - times), times)]
    keys, both = np.unique(mine * max(true.count, 1) + theirs, return_counts=True)
    one, other = np.divmod(keys, max(true.count, 1))
    return Overlaps(one, other, both / (found.area[one] + true.area[other] - both))


def match(found: Objects, true: Objects, iou: float = DEFAULT_IOU) -> Overlaps:
    """One to one: which found object is which true one (:func:`temj.evaluation.overlapping.one_to_one`).

    From IoU 0.5 on no object of a label image has two such partners, so that there is nothing to choose.
    """
    return one_to_one(intersections(found, true), iou)
