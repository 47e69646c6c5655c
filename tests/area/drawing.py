"""Real micrographs with bars and text drawn on them, as microscopes and people draw them."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import tifffile

from temj import resources

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)


@functools.cache
def sample() -> np.ndarray:
    """A part of a real micrograph with loops in it, 512 x 512, 8-bit, without anything drawn on it."""
    whole = tifffile.imread(resources.folder("samples") / "316L_loops.tif")[:512, :512].copy()
    whole.setflags(write=False)
    return whole


def smooth(seed: int = 0) -> np.ndarray:
    """Round particles on a ground with little noise, 512 x 640, as a scanning microscope shows them."""
    rng = np.random.default_rng(seed)
    image = np.full((512, 640), 60, np.float32)
    for _ in range(25):
        x, y, radius = (int(value) for value in rng.integers((20, 20, 8), (620, 490, 40)))
        cv2.circle(image, (x, y), radius, float(rng.integers(90, 230)), -1, cv2.LINE_AA)
    return np.clip(cv2.GaussianBlur(image, (5, 5), 1.2) + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def with_bar(pixels: np.ndarray, box: tuple[int, int, int, int], grey: int) -> np.ndarray:
    """A bar x, y, width, height of one grey value."""
    drawn = pixels.copy()
    x, y, width, height = box
    drawn[y : y + height, x : x + width] = grey
    return drawn


def with_text(pixels: np.ndarray, text: str, place: tuple[int, int], grey: int, scale: float = 0.8) -> np.ndarray:
    """Text with its lower left end at x, y."""
    drawn = np.ascontiguousarray(pixels)
    return cv2.putText(drawn.copy(), text, place, FONTS[0], scale, grey, 2, cv2.LINE_AA)


def with_info_bar(pixels: np.ndarray, rows: int = 44, dark: bool = True) -> np.ndarray:
    """A strip with text below the image, as FEI (dark) and Zeiss (bright) write it."""
    ground, ink = (0, 255) if dark else (255, 0)
    strip = np.full((rows, pixels.shape[1]), ground, np.uint8)
    for number, text in enumerate(("EHT = 20.00 kV", "WD = 7.5 mm", "Mag = 3.00 K X")):
        cv2.putText(strip, text, (10 + 170 * number, rows - 16), FONTS[0], 0.45, ink, 1, cv2.LINE_AA)
    strip[rows - 8 : rows - 6, 20:120] = ink
    return np.concatenate([pixels, strip])


def jpeg(pixels: np.ndarray, quality: int = 75) -> np.ndarray:
    """What is left of an image after JPEG."""
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)
