"""Threshold methods by name: one for the whole micrograph, or one for each pixel from its neighbourhood.

Global: scikit-image's ``otsu``, ``li``, ``yen``, ``triangle``, ``isodata``, ``mean``, ``minimum``, ``multiotsu``, and
ImageJ's as ``imagej:Default``, ``imagej:Huang`` … (:data:`temj.cores.classical.imagej_thresholds.IMAGEJ`). Local:
``local-mean``, ``local-gaussian``, ``local-median``, ``niblack``, ``sauvola``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable

import numpy as np

from temj.cores.classical.fields import FlatField, gaussian
from temj.cores.classical.imagej_thresholds import IMAGEJ, imagej_threshold
from temj.opencv import opencv

SKIMAGE = ("otsu", "li", "yen", "triangle", "isodata", "mean", "minimum", "multiotsu")
"""Names of scikit-image's ``threshold_<name>``."""
GLOBAL = (*SKIMAGE, *(f"imagej:{name}" for name in IMAGEJ))
_SAUVOLA_RANGE = 128.0
"""Dynamic range R of the standard deviation in Sauvola & Pietikäinen (2000), for grey values 0 .. 255."""


def known_method(name: str) -> str:
    """The name as the tables have it; upper and lower case do not matter where that leaves one.

    Raises:
        ValueError: no such method; names the nearest one and lists all.
    """
    table = (*GLOBAL, *LOCAL)
    if name in table:
        return name
    same = [known for known in table if known.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    near = difflib.get_close_matches(name.lower(), [known.lower() for known in table], n=1, cutoff=0.5)
    advice = "".join(f" (did you mean '{known}'?)" for known in table if near and known.lower() == near[0])
    raise ValueError(f"auto or one of {', '.join(table)}{advice}")


def global_threshold(method: str, field: FlatField, bright: bool) -> float | None:
    """The grey value that parts dark from bright.

    Args:
        method: a name of :data:`GLOBAL`.
        field: with some contrast.
        bright: which side the objects are on; only ``multiotsu`` asks: of its two thresholds the outer one is taken.

    Returns:
        Values below it are dark, values above it bright; in an 8-bit image it lies between two grey values. None where
        the method finds no threshold (``minimum`` in a histogram that never gets two modes).
    """
    if method.startswith("imagej:"):
        return float(field.edges[imagej_threshold(method.removeprefix("imagej:"), field.histogram) + 1])
    from skimage import filters

    values = field.inside.astype(np.uint8) if field.bytes_as_read else field.inside
    find = getattr(filters, f"threshold_{method}")
    try:
        found = find(values.reshape(1, -1)) if method != "multiotsu" else find(values, classes=3)[int(bright)]
    except (RuntimeError, ValueError):
        return None  # too few modes or levels in this histogram
    # scikit-image gives the last level of the dark side.
    return float(np.floor(found)) + 0.5 if field.bytes_as_read else float(found)


Local = tuple[np.ndarray, np.ndarray]


def local_threshold(method: str, values: np.ndarray, window: int, spread: float) -> Local:
    """The threshold of each pixel by its neighbourhood, for dark objects: ``centre - offset * slope``.

    Args:
        method: a name of :data:`LOCAL`.
        values: float32 (h, w); for bright objects turned over.
        window: side of the neighbourhood in pixels, odd.
        spread: standard deviation of all values.

    Returns:
        ``centre`` and ``slope``, float32 (h, w). With offset k: ``local-mean``, ``-gaussian``, ``-median``: that mean
        around the pixel minus k standard deviations of the whole image; ``niblack``: the mean minus k local standard
        deviations (Niblack 1986); ``sauvola``: mean (1 + k (s / 128 - 1)) with s the local standard deviation (Sauvola
        & Pietikäinen 2000), for values 0 .. 255.
    """
    return LOCAL[method](values, window, spread)


def _box(values: np.ndarray, window: int) -> np.ndarray:
    cv2 = opencv()
    return cv2.boxFilter(values, -1, (window, window), borderType=cv2.BORDER_REFLECT)


def _constant(values: np.ndarray, spread: float) -> np.ndarray:
    return np.full(values.shape, spread, np.float32)


def _local_mean(values: np.ndarray, window: int, spread: float) -> Local:
    return _box(values, window), _constant(values, spread)


def _local_gaussian(values: np.ndarray, window: int, spread: float) -> Local:
    """The deviation is a sixth of the window, as in scikit-image."""
    return gaussian(values, (window - 1) / 6), _constant(values, spread)


def _local_median(values: np.ndarray, window: int, spread: float) -> Local:
    """In 256 levels between the smallest and the largest value; edge values are repeated beyond the edge."""
    low, high = float(values.min()), float(values.max())
    step = (high - low) / 255 or 1.0
    median = opencv().medianBlur(np.rint((values - low) / step).astype(np.uint8), window)
    return low + step * median.astype(np.float32), _constant(values, spread)


def _moments(values: np.ndarray, window: int) -> Local:
    """Mean and standard deviation around each pixel."""
    middle = float(values.mean(dtype=np.float64))
    centred = values.astype(np.float64) - middle  # else the difference of two large numbers loses the deviation
    mean = _box(centred, window)
    variance = np.maximum(_box(centred * centred, window) - mean * mean, 0)
    return (mean + middle).astype(np.float32), np.sqrt(variance).astype(np.float32)


def _niblack(values: np.ndarray, window: int, _spread: float) -> Local:
    return _moments(values, window)


def _sauvola(values: np.ndarray, window: int, _spread: float) -> Local:
    mean, deviation = _moments(values, window)
    return mean, mean * (1 - deviation / np.float32(_SAUVOLA_RANGE))


LOCAL: dict[str, Callable[[np.ndarray, int, float], Local]] = {
    "local-mean": _local_mean,
    "local-gaussian": _local_gaussian,
    "local-median": _local_median,
    "niblack": _niblack,
    "sauvola": _sauvola,
}
"""name -> function ``(values, window, spread) -> (centre, slope)``."""

ASYMMETRIC = ("sauvola",)
"""Local methods whose answer for bright objects is not that for dark ones with the other sign."""


def as_dark(field: FlatField, bright: bool, method: str) -> np.ndarray:
    """The values of a field with dark objects: turned over where they are bright; for ``sauvola`` within 0 .. 255."""
    values = field.values
    if method == "sauvola":
        low, high = (0.0, 255.0) if field.bytes_as_read else field.limits
        values = (values - low) * np.float32(255 / ((high - low) or 1))
        return 255 - values if bright else values
    return -values if bright else values
