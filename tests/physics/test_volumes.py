"""Cavities, loops and lines: against solids and lines that are really put into a foil."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.errors import BadValue
from temj.physics import cavities, lines, loops
from temj.population.intervals import interval

sizes = st.floats(0.1, 1e3)


def test_spheres_within_a_foil() -> None:
    d = np.full(100, 10.0)
    area, thickness = 1e5, 80.0
    volume = 100 * 4 / 3 * math.pi * 5**3
    assert cavities.volume_fraction((d**3).sum(), area, thickness) == pytest.approx(volume / (area * thickness))
    assert cavities.swelling((d**3).sum(), area, thickness) == pytest.approx(volume / (area * thickness - volume))


def test_projection_of_spheres_cut_by_the_surfaces() -> None:
    """A slab cut out of a body of spheres of several sizes; each shows the widest circle of what is in the slab."""
    random = np.random.default_rng(7)
    depth, thickness, side, true = 300.0, 40.0, 100_000.0, 2e-7
    number = random.poisson(true * depth * side**2)
    z, r = random.uniform(-depth / 2, depth / 2, number), random.lognormal(np.log(10), 0.3, number)
    outside = np.clip(np.abs(z) - thickness / 2, 0, r)  # how far the centre lies beyond the surface
    shown = math.pi * (r**2 - outside**2)
    in_volume = true * 4 / 3 * math.pi * (r**3).mean()
    d = cavities.sauter_diameter(((2 * r) ** 2).sum(), ((2 * r) ** 3).sum())
    assert shown.sum() / side**2 == pytest.approx(cavities.projected_fraction(in_volume, d, thickness), rel=0.01)
    by_mean_diameter = cavities.projected_fraction(in_volume, 2 * r.mean(), thickness)
    assert abs(by_mean_diameter / (shown.sum() / side**2) - 1) > 0.05


@given(st.floats(0, 1), sizes, sizes)
def test_the_relation_of_spheres_turns_round(fraction, diameter, thickness) -> None:
    projected = cavities.projected_fraction(fraction, diameter, thickness)
    assert cavities.volume_from_projection(projected, diameter, thickness) == pytest.approx(fraction)
    assert projected >= fraction


def test_circles_of_dislocation_in_a_foil() -> None:
    random = np.random.default_rng(1)
    d, area, thickness, b = random.uniform(5, 40, 200), 1e6, 100.0, 0.2077
    line = (math.pi * d).sum() * 1e-9 / (area * 1e-18 * thickness * 1e-9)
    assert loops.line_density(d.sum(), area, thickness) == pytest.approx(line)
    platelets = (math.pi * (d / 2) ** 2 * b).sum()
    content = loops.defect_content((d**2).sum(), area, thickness, b)
    assert content == pytest.approx(platelets / (area * thickness))
    omega = 0.01163
    atoms = platelets / omega / (area * thickness * 1e-27)  # one point defect an atomic volume of platelet
    assert loops.defect_density(content, omega) == pytest.approx(atoms)


def test_random_lines_are_seen_shorter() -> None:
    """Directions uniform on the sphere: 4/π of the projected length is the true one."""
    random = np.random.default_rng(3)
    direction = random.normal(size=(200_000, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    projected = np.hypot(direction[:, 0], direction[:, 1]).sum()
    found = lines.dislocation_density(projected, 1e6, 100.0)
    assert found == pytest.approx(200_000 / (1e6 * 100.0) * 1e18, rel=0.005)
    assert lines.dislocation_density(projected, 1e6, 100.0, "in plane") == pytest.approx(found * math.pi / 4)
    with pytest.raises(BadValue, match="Did you mean 'random'"):
        lines.dislocation_density(1.0, 1.0, 1.0, "ramdom")


@pytest.mark.parametrize(
    "function",
    [
        cavities.volume_fraction, cavities.swelling, loops.line_density, lines.dislocation_density,
        lambda sums, area, t: loops.defect_content(sums, area, t, 0.2),
    ],
)  # fmt: skip
def test_what_is_undefined_is_nan_without_a_warning(function) -> None:
    for area, thickness in ((0.0, 50.0), (1e4, 0.0), (np.nan, 50.0), (-1.0, 50.0), (1e4, np.inf)):
        assert np.isnan(function(3.0, area, thickness)), (area, thickness)
    assert function(0.0, 1e4, 50.0) == 0
    found = function(np.array([[1.0], [2.0]]), np.array([1e4, 0.0, 1e5]), 50.0)
    assert found.shape == (2, 3)
    np.testing.assert_array_equal(np.isnan(found), [[False, True, False]] * 2)


def test_cavities_that_fill_the_foil_have_no_swelling() -> None:
    assert np.isnan(cavities.swelling(1e6, 1e3, 100.0))


def test_a_burgers_vector_and_an_atomic_volume_must_be() -> None:
    with pytest.raises(BadValue, match="Burgers vector"):
        loops.defect_content(1.0, 1.0, 1.0, 0.0)
    with pytest.raises(BadValue, match="atomic volume"):
        loops.defect_density(1.0, -1.0)


def test_resampled_sums_give_the_interval_of_a_quantity_of_several_classes() -> None:
    """Fields of two classes of loops: the interval of their line density together covers what was put in."""
    random, thickness, area, truth = np.random.default_rng(5), 100.0, 1e6, np.array([40.0, 10.0]) * [20, 50] / 1e6
    covered = []
    for _ in range(200):
        number = random.poisson([40, 10], (5, 2))
        d = np.array(
            [[random.normal(mean, 4, n).sum() for mean, n in zip((20, 50), row, strict=True)] for row in number]
        )
        units = np.stack([np.full((5, 2), area), d], axis=-1)  # (fields, classes, (area, Σd))
        found = interval(
            units, lambda sums: loops.line_density(sums[..., 1], sums[..., 0], thickness).sum(-1), (0, np.inf)
        )
        covered.append(found.low <= math.pi * truth.sum() / thickness * 1e18 <= found.high)
    assert 0.91 <= np.mean(covered) <= 0.99
