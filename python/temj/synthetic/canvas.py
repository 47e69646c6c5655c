"""The drawing ground: an image with a margin around it, so that edges are like everywhere else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.errors import BadValue

MARGIN = 32
MOST = 20_000
"""Objects that one image may have; more is a mistake of units."""


def require_few(mean: float, most: int = MOST) -> None:
    """Refuse a number of objects that is a mistake of density or pixel size.

    Raises:
        BadValue: ``mean`` is above ``most``.
    """
    if mean > most:
        raise BadValue(
            "density",
            where="density",
            expected=f"at most {most:,} objects in an image",
            found=f"{mean:,.0f} to be expected",
            remedy="Give a smaller density, pixel size or image size.",
        )


@dataclass(frozen=True)
class Canvas:
    """A square image and the margin around it.

    Positions are in image coordinates: pixels, (0, 0) is the upper left corner of the image's first pixel, whose
    centre is (0.5, 0.5); x to the right, y down. Margins have negative coordinates.

    Attributes:
        size: width and height of the image in pixels.
        margin: pixels on each side.
        pixel_size: nm.
    """

    size: int
    margin: int
    pixel_size: float

    @classmethod
    def of(cls, size: int, pixel_size: float, margin: int = MARGIN) -> Canvas:
        """A canvas whose whole width suits the Fourier transform."""
        from scipy.fft import next_fast_len

        total = size + 2 * margin
        while next_fast_len(total) != total or (total - size) % 2:
            total += 1
        return cls(size, (total - size) // 2, pixel_size)

    @property
    def total(self) -> int:
        """Width and height with margins."""
        return self.size + 2 * self.margin

    def pixels(self, length: float) -> float:
        """A length in nm as pixels."""
        return length / self.pixel_size

    def centres(self) -> np.ndarray:
        """(total,) float64, the coordinate of the centre of each column (or row)."""
        return np.arange(self.total) - self.margin + 0.5

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """x as (1, total) and y as (total, 1)."""
        centres = self.centres()
        return centres[None, :], centres[:, None]

    def crop(self, picture: np.ndarray) -> np.ndarray:
        """The image's own part of a picture of the whole canvas."""
        inside = slice(self.margin, self.margin + self.size)
        return picture[inside, inside]

    def window(self, x: float, y: float, reach: float) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
        """The part of the canvas within ``reach`` of a point.

        Returns:
            Its slices (rows, columns), and x (1, w) and y (h, 1) of its pixels relative to the point.
        """
        low = [int(np.floor(value - reach)) + self.margin for value in (x, y)]
        high = [int(np.ceil(value + reach)) + self.margin for value in (x, y)]
        columns, rows = (slice(max(a, 0), min(max(b, 0), self.total)) for a, b in zip(low, high, strict=True))
        centres = self.centres()
        return (rows, columns), centres[columns][None, :] - x, centres[rows][:, None] - y

    def scatter(self, rng: np.random.Generator, density: float, reach: float) -> np.ndarray:
        """Centres of objects by a Poisson process.

        Args:
            rng: where they come from.
            density: objects per m².
            reach: how far outside the image a centre may lie and the object still be seen, in pixels.

        Returns:
            (n, 2) float64 x, y.

        Raises:
            BadValue: more than 20,000 objects are to be expected.
        """
        side = self.size + 2 * reach
        mean = density * (side * self.pixel_size * 1e-9) ** 2
        require_few(mean)
        count = rng.poisson(mean)
        return rng.uniform(-reach, self.size + reach, (count, 2))
