"""The table of Salvador et al., Micron 201 (2026) 103927: P1 and P2 follow from its relative errors."""

import numpy as np
import pytest

from temj.evaluation.creme import p1, p2, ratio

PUBLISHED = [  # F, N, D, Dm in percent, P1, P2
    (1.01, -3.68, -10.03, -3.54, 95.1, 83.6),
    (-8.10, -0.26, -22.81, -21.33, 94.4, 60.6),
    (-9.88, 2.59, -30.13, -30.57, 88.0, 49.8),
    (0.10, -0.15, -13.27, -6.01, 97.2, 81.4),
    (0.94, -4.07, -15.71, -12.54, 93.9, 70.7),
    (2.37, -1.77, -20.33, -19.20, 92.9, 63.2),
    (-19.79, -6.48, -13.71, -3.99, 89.8, 77.5),
    (-16.62, -18.54, -14.32, -10.13, 85.4, 62.7),
    (-13.02, -11.74, -21.09, -19.92, 82.1, 55.8),
]


@pytest.mark.parametrize("row", PUBLISHED)
def test_the_published_table(row) -> None:
    f, n, d, dm, published_p1, published_p2 = row
    assert round(p1(f, n, d, dm), 1) == pytest.approx(published_p1, abs=0.051)
    r = ratio(n, d, dm)
    assert r < 1
    assert round(p2(r), 1) == pytest.approx(published_p2, abs=0.051)


def test_what_they_hide() -> None:
    assert p1(100, 100, 0, 0) == pytest.approx(98.5, abs=0.05)
    r = ratio(50, -18, -18)
    assert 100 * r == pytest.approx(100.9, abs=0.05)
    assert p2(r) == pytest.approx(100 / r)
    assert p2(0.0) == 0


def test_perfect_and_arrays() -> None:
    assert p1(0, 0, 0, 0) == 99
    np.testing.assert_allclose(p2(ratio(np.array([0, 100]), 0, 0)), [100, 50])
    assert np.isnan(p1(0, 0, np.nan, 0))
