"""Hardening by dispersed barriers, and how errors of diameter and density come through to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from temj import registry
from temj.errors import BadValue
from temj.physics.values import Number, require, root

SUPERPOSITIONS = {
    "root-sum-square": "Δσ = sqrt(Σ Δσ_k²)",
    "linear": "Δσ = Σ Δσ_k",
    "mixed": "Δσ = S Σ Δσ_k + (1 - S) sqrt(Σ Δσ_k²)",
}
"""How the hardening of several classes of barrier adds → formula."""
_MPA_PER_GPA = 1e3
_M_PER_NM = 1e-9


def dispersed_barriers(
    density: Number, diameter: Number, *, alpha: float, taylor: float, shear_modulus: float, burgers: float
) -> Number:
    """Δσ = M α μ b sqrt(N_V d) in MPa, the increase of the yield stress by one class of barriers.

    Args:
        density: N_V in m⁻³.
        diameter: mean diameter d in nm.
        alpha: strength α of the barrier, dimensionless.
        taylor: Taylor factor M, dimensionless.
        shear_modulus: μ in GPa.
        burgers: b of the gliding dislocation (not of the loop) in nm.

    Returns:
        0 where the density is 0, of whatever diameter; NaN where N_V d is negative or not known.

    Raises:
        BadValue: alpha below 0, or another parameter not above 0.

    Source: A. Seeger, Proc. 2nd UN Conf. Peaceful Uses of Atomic Energy 6 (1958) 250; with strengths α by
    G.E. Lucas, J. Nucl. Mater. 206 (1993) 287.
    """
    require("barrier strength alpha", alpha, zero=True)
    factor = alpha * require("Taylor factor", taylor) * require("shear modulus", shear_modulus, "GPa") * _MPA_PER_GPA
    length = require("Burgers vector", burgers, "nm") * _M_PER_NM
    density = np.asarray(density, float)
    product = np.where(density == 0, 0.0, density * np.asarray(diameter, float) * _M_PER_NM)
    return (factor * length * root(product))[()]


def superpose(parts: Number | Sequence[Number], rule: str = "root-sum-square", mixing: float | None = None) -> Number:
    """The hardening of several classes together, in their unit.

    Args:
        parts: (..., k) Δσ of each of k classes.
        rule: of :data:`SUPERPOSITIONS`.
        mixing: S of the rule ``mixed``, 0 (root of the sum of squares) to 1 (linear): see :func:`mixing_parameter`.

    Returns:
        (...); 0 of no class; NaN where one is.

    Raises:
        BadValue: unknown rule; S missing or not from 0 to 1.
    """
    if rule not in SUPERPOSITIONS:
        raise registry.unknown("superposition", rule, SUPERPOSITIONS)
    parts = np.asarray(parts, float)
    linear, square = parts.sum(-1), root((parts**2).sum(-1))
    if rule == "linear":
        return linear
    if rule == "root-sum-square":
        return square
    if mixing is None or not 0 <= mixing <= 1:
        raise BadValue(
            "value", where="mixing S", expected="a number from 0 (root of the sum of squares) to 1 (linear)",
            found=str(mixing), remedy="Give it, or compute it from the strengths of the barriers.",
        )  # fmt: skip
    return mixing * linear + (1 - mixing) * square


def mixing_parameter(strong: float, weak: float) -> float:
    """S = α_s - 5 α_w + 3.3 α_s α_w, limited to 0 … 1, of a strong and a weak kind of barrier.

    Args:
        strong, weak: α of the two, dimensionless.

    Raises:
        BadValue: a strength below 0, or the weak one above the strong one.

    Source: G.R. Odette, G.E. Lucas, Radiat. Eff. Defects Solids 144 (1998) 189 (fit to computer simulations by
    A.J.E. Foreman, M.J. Makin).
    """
    require("strength of the strong barrier", strong, zero=True)
    require("strength of the weak barrier", weak, zero=True)
    if weak > strong:
        raise BadValue("value", where="weak barrier", expected=f"at most {strong:g}", found=f"{weak:g}")
    return min(max(strong - 5 * weak + 3.3 * strong * weak, 0.0), 1.0)


def change(density_ratio: Number, diameter_ratio: Number = 1.0) -> Number:
    """Relative change of Δσ where density and diameter are so many times the true ones: sqrt(r_N r_d) - 1.

    Exact for one class. For a diameter alone that is wrong by the fraction ε it is about ε / 2.

    Args:
        density_ratio, diameter_ratio: found / true, dimensionless.

    Returns:
        Dimensionless, 0.1 is + 10 %; NaN of a negative ratio.
    """
    return root(np.asarray(density_ratio, float) * np.asarray(diameter_ratio, float)) - 1


def sensitivity(parts: Number | Sequence[Number], rule: str = "root-sum-square", mixing: float | None = None) -> Number:
    """∂ ln Δσ / ∂ ln d_k = ∂ ln Δσ / ∂ ln N_k of each class: what 1 % more of d or of N of class k makes, in %.

    Args:
        parts, rule, mixing: as for :func:`superpose`.

    Returns:
        (..., k), summing to 1/2 over the classes; NaN where the whole is 0.
    """
    parts = np.asarray(parts, float)
    whole = np.asarray(superpose(parts, rule, mixing))[..., None]
    square = np.asarray(superpose(parts))[..., None]
    share = {"linear": 1.0, "root-sum-square": 0.0, "mixed": mixing}[rule]
    positive = np.where(whole > 0, whole, np.nan)
    curved = np.where(square > 0, parts**2 / np.where(square > 0, square, 1.0), 0.0)
    return 0.5 * (share * parts + (1 - share) * curved) / positive


def relative_error(density_error: Number, diameter_error: Number, correlation: Number = 0.0) -> Number:
    """Relative standard error of one class's Δσ: ½ sqrt(ε_N² + ε_d² + 2 ρ ε_N ε_d), to first order.

    N and d of the same images are not independent: resample images and compute Δσ of each resample where that can be
    done; this is for numbers from print.

    Args:
        density_error, diameter_error: ε_N, ε_d, relative standard errors, dimensionless.
        correlation: ρ of the two, -1 to 1.

    Returns:
        Dimensionless.
    """
    one, other = np.asarray(density_error, float), np.asarray(diameter_error, float)
    return 0.5 * root(one**2 + other**2 + 2 * np.clip(correlation, -1, 1) * one * other)
