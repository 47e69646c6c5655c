"""Physical quantities as functions of sums over objects, so that they get their interval by one call.

    from temj.physics import of_sums
    statistic = of_sums.number_density(0, "foil+diameter")
    population.value(statistic), population.interval(statistic, (0, np.inf))

Each function here takes settings and returns a statistic: sums (..., classes, len(SUMS)) of
:mod:`temj.population.sums`, lengths in nm, to values (...). ``place`` is the index of the class. The foil is in the
sums: each field has the volume A t of its own thickness, so that a field of a thick foil stands for more of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from temj.physics import cavities, lines, loops
from temj.physics.foil import effective_thickness, volume_density
from temj.physics.hardening import dispersed_barriers, superpose
from temj.physics.values import NM2_PER_M2, Number, ratio
from temj.population.intervals import Statistic
from temj.population.sums import AREA, COUNT, D2, D3, LENGTH, VOLUME, WEIGHT, D


def mean_diameter(sums: np.ndarray) -> np.ndarray:
    """Σ w d / Σ w in nm, of sums (..., len(SUMS)) of a class."""
    return ratio(sums[..., D], sums[..., WEIGHT])


def mean_thickness(sums: np.ndarray) -> np.ndarray:
    """t = Σ A t / Σ A in nm, of sums (..., len(SUMS)) of a class."""
    return ratio(sums[..., VOLUME], sums[..., AREA])


def density_of_one(place: int, rule: str = "foil", denuded_nm: float = 0.0, share: float = 1.0) -> Statistic:
    """What each counted object adds to N_V, m⁻³: 1 / (Σ A t_eff f); arguments as of :func:`number_density`."""

    def statistic(sums: np.ndarray) -> np.ndarray:
        one = sums[..., place, :]
        # Without a single object the mean diameter is not known, but the density is 0 whatever it is.
        size = np.where(one[..., COUNT] == 0, 0.0, mean_diameter(one))
        thickness = effective_thickness(mean_thickness(one), rule, diameter_nm=size, denuded_nm=denuded_nm)
        return ratio(volume_density(ratio(NM2_PER_M2, one[..., AREA]), thickness), share)

    return statistic


def number_density(place: int, rule: str = "foil", denuded_nm: float = 0.0, share: float = 1.0) -> Statistic:
    """N_V in m⁻³: counted objects / (Σ A t_eff f), with Σ A t_eff = Σ A t, Σ A (t + d) or Σ A (t - 2 δ).

    Args:
        place: of the class.
        rule, denuded_nm: as in :func:`temj.physics.foil.effective_thickness`.
        share: f, the share of variants that are visible; 1 for no correction.
    """

    each = density_of_one(place, rule, denuded_nm, share)
    return lambda sums: sums[..., place, COUNT] * each(sums)


def volume_fraction(place: int) -> Statistic:
    """V_V of cavities, dimensionless (:func:`temj.physics.cavities.volume_fraction`)."""
    return _of_volume(cavities.volume_fraction, place, D3)


def swelling(place: int) -> Statistic:
    """S by cavities, dimensionless (:func:`temj.physics.cavities.swelling`)."""
    return _of_volume(cavities.swelling, place, D3)


def _of_volume(formula: Callable[..., Number], place: int, kind: int, *more: object) -> Statistic:
    """A formula of a sum, the analysed area and the thickness (and more) as a statistic."""

    def statistic(sums: np.ndarray) -> np.ndarray:
        one = sums[..., place, :]
        return formula(one[..., kind], one[..., AREA], mean_thickness(one), *more)

    return statistic


def loop_line_density(places: Sequence[int], shares: Sequence[float] | None = None) -> Statistic:
    """ρ of the loops of several classes together in m⁻² (:func:`temj.physics.loops.line_density`).

    Args:
        places: of the classes.
        shares: f of each class, the share of variants that are visible; None for no correction.
    """
    visible = np.ones(len(places)) if shares is None else np.asarray(shares, float)

    def statistic(sums: np.ndarray) -> np.ndarray:
        each = sums[..., list(places), :]
        return ratio(loops.line_density(each[..., D], each[..., AREA], mean_thickness(each)), visible).sum(-1)

    return statistic


def defect_content(place: int, burgers_nm: float, share: float = 1.0) -> Statistic:
    """Point defects in loops per atom, dimensionless (:func:`temj.physics.loops.defect_content`), / f."""
    content = _of_volume(loops.defect_content, place, D2, burgers_nm)
    return lambda sums: ratio(content(sums), share)


def dislocation_density(place: int, orientation: str = "random") -> Statistic:
    """ρ of lines in m⁻² (:func:`temj.physics.lines.dislocation_density`)."""
    return _of_volume(lines.dislocation_density, place, LENGTH, orientation)


@dataclass(frozen=True)
class Barrier:
    """A class of barriers: its place among the classes, strength α, number per volume (:func:`number_density`)."""

    place: int
    alpha: float
    density: Statistic


@dataclass(frozen=True)
class Matrix:
    """What the barriers stand in: M, μ in GPa, b of the gliding dislocation in nm."""

    taylor: float
    shear_modulus_GPa: float
    burgers_nm: float


def hardening(
    barriers: Sequence[Barrier], matrix: Matrix, superposition: str = "root-sum-square", mixing: float | None = None
) -> Statistic:
    """Δσ of all classes together in MPa; errors of N and d of the same images come through together.

    Args:
        barriers: of each class.
        matrix: constants of the material.
        superposition, mixing: as in :func:`temj.physics.hardening.superpose`.
    """

    def statistic(sums: np.ndarray) -> np.ndarray:
        return superpose(np.stack([_part(one, matrix, sums) for one in barriers], axis=-1), superposition, mixing)

    return statistic


def _part(barrier: Barrier, matrix: Matrix, sums: np.ndarray) -> np.ndarray:
    return dispersed_barriers(
        barrier.density(sums), mean_diameter(sums[..., barrier.place, :]), alpha=barrier.alpha,
        taylor=matrix.taylor, shear_modulus=matrix.shear_modulus_GPa, burgers=matrix.burgers_nm,
    )  # fmt: skip
