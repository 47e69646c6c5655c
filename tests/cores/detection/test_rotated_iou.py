import numpy as np
import pytest
import torch
import torchvision

from temj.cores.detection.rotated import iou as twin
from temj.cores.detection.rotated.iou import rotated_iou_matrix, rotated_iou_pairs, rotated_nms
from temj.errors import BadValue
from temj.geometry import rotated

RNG = np.random.default_rng


def random_boxes(rng: np.random.Generator, count: int, field: float = 100.0) -> np.ndarray:
    place, sides = rng.uniform(0, field, (count, 2)), rng.uniform(1, 60, (count, 2))
    return np.column_stack([place, sides, rng.uniform(-400, 400, count)])


def trouble(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of all kinds: apart, overlapping, equal, turned by 1e-9 or a quarter, one in the other, thin, flat."""
    first = random_boxes(rng, count)
    first[::5, 2:4] *= [20, 0.05]
    second = first.copy()
    kind = rng.integers(0, 7, count)
    second[kind == 1, 4] += 1e-9
    second[kind == 2, 4] += 90
    second[kind == 3, 2:4] *= 0.5
    second[kind == 4, 3] = 0
    second[kind == 5, :2] += second[kind == 5, 2:3] * np.stack(
        [np.cos(np.deg2rad(second[kind == 5, 4])), -np.sin(np.deg2rad(second[kind == 5, 4]))], 1
    )
    second[kind == 6] = random_boxes(rng, int((kind == 6).sum()))
    return first, second


@pytest.mark.parametrize(("dtype", "allowed"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_it_is_the_iou_of_numpy(dtype, allowed):
    first, second = (torch.from_numpy(boxes).to(dtype) for boxes in trouble(RNG(0), 100_000))
    found = rotated_iou_pairs(first, second)
    assert found.dtype == dtype
    expected = rotated.rotated_iou_pairs(first.double().numpy(), second.double().numpy())
    assert 0.2 < (expected > 0).mean() < 0.9
    np.testing.assert_allclose(found.double().numpy(), expected, rtol=0, atol=allowed)


@pytest.mark.parametrize("table", [1, 150, 1 << 22])
@pytest.mark.parametrize("least", [0.0, 0.3])
def test_the_matrix_has_every_pair(monkeypatch, table, least):
    monkeypatch.setattr(twin, "_TABLE", table)
    rng = RNG(1)
    first, second = random_boxes(rng, 60), random_boxes(rng, 40)
    second[:20] = first[:20]
    second[5, 2:4] *= 100
    second[6, 3] = 0
    i, j = (index.ravel() for index in np.indices((60, 40)))
    full = rotated.rotated_iou_pairs(first[i], second[j]).reshape(60, 40)
    found = rotated_iou_matrix(torch.from_numpy(first), torch.from_numpy(second), least).numpy()
    np.testing.assert_allclose(found, np.where(full >= least, full, 0), rtol=0, atol=1e-9)
    assert (found[:, 6] == 0).all()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_no_boxes(shape):
    first, second = (torch.ones(count, 5) for count in shape)
    assert rotated_iou_matrix(first, second).shape == shape
    assert rotated_iou_pairs(first[:0], second[:0]).shape == (0,)
    assert rotated_nms(first[:0], torch.empty(0), 0.5).tolist() == []


@pytest.mark.parametrize("head", [3, 256])
def test_suppression_is_that_of_numpy(monkeypatch, head):
    monkeypatch.setattr(twin, "_HEAD", head)
    rng = RNG(2)
    for number in range(200):
        boxes, scores = random_boxes(rng, 40), rng.integers(0, 20, 40) / 20
        boxes[20:] = boxes[:20] + rng.normal(0, 1, (20, 5))
        boxes[:, 2:4] = np.abs(boxes[:, 2:4])
        groups = rng.integers(0, 1 + number % 3, 40)
        limit = (0.0, 0.2, 0.5, 0.8)[number % 4]
        found = rotated_nms(torch.from_numpy(boxes), torch.from_numpy(scores), limit, torch.from_numpy(groups))
        assert found.tolist() == rotated.nms(boxes, scores, limit, groups).tolist()


def test_suppression_of_upright_boxes_is_that_of_torchvision():
    rng = RNG(3)
    low, size, scores = rng.uniform(0, 300, (800, 2)), rng.uniform(5, 40, (800, 2)), rng.uniform(size=800)
    upright = torch.from_numpy(np.concatenate([low, low + size], axis=1))
    turned = torch.from_numpy(np.column_stack([low + size / 2, size, np.zeros(800)]))
    groups = torch.from_numpy(rng.integers(0, 3, 800))
    expected = torchvision.ops.batched_nms(upright, torch.from_numpy(scores), groups, 0.3)
    assert rotated_nms(turned, torch.from_numpy(scores), 0.3, groups).tolist() == expected.tolist()
    assert rotated.nms(upright.numpy(), scores, 0.3, groups.numpy()).tolist() == expected.tolist()


def test_autocast_and_small_types_are_computed_in_32_bits():
    first, second = (torch.from_numpy(boxes).float() for boxes in trouble(RNG(4), 2000))
    with torch.autocast("cpu", torch.bfloat16):
        found = rotated_iou_pairs(first, second)
        matrix = rotated_iou_matrix(first[:50], second[:50])
    assert found.dtype == matrix.dtype == torch.float32
    assert torch.equal(found, rotated_iou_pairs(first, second))
    assert torch.equal(matrix, rotated_iou_matrix(first[:50], second[:50]))
    coarse, other = first.to(torch.bfloat16), second.to(torch.bfloat16)
    assert torch.equal(rotated_iou_pairs(coarse, other), rotated_iou_pairs(coarse.float(), other.float()))
    mixed = rotated_iou_pairs(first, second.double())
    assert mixed.dtype == torch.float64
    whole = torch.tensor([[10, 10, 8, 4, 0]])
    assert rotated_iou_pairs(whole, whole + torch.tensor([4, 0, 0, 0, 0])).tolist() == pytest.approx([1 / 3])


def test_boxes_that_are_learnt_are_no_obstacle():
    boxes = torch.from_numpy(random_boxes(RNG(5), 10)).requires_grad_()
    assert not rotated_iou_matrix(boxes, boxes).requires_grad
    assert len(rotated_nms(boxes, torch.arange(10.0).requires_grad_(), 0.5))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_a_number_that_is_not_finite_is_refused(value):
    good = torch.tensor([[5.0, 5, 4, 2, 30]]).repeat(4, 1)
    for column in range(5):
        bad = good.clone()
        bad[2, column] = value
        for call in (
            lambda bad=bad: rotated_iou_pairs(good, bad),
            lambda bad=bad: rotated_iou_matrix(bad, good),
            lambda bad=bad: rotated_nms(bad, torch.ones(4), 0.5),
        ):
            with pytest.raises(BadValue, match=r"finite numbers up to 2\^30.*box 2"):
                call()


def test_what_cannot_be_is_refused():
    boxes = torch.tensor([[5.0, 5, 4, 2, 30]]).repeat(3, 1)
    for call, told in [
        (lambda: rotated_iou_pairs(boxes, boxes[:2]), "3 and 2"),
        (lambda: rotated_iou_matrix(boxes[:, :4], boxes), "a tensor"),
        (
            lambda: rotated_nms(boxes * torch.tensor([1, 1, 1, -1, 1]), torch.ones(3), 0.5),
            "not negative.*box 0.*2 more",
        ),
        (lambda: rotated_nms(boxes, torch.ones(2), 0.5), "3 finite scores"),
        (lambda: rotated_nms(boxes, torch.tensor([1, float("nan"), 1]), 0.5), "3 finite scores"),
        (lambda: rotated_nms(boxes, torch.ones(3), -0.5), "from 0 to 1"),
        (lambda: rotated_nms(boxes, torch.ones(3), 0.5, torch.ones(2)), "3 numbers"),
    ]:
        with pytest.raises(BadValue, match=told):
            call()
