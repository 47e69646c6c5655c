"""Several detectors of one scan: the channels of a film put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from temj.data.film import Film
from temj.data.micrograph import Micrograph


def together(film: Film) -> Film:
    """A film of one channel whose micrographs carry their other channels as :attr:`Micrograph.others`.

    The first channel is the one that is measured and whose positions, names and pixel size hold. A film of one
    channel is given back as it is.
    """
    channels, slices, frames = film.dimensions
    if channels == 1:
        return film
    return replace(film, dimensions=(1, slices, frames), read=_Together(film.read, channels))


@dataclass(frozen=True)
class _Together:
    """Reads all channels of a place; a plain value that can be sent to other processes."""

    read: Callable[[int], Micrograph]
    channels: int

    def __call__(self, index: int) -> Micrograph:
        planes = [self.read(index * self.channels + channel) for channel in range(self.channels)]
        return replace(planes[0], others=np.stack([plane.pixels for plane in planes[1:]]))
