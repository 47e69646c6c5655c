"""Refusing before the start what cannot fit into the memory."""

from __future__ import annotations

from temj import memory
from temj.memory import available

NETWORK_BYTES, OWN_BYTES = 24, 32
"""Bytes for each pixel of the image that the network sees, and of the micrograph, with one class (measured at
4096²: 37 for both together; the rest is for libraries that keep what they freed)."""
CLASS_BYTES = 8
"""More of both for each further class."""
TILE_BYTES = 700
"""Bytes for each pixel of a tile inside a U-Net in float32 (measured: 340 to 570 for ResNet-18)."""


def estimate(own: int, seen: int, tile: int, classes: int) -> int:
    """Bytes that a prediction needs.

    Args:
        own: pixels of the micrograph.
        seen: pixels of the image at the model's pixel size.
        tile: pixels of one tile.
        classes: number of classes.
    """
    more = CLASS_BYTES * (classes - 1)
    return own * (OWN_BYTES + more) + seen * (NETWORK_BYTES + more) + tile * TILE_BYTES


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
