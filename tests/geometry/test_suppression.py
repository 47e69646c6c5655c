import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from temj.errors import BadValue
from temj.geometry import rotated
from temj.geometry.rotated import nms, rotated_iou, rotated_iou_pairs, soft_nms

RNG = np.random.default_rng


def plain_nms(iou: np.ndarray, scores: np.ndarray, limit: float, groups: np.ndarray) -> list[int]:
    """The loop of the textbooks, on a full matrix."""
    left = sorted(range(len(scores)), key=lambda index: (-scores[index], index))
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [index for index in left if iou[best, index] <= limit or groups[index] != groups[best]]
    return kept


def plain_soft(iou, scores, decay, limit, sigma, floor):
    """Figure 2 of Bodla et al. 2017, word by word."""
    scores, kept, final = scores.copy(), [], []
    left = list(range(len(scores)))
    while left:
        best = max(left, key=lambda index: (scores[index], -index))
        if scores[best] < floor:
            break
        kept.append(best)
        final.append(scores[best])
        left.remove(best)
        for index in left:
            if decay == "gaussian":
                scores[index] *= np.exp(-(iou[best, index] ** 2) / sigma)
            elif iou[best, index] >= limit:
                scores[index] *= 1 - iou[best, index]
    return kept, final


class TestNms:
    @pytest.mark.parametrize("head", [2, 256])
    def test_1000_random_sets_against_a_plain_loop_with_shapely(self, rods, monkeypatch, head):
        monkeypatch.setattr(rotated, "_HEAD", head)
        rng = RNG(7)
        size, sets = 10, 1000
        boxes = rods.random_boxes(rng, size * sets, 50).reshape(sets, size, 5)
        boxes[: sets // 2, size // 2 :] = boxes[: sets // 2, : size // 2] + rng.normal(0, 2, (sets // 2, size // 2, 5))
        boxes[..., 2:4] = np.maximum(boxes[..., 2:4], 1)
        i, j = np.triu_indices(size, 1)
        iou = np.zeros((sets, size, size))
        pairs = rods.shapely_iou(boxes[:, i].reshape(-1, 5), boxes[:, j].reshape(-1, 5)).reshape(sets, -1)
        iou[:, i, j] = iou[:, j, i] = pairs
        scores = rng.integers(0, 8, (sets, size)) / 8 if head == 2 else rng.uniform(size=(sets, size))
        groups = rng.integers(0, 2, (sets, size)) * (np.arange(sets)[:, None] % 2)
        for number in range(sets):
            limit = (0.1, 0.3, 0.5, 0.0)[number % 4]
            expected = plain_nms(iou[number], scores[number], limit, groups[number])
            assert nms(boxes[number], scores[number], limit, groups[number]).tolist() == expected

    def test_many_boxes_at_once(self, rods):
        rng = RNG(8)
        boxes, scores = rods.random_boxes(rng, 1500, 500), rng.uniform(size=1500)
        full = rotated_iou(boxes, boxes)
        iou = np.zeros((1500, 1500))
        iou[full.first, full.second] = full.iou
        for limit in (0.05, 0.5):
            assert nms(boxes, scores, limit).tolist() == plain_nms(iou, scores, limit, np.zeros(1500))

    def test_equal_scores_none_at_all_and_boxes_without_area(self):
        same = np.tile([5.0, 5, 4, 2, 30], (3, 1))
        assert nms(same, np.ones(3), 0.5).tolist() == [0]
        assert nms(same, np.ones(3), 1.0).tolist() == [0, 1, 2]
        assert nms(same, np.ones(3), 0.5, np.array([0, 1, 0])).tolist() == [0, 1]
        assert nms(same * [1, 1, 1, 0, 1], np.array([1, 3, 2]), 0.0).tolist() == [1, 2, 0]
        assert nms(np.empty((0, 5)), np.empty(0), 0.5).tolist() == []
        kept, scores = soft_nms(np.empty((0, 5)), np.empty(0))
        assert len(kept) == len(scores) == 0

    @pytest.mark.parametrize("decay", ["linear", "gaussian"])
    def test_soft_nms_against_the_paper(self, rods, decay):
        rng = RNG(9)
        for number in range(60):
            boxes, scores = rods.random_boxes(rng, 25, 60), rng.uniform(size=25)
            boxes[1] = boxes[0]
            groups = rng.integers(0, 1 + number % 2, 25)
            i, j = (index.ravel() for index in np.indices((25, 25)))
            iou = (rotated_iou_pairs(boxes[i], boxes[j]) * (groups[i] == groups[j])).reshape(25, 25)
            kept, new = soft_nms(boxes, scores, decay, iou=0.2, sigma=0.4, floor=0.05, groups=groups)
            expected = plain_soft(iou, scores, decay, 0.2, 0.4, 0.05)
            assert kept.tolist() == expected[0]
            np.testing.assert_allclose(new, expected[1], rtol=1e-9)
            assert (np.diff(new) <= 0).all()

    def test_what_cannot_be_is_refused(self):
        boxes = np.tile([5.0, 5, 4, 2, 30], (3, 1))
        for call, told in [
            (lambda: nms(boxes, np.ones(2), 0.5), "3 finite scores.*shape"),
            (lambda: nms(boxes, np.array([1, np.nan, 1]), 0.5), "3 finite scores.*nan"),
            (lambda: nms(boxes, np.ones(3), 1.5), "from 0 to 1.*1.5"),
            (lambda: nms(boxes, np.ones(3), np.nan), "from 0 to 1.*nan"),
            (lambda: nms(boxes, np.ones(3), 0.5, np.ones(2)), "3 numbers"),
            (lambda: soft_nms(boxes, -np.ones(3)), "from 0.*-1"),
            (lambda: soft_nms(boxes, np.ones(3), sigma=0), "above 0"),
            (lambda: soft_nms(boxes, np.ones(3), "square"), "linear, gaussian.*square"),
        ]:
            with pytest.raises(BadValue, match=told):
                call()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_upright_boxes_are_suppressed_as_rotated_ones(seed):
    rng = RNG(seed)
    low, size = rng.uniform(0, 60, (40, 2)), rng.uniform(1, 30, (40, 2))
    upright, scores = np.concatenate([low, low + size], axis=1), rng.uniform(size=40)
    shared = np.minimum(upright[:, None, 2:], upright[None, :, 2:]) - np.maximum(
        upright[:, None, :2], upright[None, :, :2]
    )
    both, area = np.prod(np.maximum(shared, 0), axis=2), size.prod(axis=1)
    iou = both / (area[:, None] + area - both)
    assume(np.abs(iou - 0.4).min() > 1e-9)
    expected = plain_nms(iou, scores, 0.4, np.zeros(40))
    assert nms(upright, scores, 0.4).tolist() == expected
    flat = np.column_stack([low + size / 2, size, np.zeros(40)])
    assert nms(flat, scores, 0.4).tolist() == expected
