"""Crops with rotation, zoom, blur, noise and other grey values; NumPy and OpenCV, one generator for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from temj.opencv import opencv

cv2 = opencv()

COARSEST = 3.0
"""Largest pixel size, in pixels of the image, that :func:`disturb` imitates."""


@dataclass(frozen=True)
class Recipe:
    """What may happen to a crop.

    Attributes:
        size: side of the crop, pixels.
        angle: largest rotation, degrees, either way.
        flips: whether it may be mirrored left to right, and top to bottom.
        scale: smallest and largest zoom.
        exact: probability of a crop that is only turned by multiples of 90 degrees (where ``angle`` allows them) and
            mirrored, so that each of its pixels is one of the image.
        coarse: probability of being shown as if taken at a larger pixel size and enlarged again.
        inversion: probability of inverted contrast.
    """

    size: int
    angle: float = 180.0
    flips: tuple[bool, bool] = (True, True)
    scale: tuple[float, float] = (0.7, 1.4)
    exact: float = 0.3
    coarse: float = 0.4
    inversion: float = 0.0


def cut(
    image: np.ndarray, class_map: np.ndarray, centre: tuple[float, float], recipe: Recipe, rng: np.random.Generator
):
    """One crop around ``centre``, turned, mirrored and zoomed at random; what lies outside is the mirrored image.

    Args:
        image: prepared image (c, h, w) float32.
        class_map: (h, w) uint8.
        centre: x, y in the image.
        recipe: its limits.
        rng: source of chance.

    Returns:
        (c, size, size) float32 and (size, size) uint8.
    """
    zoom = float(np.exp(rng.uniform(*np.log(recipe.scale))))
    degrees = rng.uniform(-recipe.angle, recipe.angle)
    mirror = [-1.0 if allowed and rng.random() < 0.5 else 1.0 for allowed in recipe.flips]
    if rng.random() < recipe.exact and recipe.scale[0] <= 1 <= recipe.scale[1]:
        zoom, degrees = 1.0, 90 * round(degrees / 90) if recipe.angle >= 90 else 0.0
        centre = np.floor(centre) + (recipe.size - 1) / 2 % 1
    turn = np.deg2rad(degrees)
    # Rows of the matrix take a pixel of the crop to a place in the image, both from their centres.
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag(mirror) / zoom
    offset = np.array(centre) - matrix @ np.full(2, (recipe.size - 1) / 2)
    affine = np.column_stack([matrix, offset])
    # Zooming out by sampling single pixels would keep all noise, which a camera's larger pixel averages.
    # The blur has the variance of a box as wide as the larger pixel.
    blur = np.sqrt(max(1 / zoom**2 - 1, 0) / 12)
    window, affine = _window(affine, recipe.size, class_map.shape)
    # Linear interpolation would blur the noise, and a network that never saw the full noise is shy of it.
    planes = [_sample(_smooth(plane[window], blur), affine, recipe.size, cv2.INTER_LANCZOS4) for plane in image]
    return np.stack(planes), _sample(class_map[window], affine, recipe.size, cv2.INTER_NEAREST)


def _window(affine: np.ndarray, size: int, shape: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray]:
    """The part of the image that a crop sees, with a margin, and the matrix into that part."""
    edge = size - 1.0
    corners = affine @ np.array([[0, edge, 0, edge], [0, 0, edge, edge], [1, 1, 1, 1]])
    limits = np.array([[shape[1]], [shape[0]]])
    low = np.clip(np.floor(corners.min(1, keepdims=True)) - 8, 0, limits - 2).astype(int)
    high = np.clip(np.ceil(corners.max(1, keepdims=True)) + 9, low + 2, limits).astype(int)
    window = slice(low[1, 0], high[1, 0]), slice(low[0, 0], high[0, 0])
    return window, affine - np.hstack([np.zeros((2, 2)), low])


def _sample(plane: np.ndarray, affine: np.ndarray, size: int, interpolation: int) -> np.ndarray:
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, affine, (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT_101)


def _smooth(plane: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), sigma) if sigma > 0.2 else plane


def disturb(crop: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Other resolution, focus, noise and grey values for a prepared crop (c, h, w); a new array."""
    if rng.random() < recipe.coarse:
        crop = coarser(crop, rng.uniform(1.3, COARSEST))
    elif rng.random() < 0.3:
        sigma = rng.uniform(0.4, 1.6)
        crop = np.stack([cv2.GaussianBlur(plane, (0, 0), sigma) for plane in crop])
    if rng.random() < 0.5:
        crop = crop + np.float32(rng.uniform(0, 0.5)) * _shading(crop.shape[1:], rng)
    if rng.random() < 0.5:
        noise = rng.standard_normal(crop.shape[1:], np.float32)
        crop = crop + np.float32(rng.uniform(0, 0.4)) * noise
    gain, shift = np.exp(rng.uniform(-0.3, 0.3)), rng.uniform(-0.4, 0.4)
    crop = np.float32(gain) * crop + np.float32(shift)
    if rng.random() < 0.3:
        crop = _gamma(crop, float(np.exp(rng.uniform(-0.35, 0.35))))
    if rng.random() < recipe.inversion:
        crop = -crop
    return np.ascontiguousarray(crop, np.float32)


def coarser(crop: np.ndarray, factor: float) -> np.ndarray:
    """A prepared crop (c, h, w) as it would look taken at ``factor`` times the pixel size and enlarged again.

    Averaging takes noise away, so that the whole micrograph would be normalised by a smaller deviation: with
    a variance of 1 before, what averaging took from the crop is what it takes from the micrograph.
    """
    size = crop.shape[2], crop.shape[1]
    small = tuple(max(round(side / factor), 1) for side in size)
    planes = []
    for plane in crop:
        again = cv2.resize(cv2.resize(plane, small, interpolation=cv2.INTER_AREA), size, interpolation=cv2.INTER_LINEAR)
        left = 1 - (float(plane.var()) - float(again.var()))
        planes.append(again / np.float32(np.sqrt(np.clip(left, 0.1, 1))))
    return np.stack(planes)


def _shading(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A smooth field (h, w) of deviation about 1: uneven thickness, bending, illumination."""
    cells = rng.standard_normal(tuple(rng.integers(2, 6, 2)), np.float32)
    return cv2.resize(cells, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _gamma(crop: np.ndarray, power: float) -> np.ndarray:
    """Grey values bent by a power law between 3 deviations below and above the mean (0)."""
    unit = np.clip((crop + 3) / 6, 0, 1)
    return np.float32(6) * unit ** np.float32(power) - np.float32(3)
