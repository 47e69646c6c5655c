"""Input channels as named recipes: what a network sees of a micrograph. No torch.

A recipe is written as its name, or as ``name:number``:

======================  ==========================================================================================
``gray``                the grey values; ``gray:3`` three times the same (for comparison with the next)
``gray+clahe+gaussian`` grey values, local histogram equalisation, Gaussian blur (Shen et al. 2021), the last two with
                        the default parameters of scikit-image
``detectors:2``         the images of 2 detectors, recorded together (channels of a hyperstack), in their order
======================  ==========================================================================================

Every channel is normalised by its own mean and deviation over the whole micrograph.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from temj import registry
from temj.errors import BadImage
from temj.opencv import opencv

CHANNELS = {
    "gray": "temj.cores.channels:gray",
    "gray+clahe+gaussian": "temj.cores.channels:gray_clahe_gaussian",
    "detectors": "temj.cores.channels:detectors",
}
"""name -> function ``(planes (n, h, w) of any real dtype, number) -> float32 (c, h, w)``; see :class:`Channels`."""

MOST = 16
_DEVIATION = 1.0
_TRUNCATED = 4.0


@dataclass(frozen=True)
class Channels:
    """A recipe as it is used.

    Attributes:
        name: a key of :data:`CHANNELS`.
        number: what stands behind the colon; 1 where nothing does.
    """

    name: str
    number: int = 1

    @classmethod
    def of(cls, recipe: str | int) -> Channels:
        """Read a recipe; also as older cards say it: a number of equal channels, or ``grey``.

        Raises:
            ValueError: no such recipe, or a number that it cannot have; says which there are.
        """
        if isinstance(recipe, int) and not isinstance(recipe, bool):
            recipe = f"gray:{recipe}"
        name, colon, text = str(recipe).replace("grey", "gray").partition(":")
        if name not in CHANNELS:
            near = difflib.get_close_matches(name, CHANNELS, n=1, cutoff=0.4)
            advice = f"; did you mean '{near[0]}'?" if near else ""
            raise ValueError(f"channels must be one of gray, gray+clahe+gaussian, detectors:2 (or 3 …){advice}")
        number = int(text) if text.isdigit() else 0 if colon else 1
        least = 2 if name == "detectors" else 1
        if not least <= number <= MOST or (number > 1 and name == "gray+clahe+gaussian"):
            raise ValueError(f"channels '{name}' take a number from {least} to {MOST}, such as 'detectors:2', 'gray:3'")
        return cls(name, number)

    def __str__(self) -> str:
        return self.name if self.number == 1 else f"{self.name}:{self.number}"

    @property
    def names(self) -> tuple[str, ...]:
        """What each of the c input channels of the network is."""
        if self.name == "detectors":
            return tuple(f"detector {number}" for number in range(1, self.number + 1))
        return ("gray",) * self.number if self.name == "gray" else tuple(self.name.split("+"))

    @property
    def planes(self) -> int:
        """How many planes of a file it takes: 1, or the number of detectors."""
        return self.number if self.name == "detectors" else 1

    @property
    def independent(self) -> bool:
        """Whether each channel has noise of its own; else all of them show the same electrons."""
        return self.name == "detectors"

    def spread(self, change: np.ndarray) -> np.ndarray:
        """What a small change (h, w) float32 of the grey values does to each channel: (c, h, w) float32."""
        return np.stack([blur(change) if name == "gaussian" else change for name in self.names])

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """What the network sees.

        Args:
            pixels: (h, w), or (planes, h, w); any real dtype.

        Returns:
            float32 (c, h, w), finite: mean 0 and deviation 1 over the finite pixels of each channel; pixels that are
            not finite, and all of a constant image, are 0.

        Raises:
            BadImage: another number of planes than :attr:`planes`.
        """
        planes = pixels if pixels.ndim == 3 else pixels[None]
        if len(planes) != self.planes:
            raise BadImage(
                "channels",
                expected=f"an image of {self.planes} channel{'s' if self.planes > 1 else ''} for the input '{self}'",
                found=f"{len(planes)} channel{'s' if len(planes) > 1 else ''}",
                remedy="Give an image with as many channels, or a model whose input has as many.",
            )
        prepared: Callable[[np.ndarray, int], np.ndarray] = registry.look_up(CHANNELS, "channels", self.name)
        return prepared(planes, self.number)


def gray(planes: np.ndarray, number: int) -> np.ndarray:
    """The grey values (1, h, w), ``number`` times."""
    return np.repeat(normalised(planes[0])[None], number, axis=0)


def detectors(planes: np.ndarray, _number: int) -> np.ndarray:
    """Each plane (n, h, w) by itself."""
    return np.stack([normalised(plane) for plane in planes])


def gray_clahe_gaussian(planes: np.ndarray, _number: int) -> np.ndarray:
    """Grey values, CLAHE, Gaussian blur, of one plane (1, h, w).

    CLAHE is scikit-image's ``equalize_adapthist`` (Zuiderveld 1994): regions of an eighth of each side, clip limit
    0.01, 256 bins. OpenCV's is ten times faster, but differs from it by up to 0.5 standard deviations where the sides
    are no multiples of eight (measured): it is not used. The blur is that of scikit-image's ``gaussian``: deviation
    of 1 pixel, cut off at 4, edge values repeated beyond the edge; computed by OpenCV (a test compares).
    """
    from skimage.exposure import equalize_adapthist

    plane = planes[0]
    plain = normalised(plane)
    if not plain.any():
        return np.zeros((3, *plain.shape), np.float32)
    known = np.isfinite(plane)
    whole = known.all()
    filled = plane if whole else np.where(known, plane, plane[known].mean())
    if filled.dtype.kind == "f":  # scikit-image takes floats within -1 .. 1 only, and stretches them to 0 .. 1 itself
        low, high = float(filled.min()), float(filled.max())
        filled = (filled.astype(np.float64) - low) / (high - low)
    equal = normalised(equalize_adapthist(filled))
    blurred = normalised(blur(plain))
    if not whole:
        equal[~known] = blurred[~known] = 0
    return np.stack([plain, equal, blurred])


def blur(plane: np.ndarray) -> np.ndarray:
    """scikit-image's ``gaussian`` with its default parameters, of a float32 plane (h, w)."""
    cv2 = opencv()
    side = 2 * round(_TRUNCATED * _DEVIATION) + 1
    return cv2.GaussianBlur(plane, (side, side), _DEVIATION, borderType=cv2.BORDER_REPLICATE)


def normalised(pixels: np.ndarray) -> np.ndarray:
    """Grey values minus their mean, divided by their standard deviation, over the whole micrograph.

    Mean and deviation are those of the finite pixels; other pixels become 0, and so does everything
    in a constant image. Differences are taken in float32, so no integer type can wrap.

    Args:
        pixels: (h, w), any real dtype.

    Returns:
        float32 (h, w).
    """
    cv2 = opencv()
    pixels = np.ascontiguousarray(pixels)
    if pixels.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        pixels = pixels.astype(np.float64)
    known = np.isfinite(pixels).view(np.uint8) if pixels.dtype.kind == "f" else None
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(pixels, mask=known))
    # A constant float image can have a deviation of rounding size: that is noise of the sum, not contrast.
    if deviation <= 1e-6 * abs(mean) or deviation == 0:
        return np.zeros(pixels.shape, np.float32)
    normal = np.subtract(pixels, np.float32(mean), dtype=np.float32, casting="same_kind")
    normal *= np.float32(1 / deviation)
    if known is not None:
        normal[known == 0] = 0
    return normal
