"""What was found not to be specimen in a micrograph, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj.opencv import opencv

PINHOLE = 9
"""Pixels of a connected gap in the analysed area up to which it is a pinhole: a dead pixel and its neighbours."""

NEVER_WRITTEN = "never written"
"""What a part is whose strips or tiles the file does not have."""
KINDS = (NEVER_WRITTEN, "blank border", "info bar", "scale bar", "text", "dead pixels", "saturated", "vacuum")
"""What a part that is found can be."""
BY_USER = ("not analysed", "outside the area ROIs", "exclude ROIs")
"""What a part can be that the file or the user left out."""


@dataclass(frozen=True, eq=False)
class Part:
    """Pixels of one kind that do not count.

    Attributes:
        kind: one of :data:`KINDS` or :data:`BY_USER`.
        mask: (h, w) bool, read-only.
    """

    kind: str
    mask: np.ndarray

    def __post_init__(self) -> None:
        mask = np.ascontiguousarray(self.mask, bool).view()
        mask.setflags(write=False)
        object.__setattr__(self, "mask", mask)

    @property
    def share(self) -> float:
        """Its part of the image in percent."""
        return float(100.0 * np.count_nonzero(self.mask) / self.mask.size)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, width, height of its bounding box in pixels; all 0 where it has no pixel."""
        rows, columns = (np.flatnonzero(self.mask.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return 0, 0, 0, 0
        x, y = int(columns[0]), int(rows[0])
        return x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y


@dataclass(frozen=True, eq=False)
class AreaFound:
    """The analysed area of a micrograph and why the rest does not count.

    Attributes:
        mask: (h, w) bool, read-only: True where the image counts.
        parts: what does not, at most one of each kind; a pixel belongs to the first kind that claimed it.
    """

    mask: np.ndarray
    parts: tuple[Part, ...] = ()

    @classmethod
    def without(cls, shape: tuple[int, int], parts: Sequence[Part]) -> AreaFound:
        """The area of an image of this shape (h, w) without these parts; parts without pixels are dropped."""
        kept = tuple(part for part in parts if part.mask.any())
        mask = np.ones(shape, bool)
        for part in kept:
            mask &= ~part.mask
        mask.setflags(write=False)
        return cls(mask, kept)

    @property
    def share(self) -> float:
        """The analysed area in percent of the image."""
        return float(100.0 * np.count_nonzero(self.mask) / self.mask.size)

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return bool(self.mask.all())


def without_pinholes(area: np.ndarray) -> np.ndarray:
    """An analysed area (h, w) bool with the gaps of at most :data:`PINHOLE` connected pixels closed.

    A dead pixel says nothing, but the object around it goes on: its outline must not get a hole.
    """
    _count, labels, stats, _centres = opencv().connectedComponentsWithStats((~area).astype(np.uint8), connectivity=8)
    small = stats[:, 4] <= PINHOLE
    small[0] = False
    return area | small[labels]
