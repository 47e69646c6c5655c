"""Losses by name, against what their papers say, computed by hand."""

import numpy as np
import pytest
import torch

from temj.cores import Truth
from temj.cores.semantic import IGNORE, Semantic
from temj.cores.semantic.names import LOSSES
from temj.errors import BadValue

SMALL = {"encoder": "tu-tf_mobilenetv3_small_minimal_100", "decoder_channels": (16, 8, 8, 8, 8)}
SIDE = 24


def core(loss: str, *classes: str, **more) -> Semantic:
    return Semantic({"classes": classes or ("a",), "loss": loss, **SMALL, **more})


def example(tested: Semantic, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Random logits, the target and the class map of one image."""
    rng = np.random.default_rng(seed)
    k = len(tested.classes)
    shape = (k, SIDE, SIDE) if tested.overlapping else (SIDE, SIDE)
    class_map = rng.integers(0, 2 if tested.overlapping else k + 1, shape).astype(np.uint8)
    outputs = k + tested.settings.softmax + tested.settings.learns_objects
    torch.manual_seed(seed)
    logits = torch.randn(1, outputs, SIDE, SIDE, requires_grad=True)
    return logits, torch.from_numpy(tested.encode(Truth(class_map))[None]), class_map


def test_focal_is_cross_entropy_of_what_is_not_sure():
    tested = core("focal")
    logits, target, truth = example(tested)
    p = logits.detach().sigmoid()[0, 0].double().numpy()
    right = np.where(truth > 0, p, 1 - p)
    expected = (-((1 - right) ** 2) * np.log(right)).mean()
    assert tested.loss(logits, target).item() == pytest.approx(expected, rel=1e-5)


def test_tversky_weighs_what_is_missed_more():
    tested = core("tversky")
    logits, target, truth = example(tested)
    p, t = logits.detach().sigmoid()[0, 0].double().numpy(), truth > 0
    index = ((p * t).sum() + 1) / ((p * t).sum() + 0.7 * ((1 - p) * t).sum() + 0.3 * (p * ~t).sum() + 1)
    assert tested.loss(logits, target).item() == pytest.approx(1 - index, rel=1e-5)


def test_boundary_is_probability_times_distance_to_the_edge():
    from scipy.ndimage import distance_transform_edt

    tested, truth = core("boundary"), np.zeros((SIDE, SIDE), np.uint8)
    truth[6:15, 4:20] = 1
    logits = torch.randn(1, 1, SIDE, SIDE)
    signed = (distance_transform_edt(truth == 0) - distance_transform_edt(truth > 0)) / np.hypot(SIDE, SIDE)
    expected = (logits.sigmoid()[0, 0].double().numpy() * signed).mean()
    found = tested.loss(logits, torch.from_numpy(tested.encode(Truth(truth))[None])).item()
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("more", [{}, {"instances": "distance"}, {"instances": "boundary"}, {"mode": "multilabel"}])
@pytest.mark.parametrize("classes", [("a",), ("a", "b", "c")])
def test_every_loss_goes_down_the_gradient_and_ignores_what_nobody_knows(loss, more, classes):
    tested = core(loss, *classes, **more)
    logits, _, class_map = example(tested)
    class_map[..., :8, :] = IGNORE
    target = torch.from_numpy(tested.encode(Truth(class_map))[None])
    value = tested.loss(logits, target)
    value.backward()
    assert value.isfinite()
    assert not logits.grad[:, :, :8].any()
    step = logits.detach() - 2.0 * logits.grad / logits.grad.abs().max()
    assert tested.loss(step, target) < value


def test_several_are_added_up():
    parts = [core(name) for name in ("bce", "dice", "focal")]
    logits, target, _ = example(parts[0])
    total = sum(part.loss(logits, target).item() for part in parts)
    assert core("bce+dice+focal").loss(logits, target).item() == pytest.approx(total, rel=1e-6)


def test_weights_count_the_pixels_of_a_class_as_often():
    plain, weighted = core("bce"), core("bce", class_weights=(1.0, 3.0))
    logits, target, truth = example(plain)
    p = logits.detach().sigmoid()[0, 0].double().numpy()
    expected = np.where(truth > 0, -3 * np.log(p), -np.log(1 - p)).mean()
    assert weighted.loss(logits, target).item() == pytest.approx(expected, rel=1e-5)


def test_classes_that_overlap_are_learned_each_by_itself():
    tested = core("bce", "a", "b", mode="multilabel")
    logits, target, class_map = example(tested)
    p = logits.detach().sigmoid()[0].double().numpy()
    expected = -np.where(class_map == 1, np.log(p), np.log(1 - p)).mean()
    assert tested.loss(logits, target).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("text", "said"), [("bec", "did you mean 'bce'"), ("bce+", "joined by"), ("dice+dice", "once")]
)
def test_wrong_names_are_told(text, said):
    with pytest.raises(BadValue, match=said):
        core(text)
