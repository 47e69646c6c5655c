"""What lies outside the analysed area: it takes no part in the normalisation, and nothing is found there."""

from __future__ import annotations

import numpy as np

from temj.area import without_pinholes
from temj.data import Micrograph
from temj.inference.rescale import resample, resample_all
from temj.opencv import opencv


def seen(pixels: np.ndarray, area: np.ndarray | None, size: tuple[int, int]) -> np.ndarray:
    """The pixels for a core's ``prepare`` at a size: NaN outside the analysed area.

    Before resampling, the outside takes the mean of the inside, so that it does not smear into it; dead pixels take
    the median of their neighbourhood.

    Args:
        pixels: (h, w) or (n, h, w) of several detectors.
        area: the analysed area (h, w); None for all of it: the pixels as they are, resampled where the size differs.
        size: (height, width) of the result.

    Returns:
        (height, width) or (n, height, width); float32 where there is an area or another size.
    """
    if area is None:
        return pixels if size == pixels.shape[-2:] else resample_all(pixels.astype(np.float32), *size)
    inside = without_pinholes(area)
    whole = filled(pixels, area)
    if size != area.shape:
        whole = resample_all(whole, *size)
        inside = resample(inside.astype(np.float32), *size) >= 0.5
    whole[..., ~inside] = np.nan
    return whole


def filled(pixels: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Pixels (h, w) or (n, h, w) as float32 with the mean of the area outside it, dead pixels as in :func:`seen`."""
    inside = without_pinholes(area)
    planes = pixels if pixels.ndim == 3 else pixels[None]
    return np.stack([_filled(plane, area, inside) for plane in planes]).reshape(pixels.shape)


def _filled(plane: np.ndarray, area: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """One plane as float32 with the mean of the area outside it, and pinholes closed with the median around them."""
    whole = plane.astype(np.float32)
    whole[~area] = whole[area].mean() if area.any() else 0
    pinholes = inside & ~area
    if pinholes.any():
        whole[pinholes] = opencv().medianBlur(whole, 5)[pinholes]
    return whole


def silenced(raw: np.ndarray, micrograph: Micrograph) -> np.ndarray:
    """Probabilities (k, h, w) with 0 outside the analysed area (in place): objects end at its border."""
    if micrograph.area is not None:
        raw[:, ~without_pinholes(micrograph.area)] = 0
    return raw
