"""Rings and discs whose edges are known exactly, for tests."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from temj.data import RoiType, Shape

_FINE = 3
HALF = float(np.sqrt(2 * np.log(2)))


@cache
def signed_distance(size: int, ellipse: tuple, step: float = 1.0) -> np.ndarray:
    """(size, size) distance of each pixel's centre to an ellipse (x, y, a, b, turn), negative inside."""
    cx, cy, a, b, turn = ellipse
    y, x = (np.mgrid[: int(size / step), : int(size / step)] + 0.5) * step
    phi = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
    c, s = np.cos(turn), np.sin(turn)
    rim = [cx + a * np.cos(phi) * c - b * np.sin(phi) * s, cy + a * np.cos(phi) * s + b * np.sin(phi) * c]
    found, _ = cKDTree(np.stack(rim, axis=1)).query(np.stack([x.ravel(), y.ravel()], axis=1))
    u, v = (x - cx) * c + (y - cy) * s, (y - cy) * c - (x - cx) * s
    return np.where((u / a) ** 2 + (v / b) ** 2 < 1, -found.reshape(x.shape), found.reshape(x.shape))


def picture(kind: str, size: int, ellipse: tuple, width: float, noise: float = 0.0, sign: int = -1) -> np.ndarray:
    """A ``gauss`` line of sd ``width``, a ``box`` line of half width ``width`` or a ``disc`` along an ellipse.

    Grey value 120, 60 more or less where the object is strongest; noise relative to that.
    """
    distance = signed_distance(size, ellipse, 1 / _FINE)
    drawn = {
        "gauss": lambda: np.exp(-0.5 * (distance / width) ** 2),
        "box": lambda: (np.abs(distance) < width).astype(float),
        "disc": lambda: (distance < 0).astype(float),
    }[kind]()
    drawn = drawn.reshape(size, _FINE, size, _FINE).mean(axis=(1, 3))
    grey = 120 + sign * 60 * drawn + np.random.default_rng(5).normal(0, noise * 60, drawn.shape)
    return grey.astype(np.float32)


def truth(kind: str, width: float) -> dict[str, float]:
    """Edge -> its distance from the ellipse."""
    if kind == "disc":
        return dict.fromkeys(("outer", "half-maximum", "middle", "inner"), 0.0)
    if kind == "box":
        return {"outer": width, "half-maximum": width, "middle": 0.0, "inner": -width}
    three, quarter = np.sqrt(2 * np.log(4 / 3)), np.sqrt(2 * np.log(4))
    foot = float(quarter + (quarter - three) / 2) * width
    return {"outer": foot, "half-maximum": HALF * width, "middle": 0.0, "inner": -foot}


def box_around(ellipse: tuple, more: float, shift: tuple[float, float] = (0.0, 0.0)) -> Shape:
    """The upright box of the ellipse with semi-axes that much longer, moved a little."""
    cx, cy, a, b, turn = ellipse
    w = np.hypot((a + more) * np.cos(turn), (b + more) * np.sin(turn))
    h = np.hypot((a + more) * np.sin(turn), (b + more) * np.cos(turn))
    return Shape(RoiType.RECT, params=(cx - w + shift[0], cy - h + shift[1], 2 * w, 2 * h))


@pytest.fixture(scope="session")
def rings() -> SimpleNamespace:
    """The functions of this file."""
    return SimpleNamespace(picture=picture, truth=truth, box_around=box_around, half=HALF)
