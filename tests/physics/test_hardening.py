"""Dispersed barriers: the figures of Shen et al., derivatives by small steps, and simulated correlated errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from temj.errors import BadValue
from temj.physics import hardening
from temj.physics.hardening import dispersed_barriers, superpose

DENSITIES = np.array([[1.77, 2.21], [3.41, 4.98], [1.32, 1.79]])  # truth, model; 111, dot, 100
DIAMETERS = np.array([[22.4, 23.1], [8.2, 9.1], [20.3, 22.4]])
STEEL = {"alpha": 0.2, "taylor": 3.06, "shear_modulus": 81.0, "burgers": 0.2543}
parts = st.lists(st.floats(1, 500), min_size=1, max_size=4)
rules = st.sampled_from(list(hardening.SUPERPOSITIONS))


def test_by_hand() -> None:
    found = dispersed_barriers(1e22, 10.0, **STEEL)
    assert found == pytest.approx(0.2 * 3.06 * 81e9 * 0.2543e-9 * np.sqrt(1e22 * 10e-9) / 1e6)
    assert found == pytest.approx(126.06, abs=0.01)


def test_published_sensitivity_to_the_diameter() -> None:
    error = 1.7 / 21.4
    assert hardening.relative_error(0.0, error) == pytest.approx(0.04, abs=0.0005)
    assert hardening.change(1.0, 1 + error) == pytest.approx(0.04, abs=0.0015)


def test_published_densities_and_diameters() -> None:
    by_density = 100 * hardening.change(DENSITIES[:, 1] / DENSITIES[:, 0])
    # 11.8 is of the printed ratio 1.25; of the printed densities it is 11.74.
    np.testing.assert_allclose(by_density, [11.8, 20.8, 16.4], atol=0.07)
    both = 100 * hardening.change(DENSITIES[:, 1] / DENSITIES[:, 0], DIAMETERS[:, 1] / DIAMETERS[:, 0])
    np.testing.assert_array_equal(np.round(both), [13, 27, 22])
    sigma = dispersed_barriers(DENSITIES * 1e21, DIAMETERS, **STEEL)
    np.testing.assert_allclose(100 * (sigma[:, 1] / sigma[:, 0] - 1), both)


@given(parts, rules, st.floats(0, 1))
def test_superposition_lies_between_the_largest_and_the_sum(values, rule, mixing) -> None:
    found = superpose(values, rule, mixing)
    assert max(values) * (1 - 1e-12) <= found <= sum(values) * (1 + 1e-12)


@given(parts, rules, st.floats(0, 1), st.data())
def test_sensitivity_is_the_derivative(values, rule, mixing, data) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    found = hardening.sensitivity(values, rule, mixing)
    assert found.sum() == pytest.approx(0.5)
    step = 1e-6
    more = np.array(values)
    more[place] *= np.sqrt(1 + step)  # 1e-6 more of N_V or of d
    by_step = (superpose(more, rule, mixing) / superpose(values, rule, mixing) - 1) / step
    assert found[place] == pytest.approx(by_step, abs=1e-4)


def test_mixing() -> None:
    assert superpose([30, 40], "mixed", 0.0) == superpose([30, 40]) == 50
    assert superpose([30, 40], "mixed", 1.0) == superpose([30, 40], "linear") == 70
    assert superpose([30, 40], "mixed", 0.25) == 55
    assert hardening.mixing_parameter(1.0, 0.0) == 1
    assert hardening.mixing_parameter(0.8, 0.05) == pytest.approx(0.8 - 0.25 + 3.3 * 0.04)
    assert hardening.mixing_parameter(0.4, 0.4) == 0
    for wrong in (None, -0.1, 1.1, float("nan")):
        with pytest.raises(BadValue, match="mixing S"):
            superpose([1, 2], "mixed", wrong)
    with pytest.raises(BadValue, match="weak barrier"):
        hardening.mixing_parameter(0.1, 0.2)
    with pytest.raises(BadValue, match="Did you mean 'root-sum-square'"):
        superpose([1, 2], "root sum square")


def test_correlated_errors_of_density_and_diameter() -> None:
    random = np.random.default_rng(2)
    for correlation in (-0.8, 0.0, 0.6):
        covariance = np.array([[0.03**2, correlation * 0.03 * 0.02], [correlation * 0.03 * 0.02, 0.02**2]])
        density, diameter = 1 + random.multivariate_normal([0, 0], covariance, 100_000).T
        simulated = dispersed_barriers(1e22 * density, 10 * diameter, **STEEL).std() / dispersed_barriers(
            1e22, 10, **STEEL
        )
        assert hardening.relative_error(0.03, 0.02, correlation) == pytest.approx(simulated, rel=0.02)


def test_defined_answers() -> None:
    assert dispersed_barriers(0.0, np.nan, **STEEL) == 0, "no barriers harden nothing, whatever their diameter"
    assert np.isnan(dispersed_barriers(1e22, np.nan, **STEEL))
    assert np.isnan(dispersed_barriers(-1e20, 5.0, **STEEL))
    assert superpose(np.zeros((3, 0))).tolist() == [0, 0, 0]
    assert np.isnan(hardening.sensitivity([0.0, 0.0])).all()
    assert np.isnan(superpose([np.nan, 1.0]))
    assert np.isnan(hardening.change(-1.0))
    found = superpose(dispersed_barriers(np.ones((7, 2)) * 1e21, np.array([5, 9.0]), **STEEL))
    assert found.shape == (7,)


@pytest.mark.parametrize("name", ["taylor", "shear_modulus", "burgers"])
def test_impossible_constants_are_refused(name) -> None:
    for wrong in (0, -1, float("nan")):
        with pytest.raises(BadValue, match="above 0"):
            dispersed_barriers(1e22, 5.0, **STEEL | {name: wrong})
