import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.errors import BadValue
from temj.geometry import overlap
from temj.geometry.rotated import corners, rotated_iou, rotated_iou_pairs
from temj.geometry.upright import touching

RNG = np.random.default_rng


def nearly(boxes: np.ndarray, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs that make trouble for methods that look for corners: equal, turned by nothing, sharing edges or corners."""
    turned = boxes + np.array([0, 0, 0, 0, 1e-9]) * rng.choice([-1, 1], (len(boxes), 1))
    quarter = boxes + np.array([0, 0, 0, 0, 90.0]) * rng.integers(1, 4, (len(boxes), 1))
    along = np.stack([np.cos(np.deg2rad(boxes[:, 4])), -np.sin(np.deg2rad(boxes[:, 4]))], 1)
    shifted = boxes.copy()
    shifted[:, :2] += along * boxes[:, 2:3] * rng.choice([0.5, 1.0], (len(boxes), 1))
    smaller = boxes * np.array([1, 1, 0.5, 0.5, 1])
    cornered = boxes.copy()
    cornered[:, :2] = corners(boxes)[:, 2]
    return [(boxes, other) for other in (boxes.copy(), turned, quarter, shifted, smaller, cornered)]


class TestIou:
    def test_100000_pairs_against_shapely(self, rods):
        rng = RNG(4)
        first, second = rods.random_boxes(rng, 70_000), rods.random_boxes(rng, 70_000)
        long, small = rods.random_boxes(rng, 15_000), rods.random_boxes(rng, 15_000)
        long[:, 2:4] = np.stack([rng.uniform(100, 2000, 15_000), rng.uniform(0.1, 2, 15_000)], 1)
        small[:, 2:4] *= np.exp(rng.uniform(-14, 5, (15_000, 1)))
        pairs = [
            (first, second),
            (long, rods.random_boxes(rng, 15_000)),
            (long, long[::-1]),
            (small, long),
            (small, small[::-1]),
        ]
        pairs += nearly(rods.random_boxes(rng, 4_000), rng)
        one, other = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
        assert len(one) > 100_000
        found = rotated_iou_pairs(one, other)
        assert 0.2 < (found > 0).mean() < 0.8
        np.testing.assert_allclose(found, rods.shapely_iou(one, other), rtol=0, atol=1e-9)

    def test_against_opencv(self, rods):
        rng = RNG(5)
        first, second = rods.random_boxes(rng, 3000, 40), rods.random_boxes(rng, 3000, 40)
        expected = []
        for one, other in zip(first, second, strict=True):
            rects = [((x, y), (length, width), -angle) for x, y, length, width, angle in (one, other)]
            kind, region = cv2.rotatedRectangleIntersection(*rects)
            both = 0.0 if kind == cv2.INTERSECT_NONE else cv2.contourArea(cv2.convexHull(region))
            expected.append(both / (one[2] * one[3] + other[2] * other[3] - both))
        np.testing.assert_allclose(rotated_iou_pairs(first, second), expected, rtol=0, atol=1e-4)

    def test_by_hand(self):
        one = [0, 0, 4, 2, 0]
        for other, expected in [
            ([0, 0, 4, 2, 0], 1), ([0, 0, 2, 4, 90], 1), ([0, 0, 4, 2, 180], 1), ([0, 0, 4, 2, 90], 4 / 12),
            ([2, 0, 4, 2, 0], 4 / 12), ([4, 0, 4, 2, 0], 0), ([4, 2, 4, 2, 0], 0), ([0, 0, 2, 1, 0], 2 / 8),
            ([0, 0, 2 * np.sqrt(2), 2 * np.sqrt(2), 45], 6 / 10), ([0, 0, 4, 0, 0], 0), ([0, 0, 0, 0, 0], 0),
        ]:  # fmt: skip
            found = rotated_iou_pairs(np.array([one]), np.array([other]))
            np.testing.assert_allclose(found, [expected], atol=1e-15)

    def test_boxes_without_area_have_nothing_in_common_even_with_themselves(self, rods):
        boxes = rods.random_boxes(RNG(6), 30, 20)
        boxes[::3, 2] = 0
        boxes[1::3, 3] = 0
        found = rotated_iou(boxes, boxes)
        assert set(found.first.tolist()) == set(range(2, 30, 3)) == set(found.second.tolist())
        assert rotated_iou_pairs(boxes[:2], boxes[:2]).tolist() == [0, 0]

    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.floats(-360, 360), st.floats(-1e4, 1e4), st.floats(1e-3, 1e3), st.booleans())
    def test_it_is_symmetric_and_does_not_depend_on_the_frame(self, rods, seed, turn, shift, scale, flip):
        rng = RNG(seed)
        first, second = rods.random_boxes(rng, 40, 50), rods.random_boxes(rng, 40, 50)
        iou = rotated_iou_pairs(first, second)
        np.testing.assert_allclose(rotated_iou_pairs(second, first), iou, rtol=0, atol=1e-12)
        np.testing.assert_allclose(rotated_iou_pairs(first, first), 1, rtol=0, atol=1e-12)
        c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))

        def moved(boxes: np.ndarray) -> np.ndarray:
            place = boxes[:, :2] @ np.array([[c, -s], [s, c]]) * scale + [shift, -shift]
            made = np.column_stack([place, boxes[:, 2:4] * scale, boxes[:, 4] + turn])
            return made * [-1, 1, 1, 1, -1] if flip else made

        np.testing.assert_allclose(rotated_iou_pairs(moved(first), moved(second)), iou, rtol=0, atol=1e-7)

    @settings(max_examples=50, deadline=None)
    @given(
        seed=st.integers(0, 2**32 - 1),
        counts=st.tuples(st.integers(0, 40), st.integers(0, 40)),
        least=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    )
    def test_the_sparse_pairs_are_all_that_have_an_iou(self, rods, seed, counts, least):
        rng = RNG(seed)
        first, second = (rods.random_boxes(rng, count) for count in counts)
        first[:, 2:4] *= np.exp(rng.uniform(-8, 3, (counts[0], 1)))
        second[: min(counts) // 2] = first[: min(counts) // 2]
        i, j = (index.ravel() for index in np.indices(counts))
        full = rotated_iou_pairs(first[i], second[j])
        found = rotated_iou(first, second, least)
        kept = (full > 0) & (full >= least)
        np.testing.assert_array_equal(found.first, i[kept])
        np.testing.assert_array_equal(found.second, j[kept])
        np.testing.assert_array_equal(found.iou, full[kept])

    def test_different_numbers_of_boxes_are_no_pairs(self):
        with pytest.raises(BadValue, match="3 and 2"):
            rotated_iou_pairs(np.ones((3, 5)), np.ones((2, 5)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), counts=st.tuples(st.integers(0, 60), st.integers(0, 60)), block=st.booleans())
def test_touching_boxes_are_found_once_each(seed, counts, block):
    rng = RNG(seed)
    sets = []
    for count in counts:
        low = rng.integers(0, 60, (count, 2)).astype(float)
        size = rng.integers(1, 12, (count, 2)) * np.where(rng.random((count, 1)) < 0.1, rng.choice([1e-3, 50]), 1.0)
        sets.append(np.concatenate([low, low + size], axis=1))
    with pytest.MonkeyPatch.context() as patch:
        if block:
            patch.setattr(overlap, "_BLOCK", 7)
        blocks = list(touching(*sets))
    found = [pair for i, j in blocks for pair in zip(i.tolist(), j.tolist(), strict=True)]
    one, other = sets[0][:, None], sets[1][None]
    expected = ((one[..., :2] < other[..., 2:]) & (other[..., :2] < one[..., 2:])).all(axis=2)
    assert sorted(found) == [tuple(pair) for pair in np.argwhere(expected).tolist()]
