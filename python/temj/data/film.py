"""An ordered, lazily read sequence of micrographs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from temj.data.calibration import Calibration
from temj.data.micrograph import Micrograph


@dataclass(frozen=True)
class Film:
    """The planes of one file in ImageJ's stack order (channel fastest, then slice, then frame).

    A file with a single plane is a film of length 1 whose micrograph has position (0, 0, 0).

    Attributes:
        name: the file name with its extension.
        dimensions: (channels, slices, frames); their product is the length.
        read: index of the plane, from 0 → micrograph.
        frame_interval: seconds from one frame to the next; None where it is not known.
        partial: (planes that can be read, planes that the file announces) of a file that was cut off and is read
            all the same; None for a whole one.
    """

    name: str
    dimensions: tuple[int, int, int]
    read: Callable[[int], Micrograph]
    frame_interval: float | None = None
    partial: tuple[int, int] | None = None

    def __len__(self) -> int:
        channels, slices, frames = self.dimensions
        return channels * slices * frames

    def __getitem__(self, index: int) -> Micrograph:
        if not 0 <= index < len(self):
            raise IndexError(f"{self.name} has {len(self)} planes, asked for index {index}")
        return self.read(index)

    def __iter__(self) -> Iterator[Micrograph]:
        return (self.read(index) for index in range(len(self)))

    def with_pixel_size(self, wanted: Calibration) -> Film:
        """The same film at the scale that its user gave (:meth:`Micrograph.with_pixel_size`)."""
        return replace(self, read=lambda index: self.read(index).with_pixel_size(wanted))
