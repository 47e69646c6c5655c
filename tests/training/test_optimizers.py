"""Optimisers and schedules by name."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from temj.errors import BadValue
from temj.training import TrainingOptions
from temj.training.optimizers import OPTIMIZERS, make_optimizer
from temj.training.schedules import SCHEDULES, make_schedule, parsed


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.encoder = torch.nn.Linear(3, 4)
        self.head = torch.nn.Linear(4, 1)

    def forward(self, x):
        return self.head(self.encoder(x))


def rates(text: str, steps: int, optimizer: str = "adamw") -> list[float]:
    """The learning rate of each step of a run, top rate 1."""
    weights = make_optimizer(optimizer, Net(), 1.0, 0.0)
    schedule = make_schedule(text, weights, steps)
    found = []
    for _ in range(steps):
        found.append(weights.param_groups[0]["lr"])
        weights.step()
        schedule.step()
    return found


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_one_lowers_a_simple_loss_at_its_own_rate(name):
    network, found = Net(), OPTIMIZERS[name]
    weights = make_optimizer(name, network, found.learning_rate, found.weight_decay)
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(1))
    losses = []
    for _ in range(60):
        loss = ((network(x) - x.sum(1, keepdim=True)) ** 2).mean()
        weights.zero_grad()
        loss.backward()
        weights.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_each_goes_on_from_json_and_tensors_bit_for_bit(name, schedule):
    def steps(network, weights, plan, count):
        for _ in range(count):
            weights.zero_grad()
            (network(torch.ones(2, 3)) ** 2).mean().backward()
            weights.step()
            plan.step()

    def made():
        network = Net()
        weights = make_optimizer(name, network, 1e-2, 1e-3, encoder_rate=0.1)
        return network, weights, make_schedule(schedule, weights, 8)

    whole, first, second = made(), made(), made()
    steps(*whole, 6)
    steps(*first, 3)
    state = first[1].state_dict()
    groups, plan = json.loads(json.dumps([state["param_groups"], first[2].state_dict()]))
    second[0].load_state_dict(first[0].state_dict())
    second[1].load_state_dict({"state": state["state"], "param_groups": groups})
    second[2].load_state_dict(plan)
    steps(*second, 3)
    for ours, theirs in zip(second[0].parameters(), whole[0].parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_encoder_has_its_share_of_the_rate_along_the_whole_schedule():
    weights = make_optimizer("sgd", Net(), 0.5, 0.0, encoder_rate=0.1)
    schedule = make_schedule("one-cycle", weights, 10)
    for _ in range(10):
        head, encoder = weights.param_groups
        assert encoder["lr"] == pytest.approx(0.1 * head["lr"])
        weights.step()
        schedule.step()
    assert sum(weight.numel() for group in weights.param_groups for weight in group["params"]) == 21


def test_another_rate_for_the_encoder_of_a_network_without_one_is_refused():
    with pytest.raises(BadValue, match="no-encoder"):
        make_optimizer("sgd", torch.nn.Linear(2, 2), 0.5, 0.0, encoder_rate=0.1)


class TestSchedules:
    def test_one_cycle_is_that_of_torch(self):
        weights = torch.optim.AdamW(Net().parameters(), lr=1.0)
        reference = torch.optim.lr_scheduler.OneCycleLR(weights, 1.0, total_steps=21)
        expected = []
        for _ in range(20):
            expected.append(weights.param_groups[0]["lr"])
            weights.step()
            reference.step()
        assert rates("one-cycle", 20) == expected

    def test_poly_is_that_of_torch(self):
        weights = torch.optim.SGD(Net().parameters(), lr=1.0)
        reference = torch.optim.lr_scheduler.PolynomialLR(weights, 20, power=0.7)
        expected = []
        for _ in range(20):
            expected.append(weights.param_groups[0]["lr"])
            weights.step()
            reference.step()
        assert rates("poly:0.7", 20) == pytest.approx(expected)

    def test_cosine_rises_in_a_line_and_falls_along_half_a_cosine(self):
        found = rates("cosine:0.2", 20)
        assert found[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
        assert found[4:] == pytest.approx([0.5 * (1 + math.cos(math.pi * k / 16)) for k in range(16)])

    def test_step_falls_to_a_tenth_as_in_the_published_run(self):
        found = np.array(rates("step", 90))
        assert np.allclose(found, 10.0 ** -(np.arange(90) // 20))
        assert rates("step:2", 5) == pytest.approx([1, 1, 0.1, 0.1, 0.01])

    @given(st.sampled_from(sorted(SCHEDULES)), st.integers(1, 50))
    def test_no_rate_leaves_its_range_however_short_the_run(self, name, steps):
        found = rates(name, steps, "sgd")
        assert all(0 <= rate <= 1 + 1e-9 for rate in found)
        assert found[0] > 0

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("cosin", "unknown-schedule: cosin.*Did you mean 'cosine'"),
            ("cosine:2", "behind 'cosine:' the share of the run in which the rate rises, a number from 0 to 0.99"),
            ("step:", "of at least 1, found 'step:'"),
            ("constant:3", "Expected 'constant' alone, found 'constant:3'"),
        ],
    )
    def test_a_wrong_one_is_a_sentence(self, text, says):
        with pytest.raises(BadValue, match=says):
            parsed(text)


def test_options_name_the_nearest_optimizer_before_anything_begins():
    with pytest.raises(BadValue, match=r"unknown-optimizer: adamwd.*Did you mean 'adamw'"):
        TrainingOptions(optimizer="adamwd")
    with pytest.raises(BadValue, match="unknown-schedule"):
        TrainingOptions(schedule="sawtooth")
