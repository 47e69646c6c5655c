"""What lies outside the analysed area: it takes no part in the normalisation, and nothing is found there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from temj.area import without_pinholes
from temj.cores.detection import Detections
from temj.data import Micrograph
from temj.inference.rescale import resample, resample_all
from temj.opencv import opencv

_GRID = 16
_BLOCK = 1 << 12
_LEAST = 0.5


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


def mostly_inside(found: Detections, micrograph: Micrograph) -> Detections:
    """The detections of which at least half lies in the analysed area; masks end at its border, boxes do not.

    The share is measured on a grid of 16 x 16 places of a box; of a mask on its own cells, by their probability.
    """
    if micrograph.area is None or not len(found):
        return found
    area = without_pinholes(micrograph.area)
    parts = [_inside(found.take(slice(first, first + _BLOCK)), area) for first in range(0, len(found), _BLOCK)]
    kept = np.concatenate([share >= _LEAST for share, _ in parts])
    if found.masks is not None:
        found = replace(found, masks=np.concatenate([masks for _, masks in parts]))
    return found.take(kept)


def _inside(found: Detections, area: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """(n,) the share of each detection that lies in an area; and the masks with 0 outside of it."""
    side = _GRID if found.masks is None else found.masks.shape[1]
    step = (np.arange(side) + 0.5) / side - 0.5
    if found.rotated:
        x, y, length, width, angle = (column[:, None, None] for column in found.boxes.T)
        turn, along, across = np.deg2rad(angle), length * step[None, None], width * step[None, :, None]
        x, y = x + along * np.cos(turn) + across * np.sin(turn), y - along * np.sin(turn) + across * np.cos(turn)
    else:
        x1, y1, x2, y2 = (column[:, None, None] for column in found.boxes.T)
        x, y = (x1 + x2) / 2 + (x2 - x1) * step[None, None], (y1 + y2) / 2 + (y2 - y1) * step[None, :, None]
    x, y = np.floor(np.broadcast_arrays(x, y)).astype(np.int64)
    height, width = area.shape
    there = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    there &= area[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    if found.masks is None:
        return there.mean(axis=(1, 2)), None
    total = found.masks.sum(axis=(1, 2))
    return (found.masks * there).sum(axis=(1, 2)) / np.maximum(total, 1e-9), found.masks * there
