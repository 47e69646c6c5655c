"""Nearest neighbours of known patterns, and of next to nothing."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from temj.population.neighbours import Border, clark_evans, expected, nearest, neighbour_sums, pattern


def free_form() -> np.ndarray:
    y, x = np.mgrid[:200, :240]
    return (np.hypot(x - 130, y - 80) > 30) & (x + y > 60) & ~((x > 180) & (y > 170))


def test_nearest_is_the_least_of_all_distances_in_nanometres() -> None:
    points = np.random.default_rng(0).uniform(0, 50, (40, 2))
    distance = cdist(points * [0.5, 2], points * [0.5, 2]) + np.diag(np.full(40, np.inf))
    assert nearest(points, (0.5, 2)) == pytest.approx(distance.min(axis=1))
    assert np.isnan(nearest(points[:1])).all()
    assert nearest(points[:0]).shape == (0,)


def test_a_border_of_a_mask_is_that_of_the_frame() -> None:
    frame, mask = Border((60, 40), None, (0.5, 0.5)), Border((60, 40), np.ones((40, 60), bool), (0.5, 0.5))
    points = np.random.default_rng(1).integers(0, (60, 40), (50, 2)) + 0.5
    assert mask.depth(points) == pytest.approx(frame.depth(points) - 0.0, abs=0.26)
    distance = np.array([0.0, 1.0, 2.5, 7.0])
    assert mask.eroded(distance) == pytest.approx(frame.eroded(distance), rel=0.12)
    assert mask.measure == frame.measure == 60 * 40 / 4
    oblong = Border((60, 40), np.ones((40, 60), bool), (0.5, 1.0))
    assert oblong.depth(np.array([[30.5, 20.5], [2.5, 20.5]])) == pytest.approx([15, 1.25], abs=5)
    assert oblong.depth(np.array([[2.5, 20.5]])) == pytest.approx([1.25])


def test_random_points_lie_in_the_area() -> None:
    border = Border((240, 200), free_form())
    points = border.random(500, np.random.default_rng(2))
    assert border.holds(points).all()
    assert not border.holds(np.array([[130.0, 80.0], [-1, 3], [240, 3]])).any()


@pytest.mark.parametrize("area", [None, free_form()], ids=["frame", "free-form"])
@pytest.mark.parametrize("number", [20, 80])
def test_at_random_the_ratio_is_one_whatever_the_border(number: int, area: np.ndarray | None) -> None:
    border, rng = Border((240, 200), area, (2.0, 2.0)), np.random.default_rng(number)
    steps = np.linspace(0, 60, 7)
    sums = np.array([neighbour_sums(border.random(number, rng), border, steps) for _ in range(600)])
    ratios = clark_evans(sums)
    error = np.nanstd(ratios) / math.sqrt(600)
    assert clark_evans(sums.sum(axis=0)) == pytest.approx(1, abs=max(4 * error, 0.012))
    share = sums.sum(axis=0)[4:] / sums.sum(axis=0)[1]
    chance = 1 - (1 - math.pi * steps**2 / border.measure) ** (number - 1)
    assert share == pytest.approx(chance, abs=0.03)


def test_the_distance_expected_is_that_of_clark_and_evans_for_many() -> None:
    assert expected(10**6, 4e6) == pytest.approx(1 / (2 * math.sqrt(10**6 / 4e6)), rel=1e-6)


def test_a_lattice_is_regular_and_clusters_are_not() -> None:
    border = Border((200, 200))
    x, y = np.meshgrid(np.arange(5, 200, 10.0), np.arange(5, 200, 10.0))
    lattice = pattern([(np.stack([x.ravel(), y.ravel()], axis=1), border)], 99)
    assert lattice.ratio == pytest.approx(2, rel=0.01)
    assert lattice.mean == pytest.approx(10)
    assert lattice.random[0] < 1 < lattice.random[1] < 1.2
    assert lattice.p == lattice.p_g == 0.01
    rng = np.random.default_rng(3)
    centres = rng.uniform(10, 190, (12, 2))
    clusters = pattern([(np.repeat(centres, 8, axis=0) + rng.normal(0, 2, (96, 2)), border)], 99)
    assert clusters.ratio < 0.6
    assert clusters.p == 0.01
    assert (clusters.g >= clusters.g_high).any()


def test_of_random_patterns_few_look_otherwise() -> None:
    border, rng = Border((240, 200), free_form()), np.random.default_rng(4)
    found = [pattern([(border.random(40, rng), border)], 39, seed=seed) for seed in range(60)]
    assert np.mean([one.p <= 0.05 for one in found]) <= 0.15
    assert np.mean([one.p_g <= 0.05 for one in found]) <= 0.15
    assert 0.3 < np.mean([one.p for one in found]) < 0.7


def test_several_fields_have_an_interval_and_the_seed_is_fixed() -> None:
    rng = np.random.default_rng(5)
    fields = [(rng.uniform(0, 100, (number, 2)), Border((100, 100))) for number in (30, 60, 25, 90)]
    one, again = pattern(fields, 19), pattern(fields, 19)
    assert one.ratio == again.ratio
    assert one.random == again.random
    assert one.interval.low < one.ratio < one.interval.high
    assert one.objects == 205
    assert one.ratio == pytest.approx(1, abs=0.2), "densities that differ from field to field are no clusters"


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_of_next_to_nothing_there_is_a_defined_answer(number: int) -> None:
    points = np.array([[50.0, 50.0], [52.0, 50.0], [50.0, 60.0]])[:number]
    found = pattern([(points, Border((100, 100)))], 19)
    assert found.objects == number
    assert found.note
    assert math.isnan(found.ratio) == (number < 2)
    assert math.isnan(found.interval.low)
    far = pattern([(np.array([[1.0, 1.0], [99.0, 99.0]]), Border((100, 100)))], 19)
    assert math.isnan(far.ratio)
    assert far.note == "all objects are nearer to the edge than to another"
    assert pattern([]).objects == 0
