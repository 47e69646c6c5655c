"""The mean of several micrographs of the same field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from temj.data.micrograph import Micrograph
from temj.errors import BadImage


def mean_micrograph(micrographs: Iterable[Micrograph], numbers: Sequence[int]) -> Micrograph:
    """The mean grey values as 32-bit float, one micrograph in memory at a time.

    Args:
        micrographs: at least one, all of one size.
        numbers: the 1-based number of each in its film, for the label.

    Returns:
        Scale, position and metadata of the first; ``metadata["averaged"]`` the numbers; slice label
        ``<first>-<last>``. A pixel that is NaN or infinite in some of them is the mean of the others, which a note
        says; in all of them: NaN. The analysed area is what counts in all.

    Raises:
        BadImage: their sizes differ.
    """
    mean = None
    for number, micrograph in zip(numbers, micrographs, strict=True):
        if mean is None:
            mean = _Mean(micrograph)
        mean.add(micrograph, number)
    assert mean is not None
    return mean.micrograph([int(number) for number in numbers])


class _Mean:
    """Sums of grey values; counts for each pixel only where some are not finite."""

    def __init__(self, first: Micrograph) -> None:
        self._first, self._area = first, first.area
        self._sum = np.zeros(first.pixels.shape)
        self._others = None if first.others is None else np.zeros(first.others.shape)
        self._number, self._gaps = 0, None
        self._notes: dict[str, None] = {}

    def add(self, micrograph: Micrograph, number: int) -> None:
        """Add one more."""
        pixels = micrograph.pixels
        if pixels.shape != self._first.pixels.shape:
            raise BadImage(
                "size-changes",
                where=f"{micrograph.name} (frame {number})",
                expected=f"{self._first.width} x {self._first.height} as in the frames before",
                found=f"{micrograph.width} x {micrograph.height}",
                remedy="Average only frames of one size.",
            )
        self._notes |= dict.fromkeys(micrograph.metadata.get("notes", ()))
        if micrograph.area is not None:
            self._area = micrograph.area if self._area is None else self._area & micrograph.area
        if self._others is not None:
            self._others += micrograph.others
        self._number += 1
        bad = ~np.isfinite(pixels) if pixels.dtype.kind == "f" else None
        if bad is None or not bad.any():
            self._sum += pixels
            return
        if self._gaps is None:
            self._gaps = np.zeros(pixels.shape, np.int64)
        self._gaps += bad
        self._sum += np.where(bad, 0, pixels)

    def micrograph(self, numbers: list[int]) -> Micrograph:
        """The mean of all that were added."""
        count, notes = self._number, tuple(self._notes)
        if self._gaps is not None:
            count = np.where(self._gaps < self._number, self._number - self._gaps, np.nan)
            notes += (f"{int((self._gaps > 0).sum())} px are NaN or infinite in some frames: mean of the other frames",)
        return replace(
            self._first,
            pixels=(self._sum / count).astype(np.float32),
            area=self._area,
            others=None if self._others is None else (self._others / self._number).astype(np.float32),
            slice_label=f"{numbers[0]}-{numbers[-1]}",
            metadata={**self._first.metadata, "averaged": numbers, "notes": notes},
        )
