"""Thickness of the foil, and numbers per volume.

A micrograph shows a foil in projection: a count per area becomes a count per volume only with a thickness, and which
thickness is a choice, since objects that a surface cuts may be seen and a zone below a surface may hold none.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from temj import registry
from temj.errors import BadValue
from temj.physics.values import Number, ratio, require

NM_PER_M = 1e9
METHODS = {
    "EELS": "t = (t/λ) λ, with λ the mean free path of inelastic scattering (log-ratio of an energy-loss spectrum)",
    "CBED": "from the Kossel-Möllenstedt fringes of a convergent-beam diffraction pattern in two-beam condition",
    "FIB nominal": "as the lamella was cut; not measured where the image was taken",
    "fringes": "number of thickness fringes times the extinction distance of the reflection",
}
"""How a thickness was found → what it means."""
RULES = {
    "foil": "t",
    "foil+diameter": "t + mean diameter",
    "foil-denuded": "t - 2 δ",
}
"""Which thickness a number per volume is for → its formula; ``foil`` is the usual one."""
THICK_OBJECT = 1 / 3
DENSE_COVERAGE = 0.2


@dataclass(frozen=True)
class Foil:
    """The foil that one image, or a group of images, was taken of.

    Attributes:
        thickness_nm: t in nm.
        error_nm: one standard deviation of t in nm; NaN where it is not known.
        method: of :data:`METHODS`, or in the user's words; "" where it is not known.
        facts: what the thickness was computed of, in words.

    Raises:
        BadValue: thickness not above 0, error below 0.
    """

    thickness_nm: float
    error_nm: float = math.nan
    method: str = ""
    facts: str = ""

    def __post_init__(self):
        require("foil thickness", self.thickness_nm, "nm")
        if not math.isnan(self.error_nm):
            require("error of the foil thickness", self.error_nm, "nm", zero=True)

    @property
    def relative_error(self) -> float:
        """Standard deviation / thickness, dimensionless; NaN where it is not known."""
        return self.error_nm / self.thickness_nm

    def in_words(self) -> str:
        """``t = 80 ± 8 nm (EELS)``; ± is one standard deviation."""
        error = "" if math.isnan(self.error_nm) else f" ± {self.error_nm:.3g}"
        how = ", ".join(filter(None, (self.method or "method not given", self.facts)))
        return f"t = {self.thickness_nm:.4g}{error} nm ({how})"


def method_name(text: str | None) -> str:
    """The name in :data:`METHODS` that somebody means by ``"eels t/lambda"`` or ``"FIB"``; else the text itself."""
    text = (text or "").strip()
    first = text.casefold().replace("-", " ").partition(" ")[0]
    for name in METHODS:
        if first and first == name.casefold().partition(" ")[0]:
            return name
    near = difflib.get_close_matches(text.casefold(), [name.casefold() for name in METHODS], n=1, cutoff=0.85)
    return next((name for name in METHODS if near and name.casefold() == near[0]), text)


def known_foil(thickness_nm: float | None, error_nm: float | None = None, method: str | None = None) -> Foil | None:
    """The foil of an image as a sample sheet has it; None without a thickness.

    Raises:
        BadValue: thickness not above 0, error below 0.
    """
    if thickness_nm is None:
        return None
    return Foil(thickness_nm, math.nan if error_nm is None else error_nm, method_name(method))


def eels_foil(
    t_over_lambda: float, mean_free_path_nm: float, error: float = math.nan, mean_free_path_error_nm: float = math.nan
) -> Foil:
    """t = (t/λ) λ; relative errors add in quadrature.

    Args:
        t_over_lambda: log-ratio ln(I_total / I_zero-loss) of the spectrum, dimensionless.
        mean_free_path_nm: λ of inelastic scattering in nm for the material, voltage and collection angle.
        error: one standard deviation of ``t_over_lambda``.
        mean_free_path_error_nm: one standard deviation of λ in nm; often 10 to 20 % of it.

    Raises:
        BadValue: a number that is not above 0.

    Source: R.F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (Springer 2011), 5.1.
    """
    first, second = ("t/λ", t_over_lambda, error), ("mean free path", mean_free_path_nm, mean_free_path_error_nm)
    return _product(first, second, "EELS", "t/λ = {:g}, λ = {:g} nm")


def fringes_foil(
    number: float, extinction_distance_nm: float, error: float = math.nan, extinction_error_nm: float = math.nan
) -> Foil:
    """t = n ξ_g; relative errors add in quadrature.

    Args:
        number: n of thickness fringes from the edge of the foil, may be a fraction.
        extinction_distance_nm: ξ_g in nm, the effective one where the deviation from the Bragg condition is not 0.
        error: one standard deviation of ``number``.
        extinction_error_nm: one standard deviation of ξ_g in nm.

    Raises:
        BadValue: a number that is not above 0.

    Source: D.B. Williams, C.B. Carter, Transmission Electron Microscopy, 2nd ed. (Springer 2009), ch. 23.
    """
    first, second = (
        ("number of fringes", number, error),
        ("extinction distance", extinction_distance_nm, extinction_error_nm),
    )
    return _product(first, second, "fringes", "{:g} fringes, ξ = {:g} nm")


def _product(first: tuple[str, float, float], second: tuple[str, float, float], method: str, facts: str) -> Foil:
    """A thickness that is a product; where the error of one factor is not known it is that of the other alone."""
    factors = require(first[0], first[1]), require(second[0], second[1], "nm")
    size = math.prod(factors)
    known = [error / value for _, value, error in (first, second) if not math.isnan(error)]
    return Foil(size, size * math.hypot(*known) if known else math.nan, method, facts.format(*factors))


def pooled_foil(foils: Sequence[Foil], areas: Sequence[float]) -> Foil:
    """The foil of several images together: t = Σ A t / Σ A, so that N / (ΣA t) is the pooled number per volume.

    Args:
        foils: of each image.
        areas: A, analysed area of each image, in one unit.

    Returns:
        Its error is the mean of the errors weighted by area: that of a method which is wrong for all images alike.

    Raises:
        BadValue: no image, or none with an area.
    """
    weight = np.asarray(areas, float)
    if len(foils) == 0 or not weight.sum() > 0:
        raise BadValue("value", where="foil thickness", expected="images with an analysed area", found="none")
    if len(set(foils)) == 1:
        return foils[0]
    share = weight / weight.sum()
    mean = float(share @ [one.thickness_nm for one in foils])
    error = float(share @ [one.error_nm for one in foils])
    methods = ", ".join(dict.fromkeys(one.method or "not given" for one in foils))
    return Foil(mean, error, methods, f"mean of {len(foils)} images weighted by area")


def effective_thickness(
    thickness_nm: Number, rule: str = "foil", *, diameter_nm: Number | None = None, denuded_nm: float = 0.0
) -> Number:
    """t_eff in nm: the thickness of the layer in which the counted objects have their centres.

    Args:
        thickness_nm: t of the foil in nm.
        rule: of :data:`RULES`. ``foil``: t. ``foil+diameter``: t + mean diameter, where objects that a surface cuts are
            seen and counted too. ``foil-denuded``: t - 2 δ, where a zone δ below each surface holds no objects.
        diameter_nm: mean diameter in nm, for ``foil+diameter``; NaN gives NaN.
        denuded_nm: δ in nm, for ``foil-denuded``.

    Raises:
        BadValue: unknown rule, δ below 0 or 2 δ not below t, no diameter for the rule with one.

    Returns:
        NaN where the thickness is not above 0.

    Source: P.M. Kelly, Int. Met. Rev. 24 (1979) 31.
    """
    if rule not in RULES:
        raise registry.unknown("thickness-rule", rule, RULES)
    thickness = np.asarray(thickness_nm, float)
    thickness = np.where(thickness > 0, thickness, np.nan)
    if rule == "foil":
        return thickness[()]
    if rule == "foil+diameter":
        if diameter_nm is None:
            raise BadValue("value", where=rule, expected="a mean diameter in nm", remedy="Use 'foil' without one.")
        return (thickness + np.where(np.asarray(diameter_nm, float) >= 0, diameter_nm, np.nan))[()]
    require("denuded zone", denuded_nm, "nm", zero=True)
    if np.any(2 * denuded_nm >= thickness):
        raise BadValue(
            "value", where="denuded zone", expected=f"2 δ below the thickness of {np.nanmin(thickness):g} nm",
            found=f"δ = {denuded_nm:g} nm", remedy="Give the width of the denuded zone of one surface.",
        )  # fmt: skip
    return (thickness - 2 * denuded_nm)[()]


def volume_density(areal_density: Number, effective_thickness_nm: Number) -> Number:
    """N_V = N_A / t_eff in m⁻³; NaN where t_eff is not above 0.

    Args:
        areal_density: N_A in m⁻².
        effective_thickness_nm: t_eff in nm.
    """
    return ratio(np.asarray(areal_density, float) * NM_PER_M, effective_thickness_nm)


def thickness_part(foil: Foil, effective_thickness_nm: Number) -> Number:
    """Relative standard error of N_V by that of the thickness: σ_t / t_eff, dimensionless.

    It is the same for all images of the foil and stands beside the interval over images, not in it. For a quantity
    with A t in its denominator t_eff is t.
    """
    return ratio(foil.error_nm, effective_thickness_nm)


def notes(thickness_nm: float, mean_diameter_nm: float = math.nan, coverage: float = math.nan) -> tuple[str, ...]:
    """What a reader of a number per volume must know; nothing where there is nothing to say.

    Args:
        thickness_nm: t in nm.
        mean_diameter_nm: of the objects in nm; NaN where not known.
        coverage: projected area fraction, 1 is all; NaN where not known.
    """
    told = []
    if mean_diameter_nm > THICK_OBJECT * thickness_nm:
        told.append(
            f"The mean diameter of {mean_diameter_nm:.3g} nm exceeds a third of the foil's thickness of "
            f"{thickness_nm:.3g} nm: many objects are cut by a surface, and numbers per volume depend on whether these "
            "are counted (t_eff)."
        )
    if coverage > DENSE_COVERAGE:
        told.append(
            f"The objects cover {100 * coverage:.3g} % of the projected area (more than 20 %): objects overlap in "
            "projection, and counts per area and volume are too low."
        )
    return tuple(told)
