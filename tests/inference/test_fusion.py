"""Test-time augmentation of detectors: views brought back exactly, and fused."""

from __future__ import annotations

import numpy as np
import pytest

from temj.cores.detection import Detections
from temj.geometry.rotated import canonical, corners, of_upright, rotated_iou_pairs
from temj.inference.fusion import back, fused
from temj.inference.symmetry import View

EVERY = [View(mirrored, quarters) for mirrored in (False, True) for quarters in range(4)]
HEIGHT, WIDTH = 60, 90


@pytest.mark.parametrize("view", EVERY)
def test_boxes_and_masks_come_back_where_they_were(view: View):
    """Found again in the pixels of the view: a patch of noise at whole pixels, with its mask."""
    rng = np.random.default_rng(0)
    image = np.zeros((1, HEIGHT, WIDTH), np.float32)
    x, y = 12, 30
    image[0, y : y + 14, x : x + 28] = rng.random((14, 28)) + 0.1
    seen = view.of(image)[0]
    rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
    box = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]], float)
    patch = seen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    mask = np.kron(patch, np.ones((28 // patch.shape[0], 28 // patch.shape[1]), np.float32))
    found = back(Detections(box, np.zeros(1, np.int64), np.ones(1), mask[None]), view, HEIGHT, WIDTH)
    assert found.boxes.tolist() == [[x, y, x + 28, y + 14]]
    np.testing.assert_array_equal(found.masks[0][::2], image[0, y : y + 14, x : x + 28])


@pytest.mark.parametrize("view", EVERY)
def test_rotated_boxes_come_back_where_they_were(view: View):
    """Through their corners, which are moved as pixels are."""
    box = canonical(np.array([[20.0, 30, 25, 6, 27], [60, 20, 10, 10, 70], [45, 40, 30, 2, 0]]))
    points = corners(box).reshape(-1, 2)
    height, width = HEIGHT, WIDTH
    if view.mirrored:
        points = np.column_stack([width - points[:, 0], points[:, 1]])
    for _ in range(view.quarters):
        points = np.column_stack([points[:, 1], width - points[:, 0]])
        height, width = width, height
    from temj.geometry.rotated import of_points

    seen = of_points(list(points.reshape(-1, 4, 2)))
    found = back(Detections(seen, np.zeros(3, np.int64), np.ones(3)), view, HEIGHT, WIDTH)
    np.testing.assert_allclose(found.boxes, box, atol=1e-4)


def boxes(*rows, label=None, masks=None) -> Detections:
    table = np.array(rows, float)
    label = np.zeros(len(rows), np.int64) if label is None else np.array(label)
    return Detections(table[:, :-1], label, table[:, -1], masks)


def test_a_box_is_the_weighted_mean_and_its_score_that_of_all_views():
    views = [boxes((10, 10, 30, 30, 0.9)), boxes((12, 10, 32, 30, 0.3)), Detections.none(), Detections.none()]
    found = fused(views)
    np.testing.assert_allclose(found.boxes, [[10.5, 10, 30.5, 30]])
    assert found.score.tolist() == pytest.approx([0.3])
    assert len(fused(views, floor=0.31)) == 0


def test_two_that_one_view_found_stay_two():
    one = boxes((10, 10, 30, 30, 0.9), (16, 10, 36, 30, 0.8))
    found = fused([one, boxes((13, 10, 33, 30, 0.7))])
    assert len(found) == 2
    assert found.score.tolist() == pytest.approx([0.8, 0.4])


def test_classes_stay_apart_unless_boxes_are_suppressed_across_them():
    views = [boxes((10, 10, 30, 30, 0.9), label=[0]), boxes((10, 10, 30, 30, 0.5), label=[1])]
    assert fused(views).label.tolist() == [0, 1]
    found = fused(views, agnostic=True)
    assert (found.label.tolist(), found.score.tolist()) == ([0], [pytest.approx(0.7)])


def test_masks_are_averaged_where_they_lie():
    left, right = np.zeros((2, 1, 28, 28), np.float32)
    left[:], right[0, :, 14:] = 1, 1
    found = fused([boxes((0, 0, 28, 28, 0.6), masks=left), boxes((0, 0, 28, 28, 0.2), masks=right)])
    np.testing.assert_allclose(found.masks[0, :, :14], 0.75, atol=1e-6)
    np.testing.assert_allclose(found.masks[0, :, 14:], 1, atol=1e-6)
    moved = fused([boxes((0, 0, 28, 28, 0.5), masks=left), boxes((8, 0, 36, 28, 0.5), masks=left)])
    np.testing.assert_allclose(moved.boxes, [[4, 0, 32, 28]])
    np.testing.assert_allclose(moved.masks[0, 0, [0, 3, 4, 14, 23, 27]], [0.5, 0.5, 1, 1, 1, 0.5], atol=1e-6)


def test_angles_are_averaged_across_their_end_and_for_squares():
    one, other = boxes((20, 20, 30, 8, 179, 0.5)), boxes((20, 20, 30, 8, 3, 0.5))
    np.testing.assert_allclose(fused([one, other]).boxes, [[20, 20, 30, 8, 1]], atol=1e-9)
    one, other = boxes((20, 20, 30, 29.5, 88, 0.5)), boxes((20, 20, 30, 29.5, 2, 0.5))
    found = fused([one, other])
    assert rotated_iou_pairs(found.boxes, of_upright(np.array([[5.1, 5.1, 34.9, 34.9]]))) > 0.98


def test_equal_views_are_one_view():
    rng = np.random.default_rng(1)
    first = rng.uniform(0, 500, (200, 2))
    one = Detections(np.concatenate([first, first + rng.uniform(5, 50, (200, 2))], 1), rng.integers(0, 3, 200),
                     np.sort(rng.random(200))[::-1])  # fmt: skip
    found = fused([one] * 8)
    np.testing.assert_allclose(found.boxes, one.boxes)
    np.testing.assert_allclose(found.score, one.score)
    assert (found.label == one.label).all()
