"""Objects in tiles, joined: a core that knows the truth answers with what a tile shows of it."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from temj.cores.detection import Detections, DetectionSettings
from temj.errors import BadModel, Cancelled, ResourceError
from temj.geometry.rotated import corners, of_points, of_upright, rotated_iou, rotated_iou_pairs
from temj.inference import detecting, forward
from temj.inference.detecting import detect
from temj.inference.network import Network
from temj.inference.parts import clipped, on_grid

SIDE = 28


class Knowing:
    """Answers with the objects of a whole image that a tile shows; what the tile is its pixels say."""

    stride = 32

    def __init__(self, truth: Detections, shown, **settings):
        self.settings = DetectionSettings(classes=("a", "b"), **settings)
        self.truth, self.shown, self.shapes = truth, shown, []

    def forward(self, batch: torch.Tensor, floor: float, most: int | None) -> list[Detections]:
        self.shapes.append(tuple(batch.shape))
        height, width = batch.shape[2:]
        answers = []
        for tile in batch.numpy():
            left, top = tile[0, 0, 0], tile[1, 0, 0]
            found = self.shown(self.truth, np.array([left, top, left + width, top + height], float))
            found = found.take(np.argsort(-found.score, kind="stable")).moved(-left, -top)
            answers.append(found.take(found.score >= floor).take(slice(0, most)))
        return answers


def places(height: int, width: int) -> np.ndarray:
    """An image whose pixels say where they are."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x, y])


def run(core: Knowing, height: int, width: int, limit: int, **how) -> detecting.Detected:
    return detect(Network(core, "cpu", "float32"), places(height, width), lambda *_: None, lambda: False,
                  limit=limit, **how)  # fmt: skip


def clipped_boxes(truth: Detections, tile: np.ndarray) -> Detections:
    """The boxes as far as they lie in the tile, where that is more than a pixel."""
    box = np.concatenate([np.maximum(truth.boxes[:, :2], tile[:2]), np.minimum(truth.boxes[:, 2:], tile[2:])], axis=1)
    seen = (box[:, 2:] - box[:, :2] > 1).all(axis=1)
    return Detections(box[seen], truth.label[seen], truth.score[seen])


def random_boxes(count: int, height: int, width: int, largest: float, seed: int, overlap: float = 0.5) -> Detections:
    """Boxes of many sizes anywhere in an image; those of one class overlap by at most ``overlap``."""
    rng = np.random.default_rng(seed)
    boxes, labels = np.zeros((0, 4)), np.zeros(0, np.int64)
    while len(boxes) < count:
        side = np.exp(rng.uniform(np.log(5), np.log(largest), 2))
        corner = rng.uniform(0, np.maximum([width, height] - side, 1))
        box, label = np.concatenate([corner, np.minimum(corner + side, [width, height])])[None], rng.integers(2)
        others = boxes[labels == label]
        if len(others) and rotated_iou(of_upright(box), of_upright(others)).iou.max(initial=0) > overlap:
            continue
        boxes, labels = np.concatenate([boxes, box]), np.append(labels, label)
    return Detections(boxes, labels, rng.permutation(np.linspace(0.1, 0.99, count)))


def in_order(found: Detections) -> Detections:
    return found.take(np.lexsort((found.boxes[:, 1], found.boxes[:, 0], found.label)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("limit", "largest"), [(1024 * 1024, 200), (640 * 640, 600), (704 * 704, 1800)])
def test_boxes_are_there_once_and_whole(seed: int, limit: int, largest: float):
    """The largest are larger than what tiles share, or than a tile."""
    truth = random_boxes(400, 1900, 2300, largest, seed)
    detected = run(Knowing(truth, clipped_boxes), 1900, 2300, limit)
    assert len(detected.tiling) >= 6
    assert len(detected.found) == 400
    found, truth = in_order(detected.found), in_order(truth)
    np.testing.assert_allclose(found.boxes, truth.boxes, atol=1e-4)
    np.testing.assert_array_equal(found.label, truth.label)
    np.testing.assert_array_equal(found.score, truth.score)
    assert (np.diff(detected.found.score) <= 0).all()


def test_neighbours_that_overlap_stay_two_wherever_the_seam_is():
    """Two of one class, a third of which they share, moved across the seams pixel by pixel."""
    for shift in range(0, 700, 19):
        box = np.array([[300.0, 300, 400, 390], [350, 310, 450, 400]]) + shift
        truth = Detections(box, np.zeros(2, np.int64), np.array([0.9, 0.8]))
        found = run(Knowing(truth, clipped_boxes), 1408, 1408, 704 * 704).found
        assert len(found) == 2, shift
        np.testing.assert_allclose(found.boxes, box, atol=1e-4)


def uncertain(truth: Detections, tile: np.ndarray) -> Detections:
    """As a network: every tile sees every box a little differently, and small pieces not at all."""
    rng = np.random.default_rng(int(tile.sum()))
    found = clipped_boxes(truth, tile)
    side = found.boxes[:, 2:] - found.boxes[:, :2]
    kept = rng.random(len(found)) < 0.98
    whole = _areas(truth)[[int(np.flatnonzero(truth.score == score)[0]) for score in found.score]]
    kept &= _areas(found) >= 0.3 * whole
    moved = found.boxes + rng.normal(0, 0.03, found.boxes.shape) * np.tile(side, 2)
    moved = np.concatenate([np.maximum(moved[:, :2], tile[:2]), np.minimum(moved[:, 2:], tile[2:])], axis=1)
    score = np.clip(found.score + rng.normal(0, 0.02, len(found)), 0.06, 1)
    return Detections(moved[kept], found.label[kept], score[kept])


def _areas(found: Detections) -> np.ndarray:
    return (found.boxes[:, 2:] - found.boxes[:, :2]).prod(axis=1)


def test_uncertain_boxes_are_neither_doubled_nor_lost():
    truth = random_boxes(300, 1900, 2300, 240, 5, overlap=0.3)
    found = run(Knowing(truth, uncertain), 1900, 2300, 704 * 704).found
    pairs = rotated_iou(of_upright(found.boxes), of_upright(truth.boxes))
    right = pairs.where((pairs.iou > 0.6) & (found.label[pairs.first] == truth.label[pairs.second]))
    assert len(set(right.second.tolist())) >= 0.97 * len(truth)
    assert abs(len(found) - len(truth)) <= 0.03 * len(truth)


def ellipses_in(truth: Detections, tile: np.ndarray) -> Detections:
    """Masks of the ellipses in boxes as far as a tile shows them, their boxes around what is seen."""
    x = (np.arange(4 * SIDE) + 0.5) / (4 * SIDE)
    boxes, masks, rows = [], [], []
    for row, box in enumerate(truth.boxes):
        part = np.concatenate([np.maximum(box[:2], tile[:2]), np.minimum(box[2:], tile[2:])])
        if (part[2:] - part[:2] <= 1).any():
            continue
        for _ in range(2):  # the box around what is seen in it
            px, py = (part[k] + x * (part[2 + k] - part[k]) for k in (0, 1))
            inside = _in_ellipse(px[None], py[:, None], box)
            if not inside.any():
                break
            step = (part[2:] - part[:2]) / len(x)
            first = np.array([inside.any(axis=k).argmax() for k in (0, 1)])
            last = len(x) - np.array([inside.any(axis=k)[::-1].argmax() for k in (0, 1)])
            part = np.concatenate([part[:2] + first * step, part[:2] + last * step])
        if not inside.any() or (part[2:] - part[:2] <= 1).any():
            continue
        px, py = (part[k] + x * (part[2 + k] - part[k]) for k in (0, 1))
        fine = _in_ellipse(px[None], py[:, None], box).astype(np.float32)
        boxes.append(part)
        masks.append(fine.reshape(SIDE, 4, SIDE, 4).mean((1, 3)))
        rows.append(row)
    if not rows:
        return Detections.none(4, SIDE)
    return Detections(np.array(boxes), truth.label[rows], truth.score[rows], np.array(masks))


def _in_ellipse(x: np.ndarray, y: np.ndarray, box: np.ndarray) -> np.ndarray:
    """A tilted ellipse that touches its box at all sides: correlation 0.8."""
    u = (2 * x - box[0] - box[2]) / (box[2] - box[0])
    v = (2 * y - box[1] - box[3]) / (box[3] - box[1])
    return (u * u - 1.6 * u * v + v * v) / (1 - 0.64) <= 1


@pytest.mark.parametrize("largest", [200, 700])
def test_masks_are_there_once_and_whole(largest: float):
    truth = random_boxes(120, 1300, 1500, largest, 3, overlap=0.3)
    found = run(Knowing(truth, ellipses_in), 1300, 1500, 640 * 640).found
    assert len(found) == len(truth)
    found, whole = in_order(found), in_order(ellipses_in(truth, np.array([0, 0, 1500, 1300.0])))
    order = np.argsort(found.score), np.argsort(whole.score)
    found, whole = found.take(order[0]), whole.take(order[1])
    assert rotated_iou_pairs(of_upright(found.boxes), of_upright(whole.boxes)).min() > 0.9
    for one, other in zip(range(len(found)), range(len(whole)), strict=True):
        mine = on_grid(found.masks[one], found.boxes[one], whole.boxes[other]) > 0.5
        true = whole.masks[other] > 0.5
        assert (mine & true).sum() / (mine | true).sum() > 0.85


def whole_rods(truth: Detections, tile: np.ndarray) -> Detections:
    """Rods of which a tile shows at least a third, whole, beyond its border too."""
    return truth.take(_seen(truth, tile)[1] >= 0.3)


def cut_rods(truth: Detections, tile: np.ndarray) -> Detections:
    """The smallest rotated boxes around what a tile shows of rods."""
    polygons, share = _seen(truth, tile)
    rows = np.flatnonzero(share > 0.02)
    boxes = of_points([polygons[row] for row in rows]) if len(rows) else np.zeros((0, 5))
    return Detections(boxes, truth.label[rows], truth.score[rows])


def _seen(truth: Detections, tile: np.ndarray) -> tuple[list, np.ndarray]:
    x1, y1, x2, y2 = tile
    window = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float32)
    polygons, share = [], []
    for polygon, box in zip(corners(truth.boxes).astype(np.float32), truth.boxes, strict=True):
        area, part = cv2.intersectConvexConvex(polygon, window)
        polygons.append(None if part is None else part.reshape(-1, 2))
        share.append(area / (box[2] * box[3]))
    return polygons, np.array(share)


@pytest.mark.parametrize("shown", [whole_rods, cut_rods])
@pytest.mark.parametrize("longest", [120, 500])
def test_rods_are_there_once_and_whole(shown, longest: float):
    rng = np.random.default_rng(8)
    count, (height, width) = 150, (1300, 1500)
    length = np.exp(rng.uniform(np.log(30), np.log(longest), count))
    middle = rng.uniform(length[:, None] / 2, np.array([width, height]) - length[:, None] / 2)
    boxes = np.column_stack([middle, length, length * rng.uniform(0.1, 0.3, count), rng.uniform(0, 180, count)])
    truth = Detections(boxes, np.zeros(count, np.int64), rng.permutation(np.linspace(0.1, 0.99, count)))
    found = run(Knowing(truth, shown), height, width, 640 * 640).found
    pairs = rotated_iou(found.boxes, truth.boxes)
    pairs = pairs.where(found.score[pairs.first] == truth.score[pairs.second])
    assert len(found) == count
    assert len(pairs) == count
    # of a rod that no tile shows whole, the boxes around its pieces are a little askew where a corner was cut off
    assert pairs.iou.min() > 0.5
    assert np.quantile(pairs.iou, 0.05) > 0.9
    assert np.median(pairs.iou) > 0.99


def test_an_object_that_two_tiles_see_differently_is_one():
    """They are not alike, but overlap by more than the network allows within a tile."""

    def shown(truth: Detections, tile: np.ndarray) -> Detections:
        found = clipped_boxes(truth, tile)
        return found.take(np.array([tile[0] == 0, tile[0] > 0])) if len(found) == 2 else found

    # the common strip of two tiles begins at the left border of the second one
    core = Knowing(Detections(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0)), clipped_boxes)
    tiling = run(core, 700, 1280, 704 * 768).tiling
    left = tiling.lefts[1]
    box = np.array([[left + 4.0, 100, left + 104, 200], [left + 47, 100, left + 147, 200]])
    truth = Detections(box, np.zeros(2, np.int64), np.array([0.6, 0.9]))
    found = run(Knowing(truth, shown, nms_iou=0.3), 700, 1280, 704 * 768).found
    assert found.score.tolist() == [0.9]
    both = run(Knowing(truth, clipped_boxes, nms_iou=0.3), 700, 1280, 704 * 768).found  # a tile saw both: they are two
    assert len(both) == 2


def test_what_lies_outside_the_image_is_left_out():
    mask = np.ones((2, SIDE, SIDE), np.float32)
    mask[0, :, SIDE // 2 :] = 0
    found = Detections(np.array([[-20.0, 0, 60, 80], [70, 70, 140, 120]]), np.zeros(2, np.int64), np.ones(2), mask)
    kept = clipped(found, 100, 90)
    assert kept.boxes.tolist() == [[0, 0, 60, 80]]
    # the drawn half ends at x = 20, a third of what is left of the box
    np.testing.assert_array_equal((kept.masks[0, 14] > 0.5).nonzero()[0], np.arange(9))


def test_a_full_pass_says_from_which_score_on_it_is_complete():
    truth = random_boxes(50, 300, 300, 20, 1)
    image = run(Knowing(truth, clipped_boxes), 300, 300, 10**7, floor=0.2, most=30)
    assert len(image.found) == 30
    assert image.complete == image.found.score.min() == np.sort(truth.score)[-30]
    assert run(Knowing(truth, clipped_boxes), 300, 300, 10**7, floor=0.2).complete == 0.2


def test_g1_smaller_tiles_where_the_memory_does_not_suffice():
    truth = random_boxes(100, 1300, 1300, 100, 2)
    core = Knowing(truth, clipped_boxes)
    answer = core.forward

    def hungry(batch, *given):
        if batch.shape[2] * batch.shape[3] > 800 * 800:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
        return answer(batch, *given)

    core.forward = hungry
    found = run(core, 1300, 1300, None)
    assert len(found.tiling) > 1
    assert found.notes == (
        f"out of memory on cpu: used tiles of {found.tiling.tile_width} x {found.tiling.tile_height}",
    )
    assert len(found.found) == 100
    core.forward = lambda *_: (_ for _ in ()).throw(MemoryError())
    with pytest.raises(ResourceError, match="memory for a tile"):
        run(core, 1300, 1300, None)


def test_progress_cancel_and_numbers_that_are_none():
    truth = random_boxes(20, 1300, 1300, 100, 2)
    told, network = [], Network(Knowing(truth, clipped_boxes), "cpu", "float32")
    detect(network, places(1300, 1300), lambda *each: told.append(each), lambda: False, limit=704 * 704)
    assert told == [(number, 6) for number in range(7)]
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        detect(network, places(1300, 1300), lambda *_: None, lambda: next(calls) > 3, limit=704 * 704)
    network.core.truth = Detections(truth.boxes, truth.label, np.full(20, np.inf))
    with pytest.raises(BadModel, match="NaN or infinity"):
        detect(network, places(1300, 1300), lambda *_: None, lambda: False)


@pytest.mark.parametrize(("sizes", "first"), [(((8.0, 16.0),), 256), (((32.0,), (400.0,)), 566)])
def test_tiles_share_what_the_largest_anchor_takes(sizes, first: int):
    settings = SimpleNamespace(sizes=sizes, ratios=(0.5, 1.0, 2.0))
    overlaps = detecting._overlaps(settings.sizes, settings.ratios)
    assert overlaps[0] == first
    assert overlaps[-1] == detecting.LEAST_OVERLAP
    assert set(overlaps) <= {first, *forward.OVERLAPS}
