import numpy as np
import pytest
import torch
import torch.nn.functional as functional

from temj.cores.detection import DetectionSettings
from temj.cores.detection.anchors import fitted
from temj.cores.detection.rotated.anchors import Grid, boxes_of, shapes_of
from temj.cores.detection.rotated.coder import canonical
from temj.cores.detection.rotated.iou import rotated_iou_matrix
from temj.cores.detection.rotated.matching import LEAST, NOTHING, SURE, matches, overlaps_of, places_in, unknown
from temj.cores.detection.rotated.pooling import RotatedPool


def some(count: int, field: float = 128.0, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    sides = rng.uniform(3, 90, (count, 2))
    boxes = np.column_stack([rng.uniform(-10, field + 10, (count, 2)), sides, rng.uniform(0, 180, count)])
    return canonical(torch.from_numpy(boxes)).float()


def grid(stride: int, sizes: tuple[float, ...], places: int = 20) -> Grid:
    settings = DetectionSettings(classes=("a",), anchor_sizes=(sizes,), aspect_ratios=(0.25, 0.5, 1.0))
    return Grid(places, places + 5, stride, torch.tensor(shapes_of(settings)[0]))


def test_the_anchors_of_a_place():
    settings = DetectionSettings(classes=("a",), anchor_sizes=((20.0,), (40.0,)), aspect_ratios=(4.0, 1.0), angles=6)
    fine, coarse = shapes_of(settings)
    # a square is the same after a quarter turn
    assert [turn for _, _, turn in fine] == [0, 30, 60, 90, 120, 150, 0, 30, 60]
    np.testing.assert_allclose(fine[0], (40, 10, 0))
    np.testing.assert_allclose(coarse[-1], (40, 40, 60))


def test_numbers_of_anchors_run_through_places_and_levels():
    grids = [grid(4, (20.0,)), grid(8, (40.0,), 10)]
    index = torch.randperm(len(grids[0]) + len(grids[1]))[:500]
    boxes, shapes = boxes_of(grids, index), len(grids[0].shapes)
    for number, box in zip(index.tolist(), boxes.tolist(), strict=True):
        own = grids[number >= len(grids[0])]
        number -= len(grids[0]) * (number >= len(grids[0]))
        place, shape = divmod(number, shapes)
        row, column = divmod(place, own.width)
        expected = (column * own.stride + 0.5, row * own.stride + 0.5, *own.shapes[shape].tolist())
        assert box == pytest.approx(expected)


@pytest.mark.parametrize("least", [0.1, 0.3, 0.6])
@pytest.mark.parametrize(("stride", "sizes"), [(4, (20.0, 40.0)), (8, (40.0,)), (16, (24.0,))])
def test_no_pair_is_missed(least, stride, sizes):
    objects, own = some(60), grid(stride, sizes)
    full = rotated_iou_matrix(objects, own.boxes(torch.arange(len(own))), least)
    number, anchor, iou = overlaps_of(objects, own, least)
    found = torch.zeros_like(full)
    found[number, anchor] = iou
    assert len(number) == int((full > 0).sum()) > 0
    torch.testing.assert_close(found, full)


def test_anchors_learn_what_they_overlap_most():
    objects, grids = some(12), [grid(4, (20.0, 40.0)), grid(8, (60.0,), 10)]
    every = boxes_of(grids, torch.arange(sum(len(each) for each in grids)))
    full = rotated_iou_matrix(objects, every)
    best, owner = full.max(0)
    found = matches(objects, grids)
    assert (found.label[best >= SURE] == 1).all()
    assert (found.label[best < LEAST] == 0).all()
    known = best >= NOTHING
    assert (found.owner[known] == owner[known]).all()
    # no object goes without an anchor, if any overlaps it at all
    for number, own in enumerate(full):
        if own.max() > LEAST:
            assert found.label[own.argmax()] == 1, number
    between = (best >= NOTHING) & (best < SURE)
    assert (found.label[between] != 0).all()
    assert (found.label[between] == -1).any()


def test_without_objects_all_is_background():
    found = matches(torch.zeros(0, 5), [grid(8, (20.0,))])
    assert (found.label == 0).all()


@pytest.mark.parametrize("finest", [4, 8])
def test_the_anchors_of_the_data_find_random_rods(finest):
    rng = np.random.default_rng(6)
    sides = np.column_stack([70 * np.exp(rng.normal(0, 0.15, 300)), 20 * np.exp(rng.normal(0, 0.15, 300))])
    boxes = np.column_stack([rng.uniform(60, 200, (300, 2)), sides, rng.uniform(0, 180, 300)])
    settings = DetectionSettings(classes=("rod",), finest=finest)
    own = fitted(sides, settings, rotated=True)
    settings = settings.model_copy(update={"anchor_sizes": own.sizes, "aspect_ratios": own.ratios})
    best = torch.zeros(300)
    for stride, shapes in zip(settings.strides, shapes_of(settings), strict=True):
        level = Grid(256 // stride, 256 // stride, stride, torch.tensor(shapes))
        number, _, iou = overlaps_of(torch.from_numpy(boxes).float(), level, 0.2)
        best.scatter_reduce_(0, number, iou, "amax")
    assert (best >= 0.5).float().mean() > 0.99
    assert best.median() > 0.65


def test_boxes_where_nobody_knows():
    plane = np.zeros((60, 80), bool)
    plane[:, 40:] = True
    sums = torch.from_numpy(np.pad(plane.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0))))
    boxes = torch.tensor([
        [20.0, 30, 30, 8, 45], [60, 30, 30, 8, 45], [40, 30, 40, 6, 0], [46, 30, 40, 6, 0], [41, 30, 40, 6, 90],
        [90, 30, 40, 6, 0], [-60, 30, 40, 6, 0],
    ])  # fmt: skip
    assert unknown(boxes, {"unknown": sums}).tolist() == [False, True, False, True, True, True, False]
    assert not unknown(boxes, {"unknown": torch.zeros_like(sums)}).any()


def test_features_of_boxes_are_those_of_grid_sample():
    settings = DetectionSettings(classes=("a",), anchor_sizes=((10.0,), (20.0,)), aspect_ratios=(0.25,))
    pool, torch_rng = RotatedPool(settings), torch.Generator().manual_seed(0)
    levels = {str(n): torch.randn(2, 6, 32 >> n, 40 >> n, generator=torch_rng, requires_grad=True) for n in range(2)}
    boxes = [some(30, seed=1) * torch.tensor([1, 1, 2, 2, 1]), some(20, seed=2)]
    expected, used = [], set()
    for image, own in enumerate(boxes):
        for box in own:
            level = int(box[2] * box[3] >= (14 * 8) ** 2)
            used.add(level)
            features, stride = levels[str(level)][image : image + 1], 4 << level
            x, y = places_in(box[None], 14, 14)
            place = [((v - 0.5) / stride + 0.5) / n * 2 - 1 for v, n in zip((x, y), features.shape[:1:-1], strict=True)]
            sampled = functional.grid_sample(
                features, torch.stack(place, -1).reshape(1, 14, 14, 2), padding_mode="zeros", align_corners=False
            )
            expected.append(functional.avg_pool2d(sampled, 2))
    found, expected = pool(levels, boxes), torch.cat(expected)
    assert used == {0, 1}
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    weight = torch.randn(found.shape, generator=torch_rng)
    ours, theirs = (torch.autograd.grad((each * weight).sum(), list(levels.values())) for each in (found, expected))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)


def test_features_turn_with_the_box():
    """A picture turned by a quarter gives the turned box the same features."""
    settings = DetectionSettings(classes=("a",), anchor_sizes=((10.0,),), aspect_ratios=(0.25,))
    pool, plane = RotatedPool(settings), torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    # the first feature looks at the middle of the first pixel: the middle of the plane is at 62.5 pixels
    box, turned = torch.tensor([[52.5, 42.5, 40, 12, 0]]), torch.tensor([[42.5, 72.5, 40, 12, 90]])
    torch.testing.assert_close(pool({"0": plane}, [box]), pool({"0": plane.rot90(1, (2, 3))}, [turned]))
