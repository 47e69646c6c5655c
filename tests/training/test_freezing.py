"""A frozen encoder: not a bit of its weights and running statistics changes, all else learns."""

import numpy as np
import pytest
import torch

from temj.cores import make_core
from temj.datasets import open_dataset
from temj.errors import BadValue
from temj.training import TrainingOptions, train
from temj.training.freezing import frozen_at, set_frozen, train_mode
from temj.training.run import RunFolder
from temj.workflows.train import training_options


@pytest.fixture
def network(tiny):
    """A network with random weights."""
    torch.manual_seed(2)
    return make_core("semantic", {"classes": ["disc"], **tiny["settings"]}).network


def learn(network, optimizer, steps: int = 3) -> None:
    for step in range(steps):
        images = torch.from_numpy(np.random.default_rng(step).normal(2, 3, (2, 1, 64, 64)).astype(np.float32))
        train_mode(network)
        optimizer.zero_grad(set_to_none=True)
        network(images).square().mean().backward()
        optimizer.step()


def copy(network) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def changed(network, before) -> set[str]:
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


def test_when():
    assert [frozen_at(2, epoch) for epoch in range(4)] == [True, True, False, False]
    assert not frozen_at(0, 0)
    assert frozen_at("all", 10**6)


@pytest.mark.parametrize("optimizer", ["AdamW", "SGD"])
def test_not_a_bit_of_a_frozen_encoder_changes_and_all_else_learns(network, optimizer):
    made = getattr(torch.optim, optimizer)(network.parameters(), lr=0.01, weight_decay=0.1)
    before = copy(network)
    assert set_frozen(network, True)
    learn(network, made)
    moved = changed(network, before)
    assert moved == {name for name in before if not name.startswith("encoder.")}
    assert any("running_mean" in name for name in moved)  # statistics of the decoder follow


def test_an_encoder_that_is_set_free_learns_with_the_same_optimizer(network):
    made = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.1)
    set_frozen(network, True)
    learn(network, made)
    before = copy(network)
    assert set_frozen(network, False)
    learn(network, made)
    # Not the first convolutions of blocks whose output a batch norm makes independent of their scale, but nearly all.
    assert changed(network, before) == set(before)


def test_one_that_is_frozen_later_stops_at_once_in_spite_of_momentum(network):
    made = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=0.1)
    learn(network, made)
    before = copy(network)
    set_frozen(network, True)
    made.step()  # the gradients of the step before are still there
    learn(network, made)
    assert not [name for name in changed(network, before) if name.startswith("encoder.")]


def test_it_says_whether_something_changed(network):
    assert not set_frozen(network, False)
    assert set_frozen(network, True)
    assert not set_frozen(network, True)
    assert set_frozen(network, False)


def test_a_network_without_encoder_cannot_be_frozen():
    plain = torch.nn.Sequential(torch.nn.Linear(1, 1))
    assert not set_frozen(plain, False)
    train_mode(plain)
    assert plain.training
    with pytest.raises(BadValue, match="no-encoder"):
        set_frozen(plain, True)


class TestInTraining:
    def encoders(self, folder) -> list[dict[str, torch.Tensor]]:
        """Of the network and of its mean in the last checkpoint."""
        tensors, _ = RunFolder(folder).load()
        return [
            {name.removeprefix(f"{part}/encoder."): value for name, value in tensors.items()
             if name.startswith(f"{part}/encoder.")} for part in ("network", "averaged")
        ]  # fmt: skip

    def run(self, folder, data, tiny, monkeypatch, **options):
        """Train and keep the checkpoints; gives the encoders of its end."""
        monkeypatch.setattr(RunFolder, "finish", lambda self: None)
        model = train(open_dataset(data), "semantic", folder, TrainingOptions(**{**tiny, **options}))
        return model, self.encoders(folder)

    def test_for_good(self, first, discs, tmp_path, tiny, monkeypatch):
        before = {name.removeprefix("encoder."): value for name, value in
                  first.load_core("cpu").network.state_dict().items() if name.startswith("encoder.")}  # fmt: skip
        options = {"start": str(first.folder), "freeze": "all"}
        model, ends = self.run(tmp_path / "m", discs, tiny, monkeypatch, **options)
        for end in ends:
            assert before.keys() == end.keys()
            assert all(torch.equal(end[name], before[name]) for name in before)
        stored = model.load_core("cpu").network.state_dict()
        assert all(torch.equal(stored[f"encoder.{name}"], before[name]) for name in before)
        assert not torch.equal(stored["segmentation_head.0.weight"],
                               first.load_core("cpu").network.state_dict()["segmentation_head.0.weight"])  # fmt: skip

    def test_for_one_epoch(self, first, discs, tmp_path, tiny, monkeypatch):
        seen = {}
        options = TrainingOptions(**{**tiny, "start": str(first.folder), "freeze": 1, "epochs": 2})
        monkeypatch.setattr(RunFolder, "finish", lambda self: None)
        real = RunFolder.save

        def save(self, tensors, state):
            seen[state["step"]] = {
                name: t.clone() for name, t in tensors.items() if name.startswith("network/encoder.")
            }
            real(self, tensors, state)

        monkeypatch.setattr(RunFolder, "save", save)
        train(open_dataset(discs), "semantic", tmp_path / "m", options)
        middle, end = max(seen) // 2, max(seen)
        assert {0, middle, end} <= set(seen)
        assert all(torch.equal(seen[0][name], seen[middle][name]) for name in seen[0])
        differing = [name for name in seen[0] if not torch.equal(seen[0][name], seen[end][name])]
        assert len(differing) > 0.9 * len(seen[0])


@pytest.mark.parametrize("wrong", ["fünf", -1, 2.5, "ALL", None])
def test_what_is_no_number_of_epochs_is_named_by_its_option(wrong):
    with pytest.raises(BadValue, match=r"option: freeze\. Expected a number of epochs \(0 or more\), or all, found"):
        training_options({"freeze": wrong})


@pytest.mark.parametrize(("given", "meant"), [(3, 3), ("3", 3), ("all", "all")])
def test_numbers_of_epochs_and_all(given, meant):
    assert training_options({"freeze": given}).freeze == meant
