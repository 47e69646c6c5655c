"""Dislocation loops in a foil: length of line and content of point defects per volume.

d is the diameter of the loop in its own plane: for a circle seen at an angle the major axis.
"""

from __future__ import annotations

import math

import numpy as np

from temj.physics.values import NM2_PER_M2, NM3_PER_M3, Number, ratio, require

APPM = 1e6


def line_density(d: Number, area: Number, thickness: Number) -> Number:
    """ρ = Σ π d / (A t) in m⁻² (metres of line per cubic metre): circular loops within the foil.

    Args:
        d: Σ d of the loops that belong to the area (with edge weights: Σ w d), nm.
        area: analysed area A, nm².
        thickness: of the foil t, nm.

    Returns:
        NaN where area or thickness is not above 0.
    """
    return ratio(math.pi * NM2_PER_M2 * np.asarray(d, float), np.asarray(area, float) * thickness)


def defect_content(d2: Number, area: Number, thickness: Number, burgers: float) -> Number:
    """Σ(π d² / 4) b / (A t): volume of the inserted or missing platelets per volume, dimensionless.

    As each platelet holds one atom per atomic volume this is also the number of point defects in loops per atom
    (times 1e6: appm). b must be normal to the plane of the loop (prismatic or Frank loops); else give b's normal part.

    Args:
        d2: Σ d² of the loops that belong to the area (with edge weights: Σ w d²), nm².
        area: analysed area A, nm².
        thickness: of the foil t, nm.
        burgers: length b of the Burgers vector, nm.

    Returns:
        NaN where area or thickness is not above 0.

    Raises:
        BadValue: b not above 0.
    """
    require("Burgers vector", burgers, "nm")
    return ratio(math.pi / 4 * burgers * np.asarray(d2, float), np.asarray(area, float) * thickness)


def defect_density(content: Number, atomic_volume: float) -> Number:
    """Point defects in loops per volume, m⁻³: the content divided by the atomic volume.

    Args:
        content: of :func:`defect_content`, dimensionless.
        atomic_volume: volume of an atom, nm³.

    Raises:
        BadValue: atomic volume not above 0.
    """
    return (np.asarray(content, float) * NM3_PER_M3 / require("atomic volume", atomic_volume, "nm³"))[()]
