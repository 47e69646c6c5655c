"""Intervals against SciPy, against loops, and where there is nothing to tell."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from temj.population.intervals import (
    BOOTSTRAP_FROM,
    NO_LIMITS,
    NO_SCATTER,
    Interval,
    interval,
    over_objects,
    poisson,
    standard_error,
    with_width,
)


def mean(sums: np.ndarray) -> np.ndarray:
    """The first column over the second, which holds ones or areas; NaN where that is 0."""
    return np.divide(sums[..., 0], sums[..., 1], out=np.full(sums.shape[:-1], np.nan), where=sums[..., 1] > 0)


def units(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    area = rng.uniform(0.5, 2, count)
    return np.stack([rng.poisson(30 * area * rng.gamma(16, 1 / 16, count)), area], axis=1).astype(float)


def test_of_a_mean_of_few_it_is_student_s_t_plain_or_of_the_logarithm() -> None:
    values = np.random.default_rng(1).lognormal(1, 0.5, 7)
    data = np.column_stack([values, np.ones(7)])
    got = interval(data, mean)
    assert (got.low, got.high) == pytest.approx(stats.t.interval(0.95, 6, values.mean(), stats.sem(values)))
    assert got.method == "t"
    log = interval(data, mean, log=True)
    assert log.method == "t of the logarithm"
    assert log.low * log.high == pytest.approx(values.mean() ** 2)
    assert standard_error(data, mean) == pytest.approx(stats.sem(values))


def test_two_units_and_a_unit_without_which_nothing_is_left_have_no_logarithm() -> None:
    assert interval(units(2), mean, log=True).method == "t"
    data = np.array([[0, 1], [0, 1], [5, 1.0]])
    got = interval(data, mean, (0, np.inf), log=True)
    assert (got.method, got.low) == ("t", 0)
    assert got.high > 5 / 3


def test_the_studentised_bootstrap_is_what_its_definition_says() -> None:
    """Resample by resample with lists of units, their own jackknife each."""
    data, count = units(14), 14

    def told(rows: np.ndarray) -> tuple[float, float]:
        without = np.array([mean(rows.sum(axis=0) - row) for row in rows])
        return mean(rows.sum(axis=0)), math.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum())

    value, error = told(data)
    pivots = []
    for drawn in np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), 2000):
        again, its = told(np.repeat(data, drawn, axis=0))
        pivots.append((again - value) / its)
    low, high = np.quantile(pivots, [0.025, 0.975])
    got = interval(data, mean)
    assert got.method == "studentised"
    assert (got.low, got.high) == pytest.approx((value - high * error, value - low * error))


def test_bca_is_that_of_scipy() -> None:
    data = units(30)
    got = interval(data, mean, bootstrap="BCa")
    expected = stats.bootstrap(
        (np.arange(30),), lambda rows: mean(data[rows].sum(axis=0)), vectorized=False, n_resamples=2000,
        rng=np.random.default_rng(3),
    ).confidence_interval  # fmt: skip
    assert got.method == "BCa"
    width = expected.high - expected.low
    assert (got.low, got.high) == pytest.approx(tuple(expected), abs=0.06 * width)


@settings(max_examples=30, deadline=None)
@given(
    count=st.integers(2, 20), seed=st.integers(0, 10**6), factor=st.floats(1e-3, 1e18), log=st.booleans()
)  # fmt: skip
def test_another_unit_of_length_or_another_order_changes_nothing(
    count: int, seed: int, factor: float, log: bool
) -> None:
    data = units(count, seed)
    one = interval(data, mean, log=log)
    scaled = interval(data, lambda sums: factor * mean(sums), log=log)
    assert one.low <= mean(data.sum(axis=0)) <= one.high
    assert (scaled.low, scaled.high) == pytest.approx((factor * one.low, factor * one.high))
    if count < BOOTSTRAP_FROM:
        turned = interval(data[::-1], mean, log=log)
        assert (turned.low, turned.high) == pytest.approx((one.low, one.high))


@pytest.mark.parametrize("count", [4, 15])
def test_sums_of_several_classes_go_the_same_way(count: int) -> None:
    """A statistic of (…, classes, sums), such as a hardening of two classes."""
    data = np.stack([units(count, 1), units(count, 2)], axis=1)

    def both(sums: np.ndarray) -> np.ndarray:
        return np.sqrt(mean(sums[..., 0, :]) + mean(sums[..., 1, :]))

    got = interval(data, both, log=True)
    flat = interval(data.reshape(count, 4), lambda sums: both(sums.reshape(*sums.shape[:-1], 2, 2)), log=True)
    assert got == flat
    assert got.low < both(data.sum(axis=0)) < got.high


def test_what_cannot_be_told_is_nan_without_a_warning() -> None:
    assert math.isnan(interval(units(1), mean).low)
    assert interval(np.zeros((5, 2)), mean) == interval(np.zeros((0, 2)), mean)
    assert interval(np.zeros((5, 2)), mean).method == ""
    alone = np.zeros((20, 2))
    alone[3] = 7, 1
    assert interval(alone, mean).method == "", "without the one unit there is no mean"
    alone[4] = 9, 1
    assert interval(alone, mean).method == "t", "of many resamples there is no mean"
    assert math.isnan(standard_error(units(1), mean))


@pytest.mark.parametrize("count", [5, 13])
def test_equal_units_have_an_interval_without_width(count: int) -> None:
    got = interval(np.repeat(units(1), count, axis=0), mean)
    assert got.low == pytest.approx(got.high)


@pytest.mark.parametrize("count", [2, 5, 11, 12, 30])
@pytest.mark.parametrize("area", [80.0, 0.152, 3.04e4, 1e4 * 0.39**2, 1e-17])
@pytest.mark.parametrize("log", [False, True])
def test_rounding_is_no_scatter(count: int, area: float, log: bool) -> None:
    """7 / 0.152 of sums is not always the same number: what differs by its last digits does not differ."""
    data = np.tile([7, area], (count, 1))
    for bootstrap in ("studentised", "BCa"):
        got = interval(data, mean, (0, np.inf), log=log, bootstrap=bootstrap)
        assert got.low == got.high == pytest.approx(7 / area)
    assert standard_error(data, mean) == 0
    data[0, 0] *= 1 + 1e-6
    assert standard_error(data, mean) > 0
    assert interval(data, mean, (0, np.inf), log=log).high > 7 / area


def test_resamples_of_alike_units_have_no_standard_error_and_no_say() -> None:
    """A third of the resamples lack the one unit that differs: what rounding leaves of their error must not divide."""
    data = np.tile([7, 1e4 * 0.39**2], (20, 1))
    data[3, 0] = 9
    got = interval(data, mean, (0, np.inf), log=True)
    assert (got.method, got.low < mean(data.sum(axis=0)) < got.high) == ("t of the logarithm", True)
    assert got.high < 1.2 * got.low


@pytest.mark.parametrize("count", range(3, 12))
def test_rounding_is_no_scatter_where_the_logarithm_is_near_0(count: int) -> None:
    for area in np.arange(0.05, 1, 0.05):
        number = np.arange(1, count + 1)[:, None] / 7
        got = interval(number * [area * (1 + 1e-9), area], mean, log=True)
        assert got.low == got.high


def test_objects_that_are_alike_have_an_interval_without_width_and_none_has_none() -> None:
    rows = np.tile([0.152 * 7, 0.152], (9, 1))
    got = over_objects(rows, rows.sum(axis=0), mean)
    assert (got.low, got.method) == (got.high, "t over objects, counting error only")
    assert (with_width(got, 7.0)[0].method, with_width(got, 7.0)[1]) == ("", NO_SCATTER)
    assert (with_width(got, 0.0)[0].method, with_width(got, 0.0)[1]) == ("", NO_LIMITS)
    known = Interval(1.0, 2.0, "t")
    assert with_width(known, 0.0) == (known, "")
    assert over_objects(rows[:1], rows[0], mean).method == ""


def test_bounds_hold() -> None:
    got = interval(np.array([[0, 1], [0, 1], [9, 1.0]]), mean, (0, 4))
    assert (got.low, got.high) == (0, 4)


def test_poisson_is_the_exact_one() -> None:
    """Garwood's table, and the tails by definition."""
    assert poisson(0) == Interval(0.0, pytest.approx(3.6889, abs=1e-4), "Poisson, counting error only")
    assert (poisson(10).low, poisson(10).high) == pytest.approx((4.7954, 18.3904), abs=1e-4)
    for count in (1, 7, 60, 3000):
        found = poisson(count)
        assert stats.poisson.sf(count - 1, found.low) == pytest.approx(0.025)
        assert stats.poisson.cdf(count, found.high) == pytest.approx(0.025)


def test_one_field_over_its_objects() -> None:
    """Of a mean it is Student's t of the objects; of a total that of a sum of a Poisson number of parts."""
    values = np.random.default_rng(2).lognormal(1, 0.4, 40)
    rows = np.column_stack([values, np.ones(40)])
    got = over_objects(rows, rows.sum(axis=0), mean)
    expected = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert (got.low, got.high) == pytest.approx(expected, rel=0.01)
    total = over_objects(rows * [1, 0], np.array([values.sum(), 500.0]), mean)
    reach = stats.t.ppf(0.975, 39) * math.sqrt((values**2).sum() * 40 / 39) / 500
    assert (total.low, total.high) == pytest.approx((values.sum() / 500 - reach, values.sum() / 500 + reach))
    assert total.method == "t over objects, counting error only"
    assert over_objects(rows[:1], rows[0], mean).method == ""
    assert over_objects(rows[:0], np.zeros(2), mean).method == ""
