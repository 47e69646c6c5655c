import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from temj.evaluation.ranking import BINS, Ranking, bins_of

TOLERANCE = 2e-4
"""Of what bins throw together, on smooth probabilities."""


def noisy(seed: int, steepness: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random((60, 70)) < rng.uniform(0.02, 0.6)
    level = 1 / (1 + np.exp(-steepness * (2 * truth - 1 + rng.normal(0, 1.5, truth.shape))))
    return level.astype(np.float32), truth


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.5, 2.0, 8.0]))
def test_as_scikit_learn(seed, steepness) -> None:
    """Also where most probabilities lie within 1e-4 of 0 or 1 (steepness 8), and summed over images."""
    parts = [noisy(seed + number, steepness) for number in range(3)]
    joined = sum((Ranking.of(*part) for part in parts), Ranking())
    level, truth = (np.concatenate([part[k].ravel() for part in parts]) for k in (0, 1))
    assert joined.pr_auc() == pytest.approx(average_precision_score(truth, level), abs=TOLERANCE)
    assert joined.roc_auc() == pytest.approx(roc_auc_score(truth, level), abs=TOLERANCE)
    assert joined.share == pytest.approx(truth.mean())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=40))
def test_exactly_as_scikit_learn_with_ties(rows) -> None:
    level, truth = np.array([value for value, _ in rows]) / 8, np.array([flag for _, flag in rows])
    found = Ranking.of(level[None], truth[None])
    if truth.any():
        assert found.pr_auc() == pytest.approx(average_precision_score(truth, level), abs=1e-12)
    else:
        assert np.isnan(found.pr_auc())
    if truth.any() and not truth.all():
        assert found.roc_auc() == pytest.approx(roc_auc_score(truth, level), abs=1e-12)
    else:
        assert np.isnan(found.roc_auc())


def test_what_nobody_knows_does_not_count() -> None:
    level, truth = noisy(5, 2.0)
    counts = np.random.default_rng(1).random(truth.shape) < 0.5
    wrong = np.where(counts, level, 1 - truth)
    got = Ranking.of(wrong, truth, counts)
    assert got.pr_auc() == pytest.approx(average_precision_score(truth[counts], level[counts]), abs=TOLERANCE)
    assert Ranking().share != Ranking().share


def test_bins_keep_the_order_and_resolve_both_ends() -> None:
    level = np.sort(np.concatenate([[0, 1, 0.5], np.logspace(-9, -0.31, 500), 1 - np.logspace(-6, -0.31, 500)]))
    place = bins_of(level)
    assert (np.diff(place) >= 0).all()
    assert (place[0], place[-1]) == (0, BINS - 1)
    assert len(np.unique(bins_of([1e-6, 1.01e-6, 1e-3, 1 - 1e-3, 1 - 2e-3]))) == 5
    assert bins_of(np.array([-0.1, 1.1])).tolist() == [0, BINS - 1]
