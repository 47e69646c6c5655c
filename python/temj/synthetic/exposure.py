"""From a noise-free scene to grey values: scan, electrons, detector, grey scale, bars."""

from __future__ import annotations

import numpy as np

from temj.synthetic.base import Settings
from temj.synthetic.canvas import Canvas
from temj.synthetic.random import Random


def expose(intensity: np.ndarray, settings: Settings, canvas: Canvas, random: Random, frame: int = 0) -> np.ndarray:
    """The picture that a detector gives.

    Args:
        intensity: (total, total) float64, electrons relative to the background.
        settings: dose, blur, grey scale, scan.
        canvas: of the intensity.
        random: streams ``noise`` and ``scan``.
        frame: number in a film; every frame has its own noise.

    Returns:
        (size, size) uint8 or uint16. Grey value = brightness · largest · electrons / dose, rounded and clipped.
    """
    from scipy.ndimage import gaussian_filter

    if settings.scan_jitter or settings.scan_noise:
        intensity = _scanned(intensity, settings, random.stream("scan", frame))
    electrons = random.stream("noise", frame).poisson(np.maximum(intensity, 0) * settings.dose).astype(float)
    if settings.detector_blur:
        electrons = gaussian_filter(electrons, settings.detector_blur, mode="nearest")
    largest = 2**settings.bits - 1
    grey = canvas.crop(electrons) * (settings.brightness * largest / settings.dose)
    return np.clip(np.rint(grey), 0, largest).astype(np.uint8 if settings.bits == 8 else np.uint16)


def _scanned(intensity: np.ndarray, settings: Settings, rng: np.random.Generator) -> np.ndarray:
    """Lines shifted to the side (each remembers the one before) and unequal in brightness."""
    rows, width = intensity.shape
    kicks = rng.standard_normal(rows)
    shifts = np.empty(rows)
    level = 0.0
    for row in range(rows):
        level = 0.7 * level + np.sqrt(1 - 0.7**2) * kicks[row]
        shifts[row] = settings.scan_jitter * level
    position = np.clip(np.arange(width)[None, :] - shifts[:, None], 0, width - 1.001)
    left = position.astype(int)
    part = position - left
    index = np.arange(rows)[:, None]
    moved = intensity[index, left] * (1 - part) + intensity[index, left + 1] * part
    return moved * np.maximum(1 + settings.scan_noise * rng.standard_normal((rows, 1)), 0)
