"""The figures of merit of CREME (Salvador et al., Micron 201, 2026, 103927), for comparison with it only.

They choose nothing here: P1 is a harmonic mean that its best part dominates (foreground and count wrong by 100 % with
perfect sizes give 98.5), and in P2 errors cancel (count + 50 %, both axes - 18 %: 100.9 before it is turned over).
"""

from __future__ import annotations

import numpy as np

Number = float | np.ndarray


def p1(foreground: Number, count: Number, major: Number, minor: Number) -> Number:
    """100 - 6 / (1 / (1 + \\|F\\|) + 1 / (1 + \\|N\\|) + 4 / (1 + \\|S\\|)).

    Args:
        foreground, count, major, minor: relative errors F, N, D, Dm in percent of foreground area, number of objects,
            mean major and mean minor axis; numbers or arrays. \\|S\\| is the mean of \\|D\\| and \\|Dm\\|, which gives
            the published values.

    Returns:
        Percent; 100 is perfect.
    """
    size = (np.abs(major) + np.abs(minor)) / 2
    return 100 - 6 / (1 / (1 + np.abs(foreground)) + 1 / (1 + np.abs(count)) + 4 / (1 + size))


def ratio(count: Number, major: Number, minor: Number) -> Number:
    """Total area found / annotated, r = (1 + N) (1 + D) (1 + Dm), of A_tot = N pi <D> <Dm>.

    Args:
        count, major, minor: relative errors in percent, as in :func:`p1`.
    """
    return (1 + np.divide(count, 100)) * (1 + np.divide(major, 100)) * (1 + np.divide(minor, 100))


def p2(r: Number) -> Number:
    """100 min(r, 1 / r) percent, of a ratio as in :func:`ratio`; 0 where nothing was found."""
    with np.errstate(divide="ignore"):
        return 100 * np.minimum(r, np.divide(1.0, r))
