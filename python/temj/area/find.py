"""What of a micrograph is not specimen: all detectors, one after the other."""

from __future__ import annotations

import numpy as np

from temj.area.parts import AreaFound, Part
from temj.area.scene import Scene
from temj.data import Micrograph
from temj.registry import load

DETECTORS = {
    "blank border": "temj.area.blank_border:find",
    "info bar": "temj.area.info_bar:find",
    "scale bar": "temj.area.scale_bar:find",
    "text": "temj.area.text:find",
    "dead pixels": "temj.area.dead_pixels:find",
    "saturated streaks": "temj.area.saturated:streaks",
    "saturated": "temj.area.saturated:regions",
    "vacuum": "temj.area.vacuum:find",
}
"""What is looked for → a function of a :class:`temj.area.scene.Scene` that gives a mask (h, w) bool; in this order."""

SAFE = ("blank border", "info bar", "scale bar", "text", "dead pixels", "saturated streaks")
"""What is looked for unasked: none of it can be an object."""

_HUGE = 1e32
_KIND = {"saturated streaks": "saturated"}


def find(micrograph: Micrograph, detectors: tuple[str, ...] = SAFE) -> AreaFound:
    """Find what of a micrograph is not specimen.

    Args:
        micrograph: any type and size; its own ``area`` is not looked at.
        detectors: names of :data:`DETECTORS`, applied in its order.

    Returns:
        The area that counts and the parts that do not. An image of one grey value has no parts. The same pixels give
        the same answer.
    """
    shape = micrograph.pixels.shape
    taken = np.zeros(shape, bool)
    if _constant(micrograph.pixels):
        return AreaFound.without(shape, ())
    masks: dict[str, np.ndarray] = {}
    scene = Scene(_without_overflow(micrograph.pixels), taken)
    for name, target in DETECTORS.items():
        if name in detectors:
            scene = scene.after(taken)
            found = load(target)(scene) & ~taken
            kind = _KIND.get(name, name)
            masks[kind] = masks[kind] | found if kind in masks else found
            taken = taken | found
    return AreaFound.without(shape, [Part(kind, mask) for kind, mask in masks.items()])


def _without_overflow(pixels: np.ndarray) -> np.ndarray:
    """Pixels whose differences float32 can hold; a power of two less changes no relation between them."""
    if pixels.dtype.kind != "f":
        return pixels
    huge = np.isfinite(pixels) & (np.abs(pixels) > _HUGE)
    if not huge.any():
        return pixels
    return pixels * np.float32(2.0**-20)


def _constant(pixels: np.ndarray) -> bool:
    first = pixels.flat[0]
    return bool((pixels == first).all()) or (pixels.dtype.kind == "f" and not np.isfinite(pixels).any())
