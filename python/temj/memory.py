"""How much memory is free for us, and the error where something would not fit."""

from __future__ import annotations

import os
from pathlib import Path

from temj.errors import ResourceError

LIMIT = "TEMJ_MEMORY_GB"
"""Environment variable: the most memory, in GB, that may be used for one image, whatever is free."""


def available() -> int | None:
    """Bytes of memory that are free for us, at most :data:`LIMIT`; None where neither says (only Linux tells)."""
    known = [bytes_ for bytes_ in (_free(), _group_limit(), _own_limit()) if bytes_ is not None]
    return min(known, default=None)


def require(needed: int, free: int | None, where: str | os.PathLike, what: str, remedy: str) -> None:
    """Stop before the work where it would not fit.

    Args:
        needed: bytes.
        free: bytes, of :func:`available`; None lets everything pass.
        where: file or micrograph.
        what: what makes it large, in words.
        remedy: what the user can do.

    Raises:
        ResourceError: with GB needed and free.
    """
    if free is not None and needed > free:
        raise ResourceError(
            "memory",
            where=where,
            expected=f"{needed / 1e9:.1f} GB of free memory for {what}",
            found=f"{free / 1e9:.1f} GB free",
            remedy=remedy,
        )


def _free() -> int | None:
    """What the system has left."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(facts["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in facts else None


def _group_limit() -> int | None:
    """What the container or batch job that we run in has left, or None."""
    group = Path("/sys/fs/cgroup")
    try:
        most, used = ((group / name).read_text("ascii").strip() for name in ("memory.max", "memory.current"))
        return None if most == "max" else max(0, int(most) - int(used))
    except (OSError, ValueError):
        return None


def _own_limit() -> int | None:
    """What the user allows, or None."""
    try:
        return int(float(os.environ.get(LIMIT, "")) * 1e9)
    except ValueError:
        return None
