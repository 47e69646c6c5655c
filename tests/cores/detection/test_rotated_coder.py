import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temj.cores.detection.rotated.coder import FINE, ROUGH, canonical, decode, encode, folded
from temj.geometry import rotated

SIDE = st.floats(0.5, 300)
BOX = st.tuples(st.floats(-100, 600), st.floats(-100, 600), SIDE, SIDE, st.floats(-400, 400))


def tensor(boxes) -> torch.Tensor:
    return torch.tensor(boxes, dtype=torch.float64).reshape(-1, 5)


def same(one: torch.Tensor, other: torch.Tensor) -> None:
    """Corner for corner the same place, whatever numbers say so."""
    ours, theirs = (rotated.corners(rotated.canonical(boxes.numpy())) for boxes in (one, other))
    apart = np.linalg.norm(ours[:, :, None] - theirs[:, None], axis=-1).min(2)
    assert apart.max(initial=0) < 1e-6


@settings(max_examples=300, deadline=None)
@given(BOX, BOX, st.sampled_from([ROUGH, FINE]))
def test_what_is_encoded_is_decoded(box, anchor, weights):
    one, own = tensor(box), tensor(anchor)
    # a network may not answer larger ratios
    if float((one[:, 2:4].max() / own[:, 2:4].min()).log()) >= math.log(1000 / 16):
        one[:, 2:4] = own[:, 2:4]
    found = decode(encode(one, own, weights), own, weights)
    same(found, one)
    assert (found[:, 2] >= found[:, 3]).all()
    assert ((found[:, 4] >= 0) & (found[:, 4] < 180)).all()


@settings(max_examples=300, deadline=None)
@given(BOX, BOX, st.integers(-3, 3))
def test_the_twins_of_a_box_are_the_same_to_learn(box, anchor, half_turns):
    one, own = tensor(box), tensor(anchor)
    twin = one + tensor([0, 0, 0, 0, 180.0 * half_turns])
    across = one[:, [0, 1, 3, 2, 4]] + tensor([0, 0, 0, 0, 90.0])
    wanted = encode(one, own)
    for other in (twin, across):
        found = encode(other, own)
        # of two ways that are equally near either may be learned
        equal = torch.allclose(found, wanted, atol=1e-8)
        assert equal or torch.allclose(found[:, 2:].abs().sum(), wanted[:, 2:].abs().sum(), atol=1e-8)


@pytest.mark.parametrize("angle", [0.0, 1.0, 44.0, 89.0, 90.0, 135.0, 179.999])
@pytest.mark.parametrize("sides", [(60.0, 15.0), (20.0, 20.0), (20.5, 20.0)])
def test_the_loss_of_a_box_and_its_twin_is_nought(angle, sides):
    own = tensor([50, 40, *sides, angle])
    twins = [own + tensor([0, 0, 0, 0, 180]), own[:, [0, 1, 3, 2, 4]] + tensor([0, 0, 0, 0, 90])]
    twins += [own + tensor([0, 0, 0, 0, -180])]
    if sides[0] == sides[1]:
        twins.append(own + tensor([0, 0, 0, 0, 90]))
    for twin in twins:
        assert torch.nn.functional.smooth_l1_loss(encode(twin, own), torch.zeros(1, 5, dtype=torch.float64)) < 1e-20


def test_nothing_jumps_where_an_angle_passes_180_degrees():
    own = tensor([0, 0, 60, 15, 178])
    before, after = encode(tensor([0, 0, 60, 15, 179.9]), own), encode(tensor([0, 0, 60, 15, 0.1]), own)
    assert torch.allclose(torch.rad2deg(before[0, 4]), torch.tensor(1.9, dtype=torch.float64))
    assert torch.allclose(torch.rad2deg(after[0, 4]), torch.tensor(2.1, dtype=torch.float64))


def test_nothing_jumps_where_a_box_becomes_wider_than_long():
    own = tensor([0, 0, 20, 20, 10])
    upright = [encode(tensor(rotated.canonical(np.array([[0, 0, 20 + d, 20 - d, 12]]))), own) for d in (0.01, -0.01)]
    assert (upright[0] - upright[1]).abs().max() < 3e-3


def test_differences_of_angles_are_folded():
    turn = torch.linspace(-20, 20, 4001, dtype=torch.float64)
    found = folded(turn)
    assert (found > -math.pi / 2).all()
    assert (found <= math.pi / 2).all()
    assert torch.allclose(torch.sin(2 * found), torch.sin(2 * turn), atol=1e-9)


def test_canonical_is_that_of_geometry():
    rng = np.random.default_rng(4)
    boxes = np.column_stack([rng.uniform(0, 99, (500, 2)), rng.uniform(1, 60, (500, 2)), rng.uniform(-400, 400, 500)])
    np.testing.assert_allclose(canonical(tensor(boxes)).numpy(), rotated.canonical(boxes), atol=1e-9)
    # in 32 bits too the angle stays below 180
    assert canonical(torch.tensor([[0, 0, 4.0, 2.0, -1e-7]]))[0, 4] < 180


def test_absurd_answers_stay_numbers():
    own = torch.tensor([[10.0, 10, 40, 10, 30]])
    answers = torch.tensor([[1e30, -1e30, 1e30, 1e4, 1e6]])
    assert torch.isfinite(decode(answers, own)).all()
