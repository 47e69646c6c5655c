"""Physics of a group: intervals that follow each foil, limits where nothing scatters, raw and corrected numbers."""

import math
from dataclasses import replace

import numpy as np
import pytest

from temj.datasets.sheet import Sample
from temj.errors import BadValue
from temj.physics.foil import Foil
from temj.physics.materials import material
from temj.population.estimates import Estimate, estimates
from temj.population.intervals import NO_LIMITS, NO_SCATTER, poisson
from temj.population.sums import AREA, COUNT, COVERED, D2, D3, SUMS, VOLUME, WEIGHT, A, D, Objects, Population
from temj.workflows.population_fields import PopulationOptions
from temj.workflows.summarise_groups import Group, Shot
from temj.workflows.summarise_options import Being, SummariseOptions
from temj.workflows.summarise_physics import CORRECTED, FEW, physics

FIELD = 1e6
SIZE = 20.0
PLAIN = SummariseOptions(PopulationOptions())
LOOPS = replace(
    PLAIN, kinds={"loop": Being("loop", "a/2<111>"), "void": Being("cavity")}, g="110", material=material("Fe"),
    hardening={"loop": 0.3, "void": 1.0},
)  # fmt: skip


def of(*counts: tuple[int, ...], classes: tuple[str, ...] = ("void",), size: float = SIZE) -> Population:
    """Fields of 1 µm² with so many discs of one diameter of each class; each whole, and of the weight 1."""
    found = np.zeros((len(counts), len(classes), len(SUMS)))
    found[..., AREA], found[..., VOLUME] = FIELD, np.nan
    found[..., COUNT] = found[..., WEIGHT] = counts
    for place, power in ((D, 1), (D2, 2), (D3, 3)):
        found[..., place] = found[..., COUNT] * size**power
    found[..., A] = found[..., COVERED] = found[..., COUNT] * math.pi / 4 * size**2
    number = np.asarray(counts, int)
    field, kind = np.repeat(np.indices(number.shape).reshape(2, -1), number.ravel(), axis=1)
    one = np.ones(len(field))
    objects = Objects(
        field, kind, one > 0, one > 0, one, size * one, math.pi / 4 * size**2 * one, one, 0 * one,
    )  # fmt: skip
    return Population(classes, "nm", found, np.full(len(counts), "", object), objects)


def on(*thickness: float, error: float = math.nan) -> Group:
    """Images of foils."""
    known = None if math.isnan(error) else error
    shots = [Shot(None, Sample(f"{n}.png", thickness_nm=t, thickness_error_nm=known)) for n, t in enumerate(thickness)]
    return Group("g", {}, tuple(shots))


def named(found: list[Estimate] | tuple[Estimate, ...], name: str, class_name: str = "void") -> Estimate:
    (one,) = [each for each in found if (each.name, each.class_name) == (name, class_name)]
    return one


def quantity(made: Population, group: Group, name: str, options: SummariseOptions = PLAIN) -> Estimate:
    return named(physics(made, group, options).estimates, name)


def test_the_value_is_the_number_over_the_volume_of_all_foils() -> None:
    thickness, counts = np.array([40.0, 80.0, 160.0]), np.array([10, 20, 60])
    made, group = of(*((n,) for n in counts)), on(*thickness)
    for rule, effective in (("foil", thickness), ("foil+diameter", thickness + SIZE), ("foil-denuded", thickness - 10)):
        options = replace(PLAIN, rule=rule, denuded_nm=5.0)
        found = quantity(made, group, "volume number density", options)
        assert found.value == pytest.approx(counts.sum() / (FIELD * effective).sum() * 1e27)
        assert found.low < found.value < found.high


@pytest.mark.parametrize("same", ["per volume", "per area"])
def test_intervals_follow_each_foil_and_cover(same: str) -> None:
    """Where the number per volume is the same in all foils, their thickness makes it no less sure: the interval is the
    narrow one of the numbers; where the number per area is, thick foils make it less sure."""
    rng, hit, width, mean_of_all = np.random.default_rng(0), [], [], []
    for _ in range(150):
        thickness = rng.uniform(40, 160, 6)
        counts = rng.poisson(2e-6 * FIELD * thickness if same == "per volume" else np.full(6, 200.0))
        truth = (2e-6 if same == "per volume" else 200 / (FIELD * 100)) * 1e27
        made = of(*((n,) for n in counts))
        found = quantity(made, on(*thickness), "volume number density")
        hit.append(found.low <= truth <= found.high)
        width.append((found.high - found.low) / 2 / found.value)
        other = quantity(made, on(*[thickness.mean()] * 6), "volume number density")
        mean_of_all.append((other.high - other.low) / 2 / other.value)
        assert found.value == pytest.approx(other.value)
    assert 0.89 <= np.mean(hit) <= 0.995
    if same == "per volume":
        assert np.mean(width) < 0.3 * np.mean(mean_of_all)
    else:
        assert np.mean(width) > 2 * np.mean(mean_of_all)


def test_of_foils_of_one_thickness_the_interval_is_that_of_the_density() -> None:
    made = of((20,), (25,), (19,), (30,))
    density, volume = named(estimates(made), "number density"), quantity(made, on(*[80.0] * 4), "volume number density")
    assert np.divide([volume.low, volume.value, volume.high], [density.low, density.value, density.high]) == (
        pytest.approx(1 / 80e-9)
    )


@pytest.mark.parametrize("counts", [((0,), (0,), (0,)), ((0,),), ((5,), (5,), (5,)), ((5,),), ((1,),)])
@pytest.mark.parametrize("rule", ["foil", "foil+diameter"])
def test_a_number_has_the_limits_of_poisson_where_units_tell_nothing(counts: tuple, rule: str) -> None:
    made, group = of(*counts, classes=("loop",)), on(*[80.0] * len(counts))
    found = physics(made, group, replace(LOOPS, rule=rule, hardening=None)).estimates
    number = poisson(np.sum(counts))
    layer = 80.0 + (SIZE if rule == "foil+diameter" and np.sum(counts) else 0)
    for name, factor in (
        (f"number density, {CORRECTED}", 2e18), ("volume number density", 1e27 / layer),
        (f"volume number density, {CORRECTED}", 2e27 / layer),
    ):  # fmt: skip
        one = named(found, name, "loop")
        expected = np.array([number.low, np.sum(counts), number.high]) / (len(counts) * FIELD) * factor
        assert [one.low, one.value, one.high] == pytest.approx(expected)
        assert (one.method, one.note) == (number.method, "")


@pytest.mark.parametrize(
    ("counts", "note"),
    [(((0,), (0,)), NO_LIMITS), (((0,),), NO_LIMITS), (((5,), (5,), (5,)), NO_SCATTER), (((1,),), FEW)],
)
def test_what_is_no_number_has_no_limits_there_and_says_so(counts: tuple, note: str) -> None:
    found = quantity(of(*counts), on(*[80.0] * len(counts)), "swelling", LOOPS)
    assert found.value >= 0
    assert (math.isnan(found.low), math.isnan(found.high), found.method, found.note) == (True, True, "", note)


def test_raw_and_corrected_stand_side_by_side() -> None:
    """g = 110 shows two of the four variants of a/2<111>."""
    made = of((9, 4), (7, 6), (12, 5), classes=("loop", "void"))
    found = physics(made, on(80.0, 90.0, 100.0), LOOPS).estimates
    for name, power in (
        ("volume number density", 1), ("loop line density", 1), ("defect content of loops", 1), ("hardening", 0.5),
    ):  # fmt: skip
        raw, corrected = named(found, name, "loop"), named(found, f"{name}, {CORRECTED}", "loop")
        assert corrected.value == pytest.approx(2**power * raw.value)
        assert (corrected.unit, corrected.objects) == (raw.unit, raw.objects)
        assert raw.low < raw.value < raw.high
        assert "2/4" in corrected.definition
        assert "2/4" not in raw.definition
    void = named(found, "hardening", "void").value
    for end in ("", f", {CORRECTED}"):
        together = named(found, f"hardening{end}", "")
        assert together.value == pytest.approx(math.hypot(void, named(found, f"hardening{end}", "loop").value))
    assert not [one for one in found if one.class_name == "void" and CORRECTED in one.name]


def test_together_counts_the_objects_of_the_chosen_classes_only() -> None:
    made = of((9, 4, 100, 113), (7, 6, 90, 103), classes=("loop", "void", "dot", "all"))
    made = replace(made, objects=made.objects.take(made.objects.of < 3))
    assert named(physics(made, on(80.0, 80.0), LOOPS).estimates, "hardening", "").objects == 9 + 4 + 7 + 6


@pytest.mark.parametrize(
    ("pixel", "thickness", "corrected", "volume", "swelling"),
    [
        (math.nan, math.nan, math.nan, math.nan, math.nan),
        (math.nan, 0.1, math.nan, 0.1, 0.1),
        (0.02, math.nan, 0.04, 0.04, 0.02),
        (0.02, 0.1, 0.04, math.hypot(0.04, 0.1), math.hypot(0.02, 0.1)),
    ],
)
def test_systematic_is_that_of_what_is_known_and_nan_where_nothing_is(
    pixel: float, thickness: float, corrected: float, volume: float, swelling: float
) -> None:
    """Σ d³ / (A t) goes with the pixel size; a number per area does not know the foil."""
    made, group = of((9, 4), (7, 6), classes=("loop", "void")), on(80.0, 80.0, error=80.0 * thickness)
    found = physics(made, group, replace(LOOPS, pixel_error=pixel)).estimates
    for name, kind, expected in (
        (f"number density, {CORRECTED}", "loop", corrected), ("volume number density", "void", volume),
        ("volume fraction", "void", swelling),
    ):  # fmt: skip
        one = named(found, name, kind)
        assert one.systematic / one.value == pytest.approx(expected, rel=1e-3, nan_ok=True)


def test_a_foil_thinner_than_its_denuded_zones_is_refused_though_the_mean_is_thicker() -> None:
    options = replace(PLAIN, rule="foil-denuded", denuded_nm=25.0)
    with pytest.raises(BadValue, match="denuded zone"):
        physics(of((5,), (6,), (7,)), on(40.0, 160.0, 160.0), options)


def test_without_a_foil_there_is_nothing_per_volume_and_one_for_all_rules() -> None:
    made = of((5,), (6,))
    assert not physics(made, on(80.0, None), PLAIN).estimates
    found = quantity(made, on(80.0, None), "volume number density", replace(PLAIN, foil=Foil(50.0)))
    assert found.value == pytest.approx(11 / (2 * FIELD * 50.0) * 1e27)
