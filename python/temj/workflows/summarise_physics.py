"""Physics of a group of images: functions of its sums, so that they get their intervals as all estimates do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from temj.errors import BadValue
from temj.physics import lines, loops, of_sums
from temj.physics.foil import Foil, effective_thickness, pooled_foil
from temj.physics.foil import notes as foil_notes
from temj.physics.hardening import SUPERPOSITIONS
from temj.physics.materials import Material
from temj.physics.values import NM2_PER_M2, ratio
from temj.physics.visibility import Visibility, visibility
from temj.population.estimates import Estimate
from temj.population.intervals import Interval, Statistic, poisson, with_width
from temj.population.quotients import divided
from temj.population.sums import AREA, COUNT, COVERED, D2, D3, LENGTH, SUMS, VOLUME, WEIGHT, A, D, Population
from temj.workflows.summarise_groups import Group, foils
from temj.workflows.summarise_options import GLIDING, SummariseOptions, hexagonal

CORRECTED = "corrected for visibility"
FEW = "no limits: too few objects or units"
_STEP = 1e-4
_NOTHING = 1e-9
"""A relative change below that is rounding: the quantity does not depend on what was changed."""
_PIXEL = {AREA: 2, COVERED: 2, VOLUME: 2, A: 2, D: 1, LENGTH: 1, D2: 2, D3: 3}
_BY_PIXEL = np.array([_PIXEL.get(one, 0) for one in range(len(SUMS))])
_BY_THICKNESS = np.array([int(one == VOLUME) for one in range(len(SUMS))])
"""With which power of pixel size and thickness each sum goes."""


@dataclass(frozen=True)
class Asked:
    """One quantity.

    Attributes:
        name, unit, definition: of the estimate.
        class_name: "" for several together.
        places: of the classes that it is made of.
        of: statistic of sums (…, classes, len(SUMS)) in nm.
        each: of what is proportional to the number of counted objects: what one of them adds.
    """

    name: str
    class_name: str
    unit: str
    definition: str
    places: tuple[int, ...]
    of: Statistic
    each: Statistic | None = None


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
    if population.unit != "nm" or not population.fields.size:
        return Found()
    seen, notes = _visible(population, group, options)
    given = foils(group.shots, options.foil)
    areas = population.fields[:, 0, AREA]
    foil = pooled_foil(given, areas.tolist()) if given and areas.sum() > 0 else None
    asked = list(_per_area(population, seen))
    if foil is not None:
        thickness = [one.thickness_nm for one in given]
        _require_thicker(thickness, options)
        population = population.with_thickness(thickness)
        notes.append(f"foil: {foil.in_words()}; t_eff: {options.rule}")
        asked += _per_volume(population, options, seen)
        notes += _thick(population, foil)
    elif options.hardening or any(options.being(name).kind != "other" for name in population.classes):
        notes.append("no thickness of the foil: nothing per volume (column thickness_nm of the sample sheet)")
    return Found(tuple(_estimate(population, one, foil, options.pixel_error) for one in asked), tuple(notes))


def _require_thicker(thickness: Sequence[float], options: SummariseOptions) -> None:
    """Nothing, where each foil is thicker than its denuded zones; BadValue names the thinnest that is not."""
    effective_thickness(np.array(thickness), options.rule, diameter_nm=0.0, denuded_nm=options.denuded_nm)


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
            each = _density_of_one(place, seen[name].share)
            yield Asked(
                f"number density, {CORRECTED}", name, "m⁻²", f"N_A / f; {_told(seen[name])}", (place,),
                _number_times(place, each), each,
            )  # fmt: skip


def _density_of_one(place: int, share: float) -> Statistic:
    return lambda sums: ratio(ratio(NM2_PER_M2, sums[..., place, AREA]), share)


def _number_times(place: int, each: Statistic) -> Statistic:
    return lambda sums: sums[..., place, COUNT] * each(sums)


def _per_volume(population: Population, options: SummariseOptions, seen: Mapping[str, Visibility]) -> Iterator[Asked]:
    for place, name in enumerate(population.classes):
        for told, share, how in _shares(seen.get(name)):
            given = (place, options.rule, options.denuded_nm, share)
            formula = "N_A / (f t_eff)" if told else "N_A / t_eff"
            yield Asked(
                f"volume number density{told}", name, "m⁻³", f"{formula}, t_eff: {options.rule}{how}", (place,),
                of_sums.number_density(*given), of_sums.density_of_one(*given),
            )  # fmt: skip
        yield from _of_kind(place, name, options, seen.get(name))
    yield from _hardening(population, options, seen)


def _shares(seen: Visibility | None) -> list[tuple[str, float, str]]:
    """The raw quantity and, where f is known, the corrected one: (end of the name, f, end of the definition)."""
    raw = ("", 1.0, "")
    return [raw] if seen is None else [raw, (f", {CORRECTED}", seen.share, f"; {_told(seen)}")]


def _of_kind(place: int, name: str, options: SummariseOptions, seen: Visibility | None) -> Iterator[Asked]:
    kind = options.being(name).kind
    if kind == "cavity":
        yield Asked(
            "volume fraction", name, "%", "Σ π d³/6 / (A t): spheres within the foil", (place,),
            _times(100.0, of_sums.volume_fraction(place)),
        )  # fmt: skip
        yield Asked(
            "swelling", name, "%", "V / (A t - V), V = Σ π d³/6", (place,), _times(100.0, of_sums.swelling(place))
        )
    if kind == "loop":
        yield from _of_loops(place, name, options, seen)
    if kind == "line":
        factor = lines.ORIENTATIONS[options.orientation]
        yield Asked(
            "dislocation line density", name, "m⁻²", f"k L / (A t), k = {factor:.4g} ({options.orientation})", (place,),
            of_sums.dislocation_density(place, options.orientation),
        )  # fmt: skip


def _of_loops(place: int, name: str, options: SummariseOptions, seen: Visibility | None) -> Iterator[Asked]:
    burgers = options.being(name).burgers
    for told, share, how in _shares(seen):
        by = "(f A t)" if told else "(A t)"
        yield Asked(
            f"loop line density{told}", name, "m⁻²", f"Σ π d / {by}{how}", (place,),
            of_sums.loop_line_density((place,), (share,)),
        )  # fmt: skip
        if burgers and options.material:
            length = options.material.burgers_of(burgers)
            yield Asked(
                f"defect content of loops{told}", name, "appm",
                f"Σ (π d²/4) b / {by}, b = {length:g} nm: defects per atom{how}", (place,),
                _times(loops.APPM, of_sums.defect_content(place, length, share)),
            )  # fmt: skip


def _times(factor: float, statistic: Statistic) -> Statistic:
    return lambda sums: factor * statistic(sums)


def _hardening(population: Population, options: SummariseOptions, seen: Mapping[str, Visibility]) -> Iterator[Asked]:
    """Of each class and of all of them together, raw and with the density of all variants where that is known."""
    chosen = {name: alpha for name, alpha in (options.hardening or {}).items() if name in population.classes}
    if not chosen or options.material is None:
        return
    of, rule = options.material, options.superposition
    matrix = of_sums.Matrix(
        of.number("taylor_factor"), of.number("shear_modulus_GPa"), of.burgers_of(_gliding(of))
    )  # fmt: skip
    places = {name: population.classes.index(name) for name in chosen}

    def barrier(name: str, share: float) -> of_sums.Barrier:
        density = of_sums.number_density(places[name], options.rule, options.denuded_nm, share)
        return of_sums.Barrier(places[name], chosen[name], density)

    for name, alpha in chosen.items():
        for told, share, how in _shares(seen.get(name)):
            number = "N_V / f" if told else "N_V"
            yield Asked(
                f"hardening{told}", name, "MPa", f"M α μ b sqrt({number} d), α = {alpha:g}, {of.name}{how}",
                (places[name],), of_sums.hardening([barrier(name, share)], matrix),
            )  # fmt: skip
    if len(chosen) < 2:
        return
    shares = {name: seen[name].share for name in chosen if name in seen}
    for told, known in (("", {}), (f", {CORRECTED}", shares))[: 2 if shares else 1]:
        which = f" of {', '.join(known)}" if known else ""
        yield Asked(
            f"hardening{told}", "", "MPa", f"{', '.join(chosen)} together: {SUPERPOSITIONS[rule]}{told}{which}",
            tuple(places.values()),
            of_sums.hardening([barrier(name, known.get(name, 1.0)) for name in chosen], matrix, rule),
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
    value = population.value(asked.of)
    limits, note = Interval(), "not defined for what was found"
    systematic = math.nan
    if math.isfinite(value):
        limits, note = with_width(_limits(population, asked), value)
        note = note or ("" if limits.method else FEW)
        systematic = _systematic(population, asked.of, foil, pixel_error)
    return Estimate(
        asked.name, asked.class_name, value, limits.low, limits.high, asked.unit, limits.method,
        int(population.fields[:, asked.places, COUNT].sum()), len(population.units), systematic, asked.definition, note,
    )  # fmt: skip


def _limits(population: Population, asked: Asked) -> Interval:
    """Over units; of one field, or where units do not differ at all, what is proportional to a number has that of the
    number, as number densities have."""
    if asked.each is None:
        return population.interval(asked.of, (0.0, math.inf))
    found = population.interval(asked.of, (0.0, math.inf)) if len(population.units) > 1 else Interval()
    if found.high > found.low:
        return found
    number, each = poisson(population.fields[:, asked.places, COUNT].sum()), population.value(asked.each)
    return Interval(number.low * each, number.high * each, number.method)


def _systematic(population: Population, statistic: Statistic, foil: Foil | None, pixel_error: float) -> float:
    """One standard deviation by the errors of pixel size and thickness, which all images share.

    Of those on which the quantity depends the known ones; NaN where it depends on something and none of it is known.
    """
    total = population.fields.sum(axis=0)
    value = float(statistic(total))
    errors = [(_BY_PIXEL, pixel_error), (_BY_THICKNESS, foil.relative_error if foil else math.nan)]
    changes = [(float(statistic(total * (1 + _STEP) ** powers)) - value, error) for powers, error in errors]
    parts = [change / _STEP * error for change, error in changes if value == 0 or abs(change) > _NOTHING * value]
    known = [part for part in parts if math.isfinite(part)]
    return math.hypot(*known) if known or not parts else math.nan
