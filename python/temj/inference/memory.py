"""Refusing before the start what cannot fit into the memory."""

from __future__ import annotations

from pathlib import Path

from temj.errors import ResourceError

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


def available() -> int | None:
    """Bytes of memory that are free for us; None where the system does not say (only Linux does)."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    free = int(facts["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in facts else None
    limit = _group_limit()
    return free if limit is None or free is None else min(free, limit)


def _group_limit() -> int | None:
    """What the container or batch job that we run in has left, or None."""
    group = Path("/sys/fs/cgroup")
    try:
        most, used = ((group / name).read_text("ascii").strip() for name in ("memory.max", "memory.current"))
        return None if most == "max" else max(0, int(most) - int(used))
    except (OSError, ValueError):
        return None


def require(needed: int, name: str, size: str) -> None:
    """Stop before the work where it would not fit.

    Args:
        needed: bytes.
        name: of the micrograph.
        size: what makes it large, in words.

    Raises:
        ResourceError: with GB needed and free.
    """
    free = available()
    if free is not None and needed > free:
        raise ResourceError(
            "memory",
            where=name,
            expected=f"{needed / 1e9:.1f} GB of free memory for {size}",
            found=f"{free / 1e9:.1f} GB free",
            remedy="Check the pixel size (a wrong one can make the image huge), crop the image, or free memory.",
        )
