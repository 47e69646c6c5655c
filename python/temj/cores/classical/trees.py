"""A random forest as plain arrays: taken from scikit-learn, stored as whole numbers, evaluated by NumPy.

Every tree is filled up to the same depth d: node i has the children 2 i + 1 and 2 i + 2, and under a leaf that ends
early all leaves have its answer. So shapes follow from the settings alone, and a step down needs no table of children.
Thresholds and answers are stored as the 32 bits of their float32, as whole numbers: nothing may round them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

CHUNK = 1 << 15
"""Pixels that go through a tree together: their features stay in the caches."""


@dataclass(frozen=True, eq=False)
class Forest:
    """The arrays of t trees of depth d for c classes.

    Attributes:
        feature: int16 (t, 2^d - 1), which feature a node asks for.
        threshold: int32 (t, 2^d - 1), bits of a float32; a pixel goes left where its feature is not above it.
        answer: int32 (t, 2^d, c), bits of float32: share of each class in a leaf.
    """

    feature: np.ndarray
    threshold: np.ndarray
    answer: np.ndarray

    @classmethod
    def empty(cls, trees: int, depth: int, classes: int) -> Forest:
        """Of a forest that is not fitted: every class is equally likely everywhere."""
        equal = np.full((trees, 2**depth, classes), 1 / classes, np.float32)
        nodes = (trees, 2**depth - 1)
        return cls(np.zeros(nodes, np.int16), np.zeros(nodes, np.int32), equal.view(np.int32))

    @classmethod
    def of(cls, fitted: RandomForestClassifier, depth: int, classes: int) -> Forest:
        """From a fitted forest of scikit-learn.

        Args:
            fitted: to classes that are numbers from 0; those that it was not shown are answered by 0.
            depth: none of its trees is deeper.
            classes: how many there are, with the background.
        """
        grown = [_filled(estimator.tree_, depth, fitted.classes_, classes) for estimator in fitted.estimators_]
        feature, threshold, answer = (np.stack(parts) for parts in zip(*grown, strict=True))
        return cls(feature, threshold.view(np.int32), answer.view(np.int32))

    @property
    def floats(self) -> tuple[np.ndarray, np.ndarray]:
        """Thresholds and answers as float32."""
        return self.threshold.view(np.float32), self.answer.view(np.float32)


def _filled(tree: Any, depth: int, shown: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, thresholds (float32) and answers (float32) of one tree filled up to a depth."""
    feature = np.zeros(2**depth - 1, np.int16)
    threshold = np.full(2**depth - 1, np.inf, np.float32)  # under a leaf it does not matter where a pixel goes
    at = np.zeros(1, np.int64)  # scikit-learn's number of each node of a level
    for level in range(depth):
        leaf = tree.children_left[at] < 0
        here = slice(2**level - 1, 2 ** (level + 1) - 1)
        feature[here] = np.where(leaf, 0, tree.feature[at])
        threshold[here] = np.where(leaf, np.inf, below(tree.threshold[at]))
        children = np.stack([tree.children_left[at], tree.children_right[at]], 1)
        at = np.where(leaf[:, None], at[:, None], children).ravel()
    shares = tree.value[at][:, 0]
    answer = np.zeros((len(at), classes), np.float32)
    answer[:, np.asarray(shown, np.intp)] = shares / shares.sum(1, keepdims=True)
    return feature, threshold, answer


def below(thresholds: np.ndarray) -> np.ndarray:
    """The largest float32 that is not above each float64: for a float32 x, ``x <= t`` and ``x <= below(t)`` agree."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def probabilities(features: np.ndarray, forest: Forest, threads: int = 1) -> np.ndarray:
    """The mean over the trees of the shares in the leaf that a pixel comes to.

    Args:
        features: float32 (f, n), of n pixels.
        forest: its trees.
        threads: how many chunks of pixels are worked on at a time; the result does not depend on it.

    Returns:
        float32 (c, n).
    """
    feature, threshold, answer = forest.feature.astype(np.intp), *forest.floats
    found = np.empty((answer.shape[2], features.shape[1]), np.float32)

    def work(start: int) -> None:
        rows = np.ascontiguousarray(features[:, start : start + CHUNK].T)
        found[:, start : start + CHUNK] = _of_chunk(rows, feature, threshold, answer).T

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(0, features.shape[1], CHUNK)))
    return found


def _of_chunk(rows: np.ndarray, feature: np.ndarray, threshold: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Pixels (n, f) → (n, c)."""
    flat, first = rows.ravel(), np.arange(len(rows)) * rows.shape[1]
    value, limit = np.empty((2, len(rows)), np.float32)
    asked, right = np.empty(len(rows), np.intp), np.empty(len(rows), bool)
    total = np.zeros((len(rows), answer.shape[2]), np.float32)
    leaves = answer.shape[1]
    for tree in range(len(feature)):
        node = np.zeros(len(rows), np.intp)
        for _ in range(leaves.bit_length() - 1):
            # mode="clip" spares a check of every index: they are right by construction
            feature[tree].take(node, out=asked, mode="clip")
            asked += first
            flat.take(asked, out=value, mode="clip")
            threshold[tree].take(node, out=limit, mode="clip")
            np.greater(value, limit, out=right)
            node *= 2
            node += 1
            node += right
        total += answer[tree].take(node - (leaves - 1), axis=0)
    return total / np.float32(len(feature))
