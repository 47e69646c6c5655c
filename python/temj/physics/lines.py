"""Density of dislocation lines from the length of their skeletons."""

from __future__ import annotations

import math

import numpy as np

from temj import registry
from temj.physics.values import NM2_PER_M2, Number, ratio

ORIENTATIONS = {"random": 4 / math.pi, "in plane": 1.0}
"""How the lines lie → true length / projected length. Random in space: the mean of the sine of the angle to the beam is
π/4. In plane: all lie in the plane of the image."""


def dislocation_density(length: Number, area: Number, thickness: Number, orientation: str = "random") -> Number:
    """ρ = k L / (A t) in m⁻² (metres of line per cubic metre), k of :data:`ORIENTATIONS`.

    Args:
        length: L, projected length of all lines in the area (along their skeletons), nm.
        area: analysed area A, nm².
        thickness: of the foil t, nm.
        orientation: ``random`` (k = 4/π) or ``in plane`` (k = 1).

    Returns:
        NaN where area or thickness is not above 0.

    Raises:
        BadValue: another orientation.

    Source: J.E. Bailey, P.B. Hirsch, Philos. Mag. 5 (1960) 485.
    """
    if orientation not in ORIENTATIONS:
        raise registry.unknown("orientation", orientation, ORIENTATIONS)
    factor = ORIENTATIONS[orientation] * NM2_PER_M2
    return ratio(factor * np.asarray(length, float), np.asarray(area, float) * thickness)
