"""The quotient against a loop over numbers."""

import math
import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from temj.physics.values import ratio
from temj.population.quotients import divided

NUMBERS = st.one_of(
    st.floats(1e-100, 1e6), st.floats(-1e6, -1e-100), st.sampled_from([0.0, math.inf, -math.inf, math.nan])
)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), NUMBERS), min_size=1, max_size=8))
def test_it_is_nan_without_a_warning_where_the_denominator_means_nothing(pairs: list[tuple[float, float]]) -> None:
    above, below = np.array(pairs).T
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, same = divided(above, below), ratio(above, below)
    np.testing.assert_array_equal(found, same)
    for value, one, other in zip(found, above, below, strict=True):
        known = math.isfinite(other) and other > 0
        assert math.isnan(value) != known
        assert not known or value == np.float64(one) / np.float64(other)


def test_it_is_broadcast_and_a_number_of_numbers() -> None:
    assert divided(np.ones((3, 2)), np.array([2.0, 0.0]))[:, 0].tolist() == [0.5] * 3
    assert isinstance(divided(1, 4), float)
