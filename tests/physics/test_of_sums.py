"""Quantities of sums: the formulas on resampled sums, and intervals that cover what was simulated."""

import math

import numpy as np
import pytest

from temj.physics import of_sums
from temj.physics.hardening import dispersed_barriers, superpose
from temj.population.intervals import interval
from temj.population.sums import AREA, COUNT, D2, D3, LENGTH, SUMS, VOLUME, WEIGHT, D

FIELD, THICKNESS = 1e6, 100.0
MEAN, SPREAD, NUMBER = np.array([20.0, 8.0]), np.array([4.0, 2.0]), np.array([40.0, 80.0])
MATRIX = of_sums.Matrix(3.06, 81.0, 0.2543)


def fields(random: np.random.Generator, count: int) -> np.ndarray:
    """(count, 2, len(SUMS)) of two classes with normal diameters; all objects whole, so that w is 1."""
    found = np.zeros((count, 2, len(SUMS)))
    found[..., AREA], found[..., VOLUME] = FIELD, FIELD * THICKNESS
    for field in found:
        for place, row in enumerate(field):
            d = random.normal(MEAN[place], SPREAD[place], random.poisson(NUMBER[place]))
            row[[COUNT, WEIGHT]] = len(d)
            row[[D, D2, D3]] = d.sum(), (d**2).sum(), (d**3).sum()
            row[LENGTH] = math.pi * d.sum()
    return found


def truths() -> dict[str, float]:
    volume = FIELD * THICKNESS
    third = MEAN[0] ** 3 + 3 * MEAN[0] * SPREAD[0] ** 2
    fraction = NUMBER[0] * math.pi / 6 * third / volume
    sigma = dispersed_barriers(NUMBER / volume * 1e27, MEAN, alpha=0.2, taylor=3.06, shear_modulus=81.0, burgers=0.2543)
    return {
        "N_V": NUMBER[0] / volume * 1e27,
        "N_V, t + d": NUMBER[0] / (FIELD * (THICKNESS + MEAN[0])) * 1e27,
        "N_V / f": 4 * NUMBER[0] / volume * 1e27,
        "V_V": fraction,
        "S": fraction / (1 - fraction),
        "line": math.pi * NUMBER @ MEAN / volume * 1e18,
        "content": NUMBER[0] * math.pi / 4 * (MEAN[0] ** 2 + SPREAD[0] ** 2) * 0.2 / volume,
        "lines": 4 / math.pi * math.pi * NUMBER[0] * MEAN[0] / volume * 1e18,
        "hardening": superpose(sigma),
        "hardening, linear": sigma.sum(),
    }


def statistics() -> dict:
    barriers = [of_sums.Barrier(place, 0.2, of_sums.number_density(place)) for place in (0, 1)]
    return {
        "N_V": of_sums.number_density(0),
        "N_V, t + d": of_sums.number_density(0, "foil+diameter"),
        "N_V / f": of_sums.number_density(0, share=0.25),
        "V_V": of_sums.volume_fraction(0),
        "S": of_sums.swelling(0),
        "line": of_sums.loop_line_density([0, 1]),
        "content": of_sums.defect_content(0, 0.2),
        "lines": of_sums.dislocation_density(0),
        "hardening": of_sums.hardening(barriers, MATRIX),
        "hardening, linear": of_sums.hardening(barriers, MATRIX, "linear"),
    }


@pytest.mark.parametrize("name", statistics())
def test_values_and_intervals_of_simulated_fields(name) -> None:
    random, statistic, truth = np.random.default_rng(11), statistics()[name], truths()[name]
    many = statistic(fields(random, 3000).sum(0))
    assert many == pytest.approx(truth, rel=0.01)
    units = [fields(random, 5) for _ in range(200)]
    found = [interval(one, statistic, (0, np.inf), log=True) for one in units]
    assert 0.905 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99


@pytest.mark.parametrize("name", statistics())
def test_resampled_sums_go_through_the_same_code(name) -> None:
    statistic, sums = statistics()[name], fields(np.random.default_rng(1), 12)
    together = statistic(sums.reshape(3, 4, 2, len(SUMS)))
    assert together.shape == (3, 4)
    np.testing.assert_allclose(together.ravel(), [statistic(one) for one in sums])


@pytest.mark.parametrize("name", statistics())
def test_no_objects_give_0_and_no_area_gives_nan(name) -> None:
    empty = np.zeros((2, len(SUMS)))
    assert np.isnan(statistics()[name](empty))
    empty[:, AREA], empty[:, VOLUME] = FIELD, FIELD * THICKNESS
    assert statistics()[name](empty) == 0


def test_shares_of_visible_variants() -> None:
    sums = fields(np.random.default_rng(2), 1)[0]
    raw = of_sums.loop_line_density([0])(sums), of_sums.loop_line_density([1])(sums)
    seen = of_sums.loop_line_density([0, 1], [0.5, 0.25])(sums)
    assert seen == pytest.approx(2 * raw[0] + 4 * raw[1])
