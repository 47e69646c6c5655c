"""Our trees answer as scikit-learn's forest, also after they were stored."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

from temj.cores.classical.trees import Forest, below, probabilities
from temj.models.weights import decode_weights, encode_weights


def fitted(classes: int, depth: int, leaf: int = 1) -> tuple[RandomForestClassifier, np.ndarray]:
    rng = np.random.default_rng(classes)
    rows = rng.normal(size=(700, 9)).astype(np.float32)
    rows[:, 3] = np.round(rows[:, 3])  # many equal values: thresholds between neighbours
    target = (rows[:, 0] + rows[:, 3] > 0).astype(int) + (rows[:, 1] > 1) * (classes - 2)
    forest = RandomForestClassifier(7, max_depth=depth, min_samples_leaf=leaf, random_state=0, n_jobs=1)
    return forest.fit(rows, target), rng.normal(size=(4000, 9)).astype(np.float32)


@pytest.mark.parametrize(("classes", "depth", "leaf"), [(2, 8, 1), (3, 6, 5), (4, 1, 1), (2, 12, 20)])
def test_probabilities_are_those_of_scikit_learn(classes, depth, leaf):
    theirs, rows = fitted(classes, depth, leaf)
    ours = Forest.of(theirs, depth, theirs.n_classes_)
    found = probabilities(np.ascontiguousarray(rows.T), ours, threads=2)
    np.testing.assert_allclose(found.T, theirs.predict_proba(rows), atol=1e-6)


def test_a_pixel_at_a_threshold_goes_the_same_way():
    theirs, _ = fitted(2, 6)
    tree = theirs.estimators_[0].tree_
    at = tree.threshold[tree.children_left >= 0].astype(np.float32)
    rows = np.stack([np.resize(np.concatenate([at, np.nextafter(at, np.float32(9))]), 500)] * 9, 1)
    found = probabilities(np.ascontiguousarray(rows.T), Forest.of(theirs, 6, 2))
    np.testing.assert_allclose(found.T, theirs.predict_proba(rows), atol=1e-6)


@given(
    st.floats(-1e30, 1e30),
    st.floats(-(2.0**90), 2.0**90, width=32) | st.sampled_from([0.1, 1 / 3, 0.7]).map(np.float32),
)
def test_float32_is_on_the_same_side_of_the_rounded_threshold(threshold, value):
    value = np.float32(value)
    for limit in (threshold, float(value), np.nextafter(float(value), -np.inf)):
        assert (value <= below(np.array([limit]))[0]) == (float(value) <= limit)


def test_storing_rounds_nothing():
    theirs, rows = fitted(3, 7)
    forest = Forest.of(theirs, 7, theirs.n_classes_)
    state = {name: torch.from_numpy(getattr(forest, name).copy()) for name in ("feature", "threshold", "answer")}
    stored = decode_weights(encode_weights(state, "a"), "a")
    again = Forest(*(stored[name].numpy() for name in ("feature", "threshold", "answer")))
    columns = np.ascontiguousarray(rows.T)
    np.testing.assert_array_equal(probabilities(columns, again), probabilities(columns, forest))


def test_an_empty_forest_knows_nothing():
    np.testing.assert_allclose(probabilities(np.zeros((2, 5), np.float32), Forest.empty(3, 4, 4)), 0.25)


@pytest.mark.parametrize(("shown", "classes"), [((0, 2), 3), ((0, 1, 3), 4), ((1,), 2)])
def test_classes_that_were_not_shown_keep_their_place(shown, classes):
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(400, 4)).astype(np.float32)
    target = np.array(shown)[np.digitize(rows[:, 0], np.linspace(-0.5, 0.5, len(shown) - 1))]
    theirs = RandomForestClassifier(5, max_depth=4, random_state=0, n_jobs=1).fit(rows, target)
    found = probabilities(np.ascontiguousarray(rows.T), Forest.of(theirs, 4, classes))
    assert found.shape == (classes, 400)
    np.testing.assert_allclose(found[list(shown)].T, theirs.predict_proba(rows), atol=1e-6)
    assert not found[[number for number in range(classes) if number not in shown]].any()
