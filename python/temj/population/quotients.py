"""The one quotient of population statistics and physics: NaN where it has no meaning."""

from __future__ import annotations

import numpy as np


def divided(above: float | np.ndarray, below: float | np.ndarray) -> np.ndarray:
    """``above / below``, broadcast, float64; NaN, without a warning, where ``below`` is not a finite number above 0.

    A scalar for scalars.
    """
    above, below = np.asarray(above, float), np.asarray(below, float)
    known = np.isfinite(below) & (below > 0)
    return (above / np.where(known, below, np.nan))[()]
