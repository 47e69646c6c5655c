import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from temj.population.quantiles import quantile_interval, weighted_quantile


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0.05, 0.95))
def test_of_equal_weights_it_is_hazen_s(values: list[float], share: float) -> None:
    data = np.array(values)
    got = weighted_quantile(data, np.full(len(data), 0.7), share)
    if 0.5 / len(data) <= share <= 1 - 0.5 / len(data):
        assert got == pytest.approx(np.quantile(data, share, method="hazen"), rel=1e-9, abs=1e-6)
    else:
        assert np.isnan(got)
    assert weighted_quantile(data, np.ones(len(data)), 0.5) == pytest.approx(np.median(data), rel=1e-9, abs=1e-9)


def test_weights_are_numbers_of_objects() -> None:
    """Many objects, each standing for one to nine."""
    rng = np.random.default_rng(0)
    values, weight = rng.normal(10, 2, 4000), rng.integers(1, 10, 4000)
    shares = np.array([0.05, 0.25, 0.5, 0.95])
    several = np.quantile(np.repeat(values, weight), shares)
    assert weighted_quantile(values, weight.astype(float), shares) == pytest.approx(several, abs=0.02)


def test_nothing_has_no_quantile() -> None:
    assert np.isnan(weighted_quantile(np.zeros(0), np.zeros(0), 0.5))
    assert quantile_interval(np.zeros(0), np.zeros(0), 0.5, lambda rows: rows).method == ""
    assert weighted_quantile(np.array([3.0]), np.array([2.0]), 0.5) == 3


def test_of_one_field_it_is_that_of_ordered_objects() -> None:
    """Against the interval of SciPy's quantile test."""
    values = np.random.default_rng(3).lognormal(2, 0.4, 200)
    got = quantile_interval(values, np.ones(200), 0.5, lambda rows: rows.sum(axis=0, keepdims=True))
    expected = stats.quantile_test(values, q=np.median(values), p=0.5).confidence_interval(0.95)
    assert got.method == "order statistics, counting error only"
    step = 2 * np.diff(np.sort(values))[80:120].max()
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), abs=step)
    few = quantile_interval(values[:8], np.ones(8), 0.95, lambda rows: rows.sum(axis=0, keepdims=True))
    assert few.method == "", "of 8 objects nothing is known above the largest"


def test_over_units_the_interval_holds_its_quantile_and_is_that_of_a_bootstrap_of_quantiles() -> None:
    rng = np.random.default_rng(4)
    unit = np.repeat(np.arange(30), 60)
    values = rng.lognormal(2, 0.4, 1800) * rng.lognormal(0, 0.1, 30)[unit]

    def by_unit(rows: np.ndarray) -> np.ndarray:
        return np.array([rows[unit == k].sum(axis=0) for k in range(30)])

    for share in (0.05, 0.5, 0.95):
        got = quantile_interval(values, np.ones(1800), share, by_unit)
        assert got.method == "studentised of the share below"
        assert got.low < weighted_quantile(values, np.ones(1800), share) < got.high
        again = [np.quantile(values.reshape(30, 60)[rng.integers(0, 30, 30)], share) for _ in range(2000)]
        low, high = np.quantile(again, [0.025, 0.975])
        assert got.high - got.low == pytest.approx(high - low, rel=0.25)
        assert (got.low, got.high) == pytest.approx((low, high), abs=0.2 * (high - low))
