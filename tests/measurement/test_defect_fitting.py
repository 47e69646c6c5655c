"""The robust fit of many ellipses against scikit-image's, and against points that belong to something else."""

import math
import warnings

import numpy as np
import pytest

from temj.measurement.defect.fitting import fit_points


def points_on(
    ellipse: tuple, count: int, noise: float, rng: np.random.Generator, arc: float = 2 * math.pi
) -> np.ndarray:
    x, y, a, b, turn = ellipse
    phi = np.linspace(0, arc, count, endpoint=False)
    c, s = math.cos(turn), math.sin(turn)
    along, across = a * np.cos(phi), b * np.sin(phi)
    points = np.stack([x + along * c - across * s, y + along * s + across * c], axis=1)
    return points + rng.normal(0, noise, points.shape)


def test_it_is_the_geometric_fit_of_scikit_image() -> None:
    from skimage.measure import EllipseModel

    rng = np.random.default_rng(1)
    truths = [(20, 30, 12, 7, 0.5), (50, 40, 30, 12, 2.5), (10, 10, 6, 5, 1.0)]
    points = np.stack([points_on(each, 80, 0.2, rng) for each in truths])
    start = np.array([[x + 1, y - 1, a * 1.1, b * 0.9, turn + 0.1] for x, y, a, b, turn in truths])
    fitted, _ = fit_points(points, np.ones(points.shape[:2]), start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        for own, each in zip(fitted, points, strict=True):
            model = EllipseModel()
            assert model.estimate(each)
            assert np.sort(own[2:4]) == pytest.approx(np.sort(model.params[2:4]), rel=0.02)
            assert own[:2] == pytest.approx(model.params[:2], abs=0.15)


def test_points_of_something_else_are_left_out_and_missing_ones_borne() -> None:
    rng = np.random.default_rng(2)
    truth = (40, 40, 20, 12, 0.8)
    points = points_on(truth, 100, 0.1, rng)
    points[:15] += 6  # a neighbour
    points[20:30] = np.nan
    fitted, weights = fit_points(points[None], np.ones((1, 100)), np.array([[41, 39, 18, 13, 0.7]]))
    assert fitted[0] == pytest.approx(truth, abs=0.15)
    assert (weights[0, :15] == 0).mean() > 0.8
    assert (weights[0, 20:30] == 0).all()


def test_a_circle_keeps_its_turn_and_nothing_runs_away() -> None:
    rng = np.random.default_rng(3)
    points = points_on((30, 30, 10, 10, 0), 64, 0.0, rng)
    fitted, _ = fit_points(points[None], np.ones((1, 64)), np.array([[31.0, 29, 9, 8, 0.3]]))
    assert fitted[0, 2:4] == pytest.approx([10, 10], abs=0.01)
    nothing, _ = fit_points(np.full((1, 8, 2), np.nan), np.ones((1, 8)), np.array([[5.0, 5, 3, 2, 0.2]]))
    assert nothing[0] == pytest.approx([5, 5, 3, 2, 0.2], abs=0.01)
