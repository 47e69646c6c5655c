"""Objects read with a threshold for each class."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from temj.data import Instances


def decoded(decode: Callable[[float], Instances], threshold: float, limits: Mapping[str, float]) -> Instances:
    """The objects at a threshold, or of each class those at its own.

    Args:
        decode: threshold → all objects there.
        threshold: where classes have none of their own.
        limits: class → its threshold, of all classes; empty for none.
    """
    if not limits:
        return decode(threshold)
    parts = []
    for level in sorted(set(limits.values())):
        found = decode(level)
        parts.append(found.take(np.array([limits[name] == level for name in found.class_name], bool)))
    return Instances.concatenate(parts)


def in_words(name: str, limits: Mapping[str, float]) -> str:
    """What a user is told of them."""
    return f"threshold '{name}' by class: " + ", ".join(f"{label} {number:g}" for label, number in limits.items())
