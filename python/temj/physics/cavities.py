"""Cavities (voids, bubbles, pores) in a foil: volume fraction and swelling.

Fractions are dimensionless, 1 is all; times 100 they are percent. Projected area fraction is not volume fraction.
"""

from __future__ import annotations

import math

import numpy as np

from temj.physics.values import Number, ratio


def cavity_volume(d3: Number) -> Number:
    """V = Σ π d³ / 6, spheres of the diameters d, in nm³ for Σ d³ in nm³."""
    return (math.pi / 6 * np.asarray(d3, float))[()]


def volume_fraction(d3: Number, area: Number, thickness: Number) -> Number:
    """V_V = Σ(π d³ / 6) / (A t), dimensionless: for spheres that do not cross the foil, d < t.

    Args:
        d3: Σ d³ of the objects that belong to the area (with edge weights: Σ w d³), nm³.
        area: analysed area A, nm².
        thickness: of the foil t, nm.

    Returns:
        NaN where area or thickness is not above 0.
    """
    return ratio(cavity_volume(d3), np.asarray(area, float) * thickness)


def swelling(d3: Number, area: Number, thickness: Number) -> Number:
    """S = V / (A t - V) with V = Σ π d³ / 6, dimensionless: volume of cavities per volume of solid.

    Args:
        d3, area, thickness: as for :func:`volume_fraction`.

    Returns:
        NaN where the cavities would fill the foil, or area or thickness is not above 0.

    Source: ASTM E521, Standard Practice for Investigating the Effects of Neutron Radiation Damage Using
    Charged-Particle Irradiation.
    """
    volume = cavity_volume(d3)
    whole = np.asarray(area, float) * thickness
    return ratio(volume, np.where(whole > 0, whole - volume, np.nan))


def projected_fraction(volume_fraction: Number, diameter: Number, thickness: Number) -> Number:
    """A_A = V_V (1 + 3 t / (2 D)): projected area fraction of spheres in a foil, those that a surface cuts included.

    Args:
        volume_fraction: V_V, dimensionless.
        diameter: D, of spheres of several sizes Σd³ / Σd² (:func:`sauter_diameter`), nm.
        thickness: t, nm.

    Returns:
        Dimensionless; NaN where the diameter is not above 0. The spheres must be few enough not to overlap in
        projection.

    Source: E.E. Underwood, Quantitative Stereology (Addison-Wesley 1970), ch. 6 (projection of spheres in a thin foil).
    """
    return (np.asarray(volume_fraction, float) * (1 + 1.5 * ratio(thickness, diameter)))[()]


def volume_from_projection(area_fraction: Number, diameter: Number, thickness: Number) -> Number:
    """V_V = A_A / (1 + 3 t / (2 D)): the inverse of :func:`projected_fraction`, with its assumptions."""
    return (np.asarray(area_fraction, float) / (1 + 1.5 * ratio(thickness, diameter)))[()]


def sauter_diameter(d2: Number, d3: Number) -> Number:
    """D = Σ d³ / Σ d², in the unit of d: the one diameter for which the relation of spheres holds for a distribution.

    Follows from A_A = N_V π (t <d²> / 4 + <d³> / 6) and V_V = N_V π <d³> / 6.
    """
    return ratio(d3, d2)
