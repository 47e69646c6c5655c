"""Refusing before the start what cannot fit into the memory."""

from __future__ import annotations

from temj import memory
from temj.memory import available

NETWORK_BYTES, OWN_BYTES = 24, 32
"""Bytes for each pixel of the image that the network sees, and of the micrograph, with one class (measured at
4096²: 37 for both together; the rest is for libraries that keep what they freed)."""
CLASS_BYTES = 8
"""More of both for each further class."""
VIEW_BYTES = 12
"""More for each pixel that the network sees where several views of the image are averaged."""
TILE_BYTES = 700
"""Bytes for each pixel of a tile inside a U-Net in float32 (measured: 340 to 570 for ResNet-18)."""
SMALL_TILE = 512 * 512
"""Tiles are not made smaller than this before the start (:mod:`temj.inference.forward` still does)."""


def estimate(own: int, seen: int, tile: int, classes: int, views: int = 1) -> int:
    """Bytes that a prediction needs.

    Args:
        own: pixels of the micrograph.
        seen: pixels of the image at the model's pixel size.
        tile: pixels of one tile.
        classes: number of classes.
        views: how many views of the image are averaged.
    """
    more = CLASS_BYTES * (classes - 1)
    network = NETWORK_BYTES + more + (VIEW_BYTES if views > 1 else 0)
    return own * (OWN_BYTES + more) + seen * network + tile * TILE_BYTES


def fitting_tile(own: int, seen: int, largest: int, classes: int, views: int = 1) -> int:
    """Pixels of the largest tile with which a prediction fits into the free memory.

    ``largest``, or a half, quarter … of it down to :data:`SMALL_TILE`, whether that fits or not; the other arguments
    as in :func:`estimate`.
    """
    free, tile = available(), largest
    while free is not None and tile > SMALL_TILE and estimate(own, seen, min(seen, tile), classes, views) > free:
        tile //= 2
    return tile


def require(needed: int, name: str, size: str) -> None:
    """Stop before the work where it would not fit.

    Args:
        needed: bytes.
        name: of the micrograph.
        size: what makes it large, in words.

    Raises:
        ResourceError: with GB needed and free.
    """
    remedy = "Check the pixel size (a wrong one can make the image huge), crop the image, or free memory."
    memory.require(needed, available(), name, size, remedy)
