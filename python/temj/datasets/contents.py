"""Which image it is, whatever it is called: a hash of its pixels."""

from __future__ import annotations

import hashlib

import numpy as np

from temj.datasets.folder import Dataset
from temj.errors import TemjError


def content(pixels: np.ndarray) -> str:
    """A hash (sha256) of size, type and values."""
    return hashlib.sha256(f"{pixels.dtype} {pixels.shape}".encode() + pixels.tobytes()).hexdigest()


def contents(dataset: Dataset) -> dict[str, str]:
    """Stem → :func:`content` of all images that are in a part of the split; without those that cannot be read."""
    found = {}
    for item in dataset.items:
        if not item.part:
            continue
        try:
            found[item.stem] = content(dataset.micrograph(item).pixels)
        except TemjError:
            continue  # a test image that is damaged does not stop a training that never looks at it
    return found
