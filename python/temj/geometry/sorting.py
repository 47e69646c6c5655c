"""Sorting of integers by 16-bit digits, several times as quick as a comparison sort."""

from __future__ import annotations

import numpy as np

_DIGIT = 16


def sorted_keys(keys: np.ndarray, bits: int) -> np.ndarray:
    """Integers (k,) int64, all in [0, 2**bits), in ascending order."""
    for shift in range(0, bits, _DIGIT):
        # a stable argsort of uint16 is numpy's radix sort
        keys = keys[np.argsort((keys >> shift).astype(np.uint16), kind="stable")]
    return keys
