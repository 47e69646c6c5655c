import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from skimage.measure import label, regionprops

from temj.data import RoiType, Shape, Shapes
from temj.evaluation.agreement import compare, compare_objects
from temj.evaluation.objects import Objects, intersections, match


def boxes(seed: int, count: int = 12, side: int = 40) -> np.ndarray:
    """(n, 4) overlapping rectangles: x, y, width, height."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, side - 8, (count, 2))
    return np.concatenate([corner, rng.integers(2, 14, (count, 2))], axis=1)


def objects(rectangles: np.ndarray, side: int = 40) -> Objects:
    shapes = Shapes.of([Shape(RoiType.RECT, params=tuple(row), subpixel=False) for row in rectangles.tolist()])
    return Objects.of_shapes(shapes, side, side)


def masks(rectangles: np.ndarray, side: int = 40) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    return np.array([(x >= a) & (x < a + w) & (y >= b) & (y < b + h) for a, b, w, h in rectangles])


def ious(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.array([[(a & b).sum() / max((a | b).sum(), 1) for b in second] for a in first])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.3, 0.5, 0.7]))
def test_overlapping_objects_match_as_by_brute_force(seed, limit) -> None:
    first, second = boxes(seed), boxes(seed + 1)
    second[:6] = first[:6] + np.random.default_rng(seed).integers(-1, 2, (6, 4)) * [1, 1, 0, 0]
    second = np.maximum(second, [0, 0, 1, 1])
    expected = ious(masks(first), masks(second))
    pairs = intersections(objects(first), objects(second))
    found = np.zeros_like(expected)
    found[pairs.first, pairs.second] = pairs.iou
    np.testing.assert_allclose(found, expected)
    rows, columns = linear_sum_assignment(np.where(expected > limit, -1 - expected / 1000, 0))
    chosen = expected[rows, columns] > limit
    got = match(objects(first), objects(second), limit)
    assert len(got) == chosen.sum()
    assert got.iou.sum() == pytest.approx(expected[rows, columns][chosen].sum())
    assert len(set(got.first)) == len(set(got.second)) == len(got)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_axes_as_scikit_image(seed) -> None:
    """Its pixels are points (no 1/12) and its axes are not scaled to the area; after that they are the same."""
    labels = label(masks(boxes(seed)).any(axis=0))
    major, minor = Objects.of_labels(labels).axes()
    for number, region in enumerate(regionprops(labels)):
        longer, shorter = np.sqrt(np.array(region.inertia_tensor_eigvals) + 1 / 12)
        scale = 2 * np.sqrt(region.area / (np.pi * longer * shorter))
        assert (major[number], minor[number]) == pytest.approx((scale * longer, scale * shorter))


def test_axes_of_pixels_that_are_not_square() -> None:
    """A circle in nm on pixels of 1 x 2 nm."""
    y, x = np.mgrid[:100, :200]
    disc = np.hypot(x - 100, 2 * (y - 50)) <= 60
    major, minor = Objects.of_labels(disc.astype(int)).axes((1.0, 2.0))
    assert (major[0], minor[0]) == pytest.approx((120, 120), rel=5e-3)


def test_labels_and_shapes_are_the_same_where_nothing_overlaps() -> None:
    labels = np.zeros((40, 40), int)
    labels[2:9, 3:8], labels[20:30, 20:34] = 1, 2
    shapes = objects(np.array([[3, 2, 5, 7], [20, 20, 14, 10]]))
    assert compare_objects(shapes, shapes) == compare(labels, labels)


def test_numbers_may_be_missing_and_touching_objects_stay_apart() -> None:
    true = np.zeros((20, 20), np.uint16)
    true[5:10, 5:10], true[5:10, 10:15] = 3, 7
    got = compare((true > 0).astype(int), true)
    assert (got.found, got.true, got.matched) == (1, 2, 0)
    assert compare(true, true).metrics()["object F1"] == 1


def test_a_lower_limit_matches_more() -> None:
    first, second = np.zeros((20, 20), int), np.zeros((20, 20), int)
    first[0:10, 0:10], second[0:10, 4:14] = 1, 1  # IoU 60 / 140
    assert compare(first, second).matched == 0
    assert compare(first, second, iou=0.4).matched == 1


def test_three_rules_of_the_diameter() -> None:
    labels = np.zeros((30, 30), int)
    labels[5:15, 5:25] = 1
    got = {rule: compare(labels, labels, diameter=rule).true_diameters for rule in ("major", "geometric", "equivalent")}
    major, minor = Objects.of_labels(labels).axes()
    assert got["major"] == major[0]
    assert got["equivalent"] == pytest.approx(2 * np.sqrt(200 / np.pi))
    assert got["geometric"] == pytest.approx(np.sqrt(major[0] * minor[0])) == pytest.approx(got["equivalent"])
