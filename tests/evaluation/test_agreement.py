import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from temj.evaluation.agreement import DEFINITIONS, Agreement, compare, components
from temj.evaluation.objects import Objects


def noise_labels(seed: int, shape=(40, 50)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, np.int32)
    for number in range(1, 9):
        y, x = rng.integers(0, shape[0] - 6), rng.integers(0, shape[1] - 6)
        labels[y : y + rng.integers(2, 12), x : x + rng.integers(2, 12)] = number
    return labels


def test_by_hand():
    true, found = np.zeros((20, 20), int), np.zeros((20, 20), int)
    true[2:6, 2:6], true[10:14, 10:14] = 1, 2
    found[2:6, 2:5], found[15:17, 15:17] = 1, 2
    got = compare(found, true).metrics()
    assert set(got) == set(DEFINITIONS)
    assert got["IoU"] == pytest.approx(12 / 36)
    assert got["Dice"] == pytest.approx(24 / 48)
    assert got["object F1"] == pytest.approx(2 * 1 / 4)
    assert got["area error"] == pytest.approx(16 / 32 - 1)
    assert got["count error"] == 0


def test_the_same_is_perfect_and_nothing_is_not_a_number():
    labels = noise_labels(1)
    got = compare(labels, labels).metrics()
    assert [got[name] for name in ("IoU", "Dice", "object F1")] == [1, 1, 1]
    assert [got[name] for name in ("area error", "count error", "diameter error")] == [0, 0, 0]
    empty = compare(np.zeros((4, 4), int), np.zeros((4, 4), int)).metrics()
    assert all(math.isnan(value) for value in empty.values())


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_matching_agrees_with_an_optimal_assignment(first, second):
    found, true = noise_labels(first), np.where(noise_labels(second), noise_labels(second), noise_labels(first))
    names = [np.unique(labels[labels > 0]) for labels in (found, true)]
    iou = np.array(
        [[np.sum((found == a) & (true == b)) / np.sum((found == a) | (true == b)) for b in names[1]] for a in names[0]]
    )
    rows, columns = linear_sum_assignment(np.where(iou > 0.5, -1, 0))
    expected = int(np.sum(iou[rows, columns] > 0.5))
    got = compare(found, true)
    assert (got.matched, got.found, got.true) == (expected, len(names[0]), len(names[1]))


def test_sums_of_images_are_not_means_of_ratios():
    one, two = Agreement(both=1, found_pixels=2, true_pixels=2), Agreement(both=98, found_pixels=98, true_pixels=98)
    assert Agreement.total([one, two]).metrics()["IoU"] == pytest.approx(99 / 101)


def test_what_nobody_knows_does_not_count():
    true, found = np.zeros((20, 20), int), np.zeros((20, 20), int)
    counts = np.ones((20, 20), bool)
    counts[:, 10:] = False
    true[2:6, 2:6] = found[2:6, 2:6] = 1
    found[12:16, 12:16] = 2
    assert compare(found, true, counts).metrics()["object F1"] == 1
    assert compare(found, true).metrics()["object F1"] < 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_major_axes_follow_from_the_covariance_of_the_pixels(seed):
    labels = noise_labels(seed)
    expected = []
    for number in np.unique(labels[labels > 0]):
        places = np.argwhere(labels == number)
        covariance = np.cov(places.T, bias=True) + np.eye(2) / 12
        shorter, longer = np.sqrt(np.linalg.eigvalsh(covariance))
        expected.append(2 * longer * np.sqrt(len(places) / np.pi / longer / shorter))
    major = Objects.of_labels(labels).axes()[0]
    np.testing.assert_allclose(major[~np.isnan(major)], expected, rtol=1e-9)


def test_major_axis_of_a_large_ellipse():
    y, x = np.mgrid[:400, :400]
    tilted = ((x - 200) * 0.8 + (y - 200) * 0.6) / 150, ((y - 200) * 0.8 - (x - 200) * 0.6) / 60
    assert Objects.of_labels((np.hypot(*tilted) <= 1).astype(int)).axes()[0][0] == pytest.approx(300, rel=2e-3)


def test_components_touch_at_corners():
    assert components(np.eye(5, dtype=bool)).max() == 1


@pytest.mark.parametrize(
    ("true", "found", "percent"), [(22.4, 23.1, 3.1), (8.2, 9.1, 10.9), (20.3, 22.4, 10.3), (1.77, 2.21, 24.9)]
)
def test_relative_errors_of_shen_follow_from_the_printed_means(true, found, percent) -> None:
    """Mean diameters (nm) of 111 loops, dots and 100 loops, and a density, of Shen et al. (2021)."""
    sums = Agreement(found=2, true=3, found_diameters=2 * found, true_diameters=3 * true)
    assert 100 * sums.metrics()["diameter error"] == pytest.approx(percent, abs=0.1)
