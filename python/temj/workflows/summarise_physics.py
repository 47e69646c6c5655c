"""Physics of a group of images: functions of its sums, so that they get their intervals as all estimates do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from temj.errors import BadValue
from temj.physics import lines, loops, of_sums
from temj.physics.foil import Foil, pooled_foil
from temj.physics.foil import notes as foil_notes
from temj.physics.hardening import SUPERPOSITIONS
from temj.physics.materials import Material
from temj.physics.visibility import Visibility, corrected_for_visibility, visibility
from temj.population.estimates import QUANTITIES, Estimate, divided
from temj.population.intervals import Interval, Statistic
from temj.population.sums import AREA, COUNT, COVERED, D2, D3, LENGTH, SUMS, WEIGHT, A, D, Population
from temj.workflows.summarise_groups import Group, foils
from temj.workflows.summarise_options import GLIDING, Being, SummariseOptions, hexagonal

_PER_M2 = 1e18
_STEP = 1e-4
_POWERS = np.array([{AREA: 2, COVERED: 2, A: 2, D: 1, LENGTH: 1, D2: 2, D3: 3}.get(one, 0) for one in range(len(SUMS))])
"""With which power of the pixel size each sum goes."""
Of = Callable[[float], Statistic]
"""Thickness of the foil in nm → statistic of sums (…, classes, len(SUMS)) in nm."""


@dataclass(frozen=True)
class Asked:
    """One quantity.

    Attributes:
        name, unit, definition: of the estimate.
        class_name: "" for all together.
        of: what it is.
    """

    name: str
    class_name: str
    unit: str
    definition: str
    of: Of


@dataclass(frozen=True)
class Found:
    """Physics of a group: estimates, and notes for the user."""

    estimates: tuple[Estimate, ...] = ()
    notes: tuple[str, ...] = ()


def physics(population: Population, group: Group, options: SummariseOptions) -> Found:
    """All quantities that thickness, Burgers vectors and material allow; NaN with a note where one is undefined.

    Raises:
        BadValue: a Burgers vector or g that is not understood, a constant that the material's row does not have, a
            denuded zone as wide as the foil.
    """
    if population.unit != "nm" or not len(population.fields):
        return Found()
    seen, notes = _visible(population, group, options)
    given = foils(group.shots, options.foil)
    areas = population.fields[:, 0, AREA]
    foil = pooled_foil(given, areas.tolist()) if given and areas.sum() > 0 else None
    asked = list(_per_area(population, seen))
    if foil is not None:
        notes.append(f"foil: {foil.in_words()}; t_eff: {options.rule}")
        asked += _per_volume(population, options, seen)
        notes += _thick(population, foil)
    elif options.hardening or any(options.being(name).kind != "other" for name in population.classes):
        notes.append("no thickness of the foil: nothing per volume (column thickness_nm of the sample sheet)")
    return Found(tuple(_estimate(population, one, foil, options.pixel_error) for one in asked), tuple(notes))


def _visible(
    population: Population, group: Group, options: SummariseOptions
) -> tuple[Mapping[str, Visibility], list[str]]:
    """Class → which share of its loops is seen, where Burgers vector and g are known, g the same for all; notes."""
    families = {
        name: options.being(name).burgers
        for name in population.classes
        if options.being(name).burgers and not hexagonal(options.being(name).burgers)
    }
    g = options.g or group.common("g")
    if not families:
        return {}, []
    if not g:
        several = any(shot.sample and shot.sample.g for shot in group.shots)
        told = "images with different g, or none" if several else "no diffraction vector g"
        return {}, [f"{told}: densities are not corrected for visibility"]
    crystal = options.material.structure if options.material and options.material.structure in ("fcc", "bcc") else None
    return {name: visibility(burgers, g, crystal=crystal) for name, burgers in families.items()}, []


def _told(seen: Visibility) -> str:
    return f"f = {seen.visible}/{seen.variants} at {seen.condition}, all variants taken as equally many"


def _per_area(population: Population, seen: Mapping[str, Visibility]) -> Iterator[Asked]:
    for place, name in enumerate(population.classes):
        if name in seen:
            yield Asked(
                "number density, corrected for visibility", name, "m⁻²", f"N_A / f; {_told(seen[name])}",
                partial(_corrected_density, place, seen[name]),
            )  # fmt: skip


def _corrected_density(place: int, seen: Visibility, _thickness: float) -> Statistic:
    density = QUANTITIES["number density"].statistic
    return lambda sums: corrected_for_visibility(density(sums[..., place, :]) * _PER_M2, seen)


def _per_volume(population: Population, options: SummariseOptions, seen: Mapping[str, Visibility]) -> Iterator[Asked]:
    for place, name in enumerate(population.classes):
        yield Asked(
            "volume number density", name, "m⁻³", f"N_A / t_eff, t_eff: {options.rule}", _volume(place, options)
        )
        if name in seen:
            yield Asked(
                "volume number density, corrected for visibility", name, "m⁻³",
                f"N_A / (f t_eff); {_told(seen[name])}", _volume(place, options, seen[name].share),
            )  # fmt: skip
        yield from _of_kind(place, name, options.being(name), options)
    yield from _hardening(population, options, seen)


def _volume(place: int, options: SummariseOptions, share: float = 1.0) -> Of:
    return lambda t: of_sums.number_density(place, t, options.rule, options.denuded_nm, share)


def _of_kind(place: int, name: str, being: Being, options: SummariseOptions) -> Iterator[Asked]:
    if being.kind == "cavity":
        yield Asked(
            "volume fraction", name, "%", "Σ π d³/6 / (A t): spheres within the foil",
            lambda t: _times(100.0, of_sums.volume_fraction(place, t)),
        )  # fmt: skip
        yield Asked(
            "swelling", name, "%", "V / (A t - V), V = Σ π d³/6", lambda t: _times(100.0, of_sums.swelling(place, t))
        )
    if being.kind == "loop":
        yield Asked("loop line density", name, "m⁻²", "Σ π d / (A t)", lambda t: of_sums.loop_line_density((place,), t))
        if being.burgers and options.material:
            burgers = options.material.burgers_of(being.burgers)
            yield Asked(
                "defect content of loops", name, "appm", f"Σ (π d²/4) b / (A t), b = {burgers:g} nm: defects per atom",
                lambda t: _times(loops.APPM, of_sums.defect_content(place, t, burgers)),
            )  # fmt: skip
    if being.kind == "line":
        factor = lines.ORIENTATIONS[options.orientation]
        yield Asked(
            "dislocation line density", name, "m⁻²", f"k L / (A t), k = {factor:.4g} ({options.orientation})",
            lambda t: of_sums.dislocation_density(place, t, options.orientation),
        )  # fmt: skip


def _times(factor: float, statistic: Statistic) -> Statistic:
    return lambda sums: factor * statistic(sums)


def _hardening(population: Population, options: SummariseOptions, seen: Mapping[str, Visibility]) -> Iterator[Asked]:
    """Of each class and of all together; with the density of all variants where that is known."""
    chosen = {name: alpha for name, alpha in (options.hardening or {}).items() if name in population.classes}
    if not chosen or options.material is None:
        return
    of, rule = options.material, options.superposition
    matrix = of_sums.Matrix(
        of.number("taylor_factor"), of.number("shear_modulus_GPa"), of.burgers_of(_gliding(of))
    )  # fmt: skip

    def barriers(names: Mapping[str, float], t: float) -> list[of_sums.Barrier]:
        places = {name: population.classes.index(name) for name in names}
        shares = {name: seen[name].share if name in seen else 1.0 for name in names}
        return [
            of_sums.Barrier(places[name], alpha, _volume(places[name], options, shares[name])(t))
            for name, alpha in names.items()
        ]

    for name, alpha in chosen.items():
        corrected = ", N_V corrected for visibility" if name in seen else ""
        yield Asked(
            "hardening", name, "MPa", f"M α μ b sqrt(N_V d), α = {alpha:g}, {of.name}{corrected}",
            lambda t, one={name: alpha}: of_sums.hardening(barriers(one, t), matrix),
        )  # fmt: skip
    if len(chosen) > 1:
        yield Asked(
            "hardening", "", "MPa", f"{', '.join(chosen)} together: {SUPERPOSITIONS[rule]}",
            lambda t: of_sums.hardening(barriers(chosen, t), matrix, rule),
        )  # fmt: skip


def _gliding(of: Material) -> str:
    if of.structure not in GLIDING:
        raise BadValue(
            "structure", where=f"{of.name} in {of.table}", expected=f"the structure {', '.join(GLIDING)}",
            found=of.structure, remedy="Hardening needs the Burgers vector of gliding dislocations.",
        )  # fmt: skip
    return GLIDING[of.structure]


def _thick(population: Population, foil: Foil) -> list[str]:
    total = population.fields.sum(axis=0)
    mean, covered = divided(total[:, D], total[:, WEIGHT]), divided(total[:, COVERED], total[:, AREA])
    return [
        f"{name}: {note}"
        for name, diameter, share in zip(population.classes, mean, covered, strict=True)
        for note in foil_notes(foil.thickness_nm, float(diameter), float(share))
    ]


def _estimate(population: Population, asked: Asked, foil: Foil | None, pixel_error: float) -> Estimate:
    statistic = asked.of(foil.thickness_nm if foil else math.nan)
    value = population.value(statistic)
    defined = math.isfinite(value)
    limits = population.interval(statistic, (0.0, math.inf)) if defined else Interval()
    place = population.classes.index(asked.class_name) if asked.class_name else slice(None)
    return Estimate(
        asked.name, asked.class_name, value, limits.low, limits.high, asked.unit, limits.method,
        int(population.fields[:, place, COUNT].sum()), len(population.units),
        _systematic(population, asked, foil, pixel_error) if defined else math.nan,
        asked.definition, "" if defined else "not defined for what was found",
    )  # fmt: skip


def _systematic(population: Population, asked: Asked, foil: Foil | None, pixel_error: float) -> float:
    """One standard deviation by the errors of pixel size and thickness, which all images share, as far as they are
    known; NaN where neither is."""
    total, thickness = population.fields.sum(axis=0), foil.thickness_nm if foil else math.nan
    statistic = asked.of(thickness)
    parts = [(statistic(total * (1 + _STEP) ** _POWERS) - statistic(total)) / _STEP * pixel_error]
    if foil is not None:
        parts.append((asked.of(thickness * (1 + _STEP))(total) - statistic(total)) / _STEP * foil.relative_error)
    known = [float(part) for part in parts if math.isfinite(part)]
    return math.hypot(*known) if known else math.nan
