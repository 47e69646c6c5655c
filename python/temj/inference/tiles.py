"""Cutting an image into equal tiles for a network, and blending their answers.

All starts are multiples of the network's stride, so that a tile sees its pixels on the same grid as the whole image
would. Neighbours share some pixels; most of them, next to the cut edges, are thrown away (there the network saw padding
instead of the image) and the middle eighth is blended linearly::

    left tile   ------------------------\\ . . .
    right tile                . . . \\------------------------
                             |<- overlap ->|

How far a cut edge is felt was measured with a first model ``loops`` (U-Net, ResNet-18) on a mosaic of the 16 shared
tiles, as the largest difference of a probability from one pass over the whole: 0.7 next to the edge, 0.28 at 64 pixels
from it, 0.07 at 96, 0.03 at 128, 0.001 at 192. So tiles share 256 pixels. What that costs is exactly the pixels that
are seen twice: nothing up to one tile, 13 % at 4096 x 4096.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

OVERLAPS = (256, 192, 128, 64)
"""Pixels that neighbours share at least, where the stride divides it: the first with which tiles of the allowed size
see at most :data:`COST` times the pixels of the image, so that small tiles (of a small memory) stay affordable."""
COST = 1.35
BLENDED = 1 / 8
"""The share of an overlap in which answers are blended: its middle."""


@dataclass(frozen=True)
class Tiling:
    """Where the tiles of one image lie.

    Attributes:
        height, width: of the image.
        tile_height, tile_width: of every tile; multiples of the stride.
        tops, lefts: first row and column of the tiles; all pairs of the two occur.
    """

    height: int
    width: int
    tile_height: int
    tile_width: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.tops) * len(self.lefts)

    @property
    def places(self) -> list[tuple[int, int]]:
        """(row, column) numbers of the tiles, row by row."""
        return [(row, column) for row in range(len(self.tops)) for column in range(len(self.lefts))]

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width of the image with the reflected margin that the tiles need."""
        return self.tops[-1] + self.tile_height, self.lefts[-1] + self.tile_width

    @property
    def overlap(self) -> tuple[int, int]:
        """The largest overlap of two neighbours, (vertical, horizontal), in pixels; 0 where there is one tile."""
        return _overlap(self.tops, self.tile_height), _overlap(self.lefts, self.tile_width)

    def pad(self, image: np.ndarray) -> np.ndarray:
        """(c, height, width) with its lower and right margin filled by reflection, up to :attr:`padded`."""
        below, right = (full - side for full, side in zip(self.padded, image.shape[1:], strict=True))
        return np.pad(image, ((0, 0), (0, below), (0, right)), mode="symmetric") if below or right else image

    def cut(self, padded: np.ndarray, row: int, column: int) -> np.ndarray:
        """One tile (c, tile height, tile width) of the padded image, as a view."""
        top, left = self.tops[row], self.lefts[column]
        return padded[:, top : top + self.tile_height, left : left + self.tile_width]

    @cached_property
    def _weights(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return _ramps(self.tops, self.tile_height), _ramps(self.lefts, self.tile_width)

    def blend(self, answers: Iterator[np.ndarray]) -> np.ndarray:
        """The answers (k, tile height, tile width) of all tiles in the order of :attr:`places` → (k, height, width)."""
        if len(self) == 1:
            return next(answers)[:, : self.height, : self.width]
        vertical, horizontal = self._weights
        whole = None
        for (row, column), answer in zip(self.places, answers, strict=True):
            if whole is None:
                whole = np.zeros((len(answer), *self.padded), np.float32)
            inside = self.cut(whole, row, column)
            inside += answer * vertical[row][:, None] * horizontal[column]
        return whole[:, : self.height, : self.width]


def plan(height: int, width: int, stride: int, limit: int, overlaps: tuple[int, ...] = OVERLAPS) -> Tiling:
    """The tiling of an image with the fewest pixels in all, with the largest overlap that is affordable.

    Args:
        height, width: of the image.
        stride: sides of a tile are multiples of it.
        limit: largest number of pixels of one tile; where even the smallest tiles are larger, those are taken.
        overlaps: pixels that neighbours may share at least, the most first; the last is taken whatever it costs.

    Returns:
        One tile (padded to the stride) where that fits the limit.
    """
    whole = -(-height // stride) * -(-width // stride) * stride**2
    for overlap in overlaps:
        tiling = _plan(height, width, stride, limit, overlap)
        pixels = tiling.tile_height * tiling.tile_width
        if pixels <= limit and pixels * len(tiling) <= COST * whole:
            break
    return tiling


def _plan(height: int, width: int, stride: int, limit: int, overlap: int) -> Tiling:
    """As :func:`plan`, with this overlap."""
    shared = max(1, overlap // stride)
    rows, columns = -(-height // stride), -(-width // stride)
    heights, widths = _tile_sides(rows, shared), _tile_sides(columns, shared)
    areas = heights[:, None] * widths * stride**2
    counts = np.arange(1, len(heights) + 1)[:, None] * np.arange(1, len(widths) + 1)
    cost = np.where(areas <= limit, areas * counts, np.iinfo(np.int64).max)
    if (areas > limit).all():
        cost = areas
    # the cheapest; among equally cheap ones the fewest tiles
    best = np.lexsort((counts.ravel(), cost.ravel()))[0]
    down, across = np.unravel_index(best, cost.shape)
    return Tiling(
        height,
        width,
        int(heights[down]) * stride,
        int(widths[across]) * stride,
        _starts(rows, int(heights[down]), int(down) + 1, stride),
        _starts(columns, int(widths[across]), int(across) + 1, stride),
    )


def _tile_sides(units: int, shared: int) -> np.ndarray:
    """The side of a tile, in strides, for 1, 2, 3 … tiles along ``units`` strides, so far as no three overlap."""
    counts = np.arange(1, max(1, units // (shared + 1)) + 1)
    sides = -(-(units + (counts - 1) * shared) // counts)
    return sides[: max(1, int(np.count_nonzero(sides >= 2 * (shared + 1))))]


def _starts(units: int, side: int, count: int, stride: int) -> tuple[int, ...]:
    """Evenly spread first pixels of ``count`` tiles."""
    return tuple(stride * (number * (units - side) // max(count - 1, 1)) for number in range(count))


def _overlap(starts: tuple[int, ...], side: int) -> int:
    return max((first + side - second for first, second in pairwise(starts)), default=0)


def _ramps(starts: tuple[int, ...], side: int) -> list[np.ndarray]:
    """The weight of each pixel of each tile along one axis, float32; over all tiles they add up to 1."""
    ramps = [np.ones(side) for _ in starts]
    for number, (first, second) in enumerate(pairwise(starts)):
        shared = first + side - second
        rise = np.clip((np.arange(shared) + 0.5 - shared * (1 - BLENDED) / 2) / (shared * BLENDED), 0, 1)
        ramps[number][side - shared :] *= 1 - rise
        ramps[number + 1][:shared] *= rise
    return [ramp.astype(np.float32) for ramp in ramps]
